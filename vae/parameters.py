"""Randomly initialised parameters."""

import torch
from torch import nn


def drawn(spread: float, *shape: int) -> nn.Parameter:
    """Return a parameter initialised from a normal distribution with standard deviation `spread`.

    On the meta device, which is used to determine shapes, nothing is drawn: PyTorch would load its compiler for that,
    which takes a second.
    """
    values = torch.empty(shape)
    return nn.Parameter(values if values.is_meta else spread * torch.randn(shape))


def embedding(rows: int, size: int) -> nn.Embedding:
    """Return an embedding with the initialisation of nn.Embedding, made with `drawn`."""
    return nn.Embedding.from_pretrained(drawn(1.0, rows, size), freeze=False)

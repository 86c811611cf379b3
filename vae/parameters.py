"""Parameters that begin as random draws."""

import torch
from torch import nn


def drawn(spread: float, *shape: int) -> nn.Parameter:
    """Return a parameter of normal draws with a standard deviation.

    On the meta device, where a model is made to learn its shapes, nothing is drawn: PyTorch would load its compiler for
    that, which takes a second.
    """
    values = torch.empty(shape)
    return nn.Parameter(values if values.is_meta else spread * torch.randn(shape))


def embedding(rows: int, size: int) -> nn.Embedding:
    """Return an embedding that begins as nn.Embedding does, by `drawn`."""
    return nn.Embedding.from_pretrained(drawn(1.0, rows, size), freeze=False)

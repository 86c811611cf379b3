"""The evidence lower bound: the nats that a model needs to describe a melody.

Conventions:
    ELBO = -(cross entropy + KL), both summed over a melody and averaged over the batch. The training loss is
    cross entropy + beta * max(0, KL - free bits); with a beta of 1 and no free bits it is -ELBO.

Source:
    I. Higgins et al., beta-VAE, 2017; free bits: D. P. Kingma et al., Improving Variational Inference with Inverse
    Autoregressive Flow, 2016.
"""

import torch
from torch import Tensor
from torch.nn import functional

NATS_PER_BIT = 0.6931471805599453


def cross_entropy(logits: Tensor, tokens: Tensor) -> Tensor:
    """Return the cross entropy (B,), in nats, of tokens (B, T) under logits (B, T, classes), summed over steps."""
    nats = functional.cross_entropy(logits.flatten(0, 1).float(), tokens.flatten(), reduction="none")
    return nats.reshape(tokens.shape).sum(dim=1)


def kl_divergence(mean: Tensor, deviation: Tensor) -> Tensor:
    """Return the KL divergence (B, latent), in nats, of N(mean, deviation^2) from N(0, 1)."""
    return 0.5 * (mean**2 + deviation**2 - 1) - torch.log(deviation)


def beta_loss(nats: Tensor, kl: Tensor, beta: float | Tensor, free_bits: float = 0.0) -> Tensor:
    """Return the loss to minimise.

    Args:
        nats: (B,) cross entropy.
        kl: (B, latent) KL divergence.
        beta: weight of the divergence.
        free_bits: bits of divergence per melody that cost nothing.
    """
    charged = (kl.sum(dim=1) - free_bits * NATS_PER_BIT).clamp_min(0)
    return nats.mean() + beta * charged.mean()

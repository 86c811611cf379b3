"""Moving a melody along an attribute that is given by examples: denser, higher, livelier.

The mean code of dense melodies does not decode to a dense melody, so a straight line in the latent space changes
little. Instead, this module searches for a nearby melody whose figures have moved in the direction of the examples.

Conventions: tokens int64 (N, T); codes float32 (N, latent); F figures per melody, float64. An amount of 1 is half the
difference between the examples with and without the attribute.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vae.model import MusicVAE
from vae.sampling import decode, encode
from vae.statistics import figures

ROUNDS, CANDIDATES = 12, 64
NEIGHBOURS = 32
"""Number of nearest bars of examples from which a candidate takes one."""
CHANGE = 0.2
"""Cost of changing all steps of a melody, relative to the mean square error of the figures in deviations."""


@dataclass(frozen=True)
class Attribute:
    """The difference between melodies with and without an attribute."""

    difference: np.ndarray
    """(F,) mean figures with the attribute minus mean figures without it."""
    deviation: np.ndarray
    """(F,) standard deviation within each set, above 0."""
    codes: tuple[Tensor, Tensor]
    """Posterior means (N, latent) of the examples without and with the attribute."""

    @property
    def weights(self) -> np.ndarray:
        """Weights (F,) of the figures, by how well each one separates the two sets; they sum to 1."""
        squares = (self.difference / self.deviation) ** 2
        return squares**2 / max(1e-12, (squares**2).sum())


def learn_attribute(model: MusicVAE, having: Tensor, lacking: Tensor) -> Attribute:
    """Learn the attribute that melodies (N, T) have and others (M, T) lack."""
    form = model.config.form
    with_it, without = (figures(*form.read(tokens.numpy()), form.steps_per_bar) for tokens in (having, lacking))
    spread = np.sqrt((with_it.var(axis=0) + without.var(axis=0)) / 2)
    floor = 0.1 * np.abs(np.concatenate((with_it, without))).mean(axis=0) + 1e-3
    codes = encode(model, lacking)[0], encode(model, having)[0]
    return Attribute(with_it.mean(axis=0) - without.mean(axis=0), np.maximum(spread, floor), codes)


def move(model: MusicVAE, start: Tensor, attribute: Attribute, amount: float, seed: int = 0) -> Tensor:
    """Return a melody (T,) near the one of a latent vector (latent,), with more (amount > 0) or less of an attribute.

    Candidates move some bars part of the way to bars of the examples. The best one of a round is kept if it improves.
    """
    config, generator = model.config, torch.Generator().manual_seed(seed)
    bars = config.bars if config.by_slots else 1
    examples = attribute.codes[amount > 0].reshape(-1, config.latent // bars)
    first = decode(model, start[None])

    wanted = _figures(model, first) + amount / 2 * attribute.difference

    def cost(tokens: Tensor) -> np.ndarray:
        missed = (((_figures(model, tokens) - wanted) / attribute.deviation) ** 2 * attribute.weights).sum(axis=1)
        return missed + CHANGE * (tokens != first).double().mean(dim=1).numpy()

    z, melody, least = start, first[0], cost(first)[0]
    for _ in range(ROUNDS if amount else 0):
        slots = z.reshape(1, bars, -1).expand(CANDIDATES, -1, -1)
        near = torch.cdist(slots[0], examples).topk(min(NEIGHBOURS, len(examples)), largest=False).indices
        chosen = torch.randint(near.shape[1], (CANDIDATES, bars, 1), generator=generator)
        target = examples[near.expand(CANDIDATES, -1, -1).gather(2, chosen)[..., 0]]
        rate, share = torch.rand((2, CANDIDATES, 1, 1), generator=generator)
        moved = (torch.rand((CANDIDATES, bars, 1), generator=generator) < rate.clamp_min(1 / bars)) * share
        candidates = (slots + moved * (target - slots)).flatten(1)
        tokens = decode(model, candidates)
        costs = cost(tokens)
        best = int(costs.argmin())
        if costs[best] < least:
            z, melody, least = candidates[best], tokens[best], costs[best]
    return melody


def _figures(model: MusicVAE, tokens: Tensor) -> np.ndarray:
    return figures(*model.config.form.read(tokens.numpy()), model.config.form.steps_per_bar)

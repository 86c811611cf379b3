"""Moving a melody along an attribute of which there are examples: denser, higher, livelier.

The mean of the codes of dense melodies decodes to no dense melody, so a straight line in the latent space changes
little. What is searched for is a melody near the first one whose figures have moved as the examples say.

Conventions: tokens int64 (N, T); codes float32 (N, latent); F figures of a melody, float64. An amount of 1 is half the
difference between the examples with the attribute and those without it.
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
"""Bars of examples, nearest to the one they change, of which a candidate takes one."""
CHANGE = 0.2
"""Price of changing all steps of a melody, beside the mean square of the figures, in deviations."""


@dataclass(frozen=True)
class Attribute:
    """What tells melodies with an attribute from those without it."""

    difference: np.ndarray
    """(F,) from the figures of those without it to those with it, means."""
    deviation: np.ndarray
    """(F,) within either, above 0."""
    codes: tuple[Tensor, Tensor]
    """Posterior means (N, latent) of those without it and of those with it."""

    @property
    def weights(self) -> np.ndarray:
        """How much each figure (F,) counts, by how well it alone tells them apart; their sum is 1."""
        squares = (self.difference / self.deviation) ** 2
        return squares**2 / max(1e-12, (squares**2).sum())


def learn_attribute(model: MusicVAE, having: Tensor, lacking: Tensor) -> Attribute:
    """Return the attribute that melodies (N, T) have and others (M, T) lack."""
    form = model.config.form
    with_it, without = (figures(*form.read(tokens.numpy()), form.steps_per_bar) for tokens in (having, lacking))
    spread = np.sqrt((with_it.var(axis=0) + without.var(axis=0)) / 2)
    floor = 0.1 * np.abs(np.concatenate((with_it, without))).mean(axis=0) + 1e-3
    codes = encode(model, lacking)[0], encode(model, having)[0]
    return Attribute(with_it.mean(axis=0) - without.mean(axis=0), np.maximum(spread, floor), codes)


def move(model: MusicVAE, start: Tensor, attribute: Attribute, amount: float, seed: int = 0) -> Tensor:
    """Return a melody (T,) near that of a latent vector (latent,), with more (amount > 0) or less of an attribute.

    Candidates take bars a part of the way to bars of the examples; the best of each round is kept if it is better.
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

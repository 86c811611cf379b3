"""Training the networks of the learned listener: real melodies against negatives and what attacks have found.

Conventions:
    Melodies are (N, T) int8. The label of a melody is that of each of its windows. Losses are minimised.
    A network's *mean logit* of a melody is that over its windows; an ensemble's judgement is the least of its networks'
    mean logits, each measured in standard deviations from the median real melody.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from listener.conv_net import WindowNet, logits_of_all, step_codes
from listener.corpus import moved
from listener.markov import MarkovChain
from listener.negatives import negatives
from listener.red_team import AttackOptions, attack

MADE_AT_ONCE = 16
"""Batches that are made together, as many small ones cost more."""

DEFAULT_MINUTES = 8.0
"""Measured, of one core."""


@dataclass(frozen=True)
class TrainingOptions:
    """How the networks are trained."""

    nets: int = 2
    """Networks that are hardened."""
    hearing: int = 1
    """Networks that are not."""
    steps: int = 3400
    """Steps of gradient descent of a network before any attack."""
    batch: int = 64
    """Real melodies in a batch, and as many others."""
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    label_smoothing: float = 0.03
    rounds: int = 8
    """How often the ensemble is attacked and trained on."""
    round_steps: int = 300
    round_learning_rate: float = 1e-3
    attacked_share: float = 0.35
    """Part of the negatives that comes from attacks."""
    attack_generations: int = 300
    attack_islands: int = 32
    attack_size: int = 8

    @classmethod
    def lasting(cls, minutes: float) -> "TrainingOptions":
        """Return options for about so many minutes on one core: the default ones take `DEFAULT_MINUTES`.

        All is scaled alike, but the rounds only where minutes are few.
        """
        scale = minutes / DEFAULT_MINUTES
        scaled = ("steps", "round_steps", "attack_generations")
        rounds = min(cls.rounds, max(1, round(3 * scale * cls.rounds)))
        return cls(rounds=rounds, **{name: max(1, round(scale * getattr(cls, name))) for name in scaled})


@dataclass(frozen=True, eq=False)
class Scales:
    """Median and standard deviation of each network's mean logit of real melodies, (nets,) float64."""

    median: np.ndarray
    deviation: np.ndarray


def train(
    net: WindowNet,
    reals: Sequence[np.ndarray],
    chain: MarkovChain,
    pool: np.ndarray,
    steps: int,
    learning_rate: float,
    options: TrainingOptions,
    generator: np.random.Generator,
    report: Callable[[float], None] = lambda loss: None,
) -> None:
    """Train a network in place; the learning rate falls along a cosine to a twentieth.

    Args:
        net: to train.
        reals: (R, T) int8 real melodies, as low as they go; several sorts, each of its own length, take turns.
        chain: source of negatives.
        pool: (P, T) int8 found by attacks, may be empty.
        steps: of gradient descent.
        learning_rate: at the beginning.
        options: everything else.
        generator: source of chance; torch's own chance is drawn from torch's generator.
        report: is told the loss of every step.
    """
    optimiser = torch.optim.AdamW(net.parameters(), lr=learning_rate, weight_decay=options.weight_decay)
    net.train()
    labels = torch.full((2 * options.batch,), options.label_smoothing)
    labels[: options.batch] = 1 - options.label_smoothing
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * max(0.05, np.cos(step / steps * np.pi / 2))
        turn = step % (MADE_AT_ONCE * len(reals))
        if turn == 0:
            batches = [_batches(real, chain, pool, options, generator) for real in reals]
        found = net(torch.from_numpy(batches[turn % len(reals)][turn // len(reals)]))
        loss = _cross_entropy(found, labels[:, None].expand_as(found)) + _cross_entropy(found.mean(dim=1), labels)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        report(loss.item() / 2)
    net.eval()


_cross_entropy = nn.functional.binary_cross_entropy_with_logits


def _batches(
    real: np.ndarray, chain: MarkovChain, pool: np.ndarray, options: TrainingOptions, generator: np.random.Generator
) -> np.ndarray:
    """Return the codes of several batches, (MADE_AT_ONCE, 2 * batch, T, 4) int32; the first half of each is real."""
    true = moved(real[generator.integers(0, len(real), MADE_AT_ONCE * options.batch)], generator)
    false = _against(true, chain, pool, options, generator)
    false = false[generator.permutation(len(false))]
    shape = (MADE_AT_ONCE, options.batch, *true.shape[1:], 4)
    return np.concatenate([step_codes(each).reshape(shape) for each in (true, false)], axis=1)


def _against(
    real: np.ndarray, chain: MarkovChain, pool: np.ndarray, options: TrainingOptions, generator: np.random.Generator
) -> np.ndarray:
    attacked = round(options.attacked_share * len(real)) if len(pool) else 0
    found = moved(pool[generator.integers(0, len(pool), attacked)], generator) if attacked else real[:0]
    return np.concatenate((negatives(real, len(real) - attacked, chain, generator), found))


def mean_logits(nets: Sequence[WindowNet], melodies: np.ndarray) -> np.ndarray:
    """Return each network's mean logit of each melody, (nets, N) float64."""
    return logits_of_all(nets, melodies).mean(axis=2, dtype=np.float64)


def scales(nets: Sequence[WindowNet], real: np.ndarray) -> Scales:
    """Measure the networks on real melodies (N, T)."""
    found = mean_logits(nets, real)
    return Scales(np.median(found, axis=1), found.std(axis=1))


def judgement(nets: Sequence[WindowNet], measure: Scales, melodies: np.ndarray) -> np.ndarray:
    """Return the least of the networks' judgements of each melody, (N,) standard deviations from the real median."""
    return ((mean_logits(nets, melodies) - measure.median[:, None]) / measure.deviation[:, None]).min(axis=0)


def attacked_pool(
    nets: Sequence[WindowNet], real: np.ndarray, options: TrainingOptions, generator: np.random.Generator
) -> tuple[np.ndarray, float]:
    """Attack the ensemble.

    Returns:
        What was found, (P, T) int8, and the median judgement of the islands' champions.
    """
    measure = scales(nets, moved(real[generator.integers(0, len(real), 512)], generator))
    size = AttackOptions(options.attack_islands, options.attack_size, options.attack_generations)
    finds = attack(lambda melodies: judgement(nets, measure, melodies), real.shape[1], size, generator)
    return finds.population, float(np.median(finds.scores))

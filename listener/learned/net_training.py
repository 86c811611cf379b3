"""Training the networks of the learned listener: real melodies against others.

Conventions:
    Melodies are (N, T) int8. The label of a melody is that of each of its windows. Losses are minimised.
    Where others are *paired*, the i-th is the i-th real one made worse, and the network also learns which of the two is
    which: so what sets melodies apart from each other counts less than what was done to them.
    A network's *mean logit* of a melody is that over its windows; an ensemble's judgement is the least of its networks'
    mean logits, each measured in standard deviations from the median real melody.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from listener.corpus import moved
from listener.learned.negatives import negatives
from listener.learned.window_net import WindowNet, logits_of_all, step_codes
from listener.markov import MarkovChain
from listener.red_team import AttackOptions, attack

MADE_AT_ONCE = 16
"""Batches that are made together, as many small ones cost more."""

DEFAULT_MINUTES = 10.0
"""Measured, of one core."""


@dataclass(frozen=True)
class TrainingOptions:
    """How the networks are trained."""

    nets: int = 2
    """Networks that are hardened."""
    steps: int = 3400
    """Steps of gradient descent of each of them before any attack."""
    hearing_steps: int = 5000
    """Of each of the others."""
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
        scaled = ("steps", "hearing_steps", "round_steps", "attack_generations")
        rounds = min(cls.rounds, max(1, round(3 * scale * cls.rounds)))
        return cls(rounds=rounds, **{name: max(1, round(scale * getattr(cls, name))) for name in scaled})


@dataclass(frozen=True, eq=False)
class Scales:
    """Median and standard deviation of each network's mean logit of real melodies, (nets,) float64."""

    median: np.ndarray
    deviation: np.ndarray


Others = Callable[[np.ndarray, np.random.Generator], np.ndarray]
"""Of real melodies (N, T), as many that are none."""


def train(
    net: WindowNet,
    reals: Sequence[np.ndarray],
    others: Others,
    steps: int,
    learning_rate: float,
    options: TrainingOptions,
    generator: np.random.Generator,
    report: Callable[[float], None] = lambda loss: None,
    paired: bool = False,
) -> None:
    """Train a network in place; the learning rate falls along a cosine to a twentieth.

    Args:
        net: to train.
        reals: (R, T) int8 real melodies, as low as they go; several sorts, each of its own length, take turns.
        others: makes what they are told from.
        steps: of gradient descent.
        learning_rate: at the beginning.
        options: everything else.
        generator: source of chance; torch's own chance is drawn from torch's generator.
        report: is told the loss of every step.
        paired: whether `others` are paired.
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
            batches = [_batches(real, others, options, generator) for real in reals]
        found = net(torch.from_numpy(batches[turn % len(reals)][turn // len(reals)]))
        mean = found.mean(dim=1)
        loss = _cross_entropy(found, labels[:, None].expand_as(found)) + _cross_entropy(mean, labels)
        if paired:
            loss = loss + nn.functional.softplus(mean[options.batch :] - mean[: options.batch]).mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        report(loss.item())
    net.eval()


_cross_entropy = nn.functional.binary_cross_entropy_with_logits


def _batches(real: np.ndarray, others: Others, options: TrainingOptions, generator: np.random.Generator) -> np.ndarray:
    """Return the codes of several batches, (MADE_AT_ONCE, 2 * batch, T, 4) int32; the first half of each is real."""
    true = moved(real[generator.integers(0, len(real), MADE_AT_ONCE * options.batch)], generator)
    shape = (MADE_AT_ONCE, options.batch, *true.shape[1:], 4)
    return np.concatenate([step_codes(each).reshape(shape) for each in (true, others(true, generator))], axis=1)


def negatives_and(pool: np.ndarray, chain: MarkovChain, attacked_share: float) -> Others:
    """Return what makes negatives of all families, and puts in a share of what attacks found, (P, T), if anything."""

    def make(real: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        attacked = round(attacked_share * len(real)) if len(pool) else 0
        found = moved(pool[generator.integers(0, len(pool), attacked)], generator) if attacked else real[:0]
        false = np.concatenate((negatives(real, len(real) - attacked, chain, generator), found))
        return false[generator.permutation(len(false))]

    return make


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

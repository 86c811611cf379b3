"""Training the networks of the learned listener: real melodies against others.

Conventions:
    Melodies are (N, T) int8. The label of a melody is that of each of its windows. Losses are minimised.
    Where others are *paired*, the i-th is the i-th real one made worse, and the network also learns which of the two is
    which, so that differences between melodies count less than those within a pair.
    A network's *mean logit* of a melody is that over its windows; an ensemble's judgement is the least of its networks'
    mean logits, each in standard deviations from the median real melody.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from listener.corpus import moved
from listener.learned.hearing import heard
from listener.learned.window_net import WindowNet, logits_of_all, step_codes
from listener.training_options import LearnedOptions

MADE_AT_ONCE = 16
"""Batches that are made together, as many small ones cost more."""


Others = Callable[[np.ndarray, np.random.Generator], np.ndarray]
"""From real melodies (N, T) and a source of chance to as many others."""


def net_losses(
    net: WindowNet,
    reals: Sequence[np.ndarray],
    others: Others,
    options: LearnedOptions,
    generator: np.random.Generator,
    paired: bool = False,
) -> Iterator[Tensor]:
    """Yield the losses of `MADE_AT_ONCE` batches of each sort of real melodies (R, T) int8, as low as they go.

    Sorts, each of its own length, take turns. Dropout draws from torch's generator.
    """
    labels = torch.full((2 * options.batch,), options.label_smoothing)
    labels[: options.batch] = 1 - options.label_smoothing
    for batches in zip(*[_batches(real, others, options, generator) for real in reals], strict=True):
        for codes in batches:
            logits = net(torch.from_numpy(codes))
            mean = logits.mean(dim=1)
            loss = _cross_entropy(logits, labels[:, None].expand_as(logits)) + _cross_entropy(mean, labels)
            if paired:
                loss = loss + nn.functional.softplus(mean[options.batch :] - mean[: options.batch]).mean()
            yield loss


_cross_entropy = nn.functional.binary_cross_entropy_with_logits


def _batches(real: np.ndarray, others: Others, options: LearnedOptions, generator: np.random.Generator) -> np.ndarray:
    """Return the codes of several batches, (MADE_AT_ONCE, 2 * batch, T, 4) int32; the first half of each is real."""
    true = moved(real[generator.integers(0, len(real), MADE_AT_ONCE * options.batch)], generator)
    shape = (MADE_AT_ONCE, options.batch, *true.shape[1:], 4)
    return np.concatenate([step_codes(heard(each)).reshape(shape) for each in (true, others(true, generator))], axis=1)


def mean_logits(nets: Sequence[WindowNet], melodies: np.ndarray) -> np.ndarray:
    """Return each network's mean logit of each melody, (nets, N) float64."""
    return logits_of_all(nets, heard(melodies)).mean(axis=2, dtype=np.float64)


def scales(nets: Sequence[WindowNet], real: np.ndarray) -> np.ndarray:
    """Return the median and the standard deviation of each network's mean logit of real melodies, (2, nets) float64."""
    logits = mean_logits(nets, real)
    return np.stack((np.median(logits, axis=1), logits.std(axis=1)))


def judgement(nets: Sequence[WindowNet], scale: np.ndarray, melodies: np.ndarray) -> np.ndarray:
    """Return the least of the networks' judgements of each melody, (N,) standard deviations from the real median."""
    median, deviation = scale[..., None]
    return ((mean_logits(nets, melodies) - median) / deviation).min(axis=0)

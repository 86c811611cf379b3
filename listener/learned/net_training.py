"""Training the window networks of the learned listener to distinguish real melodies from negatives.

Conventions:
    Melodies are (N, T) int8. Each window has the label of its melody. Losses are minimised.
    If negatives are *paired*, row i is a corruption of real melody i, and the network also learns to rank each pair, so
    that differences between melodies count less than differences within a pair.
    A *mean logit* is the mean over the windows of a melody. The judgement of an ensemble is the lowest mean logit of
    its networks, each in standard deviations from the median real melody.
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
"""Number of batches made together, which is cheaper than making them one by one."""


Others = Callable[[np.ndarray, np.random.Generator], np.ndarray]
"""Maps real melodies (N, T) and a generator to as many negatives."""


def net_losses(
    net: WindowNet,
    reals: Sequence[np.ndarray],
    others: Others,
    options: LearnedOptions,
    generator: np.random.Generator,
    paired: bool = False,
) -> Iterator[Tensor]:
    """Yield the losses of `MADE_AT_ONCE` batches of each of `reals`, real melodies (R, T) int8 with lowest key 0.

    Batches alternate between the elements of `reals`, which differ in length. Dropout uses torch's global generator.
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
    """Return the median and standard deviation of each network's mean logits of real melodies, (2, nets) float64."""
    logits = mean_logits(nets, real)
    return np.stack((np.median(logits, axis=1), logits.std(axis=1)))


def judgement(nets: Sequence[WindowNet], scale: np.ndarray, melodies: np.ndarray) -> np.ndarray:
    """Return the lowest judgement of each melody by a network, in standard deviations from the real median, (N,)."""
    median, deviation = scale[..., None]
    return ((mean_logits(nets, melodies) - median) / deviation).min(axis=0)

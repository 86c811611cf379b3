"""Percentiles of scores among real melodies, and the area under the ROC that separates two sets of scores."""

import numpy as np


def percentile(reference: list[float] | np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return the percentile of scores (N,) among reference scores (R,): how many of 100 are lower, ties by half."""
    ordered = np.sort(np.asarray(reference, dtype=np.float64))
    below, up_to = (np.searchsorted(ordered, scores, side=side) for side in ("left", "right"))
    return 100 * (below + up_to) / (2 * len(ordered))


def auc(real: np.ndarray, others: np.ndarray) -> float:
    """Return the area under the ROC: the probability that a real melody outscores another, ties counted half."""
    return float(percentile(others, real).mean() / 100)


def interval(
    real: np.ndarray, others: np.ndarray, pieces: np.ndarray, generator: np.random.Generator, resamples: int = 200
) -> tuple[float, float]:
    """Return the 2.5th and 97.5th percentile of the AUC over pieces resampled with replacement.

    Excerpts of one piece are alike, so that resampling excerpts would promise too much.

    Args:
        real: (N,) scores.
        others: (N,) scores of a corruption of each, or (M,) of other melodies, which are resampled one by one.
        pieces: (N,) the piece of each real melody.
        generator: source of chance.
        resamples: number of them.
    """
    names = np.unique(pieces)
    rows = [np.flatnonzero(pieces == name) for name in names]
    values = []
    for _ in range(resamples):
        chosen = np.concatenate([rows[number] for number in generator.integers(0, len(names), len(names))])
        against = chosen if len(others) == len(real) else generator.integers(0, len(others), len(others))
        values.append(auc(real[chosen], others[against]))
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)

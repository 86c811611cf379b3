"""Percentiles of scores among real melodies, and the area under the ROC curve between two sets of scores."""

import numpy as np


def percentile(reference: list[float] | np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return the percentiles of scores (N,) among reference scores (R,): the percentage below, ties counted half."""
    ordered = np.sort(np.asarray(reference, dtype=np.float64))
    below, up_to = (np.searchsorted(ordered, scores, side=side) for side in ("left", "right"))
    return 100 * (below + up_to) / (2 * len(ordered))


def auc(real: np.ndarray, others: np.ndarray) -> float:
    """Return the area under the ROC curve: the probability that a real melody outscores another, ties counted half."""
    return float(percentile(others, real).mean() / 100)


def interval(
    real: np.ndarray,
    others: np.ndarray,
    pieces: np.ndarray,
    generator: np.random.Generator,
    resamples: int = 200,
    others_pieces: np.ndarray | None = None,
) -> tuple[float, float]:
    """Return the 2.5th and 97.5th percentiles of the AUC over pieces resampled with replacement.

    Excerpts of one piece are alike, so resampling excerpts would make the interval too narrow.

    Args:
        real: (N,) scores.
        others: (N,) scores of a corruption of each, or (M,) scores of other melodies, which are resampled one by one.
        pieces: (N,) the piece of each real melody.
        generator: source of randomness.
        resamples: number of resamples.
        others_pieces: (M,) the piece of each other melody, if these come from pieces of their own.
    """
    rows = _rows_of_pieces(pieces)
    rows_of_others = None if others_pieces is None else _rows_of_pieces(others_pieces)
    values = []
    for _ in range(resamples):
        chosen = _resampled(rows, generator)
        if rows_of_others is not None:
            against = _resampled(rows_of_others, generator)
        else:
            against = chosen if len(others) == len(real) else generator.integers(0, len(others), len(others))
        values.append(auc(real[chosen], others[against]))
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def _rows_of_pieces(pieces: np.ndarray) -> list[np.ndarray]:
    return [np.flatnonzero(pieces == name) for name in np.unique(pieces)]


def _resampled(rows: list[np.ndarray], generator: np.random.Generator) -> np.ndarray:
    """Return the rows of pieces drawn with replacement, as many as there are pieces."""
    return np.concatenate([rows[number] for number in generator.integers(0, len(rows), len(rows))])

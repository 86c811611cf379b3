"""How good scores are: percentiles among real melodies, and how well two sets of scores are told apart."""

import numpy as np


def percentile(reference: list[float] | np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return the percentile of scores (N,) among reference scores (R,): how many of 100 are lower, ties by half."""
    ordered = np.sort(np.asarray(reference, dtype=np.float64))
    below, up_to = (np.searchsorted(ordered, scores, side=side) for side in ("left", "right"))
    return 100 * (below + up_to) / (2 * len(ordered))


def auc(real: np.ndarray, others: np.ndarray) -> float:
    """Return the chance that a real melody scores higher than another, a tie counted half: the area under the ROC."""
    return float(percentile(others, real).mean() / 100)


def interval(
    real: np.ndarray, others: np.ndarray, pieces: np.ndarray, generator: np.random.Generator, draws: int = 200
) -> tuple[float, float]:
    """Return the 2.5th and 97.5th percentile of the AUC over draws of pieces with replacement.

    Excerpts of one piece are alike: drawing excerpts would promise too much.

    Args:
        real: (N,) scores.
        others: (N,) scores of what was made of each, or (M,) of others, which are drawn one by one.
        pieces: (N,) the piece of each real melody.
        generator: source of chance.
        draws: how many.
    """
    names = np.unique(pieces)
    rows = [np.flatnonzero(pieces == name) for name in names]
    found = []
    for _ in range(draws):
        drawn = np.concatenate([rows[number] for number in generator.integers(0, len(names), len(names))])
        against = drawn if len(others) == len(real) else generator.integers(0, len(others), len(others))
        found.append(auc(real[drawn], others[against]))
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)

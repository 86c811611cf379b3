"""Fitness kinds: losses of the networks of a population. Fitness is minus the loss, so higher is better.

Conventions:
    `outputs` is (N, O, C) float: N networks, O outputs, C cases, before the last activation; an output is
    on exactly where it is above 0. `targets` is (O, C) bool. `weights` is (O, C) float: the weight of each
    cell. A kind returns one loss for every output of every network, (N, O) float64; the fitness is minus
    their sum.

    The cases are in playing order, one song after the other.
"""

from collections.abc import Callable

import numpy as np

Kind = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def squared_hinge(outputs: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the squared shortfall of each output from a margin of 1 on the right side of 0; 0 beyond the margin."""
    signs = np.where(targets, outputs.dtype.type(1), outputs.dtype.type(-1))
    short = outputs * signs
    np.subtract(1, short, out=short)
    np.maximum(short, 0, out=short)
    np.square(short, out=short)
    short *= weights.astype(short.dtype)
    return short.sum(axis=2, dtype=np.float64)


def wrong_keys(outputs: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the number of cells on the wrong side of 0."""
    return (((outputs > 0) != targets) * weights).sum(axis=2, dtype=np.float64)


def wrong_steps(outputs: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the number of cases with any wrong output, shared equally among the outputs."""
    wrong = ((outputs > 0) != targets).any(axis=1)
    return _shared((wrong * weights.max(axis=0)).sum(axis=1, dtype=np.float64), len(targets))


def after_first_error(outputs: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the number of cases from the first wrong one on: all that is known when stopping at the first error."""
    wrong = ((outputs > 0) != targets).any(axis=1) & (weights.max(axis=0) > 0)
    prefix = np.where(wrong.any(axis=1), wrong.argmax(axis=1), wrong.shape[1])
    return _shared((wrong.shape[1] - prefix).astype(np.float64), len(targets))


def _shared(loss: np.ndarray, outputs: int) -> np.ndarray:
    return np.repeat(loss[:, None] / outputs, outputs, axis=1)


KINDS: dict[str, Kind] = {
    "squared_hinge": squared_hinge,
    "right_keys": wrong_keys,
    "right_steps": wrong_steps,
    "first_error": after_first_error,
}
"""Fitness kinds by their names in configurations."""
HIDES_STEPS = frozenset({"first_error"})
"""Kinds that do not reveal the total number of right steps."""


def right_cases(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return a mask (N, C) bool of the cases that are right in all outputs."""
    return ((outputs > 0) == targets).all(axis=1)

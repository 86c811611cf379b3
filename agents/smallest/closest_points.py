"""Two sets of points: how near their hulls come, measured one coordinate at a time.

The closest points of the hulls of two sets, under a weighted sum of absolute differences, answer two
questions about a threshold unit that is to tell the sets apart:

    is there one?           exactly if the distance is above 0; the dual solution holds its weights
    if not, what is to blame? points of the two hulls that agree in all coordinates: a unit that sees only
                            these answers both alike

Solved as a linear programme by the simplex method with long steps (a difference may change its sign
without leaving the basis), which takes a tenth of the pivots.

Conventions: I coordinates; the sets are (I, P) and (I, N) arrays of small whole numbers.
Source: Barrodale and Roberts (1973), An Improved Algorithm for Discrete L1 Linear Approximation, for the
    long steps; Bennett and Mangasarian (1992), Robust Linear Programming Discrimination, for the duality.
"""

from dataclasses import dataclass

import numpy as np

TOLERANCE = 1e-9
PIVOT = 1e-7
"""Smallest size of a pivot: the entries are ratios of small whole numbers, so less than this is rounding."""
SHAKE = 1e-6
"""The right side is shifted by about this much while pivots are chosen, so that the method cannot go in circles."""


@dataclass(frozen=True, eq=False)
class Closest:
    """Closest points of two hulls."""

    distance: float
    first: np.ndarray
    """(P,) float64: shares of the first set's points, which sum to 1."""
    second: np.ndarray
    """(N,) float64: shares of the second set's points, which sum to 1."""
    normal: np.ndarray
    """(I,) float64: weights of the widest gap; `normal @ first set` exceeds `normal @ second set` by the distance."""


def closest_points(
    first: np.ndarray, second: np.ndarray, costs: np.ndarray, start: tuple[int, int] = (0, 0)
) -> Closest:
    """Find points of two hulls with the smallest sum of costs * |difference|.

    Args:
        first: (I, P), at least one column.
        second: (I, N), at least one column.
        costs: (I,), above 0. No weight of `normal` is larger than its cost.
        start: a point of each set to start from.

    Raises:
        ArithmeticError: rounding errors kept the method from coming to an end.
    """
    size, points, others = len(first), first.shape[1], second.shape[1]
    shares = points + others
    table = _first_table(first, second, start)
    basis = np.concatenate([shares + np.arange(size), [start[0], points + start[1]]])
    prices = np.concatenate([np.zeros(shares), np.asarray(costs, dtype=np.float64)])
    for _ in range(100 * len(table)):
        # a difference costs its size: its price has the sign of its value
        signed = _signs(table[:, -2]) * prices[basis]
        gains = signed @ table[:, :-2]
        entering, *step = _entering(gains, prices, basis, shares)
        if step[1] >= -TOLERANCE:
            break
        _pivot(table, _leaving(table, basis, prices, shares, entering, step), entering, basis)
    else:
        raise ArithmeticError(f"the simplex method did not end within {100 * len(table)} pivots")
    values = np.zeros(shares + size)
    values[basis] = table[:, -1]
    distance = float(prices @ np.abs(values))
    return Closest(distance, values[:points], values[points:shares], gains[shares:])


def _first_table(first: np.ndarray, second: np.ndarray, start: tuple[int, int]) -> np.ndarray:
    """Return the table whose basis is the differences and the two starting points.

    Rows are the differences and the two sums of shares; columns the shares of both sets, the differences,
    the shaken right side and the right side.
    """
    size, points, shares = len(first), first.shape[1], first.shape[1] + second.shape[1]
    table = np.zeros((size + 2, shares + size + 2))
    one, other = first[:, start[0]].astype(np.float64), second[:, start[1]].astype(np.float64)
    table[:size, :points] = one[:, None] - first
    table[:size, points:shares] = second - other[:, None]
    table[:size, shares:-2] = np.eye(size)
    table[:size, -1] = one - other
    table[size, :points] = 1
    table[size + 1, points:shares] = 1
    table[size:, -1] = 1
    # always the same numbers: they only have to have no small sums that are 0
    table[:, -2] = table[:, -1] + SHAKE * np.random.default_rng(0).uniform(0.5, 1.5, size + 2)
    return table


def _entering(gains: np.ndarray, prices: np.ndarray, basis: np.ndarray, shares: int) -> tuple[int, float, float]:
    """Return the variable that is best made different from 0, in which direction, and what a unit of it changes."""
    up, down = prices - gains, prices + gains
    down[:shares] = 1  # shares cannot be negative
    up[basis] = down[basis] = 1
    upward, downward = int(up.argmin()), int(down.argmin())
    if up[upward] <= down[downward]:
        return upward, 1.0, float(up[upward])
    return downward, -1.0, float(down[downward])


def _leaving(table: np.ndarray, basis: np.ndarray, prices: np.ndarray, shares: int, entering: int, step) -> int:
    """Return the row at which it no longer pays to go on.

    Going on, differences cross 0, and cost from there on what they saved before. A share ends at 0.
    """
    direction, slope = step
    column, values, share = direction * table[:, entering], table[:, -2], basis < shares
    rows = np.flatnonzero(np.where(share, column, column * _signs(values)) > PIVOT)
    rows = rows[np.argsort(values[rows] / column[rows], kind="stable")]
    change = np.where(share[rows], np.inf, 2 * prices[basis[rows]] * np.abs(column[rows]))
    return int(rows[np.argmax(slope + np.cumsum(change) >= -TOLERANCE)])


def _pivot(table: np.ndarray, row: int, entering: int, basis: np.ndarray) -> None:
    """Let a variable take the place of the one in this row."""
    table[row] /= table[row, entering]
    column = table[:, entering].copy()
    column[row] = 0
    others = np.flatnonzero(np.abs(column) > 1e-12)
    table[others] -= column[others, None] * table[row]
    basis[row] = entering


def _signs(values: np.ndarray) -> np.ndarray:
    return np.where(values >= 0, 1.0, -1.0)

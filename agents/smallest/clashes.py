"""Clashes: why some inputs are not enough for a threshold unit, in whole numbers.

A clash is a group of cases that should be on and one of cases that should be off, each case taken a whole
number of times and both groups of the same size, whose inputs have the same sums, all but some inputs. A
unit that sees none of these few adds up the same for both groups, so it cannot be on in all cases of one and
off in all of the other.

Conventions: I inputs; `on` is (I, P), `off` (I, N), both whole numbers. A set of inputs is an int whose bit i
is input i.
Source: a clash is a certificate of Farkas' lemma (1902).
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from agents.smallest.closest_points import Closest, closest_points

DENOMINATOR = 10_000
"""Largest denominator that shares are rounded to; most are ratios of small whole numbers."""
NOTHING = 1e-9
"""Shares below this are rounding errors."""


@dataclass(frozen=True)
class Clash:
    """Cases that a unit cannot tell apart unless it sees one of some inputs."""

    inputs: int
    """The set of these inputs."""
    on: dict[int, int]
    """How often each case that should be on is taken."""
    off: dict[int, int]
    """How often each case that should be off is taken."""


def near_clash(on: np.ndarray, off: np.ndarray, found: Closest) -> Clash | None:
    """Return closest points as a clash, by rounding their shares; None if the groups then differ in size.

    Inputs at which the points agree may come to differ by the rounding.
    """
    first, second = (
        {case: x for case, x in enumerate(part.tolist()) if x > NOTHING} for part in (found.first, found.second)
    )
    shares = [
        {case: Fraction(x).limit_denominator(DENOMINATOR) for case, x in group.items()} for group in (first, second)
    ]
    if sum(shares[0].values()) != 1 or sum(shares[1].values()) != 1:
        return None
    return _clash(on, off, *shares)


def exact_clash(on: np.ndarray, off: np.ndarray, chosen: list[int]) -> Clash:
    """Return a clash without any of the chosen inputs, which must not be enough for a unit.

    The cases that take part are found in floating point, their shares then by solving equations in fractions.

    Raises:
        ArithmeticError: rounding errors led to the wrong cases.
    """
    if not chosen:
        return _clash(on, off, {0: Fraction(1)}, {0: Fraction(1)})
    found = closest_points(on[chosen], off[chosen], np.ones(len(chosen)))
    first, second = (np.flatnonzero(part > NOTHING).tolist() for part in (found.first, found.second))
    rows = np.concatenate([on[np.ix_(chosen, first)], -off[np.ix_(chosen, second)]], axis=1).tolist()
    rows.append([1] * len(first) + [0] * len(second))
    rows.append([0] * len(first) + [1] * len(second))
    shares = solve(rows, [0] * len(chosen) + [1, 1])
    if shares is None or min(shares) < 0:
        raise ArithmeticError(f"rounding errors hid why the inputs {chosen} are not enough")
    return _clash(on, off, dict(zip(first, shares, strict=False)), dict(zip(second, shares[len(first) :], strict=True)))


def _clash(on: np.ndarray, off: np.ndarray, first: dict[int, Fraction], second: dict[int, Fraction]) -> Clash:
    """Return the clash of two groups of cases that are taken in these shares."""
    unit = math.lcm(*(share.denominator for share in (*first.values(), *second.values())))
    times = [{case: int(share * unit) for case, share in group.items() if share} for group in (first, second)]
    return Clash(differing_inputs(on, off, *times), *times)


def solve(rows: list[list[int]], right: list[int]) -> list[Fraction] | None:
    """Solve linear equations in fractions; unknowns that they leave open are 0.

    Args:
        rows: (R, S) coefficients.
        right: (R,) right sides.

    Returns:
        The S unknowns, or None if the equations contradict each other.
    """
    table = [[Fraction(x) for x in (*row, value)] for row, value in zip(rows, right, strict=True)]
    unknowns = len(rows[0])
    pivots: list[int] = []
    for column in range(unknowns):
        place = len(pivots)
        pivot = next((r for r in range(place, len(table)) if table[r][column]), None)
        if pivot is None:
            continue
        table[place], table[pivot] = table[pivot], table[place]
        scale = table[place][column]
        table[place] = [x / scale for x in table[place]]
        for r, other in enumerate(table):
            if r != place and other[column]:
                factor = other[column]
                table[r] = [x - factor * y for x, y in zip(other, table[place], strict=True)]
        pivots.append(column)
    if any(row[-1] for row in table[len(pivots) :]):
        return None
    solution = [Fraction(0)] * unknowns
    for column, row in zip(pivots, table, strict=False):
        solution[column] = row[-1]
    return solution


def differing_inputs(on: np.ndarray, off: np.ndarray, on_times: dict[int, int], off_times: dict[int, int]) -> int:
    """Return the set of inputs whose sums over two groups of cases differ.

    Args:
        on: (I, P) whole numbers.
        off: (I, N) whole numbers.
        on_times: how often each column of `on` is taken.
        off_times: how often each column of `off` is taken.
    """
    on_sums = sum(on[:, case].astype(object) * times for case, times in on_times.items())
    off_sums = sum(off[:, case].astype(object) * times for case, times in off_times.items())
    return as_set(np.flatnonzero(on_sums - off_sums != 0).tolist())


def as_set(inputs: Iterable[int]) -> int:
    """Return the set of some inputs."""
    return sum(1 << i for i in inputs)

"""Random draws of neat-python's operators: recorded one by one, turned into values many at once.

neat-python draws from Python's global generator. What it draws depends on a gene's number alone, hardly on
its value, so a whole generation can be drawn first, in exactly neat-python's order, and computed later as
arrays. All functions here return the same bits as the ones of Python's `random` and of neat-python:
logarithm, sine and cosine come from `math`, for NumPy's own differ in the last bit.

Source: CPython `random.py` (gauss, uniform) and `_randommodule.c` (random); neat-python 2.0.0 `attributes.py`.
"""

import math
import random
from array import array
from typing import Any

import numpy as np

TWOPI = 2 * math.pi
GENERATOR: Any = random._inst
"""Python's global generator, whose attribute `gauss_next` keeps the second of each pair of Gaussian draws."""


class Uniforms:
    """What `random.random()` returns, call after call, where `random.randbytes()` returned some bytes."""

    def __init__(self, draws: bytes | bytearray):
        """
        Args:
            draws: 8 bytes for every draw.
        """
        self._words = np.frombuffer(draws, dtype="<u4").reshape(-1, 2)

    def __getitem__(self, places: np.ndarray | slice) -> np.ndarray:
        """Return some of the draws, float64 in [0, 1)."""
        words = self._words[places]
        return ((words[..., 0] >> 5) * 67108864.0 + (words[..., 1] >> 6)) / 9007199254740992.0


def normals(pairs: np.ndarray) -> np.ndarray:
    """Return the standard normal draws that `random.gauss` makes of pairs of uniform ones.

    Args:
        pairs: (2 k,) float64 in [0, 1).

    Returns:
        (2 k,) float64.
    """
    angles = pairs[0::2] * TWOPI
    radii = np.sqrt(-2.0 * np.fromiter(map(math.log, (1.0 - pairs[1::2]).tolist()), np.float64, len(angles)))
    turns = angles.tolist()
    values = np.empty(len(pairs))
    values[0::2] = np.fromiter(map(math.cos, turns), np.float64, len(angles)) * radii
    values[1::2] = np.fromiter(map(math.sin, turns), np.float64, len(angles)) * radii
    return values


class Normals:
    """Gaussian draws of one child after the other, whose values are computed later."""

    def __init__(self):
        self.pairs = array("d")
        """Uniform draws, two for two Gaussian ones."""
        self._children: list[tuple[int, float, int]] = []

    def record(self, first: int, stored: float | None, left: bool) -> None:
        """Record the draws of a child, and give the generator what is left in store.

        Args:
            first: where its pairs begin.
            stored: the draw that the generator had in store before, or None.
            left: whether one is in store now.
        """
        if len(self.pairs) > first:
            x, y = self.pairs[-2:]
            GENERATOR.gauss_next = math.sin(x * TWOPI) * math.sqrt(-2.0 * math.log(1.0 - y)) if left else None
        elif not left:
            GENERATOR.gauss_next = None
        draws = (stored is not None) + len(self.pairs) - first - left
        self._children.append((first, math.nan if stored is None else stored, draws))

    def values(self) -> np.ndarray:
        """Return the values of all draws, child after child, (K,) float64."""
        first, stored, counts = np.array(self._children).reshape(-1, 3).T
        counts, kept = counts.astype(np.int64), ~np.isnan(stored)
        starts = np.cumsum(counts) - counts
        places = np.repeat(first.astype(np.int64) - kept - starts, counts) + np.arange(counts.sum())
        # the draw that was in store is no part of the pairs: until it is put in, any value may stand there
        values = np.append(normals(np.frombuffer(self.pairs)), 0.0)[places]
        took_stored = kept & (counts > 0)
        values[starts[took_stored]] = stored[took_stored]
        return values

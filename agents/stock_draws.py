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
from random import TWOPI

import numpy as np

GENERATOR = random.random.__self__
"""Python's global generator, whose attribute `gauss_next` keeps the second of each pair of Gaussian draws."""


def uniforms(draws: bytes) -> np.ndarray:
    """Return what `random.random()` returns, call after call, where `random.randbytes()` returned `draws`."""
    words = np.frombuffer(draws, dtype="<u4")
    return ((words[0::2] >> 5) * 67108864.0 + (words[1::2] >> 6)) / 9007199254740992.0


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
    """Gaussian draws whose values are computed later.

    `order` holds, draw after draw, where its value stands: in `normals(pairs)`, or if negative in `spares`.
    """

    def __init__(self):
        self.pairs = array("d")
        self.spares: list[float] = []

    def begin(self) -> bool:
        """Take over the draw that the generator has in store; return whether there is one."""
        self._stored = GENERATOR.gauss_next
        self._first = len(self.pairs)
        return self._stored is not None

    def end(self, left: bool) -> None:
        """Give the generator what is left of the last pair."""
        if len(self.pairs) > self._first:
            x, y = self.pairs[-2:]
            GENERATOR.gauss_next = math.sin(x * TWOPI) * math.sqrt(-2.0 * math.log(1.0 - y)) if left else None
        elif self._stored is not None and not left:
            GENERATOR.gauss_next = None

    def places(self, draws: int) -> list[int]:
        """Return where the values of the `draws` draws since `begin` stand."""
        if self._stored is None or not draws:
            return range(self._first, self._first + draws)
        self.spares.append(self._stored)
        return [-len(self.spares), *range(self._first, self._first + draws - 1)]

    def values(self) -> np.ndarray:
        """Return all values; index it with what `places` returned."""
        return np.concatenate([normals(np.frombuffer(self.pairs)), self.spares[::-1]])

"""Thirteen figures of whole melodies, by which what an attack found is held against real music.

Conventions: melodies are (N, T) int8, -1 for a rest, T whole bars; a figure is a float, and silence has every one.
"""

import numpy as np

from listener.theory import MAJOR_SCALE, REST
from songs.keyboard import KEYS, STEPS_PER_BAR

TRAITS = (
    "notes a bar",
    "entropy of keys",
    "different keys",
    "share in key",
    "mean interval",
    "intervals above a fifth",
    "repeated notes",
    "notes on the beat",
    "longest gap",
    "longest run of one key",
    "bars heard before",
    "longest repeat",
    "commonest interval",
)
BAND = (5, 95)
"""Percentiles of real melodies between which a trait is ordinary."""


def traits(melodies: np.ndarray) -> np.ndarray:
    """Return the thirteen figures of each melody, (N, 13) float64 in the order of `TRAITS`."""
    return np.array([_traits(row.astype(np.int64)) for row in melodies], dtype=np.float64).reshape(-1, len(TRAITS))


def outside(found: np.ndarray, real: np.ndarray) -> np.ndarray:
    """Return how many traits of each melody (N, 13) lie outside the middle nine tenths of real ones (R, 13)."""
    low, high = np.percentile(real, BAND, axis=0)
    return ((found < low - 1e-9) | (found > high + 1e-9)).sum(axis=1)


def _traits(melody: np.ndarray) -> list[float]:
    at = np.flatnonzero(melody != REST)
    notes, steps = melody[at], len(melody)
    gaps = np.diff(np.concatenate(([-1], at, [steps])))
    bars = melody.reshape(-1, STEPS_PER_BAR)
    heard = [len(bars) - len(np.unique(bars, axis=0)), longest_repeat(melody)]
    if len(notes) < 2:
        alone = [len(notes) * STEPS_PER_BAR / steps, 0, len(notes), 1, 0, 0, 0, 1]
        return [*alone, gaps.max(), len(notes), heard[0] / len(bars), heard[1], 1]
    counts = np.bincount(notes, minlength=KEYS)
    share = counts[counts > 0] / len(notes)
    moves = np.diff(notes)
    keys = max(np.isin((notes - tonic) % 12, MAJOR_SCALE).mean() for tonic in range(12))
    ends = np.flatnonzero(np.concatenate(([True], moves != 0, [True])))
    return [
        len(notes) * STEPS_PER_BAR / steps,
        -(share * np.log2(share)).sum(),
        len(share),
        keys,
        np.abs(moves).mean(),
        (np.abs(moves) > 7).mean(),
        (moves == 0).mean(),
        (at % 2 == 0).mean(),
        gaps.max(),
        np.diff(ends).max(),
        heard[0] / len(bars),
        heard[1],
        np.bincount(moves + KEYS).max() / len(moves),
    ]


def longest_repeat(melody: np.ndarray) -> int:
    """Return the most steps in a row that are played twice without overlap."""
    longest = 0
    for lag in range(1, len(melody)):
        if lag <= longest:
            continue
        same = np.concatenate(([False], melody[lag:] == melody[:-lag], [False]))
        breaks = np.flatnonzero(~same)
        longest = max(longest, min(lag, int(np.diff(breaks).max()) - 1))
    return longest

"""Descriptions of rolls next to real songs: melody features, and how much is copied.

A listener may be fooled. These numbers are independent of its rewards, and they expose a network that plays a loop.

Conventions: rolls are (T, K) bool; an incomplete last bar is filled with rests.
"""

from collections.abc import Sequence

import numpy as np

from listener import theory
from listener.melody_features import features
from listener.theory import REST
from songs.keyboard import MOST_KEYS, STEPS_PER_BAR

DESCRIBED = (
    "notes a bar",
    "rest share",
    "different keys",
    "entropy",
    "share in key",
    "repeated notes",
    "mean interval",
    "longest gap",
    "two-note share",
    "loop share",
)
BAND = (5, 95)
"""Percentiles of real melodies between which a feature counts as ordinary."""


def describe(roll: np.ndarray) -> dict[str, float]:
    """Return features of a roll by name: those in `DESCRIBED`, and the share of its onsets that are chords."""
    steps = max(STEPS_PER_BAR, -(-len(roll) // STEPS_PER_BAR) * STEPS_PER_BAR)
    filled = np.pad(roll, ((0, steps - len(roll)), (0, 0)))
    values = features(theory.highest_keys(filled[None]))
    keys = roll.sum(axis=1)
    chords = float((keys[keys > 0] > 1).mean()) if keys.any() else 0.0
    return {**{name: float(values[name][0]) for name in DESCRIBED}, "chord share": chords}


def longest_shared_run(roll: np.ndarray, songs: Sequence[np.ndarray]) -> int:
    """Return the length in steps of the longest stretch of a roll (T, K) that also occurs in a song, in any key.

    A stretch begins and ends with a note; rests within it count.
    """
    played = _intervals(roll)
    known = np.concatenate([np.array([_GAP]), *(np.append(_intervals(song), _GAP) for song in songs)])
    notes = known > _REST
    # run[j]: length of the common stretch that ends at this step of the roll and at step j of the songs
    run, longest = np.zeros(len(known), dtype=np.int64), 0
    for interval in played.tolist():
        before = np.append(0, run[:-1])
        run = np.where((known == interval) & (before > 0), before + 1, 0)
        if interval > _REST:
            run[notes & (run == 0)] = 1  # any note may begin a stretch
            longest = max(longest, int(run.max()))
    return longest


_REST, _GAP = -MOST_KEYS, -MOST_KEYS - 1
"""Codes among the intervals for a rest and for the end of a song."""


def _intervals(roll: np.ndarray) -> np.ndarray:
    """Return the semitones from the previous note at every step, (T,), 0 for the first note."""
    (melody,) = theory.highest_keys(roll[None])
    notes = melody[melody != REST].astype(np.int64)
    intervals = np.full(len(melody), _REST)
    intervals[melody != REST] = np.diff(notes, prepend=notes[:1])
    return intervals


def describe_rolls(rolls: Sequence[np.ndarray], songs: Sequence[np.ndarray]) -> dict[str, dict[str, float]]:
    """Describe rolls (T, K) next to real songs. Each song is compared with the other songs.

    Returns:
        By feature: the `mean` of the rolls, and the 5th and 95th percentiles of the songs, `low` and `high`.
    """
    played = [_with_copying(roll, songs) for roll in rolls]
    real = [_with_copying(song, [*songs[:index], *songs[index + 1 :]]) for index, song in enumerate(songs)]
    table = {}
    for name in played[0]:
        low, high = np.percentile([one[name] for one in real], BAND).tolist()
        table[name] = {"mean": float(np.mean([one[name] for one in played])), "low": low, "high": high}
    return table


def outside(table: dict[str, dict[str, float]]) -> list[str]:
    """Return the features in a table of `describe_rolls` whose mean is outside the 5th to 95th percentile of the songs.

    Sharing less with the songs than they share with each other does not count.
    """
    below = {name for name, row in table.items() if row["mean"] < row["low"]} - {"longest_shared_run"}
    return [name for name, row in table.items() if name in below or row["mean"] > row["high"]]


def count_outside(melodies: np.ndarray, real: np.ndarray) -> np.ndarray:
    """Count the features of each melody (N, F) outside the 5th to 95th percentile of real ones (R, F): (N,)."""
    low, high = np.percentile(real, BAND, axis=0)
    return ((melodies < low - 1e-9) | (melodies > high + 1e-9)).sum(axis=1)


def _with_copying(roll: np.ndarray, songs: Sequence[np.ndarray]) -> dict[str, float]:
    return {**describe(roll), "longest_shared_run": float(longest_shared_run(roll, songs))}

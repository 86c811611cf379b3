"""What a melody has done up to each step: the note that was last, how long ago, the interval to it.

Conventions:
    Melodies are (B, T) int8, -1 for a rest, as in `listener.theory`. Everything is causal and (B, T).
    Before the first note there is an onset without a pitch one step before the beginning.
"""

from dataclasses import dataclass

import numpy as np

from listener.theory import REST

NONE = 99
"""The interval of a rest or of the first note."""


@dataclass(frozen=True, eq=False)
class Events:
    """What is known at every step of some melodies."""

    onset: np.ndarray
    """bool: a note begins here."""
    held: np.ndarray
    """int8: the note that was last, this one included; -1 before the first."""
    interval: np.ndarray
    """int8: semitones from the note before to the one that begins here, `NONE` where there are not both."""
    gap: np.ndarray
    """int16: steps from the last onset before this step to this step, 1 or more."""
    previous_gap: np.ndarray
    """int16: steps between the last two onsets before this step, 0 where there are not two."""


def events(melodies: np.ndarray) -> Events:
    """Return what is known at every step of melodies (B, T)."""
    onset = melodies != REST
    steps = np.arange(melodies.shape[1], dtype=np.int16)
    last = np.maximum.accumulate(np.where(onset, steps, np.int16(-1)), axis=1)
    held = _taken(melodies, last, REST)
    before, held_before = _later(last, -1), _later(held, REST)
    interval = np.where(onset & (held_before != REST), melodies - held_before, NONE).astype(np.int8)
    gap = steps - before
    return Events(onset, held, interval, gap, _taken(gap, before, 0))


def _later(values: np.ndarray, first: int) -> np.ndarray:
    """Return values (B, T) one step later."""
    moved = np.empty_like(values)
    moved[:, :1] = first
    moved[:, 1:] = values[:, :-1]
    return moved


def _taken(values: np.ndarray, places: np.ndarray, missing: int) -> np.ndarray:
    """Return values (B, T) at places (B, T), `missing` where the place is -1."""
    if not values.size:
        return values.copy()
    length = values.shape[1]
    flat = np.maximum(places, 0) + np.arange(len(values), dtype=np.int32)[:, None] * length
    return np.where(places < 0, values.dtype.type(missing), values.ravel()[flat])

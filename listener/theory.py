"""Music theory on melodies, for listeners: pure functions on arrays.

Conventions:
    A melody is (B, T) int8: the highest key pressed at each step, counted from 0, or -1 for a rest.
    Notes are a melody without its rests: (B, N) int8, each row padded with -1 at its end; N is at least 1.
    Everything is causal: values at step or note i depend only on those up to i.
    Pitch classes are those of the keys: key 0 and key 12 are both C.
"""

from dataclasses import dataclass

import numpy as np

from songs.keyboard import KEYS

REST = -1
MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)
"""Semitones above the tonic. The natural minor scale a minor third below has the same notes."""
SCALES = np.array([[(pitch - tonic) % 12 in MAJOR_SCALE for pitch in range(12)] for tonic in range(12)])
"""(12, 12) bool: row t marks the pitch classes of the major scale on tonic t."""
TRIADS = np.array([[(pitch - tonic) % 12 in (0, 4, 7) for pitch in range(12)] for tonic in range(12)])
"""(12, 12) bool: row t marks the pitch classes of the major triad on tonic t."""


def scale_keys(tonic: int | np.integer) -> np.ndarray:
    """Return the keys of the major scale on a tonic (0 to 11) in ascending order, (K,) int64."""
    return np.flatnonzero(SCALES[tonic, np.arange(KEYS) % 12])


def melody(rolls: np.ndarray) -> np.ndarray:
    """Return the melodies (B, T) of rolls (B, T, 13): the highest of several keys counts.

    Raises:
        ValueError: the rolls do not have 13 keys.
    """
    if rolls.shape[-1] != KEYS:
        raise ValueError(f"this listener needs rolls with {KEYS} keys, these have {rolls.shape[-1]}")
    return highest_keys(rolls)


def highest_keys(rolls: np.ndarray) -> np.ndarray:
    """Return the highest key of every step of rolls (B, T, K) on any keyboard, -1 for a rest: (B, T) int8."""
    highest = rolls.shape[-1] - 1 - rolls[..., ::-1].argmax(axis=-1)
    return np.where(rolls.any(axis=-1), highest, REST).astype(np.int8)


def further_keys(rolls: np.ndarray) -> np.ndarray:
    """Count the keys pressed below the highest one at every step of rolls (B, T, K): (B, T) float32."""
    return np.maximum(rolls.sum(axis=2, dtype=np.float32) - 1, 0)


def notes_of(melodies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the notes of melodies, without the rests.

    Returns:
        The notes (B, N), and the step of each, (B, N) int64, -1 after the last note.
    """
    sounds = melodies != REST
    count = max(1, int(sounds.sum(axis=1).max(initial=0)))
    steps = np.argsort(~sounds, axis=1, kind="stable")[:, :count]
    if steps.shape[1] < count:
        steps = np.pad(steps, ((0, 0), (0, count - steps.shape[1])))
        return np.full(steps.shape, REST, dtype=np.int8), np.full(steps.shape, -1)
    notes = np.take_along_axis(melodies, steps, axis=1)
    return notes, np.where(notes == REST, -1, steps)


def at_steps(values: np.ndarray, steps: np.ndarray, length: int) -> np.ndarray:
    """Put values (B, N) of notes at their steps, 0 elsewhere: (B, T) float32."""
    placed = np.zeros((len(values), length + 1), dtype=np.float32)
    np.put_along_axis(placed, steps, values.astype(np.float32), axis=1)  # padding goes to the extra column, -1
    return placed[:, :length]


def run_lengths(same: np.ndarray) -> np.ndarray:
    """Return the length of the run of True that ends at each index, (B, T) int64 for (B, T) bool."""
    count = np.cumsum(same, axis=1)
    return count - np.maximum.accumulate(np.where(same, 0, count), axis=1)


def repetitions(notes: np.ndarray) -> np.ndarray:
    """Return the length of the run of equal notes that ends at each note, (B, N) int64; 0 for padding."""
    again = np.zeros(notes.shape, dtype=bool)
    again[:, 1:] = (notes[:, 1:] == notes[:, :-1]) & (notes[:, 1:] != REST)
    return np.where(notes == REST, 0, run_lengths(again) + 1)


def intervals(notes: np.ndarray) -> np.ndarray:
    """Return the semitones from the previous note, (B, N) int64: positive upwards, 0 for the first note."""
    steps = np.zeros(notes.shape, dtype=np.int64)
    steps[:, 1:] = np.where(notes[:, 1:] == REST, 0, notes[:, 1:].astype(np.int64) - notes[:, :-1])
    return steps


def best_scales(notes: np.ndarray) -> np.ndarray:
    """Return the tonic (B, N), 0 to 11, of the major scale that contains most of the notes so far.

    Ties go to the scale whose tonic, third and fifth are played most, then to the lowest tonic.
    """
    classes = (notes[..., None] % 12 == np.arange(12)) & (notes[..., None] != REST)
    counts = np.cumsum(classes, axis=1, dtype=np.int32)
    return best_tonics(counts, notes.shape[1])


def best_tonics(counts: np.ndarray, most: int) -> np.ndarray:
    """Return the tonics (...) of the scales that best fit counts of pitch classes (..., 12) of at most `most` notes."""
    scales, triads = (each.T.astype(counts.dtype) for each in (SCALES, TRIADS))
    return (counts @ scales * (most + 1) + counts @ triads).argmax(axis=-1)


def in_scale(notes: np.ndarray, tonics: np.ndarray) -> np.ndarray:
    """Return a mask of the notes in the major scales on `tonics`, (B, N) bool; False for padding."""
    return SCALES[tonics, notes % 12] & (notes != REST)


def autocorrelations(notes: np.ndarray, lag: int) -> np.ndarray:
    """Return the autocorrelation (B, N), -1 to 1, of the notes so far at a lag of `lag` notes.

    It is 0 with fewer than two pairs of notes, or if either side does not vary.
    """
    first, second = np.zeros((2, *notes.shape))
    valid = np.zeros(notes.shape)
    valid[:, lag:] = notes[:, lag:] != REST
    first[:, lag:], second[:, lag:] = notes[:, :-lag] * valid[:, lag:], notes[:, lag:] * valid[:, lag:]
    count = np.maximum(valid.cumsum(axis=1), 1)
    sums = [part.cumsum(axis=1) for part in (first, second, first * second, first**2, second**2)]
    mean_first, mean_second, product, square_first, square_second = (part / count for part in sums)
    variance = (square_first - mean_first**2) * (square_second - mean_second**2)
    covariance = product - mean_first * mean_second
    spread = np.sqrt(np.maximum(variance, 0))
    correlation = np.divide(covariance, spread, where=variance > 1e-9, out=np.zeros_like(count))
    return np.clip(np.where(notes == REST, 0, correlation), -1, 1)


def recent(melodies: np.ndarray, steps: int) -> np.ndarray:
    """Return the window of the last `steps` steps up to each step, (B, T, steps) int8; rests before the beginning."""
    padded = np.pad(melodies, ((0, 0), (steps - 1, 0)), constant_values=REST)
    return np.lib.stride_tricks.sliding_window_view(padded, steps, axis=1)


def different_notes(windows: np.ndarray) -> np.ndarray:
    """Count the different keys in each window of (B, T, W): (B, T) int64."""
    keys = range(int(windows.max(initial=REST)) + 1)
    return sum(((windows == key).any(axis=-1).astype(np.int64) for key in keys), np.zeros(windows.shape[:-1], np.int64))


def repeated_windows(windows: np.ndarray) -> np.ndarray:
    """Return a mask (B, T) bool of the windows (B, T, W) that equal an earlier, non-overlapping one."""
    size = windows.shape[-1]
    keys = int(windows.max(initial=REST)) + 1
    names = (windows.astype(np.int64) + 1) @ (keys + 1) ** np.arange(size, dtype=np.int64)
    length = names.shape[1]
    earlier = np.tri(length, k=-size, dtype=bool)
    return ((names[:, :, None] == names[:, None, :]) & earlier).any(axis=2)


NONE = 99
"""The interval of a rest or of the first note."""


@dataclass(frozen=True, eq=False)
class Events:
    """Onsets, intervals and gaps at every step of melodies; arrays (B, T).

    An onset without a pitch is assumed one step before the beginning.
    """

    onset: np.ndarray
    """bool: a note begins here."""
    held: np.ndarray
    """int8: the latest note up to and including this step; -1 before the first."""
    interval: np.ndarray
    """int8: semitones from the previous note to the one that begins here, `NONE` if either is missing."""
    gap: np.ndarray
    """int16: steps from the last onset before this step to this step, 1 or more."""
    previous_gap: np.ndarray
    """int16: steps between the last two onsets before this step, 0 if there are fewer than two."""


def events(melodies: np.ndarray) -> Events:
    """Return the events of melodies (B, T)."""
    onset = melodies != REST
    steps = np.arange(melodies.shape[1], dtype=np.int16)
    last = np.maximum.accumulate(np.where(onset, steps, np.int16(-1)), axis=1)
    held = _gather(melodies, last, REST)
    before, held_before = _delayed(last, -1), _delayed(held, REST)
    interval = np.where(onset & (held_before != REST), melodies - held_before, NONE).astype(np.int8)
    gap = steps - before
    return Events(onset, held, interval, gap, _gather(gap, before, 0))


def _delayed(values: np.ndarray, first: int) -> np.ndarray:
    """Return values (B, T) delayed by one step, starting with `first`."""
    delayed = np.empty_like(values)
    delayed[:, :1] = first
    delayed[:, 1:] = values[:, :-1]
    return delayed


def _gather(values: np.ndarray, indices: np.ndarray, missing: int) -> np.ndarray:
    """Return the values (B, T) at indices (B, T), and `missing` where the index is -1."""
    if not values.size:
        return values.copy()
    length = values.shape[1]
    flat = np.maximum(indices, 0) + np.arange(len(values), dtype=np.int32)[:, None] * length
    return np.where(indices < 0, values.dtype.type(missing), values.ravel()[flat])

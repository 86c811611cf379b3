"""Corruptions of form: each bar sounds like music, but together they make no song.

Conventions:
    As in `listener.corruptions`. A phrase is four bars; a loop is repeated to the length of the melody.
"""

from functools import partial

import numpy as np

from listener.corpus import lowest
from listener.corruptions import Corruption, repeated
from listener.theory import REST, SCALES, best_tonics
from songs.keyboard import KEYS, STEPS_PER_BAR

PHRASE_BARS = 4
PHRASE = PHRASE_BARS * STEPS_PER_BAR


def _bars(melodies: np.ndarray) -> np.ndarray:
    return melodies.reshape(len(melodies), -1, STEPS_PER_BAR)


def looped(melodies: np.ndarray, generator: np.random.Generator, bars: int) -> np.ndarray:
    """Loop `bars` bars of each melody, starting at a random multiple of that length."""
    steps = bars * STEPS_PER_BAR
    first = steps * generator.integers(0, max(1, melodies.shape[1] // steps), (len(melodies), 1))
    return repeated(np.take_along_axis(melodies, first + np.arange(steps), axis=1), melodies.shape[1])


def reordered(melodies: np.ndarray, generator: np.random.Generator, bars: int) -> np.ndarray:
    """Shuffle sections of `bars` bars; bars left over at the end stay in place."""
    steps = bars * STEPS_PER_BAR
    whole = melodies.shape[1] // steps * steps
    parts = melodies[:, :whole].reshape(len(melodies), -1, steps)
    order = generator.random(parts.shape[:2]).argsort(axis=1)
    moved = np.take_along_axis(parts, order[..., None], axis=1).reshape(len(melodies), whole)
    return np.concatenate((moved, melodies[:, whole:]), axis=1)


def _others(melodies: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return another melody for each, transposed to about the same lowest key and within its allowed keys."""
    bottom = melodies.min(axis=1, keepdims=True, where=melodies != REST, initial=np.iinfo(np.int8).max)
    others = lowest(melodies[generator.permutation(len(melodies))])
    room = np.maximum(melodies.max(axis=1, keepdims=True), KEYS - 1) - others.max(axis=1, keepdims=True, initial=0)
    shift = np.clip(bottom + generator.integers(-3, 4, bottom.shape), 0, np.maximum(room, 0))
    return np.where(others != REST, others + shift, REST).astype(np.int8)


def spliced(melodies: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Switch to another melody in the middle, or sometimes after the first or third quarter."""
    quarter = max(STEPS_PER_BAR, melodies.shape[1] // (4 * STEPS_PER_BAR) * STEPS_PER_BAR)
    cut = quarter * generator.choice([1, 2, 2, 3], (len(melodies), 1))
    return np.where(np.arange(melodies.shape[1]) < cut, melodies, _others(melodies, generator))


def unended(melodies: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Replace the last two bars by two earlier ones, or sometimes by two of another melody."""
    bars, others = _bars(melodies).copy(), _bars(_others(melodies, generator))
    first = generator.integers(0, max(1, bars.shape[1] - 3), len(bars))
    foreign, rows = generator.random(len(bars)) < 0.25, np.arange(len(bars))
    for back in (2, 1):
        source = first + 2 - back
        bars[:, -back] = np.where(foreign[:, None], others[rows, source], bars[rows, source])
    return bars.reshape(melodies.shape)


def ends_moved(melodies: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Move the last notes of most phrases by one or two semitones."""
    changed, top = melodies.copy(), np.maximum(melodies.max(axis=1), KEYS - 1)
    for first in range(0, melodies.shape[1], PHRASE):
        sounds = melodies[:, first : first + PHRASE] != REST
        rows = np.flatnonzero(sounds.any(axis=1) & (generator.random(len(melodies)) < 0.85))
        last = first + sounds.shape[1] - 1 - sounds[rows, ::-1].argmax(axis=1)
        by = generator.choice([-2, -1, 1, 2], len(rows))
        to = changed[rows, last] + by
        changed[rows, last] = np.where((to < 0) | (to > top[rows]), changed[rows, last] - by, to)
    return changed


def alternated(melodies: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Take every other bar from another melody."""
    bars, others = _bars(melodies), _bars(_others(melodies, generator))
    even = np.arange(bars.shape[1])[:, None] % 2 == 0
    return np.where(even, bars, others).reshape(melodies.shape)


def unechoed(melodies: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Replace each bar that repeats an earlier one by a random bar of this or of another melody."""
    bars, others = _bars(melodies), _bars(_others(melodies, generator))
    names = np.ascontiguousarray(bars).view(np.int64)[..., 0]
    again = ((names[:, :, None] == names[:, None, :]) & np.tri(names.shape[1], k=-1, dtype=bool)).any(axis=2)
    source = generator.integers(0, bars.shape[1], names.shape)
    other = np.where(
        generator.random(names.shape)[..., None] < 0.5,
        others,
        np.take_along_axis(bars, source[..., None], axis=1),
    )
    return np.where(again[..., None], other, bars).reshape(melodies.shape)


def walked(melodies: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Replace the notes of each melody by a random walk on its scale, of at most two degrees at a time."""
    changed = melodies.copy()
    for row in changed:
        sounds = row != REST
        notes = row[sounds].astype(np.int64)
        if len(notes):
            tonic = best_tonics(np.bincount(notes % 12, minlength=12)[None], len(notes))[0]
            keys = np.arange(notes.min(), notes.max() + 1)
            keys = keys[SCALES[tonic, keys % 12]]
            if len(keys) > 1:
                top = len(keys) - 1
                path = generator.integers(0, len(keys)) + np.cumsum(generator.integers(-2, 3, len(notes)))
                row[sounds] = keys[top - np.abs(top - path % (2 * top))]
    return changed


FORM: dict[str, Corruption] = {
    "loop of 1 bar": partial(looped, bars=1),
    "loop of 2 bars": partial(looped, bars=2),
    "loop of 4 bars": partial(looped, bars=4),
    "phrases shuffled": partial(reordered, bars=PHRASE_BARS),
    "bars shuffled": partial(reordered, bars=1),
    "two songs spliced": spliced,
    "no ending": unended,
    "phrase ends moved": ends_moved,
    "bars of two songs in turn": alternated,
    "echoes broken": unechoed,
    "scale walked in the rhythm": walked,
}
"""Corruptions of form by name."""

"""Music that no listener should take for real: corrupted melodies, and degenerate players.

Conventions:
    Melodies are (N, T) int8, -1 for a rest, T whole bars, as in `listener.theory`. A corruption takes them and a
    generator, and returns as many new ones. A share is the part of the notes, or of the song, that is changed.
    Degenerate players play silence, noise, one note, loops or scales.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from listener.corpus import moved, rolls_of
from listener.theory import REST, scale_keys
from songs.keyboard import KEYS, STEPS_PER_BAR

Corruption = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def chosen_notes(melodies: np.ndarray, share: float, generator: np.random.Generator) -> np.ndarray:
    """Choose a share of the notes of each melody, at least one: (N, T) bool."""
    sounds = melodies != REST
    count = np.maximum(1, np.rint(share * sounds.sum(axis=1, keepdims=True)))
    rank = np.where(sounds, generator.random(melodies.shape), 2.0).argsort(axis=1).argsort(axis=1)
    return sounds & (rank < count)


def uniform_pitches(melodies: np.ndarray, generator: np.random.Generator, share: float = 1.0) -> np.ndarray:
    """Draw the keys of notes evenly."""
    keys = generator.integers(0, KEYS, melodies.shape)
    return np.where(chosen_notes(melodies, share, generator), keys, melodies).astype(np.int8)


def histogram_pitches(melodies: np.ndarray, generator: np.random.Generator, share: float = 1.0) -> np.ndarray:
    """Draw the keys of notes as often as all these melodies have them."""
    keys = generator.choice(melodies[melodies != REST], melodies.shape)
    return np.where(chosen_notes(melodies, share, generator), keys, melodies).astype(np.int8)


def shuffled_pitches(melodies: np.ndarray, generator: np.random.Generator, share: float = 1.0) -> np.ndarray:
    """Give notes each other's keys."""
    chosen = chosen_notes(melodies, share, generator)
    indices = np.argsort(~chosen, axis=1, kind="stable")
    order = np.argsort(np.where(chosen, generator.random(melodies.shape), 2.0), axis=1, kind="stable")
    changed = np.empty_like(melodies)
    np.put_along_axis(changed, indices, np.take_along_axis(melodies, order, axis=1), axis=1)
    return changed


def nudged(melodies: np.ndarray, generator: np.random.Generator, share: float) -> np.ndarray:
    """Move notes by 1 to 3 semitones up or down, the other way at the end of the keyboard."""
    by = generator.integers(1, 4, melodies.shape) * generator.choice([-1, 1], melodies.shape)
    to = melodies + by
    to = np.where((to < 0) | (to >= KEYS), melodies - by, to)
    return np.where(chosen_notes(melodies, share, generator), to, melodies).astype(np.int8)


def shifted(melodies: np.ndarray, generator: np.random.Generator, share: float = 1.0) -> np.ndarray:
    """Play the last bars, a share of all, an eighth later; what leaves the end comes first there."""
    first = round((1 - share) * melodies.shape[1] / STEPS_PER_BAR) * STEPS_PER_BAR
    return np.concatenate((melodies[:, :first], np.roll(melodies[:, first:], 1, axis=1)), axis=1)


def shuffled_rhythm(melodies: np.ndarray, generator: np.random.Generator, share: float = 1.0) -> np.ndarray:
    """Shuffle the times from note to note, in a share of the bars, from a random one on; the keys keep their order."""
    changed = melodies.copy()
    length = round(share * melodies.shape[1] / STEPS_PER_BAR) * STEPS_PER_BAR
    for row in changed:
        first = STEPS_PER_BAR * generator.integers(0, (len(row) - length) // STEPS_PER_BAR + 1)
        part = row[first : first + length]
        at = np.flatnonzero(part != REST)
        if len(at) > 1:
            keys = part[at].copy()
            times = generator.permutation(np.diff(at, append=length))
            part[:] = REST
            part[at[0] + np.concatenate(([0], np.cumsum(times)[:-1]))] = keys
    return changed


def shuffled_bars(melodies: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Play the bars in another order."""
    bars = melodies.reshape(len(melodies), -1, STEPS_PER_BAR)
    order = generator.random(bars.shape[:2]).argsort(axis=1)
    return np.take_along_axis(bars, order[..., None], axis=1).reshape(melodies.shape)


def inverted(melodies: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Turn every interval upside down, within the same keys."""
    sounds = melodies != REST
    lowest = np.where(sounds, melodies, KEYS).min(axis=1, keepdims=True)
    return np.where(sounds, melodies.max(axis=1, keepdims=True) + lowest - melodies, REST).astype(np.int8)


def spliced(melodies: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Go on with another melody at one of the quarters."""
    others = melodies[generator.permutation(len(melodies))]
    quarter = max(STEPS_PER_BAR, melodies.shape[1] // (4 * STEPS_PER_BAR) * STEPS_PER_BAR)
    cut = generator.integers(1, max(2, melodies.shape[1] // quarter), (len(melodies), 1)) * quarter
    return np.where(np.arange(melodies.shape[1]) < cut, melodies, others)


def looped(melodies: np.ndarray, generator: np.random.Generator, bars: int = 2) -> np.ndarray:
    """Repeat the first bars."""
    return np.resize(melodies[:, : bars * STEPS_PER_BAR].T, melodies.T.shape).T.copy()


DEMANDED: dict[str, Corruption] = {
    "uniform pitches": uniform_pitches,
    "half of the pitches uniform": partial(uniform_pitches, share=0.5),
    "pitches of the corpus": histogram_pitches,
    "half of the pitches of the corpus": partial(histogram_pitches, share=0.5),
    "shuffled pitches": shuffled_pitches,
    "half of the pitches shuffled": partial(shuffled_pitches, share=0.5),
    "10% of notes moved": partial(nudged, share=0.1),
    "25% of notes moved": partial(nudged, share=0.25),
    "shifted by an eighth": shifted,
    "second half shifted by an eighth": partial(shifted, share=0.5),
    "shuffled rhythm": shuffled_rhythm,
    "half of the rhythm shuffled": partial(shuffled_rhythm, share=0.5),
}
"""Corruptions that a listener should tell from real melodies."""
TRANSPOSED: dict[str, Corruption] = {"transposed": moved}
"""A change that it should not notice."""
REPORTED: dict[str, Corruption] = {
    "bars shuffled": shuffled_bars,
    "inverted": inverted,
    "two songs spliced": spliced,
    "two bars looped": looped,
}
"""Changes that leave plausible music."""


def repeated(pattern: np.ndarray, steps: int) -> np.ndarray:
    """Return patterns (N, P) again and again, (N, steps) int8."""
    return np.tile(pattern, (1, steps // pattern.shape[1] + 1))[:, :steps].astype(np.int8)


def spaced(keys: np.ndarray, every: int) -> np.ndarray:
    """Return patterns (N, P * every) of keys (N, P) with rests between them."""
    pattern = np.full((*keys.shape, every), REST, dtype=np.int8)
    pattern[..., 0] = keys
    return pattern.reshape(len(keys), keys.shape[1] * every)


def one_note(count: int, steps: int, generator: np.random.Generator, every: int = 1) -> np.ndarray:
    """Press one key again and again."""
    return repeated(spaced(generator.integers(0, KEYS, (count, 1)), every), steps)


def one_note_then_rest(count: int, steps: int, generator: np.random.Generator) -> np.ndarray:
    """Press one key at the beginning and nothing after it."""
    melodies = np.full((count, steps), REST, dtype=np.int8)
    melodies[:, 0] = generator.integers(0, KEYS, count)
    return melodies


def two_notes(count: int, steps: int, generator: np.random.Generator, every: int) -> np.ndarray:
    """Go to and fro between two keys."""
    keys = generator.random((count, KEYS)).argsort(axis=1)[:, :2]
    return repeated(spaced(keys, every), steps)


def scale(count: int, steps: int, generator: np.random.Generator, every: int) -> np.ndarray:
    """Play the keys of a major scale up and down."""
    melodies = np.empty((count, steps), dtype=np.int8)
    for row in melodies:
        keys = scale_keys(generator.integers(0, 12))
        row[:] = repeated(spaced(np.concatenate((keys, keys[-2:0:-1]))[None], every), steps)[0]
    return melodies


def random_keys(count: int, steps: int, generator: np.random.Generator) -> np.ndarray:
    """Press a random key at every step."""
    return generator.integers(0, KEYS, (count, steps)).astype(np.int8)


Player = Callable[[int, int, np.random.Generator], np.ndarray]

MELODIC: dict[str, Player] = {
    "silence": lambda count, steps, generator: np.full((count, steps), REST, dtype=np.int8),
    "one note in eighths": one_note,
    "one note in quarters": partial(one_note, every=2),
    "one note, then rest": one_note_then_rest,
    "two notes in eighths": partial(two_notes, every=1),
    "two notes in quarters": partial(two_notes, every=2),
    "two notes in halves": partial(two_notes, every=STEPS_PER_BAR // 2),
    "scale in eighths": partial(scale, every=1),
    "scale in quarters": partial(scale, every=2),
    "random keys": random_keys,
}
"""Players that press at most one key at a time: (count, steps, generator) to melodies (count, steps)."""


def players(count: int, steps: int, generator: np.random.Generator) -> dict[str, np.ndarray]:
    """Return `count` rolls (count, steps, 13) of every degenerate player by its name."""
    rolls = {name: rolls_of(play(count, steps, generator)) for name, play in MELODIC.items()}
    rolls["all keys"] = np.ones((count, steps, KEYS), dtype=bool)
    rolls["random sets of keys"] = generator.random((count, steps, KEYS)) < 0.5
    return rolls

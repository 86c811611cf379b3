"""Music that no listener should mistake for real: corrupted melodies and degenerate players.

Conventions:
    Melodies are (N, T) int8, -1 for a rest, T whole bars, as in `listener.theory`. A corruption takes melodies and a
    generator and returns the same number of new ones. Keys stay within 0 to 12, or to the highest key of the melody.
    `share` is the share of the notes, or of the song, that is changed. Corruptions of form are in
    `listener.form_corruptions`. Degenerate players play silence, noise, one note, loops or scales.
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


def highest_keys(melodies: np.ndarray) -> np.ndarray:
    """Return the highest key that a corruption may use in each melody, 12 or its highest key: (N, 1) int64."""
    return np.maximum(melodies.max(axis=1, keepdims=True, initial=REST), KEYS - 1).astype(np.int64)


def uniform_pitches(melodies: np.ndarray, generator: np.random.Generator, share: float = 1.0) -> np.ndarray:
    """Replace keys of notes by keys drawn evenly."""
    keys = generator.integers(0, highest_keys(melodies) + 1, melodies.shape)
    return np.where(chosen_notes(melodies, share, generator), keys, melodies).astype(np.int8)


def histogram_pitches(melodies: np.ndarray, generator: np.random.Generator, share: float = 1.0) -> np.ndarray:
    """Replace keys of notes by keys drawn with the frequencies of all these melodies."""
    keys = generator.choice(melodies[melodies != REST], melodies.shape)
    return np.where(chosen_notes(melodies, share, generator), keys, melodies).astype(np.int8)


def shuffled_pitches(melodies: np.ndarray, generator: np.random.Generator, share: float = 1.0) -> np.ndarray:
    """Shuffle the keys of notes among each other."""
    chosen = chosen_notes(melodies, share, generator)
    indices = np.argsort(~chosen, axis=1, kind="stable")
    order = np.argsort(np.where(chosen, generator.random(melodies.shape), 2.0), axis=1, kind="stable")
    changed = np.empty_like(melodies)
    np.put_along_axis(changed, indices, np.take_along_axis(melodies, order, axis=1), axis=1)
    return changed


def nudged(melodies: np.ndarray, generator: np.random.Generator, share: float) -> np.ndarray:
    """Move notes by 1 to 3 semitones up or down, reversing the direction at the ends of the keyboard."""
    by = generator.integers(1, 4, melodies.shape) * generator.choice([-1, 1], melodies.shape)
    to = melodies + by
    to = np.where((to < 0) | (to > highest_keys(melodies)), melodies - by, to)
    return np.where(chosen_notes(melodies, share, generator), to, melodies).astype(np.int8)


def shifted(melodies: np.ndarray, generator: np.random.Generator, share: float = 1.0) -> np.ndarray:
    """Play the last bars, a share of all, an eighth later; the last step wraps around to the start of that part."""
    first = round((1 - share) * melodies.shape[1] / STEPS_PER_BAR) * STEPS_PER_BAR
    return np.concatenate((melodies[:, :first], np.roll(melodies[:, first:], 1, axis=1)), axis=1)


def shuffled_rhythm(melodies: np.ndarray, generator: np.random.Generator, share: float = 1.0) -> np.ndarray:
    """Shuffle the times between notes in a share of the bars, starting at a random bar; keys keep their order."""
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


def inverted(melodies: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Invert every interval, within the same range of keys."""
    sounds = melodies != REST
    lowest = np.where(sounds, melodies, np.iinfo(np.int8).max).min(axis=1, keepdims=True)
    return np.where(sounds, melodies.max(axis=1, keepdims=True) + lowest - melodies, REST).astype(np.int8)


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
"""Corruptions that a listener should distinguish from real melodies."""
TRANSPOSED: dict[str, Corruption] = {"transposed": moved}
"""A change that it should not notice."""
REPORTED: dict[str, Corruption] = {"inverted": inverted}
"""A change that leaves plausible music."""


def repeated(pattern: np.ndarray, steps: int) -> np.ndarray:
    """Repeat patterns (N, P) up to a length, (N, steps) int8."""
    return np.tile(pattern, (1, steps // pattern.shape[1] + 1))[:, :steps].astype(np.int8)


def spaced(keys: np.ndarray, every: int) -> np.ndarray:
    """Return patterns (N, P * every): keys (N, P), one every `every` steps, with rests between."""
    pattern = np.full((*keys.shape, every), REST, dtype=np.int8)
    pattern[..., 0] = keys
    return pattern.reshape(len(keys), keys.shape[1] * every)


def one_note(count: int, steps: int, generator: np.random.Generator, every: int = 1) -> np.ndarray:
    """Press one key again and again."""
    return repeated(spaced(generator.integers(0, KEYS, (count, 1)), every), steps)


def one_note_then_rest(count: int, steps: int, generator: np.random.Generator) -> np.ndarray:
    """Press one key at the start and nothing after it."""
    melodies = np.full((count, steps), REST, dtype=np.int8)
    melodies[:, 0] = generator.integers(0, KEYS, count)
    return melodies


def two_notes(count: int, steps: int, generator: np.random.Generator, every: int) -> np.ndarray:
    """Alternate between two keys."""
    keys = generator.random((count, KEYS)).argsort(axis=1)[:, :2]
    return repeated(spaced(keys, every), steps)


def scale(count: int, steps: int, generator: np.random.Generator, every: int, chromatic: bool = False) -> np.ndarray:
    """Play the keys of a major scale, or all keys, up and down."""
    melodies = np.empty((count, steps), dtype=np.int8)
    for row in melodies:
        keys = np.arange(KEYS) if chromatic else scale_keys(generator.integers(0, 12))
        row[:] = repeated(spaced(np.concatenate((keys, keys[-2:0:-1]))[None], every), steps)[0]
    return melodies


def broken_chord(count: int, steps: int, generator: np.random.Generator, every: int = 1) -> np.ndarray:
    """Play the keys of a major triad up to the octave and down, over and over."""
    keys = np.array([0, 4, 7, 12, 7, 4]) + generator.integers(0, KEYS - 12, (count, 1))
    turned = np.take_along_axis(keys, (np.arange(6) + generator.integers(0, 6, (count, 1))) % 6, axis=1)
    return repeated(spaced(turned, every), steps)


def in_a_rhythm(play: "Player", count: int, steps: int, generator: np.random.Generator) -> np.ndarray:
    """Play the notes of a player of eighths in a random rhythm of one or two bars, over and over."""
    bar = generator.random((count, 2 * STEPS_PER_BAR)) < generator.uniform(0.25, 0.75, (count, 1))
    alike = generator.random((count, 1)) < 0.5
    bar[:, STEPS_PER_BAR:] = np.where(alike, bar[:, :STEPS_PER_BAR], bar[:, STEPS_PER_BAR:])
    bar[:, 0] = True
    rhythm = repeated(bar, steps) > 0
    order = np.maximum(rhythm.cumsum(axis=1) - 1, 0)
    return np.where(rhythm, np.take_along_axis(play(count, steps, generator), order, axis=1), REST).astype(np.int8)


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
    "chromatic scale": partial(scale, every=1, chromatic=True),
    "broken chord": broken_chord,
    "one note in a rhythm": partial(in_a_rhythm, one_note),
    "two notes in a rhythm": partial(in_a_rhythm, partial(two_notes, every=1)),
    "scale in a rhythm": partial(in_a_rhythm, partial(scale, every=1)),
    "random keys": random_keys,
}
"""Players that press at most one key at a time; each maps (count, steps, generator) to melodies (count, steps)."""


def players(count: int, steps: int, generator: np.random.Generator) -> dict[str, np.ndarray]:
    """Return `count` rolls of every degenerate player, (count, steps, K) by name."""
    rolls = {name: rolls_of(play(count, steps, generator)) for name, play in MELODIC.items()}
    rolls["all keys"] = np.ones((count, steps, KEYS), dtype=bool)
    rolls["random sets of keys"] = generator.random((count, steps, KEYS)) < 0.5
    return rolls

"""Players that no listener should pay: silence, noise, one note, loops, scales.

Conventions: rolls are (N, T, 13) bool; melodies (N, T) int8, -1 for a rest. T is whole bars.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from listener.corpus import rolls_of
from listener.theory import MAJOR_SCALE, REST
from songs.keyboard import KEYS, STEPS_PER_BAR


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
        tonic = generator.integers(0, 12)
        keys = np.array([key for key in range(KEYS) if (key - tonic) % 12 in MAJOR_SCALE])
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
"""Those that press at most one key at a time: melodies (count, steps)."""


def players(count: int, steps: int, generator: np.random.Generator) -> dict[str, np.ndarray]:
    """Return `count` rolls (count, steps, 13) of every degenerate player by its name."""
    rolls = {name: rolls_of(play(count, steps, generator)) for name, play in MELODIC.items()}
    rolls["all keys"] = np.ones((count, steps, KEYS), dtype=bool)
    rolls["random sets of keys"] = generator.random((count, steps, KEYS)) < 0.5
    return rolls

"""A genetic search for melodies that a listener overrates.

Conventions:
    Melodies are (N, T) int8, -1 for a rest. A score takes melodies (N, T) and returns (N,), higher is better.
    Islands do not mix, so their champions are as many independent finds.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from listener.corpus import rolls_of
from listener.learned.negatives import started
from listener.listener import Listener
from listener.theory import REST
from songs.keyboard import KEYS

Score = Callable[[np.ndarray], np.ndarray]
BLOCKS = (2, 4, 8, 16, 32)
SHIFTS = (-5, -3, -2, -1, 1, 2, 3, 5)


@dataclass(frozen=True)
class AttackOptions:
    """How much is tried."""

    islands: int = 8
    size: int = 32
    """Melodies on an island."""
    generations: int = 300


@dataclass(frozen=True, eq=False)
class Finds:
    """What an attack found."""

    champions: np.ndarray
    """(islands, T) int8, the best of each island."""
    scores: np.ndarray
    """(islands,)"""
    population: np.ndarray
    """(islands * size, T), all that lived at the end."""
    history: np.ndarray
    """(generations + 1, islands), the best score of each island."""


def total(listener: Listener) -> Score:
    """Return the score of whole melodies by a listener: the sum of its rewards."""
    return lambda melodies: listener.rewards(rolls_of(melodies)).sum(axis=1, dtype=np.float64)


def attack(
    score: Score,
    steps: int,
    options: AttackOptions,
    generator: np.random.Generator,
    report: Callable[[int, int], None] = lambda done, of: None,
) -> Finds:
    """Search for melodies of a high score, from random ones on.

    Args:
        score: what to optimise.
        steps: length of the melodies.
        options: how much to try.
        generator: source of chance.
        report: is told how many generations of how many are done.
    """
    shape = (options.islands, options.size, steps)
    living = started(options.islands * options.size, steps, generator).reshape(shape)
    scores = score(living.reshape(-1, steps)).reshape(shape[:2])
    history = [scores.max(axis=1)]
    for generation in range(options.generations):
        children = _children(living, scores, generator)
        earned = score(children.reshape(-1, steps)).reshape(shape[:2])
        for island in range(options.islands):
            everyone = np.concatenate((living[island], children[island]))
            values = np.concatenate((scores[island], earned[island]))
            kept = _best_different(everyone, values, options.size)
            living[island], scores[island] = everyone[kept], values[kept]
        history.append(scores.max(axis=1))
        report(generation + 1, options.generations)
    return Finds(living[:, 0].copy(), scores[:, 0].copy(), living.reshape(-1, steps), np.array(history))


def _best_different(melodies: np.ndarray, scores: np.ndarray, count: int) -> np.ndarray:
    """Return the indices of the best melodies, none twice while there are others."""
    first = np.unique(melodies, axis=0, return_index=True)[1]
    order = first[np.argsort(-scores[first], kind="stable")]
    return np.resize(order, count) if len(order) < count else order[:count]


def _children(living: np.ndarray, scores: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return a child for every melody: a winner of two, changed."""
    islands, size, _ = living.shape
    pairs = generator.integers(0, size, (2, islands, size))
    own = np.arange(islands)[:, None]
    winner = np.where(scores[own, pairs[0]] >= scores[own, pairs[1]], pairs[0], pairs[1])
    children = living[own, winner].copy()
    partners = generator.integers(0, size, (islands, size))
    for island in range(islands):
        for child, partner in zip(children[island], partners[island], strict=True):
            change(child, living[island, partner], generator)
    return children


def change(melody: np.ndarray, partner: np.ndarray, generator: np.random.Generator) -> None:
    """Change a melody (T,) in place: steps, a swap, a copied or transposed block, a crossing, or one key."""
    steps = len(melody)
    kind = generator.integers(8)
    if kind < 3:
        for _ in range(generator.integers(1, 4)):
            melody[generator.integers(steps)] = REST if generator.random() < 0.4 else generator.integers(KEYS)
    elif kind == 3:
        first = generator.integers(steps - 1)
        melody[first : first + 2] = melody[first : first + 2][::-1].copy()
    elif kind == 4:
        size = min(BLOCKS[generator.integers(len(BLOCKS))], steps // 2)
        source, target = 2 * generator.integers(0, (steps - size) // 2 + 1, 2)
        melody[target : target + size] = melody[source : source + size].copy()
    elif kind == 5:
        size = min(BLOCKS[generator.integers(len(BLOCKS))], steps)
        first = generator.integers(0, steps - size + 1)
        _transpose(melody[first : first + size], SHIFTS[generator.integers(len(SHIFTS))])
    elif kind == 6:
        first, last = np.sort(generator.integers(0, steps + 1, 2))
        melody[first:last] = partner[first:last]
    else:
        notes = np.flatnonzero(melody != REST)
        if len(notes):
            place = notes[generator.integers(len(notes))]
            _transpose(melody[place : place + 1], (-2, -1, 1, 2)[generator.integers(4)])


def _transpose(part: np.ndarray, by: int) -> None:
    sounds = part != REST
    part[sounds] = np.clip(part[sounds] + by, 0, KEYS - 1)

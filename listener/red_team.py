"""A genetic search for melodies that a listener overrates.

Conventions:
    Melodies are (N, T) int8, -1 for a rest. A score takes melodies (N, T) and returns (N,), higher is better.
    Islands do not exchange melodies, so their champions are independent finds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from listener.corpus import rolls_of
from listener.learned.negatives import random_melodies
from listener.listener import Listener
from listener.stages import Stage
from listener.theory import REST
from songs.keyboard import KEYS
from songs.validate import Within

Score = Callable[[np.ndarray], np.ndarray]
BLOCKS = (2, 4, 8, 16, 32)
SHIFTS = (-5, -3, -2, -1, 1, 2, 3, 5)


@dataclass(frozen=True)
class AttackOptions:
    """The size of an attack."""

    islands: int = 8
    size: int = 32
    """Melodies on an island."""
    generations: int = 300
    keys: int = KEYS
    """Number of keys on the keyboard."""


def total(listener: Listener, keys: int = KEYS) -> Score:
    """Return a function that scores whole melodies on a keyboard by the sum of a listener's rewards."""
    return lambda melodies: listener.rewards(rolls_of(melodies, keys)).sum(axis=1, dtype=np.float64)


class Attack(Stage):
    """A genetic search for melodies with a high score, starting from random ones; also a stage of training."""

    def __init__(
        self,
        score: Score,
        steps: int,
        options: AttackOptions,
        generator: np.random.Generator,
        name: str = "attack",
        at_once: int = 10,
        then: Callable[["Attack"], None] = lambda attack: None,
    ):
        """
        Args:
            score: function to maximise.
            steps: length of the melodies.
            options: size of the search.
            generator: source of randomness; not part of the state.
            name: name of the stage.
            at_once: generations per step.
            then: called with this search when it is finished.
        """
        super().__init__(name, options.generations)
        self._score, self._options, self._generator = score, options, generator
        self._at_once, self._then = at_once, then
        shape = (options.islands, options.size, steps)
        self.living = random_melodies(options.islands * options.size, steps, generator, options.keys).reshape(shape)
        self.scores = self._scored(self.living)
        self.history = np.zeros((options.generations + 1, options.islands))
        """Best score of each island after each generation, (generations + 1, islands)."""
        self.history[0] = self.scores.max(axis=1)
        self.kept |= {
            "living": Within(self.living, REST, options.keys - 1),
            "scores": self.scores,
            "history": self.history,
        }

    @property
    def champions(self) -> np.ndarray:
        """The best melody of each island so far, (islands, T) int8."""
        return self.living[:, 0]

    @property
    def champion_scores(self) -> np.ndarray:
        """Scores of the champions, (islands,) float64."""
        return self.scores[:, 0]

    @property
    def population(self) -> np.ndarray:
        """All melodies, (islands * size, T) int8."""
        return self.living.reshape(-1, self.living.shape[2])

    def step(self) -> dict[str, Any]:
        """Breed up to `at_once` generations and return the row."""
        for _ in range(min(self._at_once, self.steps - self.done)):
            self._breed()
        if self.finished:
            self._then(self)
        return self.row(score=float(np.median(self.scores.max(axis=1))))

    def _breed(self) -> None:
        children = _children(self.living, self.scores, self._generator, self._options.keys)
        earned = self._scored(children)
        for living, scores, born, values in zip(self.living, self.scores, children, earned, strict=True):
            everyone, worth = np.concatenate((living, born)), np.concatenate((scores, values))
            kept = _best_different(everyone, worth, self._options.size)
            living[:], scores[:] = everyone[kept], worth[kept]
        self.done += 1
        self.history[self.done] = self.scores.max(axis=1)

    def _scored(self, melodies: np.ndarray) -> np.ndarray:
        """Return the scores of melodies (islands, size, T)."""
        return self._score(melodies.reshape(-1, melodies.shape[2])).reshape(melodies.shape[:2])


def attack(
    score: Score,
    steps: int,
    options: AttackOptions,
    generator: np.random.Generator,
    report: Callable[[int, int], None] = lambda done, of: None,
) -> Attack:
    """Run a whole search for melodies of `steps` steps; `report` is called with the generations done and in all."""
    search = Attack(score, steps, options, generator, at_once=1)
    while not search.finished:
        search.step()
        report(search.done, search.steps)
    return search


def _best_different(melodies: np.ndarray, scores: np.ndarray, count: int) -> np.ndarray:
    """Return the indices of the `count` best melodies, with duplicates only if there are too few different ones."""
    first = np.unique(melodies, axis=0, return_index=True)[1]
    order = first[np.argsort(-scores[first], kind="stable")]
    return np.resize(order, count) if len(order) < count else order[:count]


def _children(living: np.ndarray, scores: np.ndarray, generator: np.random.Generator, keys: int) -> np.ndarray:
    """Return a child for every melody: the mutated winner of a tournament of two."""
    islands, size, _ = living.shape
    pairs = generator.integers(0, size, (2, islands, size))
    rows = np.arange(islands)[:, None]
    winner = np.where(scores[rows, pairs[0]] >= scores[rows, pairs[1]], pairs[0], pairs[1])
    children = living[rows, winner].copy()
    partners = generator.integers(0, size, (islands, size))
    for island in range(islands):
        for child, partner in zip(children[island], partners[island], strict=True):
            change(child, living[island, partner], generator, keys)
    return children


def change(melody: np.ndarray, partner: np.ndarray, generator: np.random.Generator, keys: int = KEYS) -> None:
    """Mutate a melody (T,) in place: steps, a swap, a copied or transposed block, a crossover, or one key."""
    steps = len(melody)
    kind = generator.integers(8)
    if kind < 3:
        for _ in range(generator.integers(1, 4)):
            melody[generator.integers(steps)] = REST if generator.random() < 0.4 else generator.integers(keys)
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
        _transpose(melody[first : first + size], SHIFTS[generator.integers(len(SHIFTS))], keys)
    elif kind == 6:
        first, last = np.sort(generator.integers(0, steps + 1, 2))
        melody[first:last] = partner[first:last]
    else:
        notes = np.flatnonzero(melody != REST)
        if len(notes):
            step = notes[generator.integers(len(notes))]
            _transpose(melody[step : step + 1], (-2, -1, 1, 2)[generator.integers(4)], keys)


def _transpose(part: np.ndarray, by: int, keys: int) -> None:
    sounds = part != REST
    part[sounds] = np.clip(part[sounds] + by, 0, keys - 1)

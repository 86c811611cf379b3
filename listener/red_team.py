"""A genetic search for melodies that a listener overrates.

Conventions:
    Melodies are (N, T) int8, -1 for a rest. A score takes melodies (N, T) and returns (N,), higher is better.
    Islands do not mix, so their champions are as many independent finds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from listener.corpus import rolls_of
from listener.learned.negatives import random_melodies
from listener.listener import Listener
from listener.stages import State, row
from listener.theory import REST
from songs.keyboard import KEYS
from songs.validate import Within, validate_like

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


@dataclass(frozen=True, eq=False)
class Finds:
    """The results of an attack."""

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


class Attack:
    """A search for melodies of a high score, from random ones on; a stage of training, too."""

    def __init__(
        self,
        score: Score,
        steps: int,
        options: AttackOptions,
        generator: np.random.Generator,
        name: str = "attack",
        at_once: int = 10,
        then: Callable[[Finds], None] = lambda finds: None,
    ):
        """
        Args:
            score: what to maximise.
            steps: length of the melodies.
            options: its size.
            generator: source of chance; it is not part of the state.
            name: of the stage.
            at_once: generations in a step.
            then: called with the results, when the search is finished.
        """
        self.name, self._score, self._options, self._generator = name, score, options, generator
        self._at_once, self._then = at_once, then
        self._generation = -1
        self._living = random_melodies(options.islands * options.size, steps, generator).reshape(
            (options.islands, options.size, steps)
        )
        self._scores = np.zeros(self._living.shape[:2])
        self._history = np.zeros((options.generations + 1, options.islands))

    @property
    def progress(self) -> float:
        return max(0, self._generation) / max(1, self._options.generations)

    @property
    def finished(self) -> bool:
        return self._generation >= self._options.generations

    @property
    def finds(self) -> Finds:
        """The results so far."""
        melodies = self._living.reshape(-1, self._living.shape[2])
        history = self._history[: self._generation + 1]
        return Finds(self._living[:, 0].copy(), self._scores[:, 0].copy(), melodies, history)

    def step(self) -> dict[str, Any]:
        """Breed some generations; the first step scores the random melodies, too."""
        if self._generation < 0:
            self._scores[:] = self._scored(self._living)
            self._count()
        for _ in range(min(self._at_once, self._options.generations - self._generation)):
            self._breed()
            self._count()
        if self.finished:
            self._then(self.finds)
        best = float(np.median(self._scores.max(axis=1)))
        return row(self.name, self._generation, self._options.generations, score=best)

    def _breed(self) -> None:
        children = _children(self._living, self._scores, self._generator)
        earned = self._scored(children)
        for living, scores, born, values in zip(self._living, self._scores, children, earned, strict=True):
            everyone, worth = np.concatenate((living, born)), np.concatenate((scores, values))
            kept = _best_different(everyone, worth, self._options.size)
            living[:], scores[:] = everyone[kept], worth[kept]

    def _scored(self, melodies: np.ndarray) -> np.ndarray:
        """Return the scores of melodies (islands, size, T)."""
        return self._score(melodies.reshape(-1, melodies.shape[2])).reshape(melodies.shape[:2])

    def _count(self) -> None:
        self._generation += 1
        self._history[self._generation] = self._scores.max(axis=1)

    def state(self) -> State:
        arrays = {"living": self._living, "scores": self._scores, "history": self._history}
        return {name: array.copy() for name, array in arrays.items()}, {"generation": self._generation}

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        example, _ = self.state()
        validate_like({**example, "living": Within(example["living"], REST, KEYS - 1)}, arrays)
        validate_like({"generation": Within(-1, -1, self._options.generations)}, data)
        self._living[:], self._scores[:] = arrays["living"], arrays["scores"]
        self._history[:], self._generation = arrays["history"], data["generation"]


def attack(
    score: Score,
    steps: int,
    options: AttackOptions,
    generator: np.random.Generator,
    report: Callable[[int, int], None] = lambda done, of: None,
) -> Finds:
    """Search for melodies of a high score.

    Args:
        score: what to maximise.
        steps: length of the melodies.
        options: its size.
        generator: source of chance.
        report: called with the generations that are done, and with how many there are.
    """
    search = Attack(score, steps, options, generator, at_once=1)
    while not search.finished:
        found = search.step()
        report(found["step"], found["steps"])
    return search.finds


def _best_different(melodies: np.ndarray, scores: np.ndarray, count: int) -> np.ndarray:
    """Return the indices of the best melodies, none twice while there are others."""
    first = np.unique(melodies, axis=0, return_index=True)[1]
    order = first[np.argsort(-scores[first], kind="stable")]
    return np.resize(order, count) if len(order) < count else order[:count]


def _children(living: np.ndarray, scores: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return a child for every melody: a winner of two, changed."""
    islands, size, _ = living.shape
    pairs = generator.integers(0, size, (2, islands, size))
    rows = np.arange(islands)[:, None]
    winner = np.where(scores[rows, pairs[0]] >= scores[rows, pairs[1]], pairs[0], pairs[1])
    children = living[rows, winner].copy()
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
            step = notes[generator.integers(len(notes))]
            _transpose(melody[step : step + 1], (-2, -1, 1, 2)[generator.integers(4)])


def _transpose(part: np.ndarray, by: int) -> None:
    sounds = part != REST
    part[sounds] = np.clip(part[sounds] + by, 0, KEYS - 1)

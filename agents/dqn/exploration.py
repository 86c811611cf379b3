"""Exploration: which steps a learner tries besides the one it values most.

Conventions:
    N environments. Keys are (N, 13) bool, one step of each environment.
"""

from itertools import combinations

import numpy as np

from agents.dqn.checked_state import check_array, check_places
from songs.keyboard import KEYS


class Epsilon:
    """A chance that falls linearly, and then stays, of trying something else."""

    def __init__(self, start: float, end: float, steps: int):
        """
        Args:
            start: chance at the first step.
            end: chance from the last of `steps` on.
            steps: environment steps in which it falls.
        """
        self.start, self.end, self.steps = start, end, steps

    def at(self, step: int) -> float:
        """Return the chance at an environment step."""
        return self.start + (self.end - self.start) * min(1.0, step / self.steps)

    def flip_keys(self, keys: np.ndarray, step: int, random: np.random.Generator) -> np.ndarray:
        """Return the keys with each of the 13 changed by a chance of epsilon / 13."""
        return keys ^ (random.random(keys.shape) < self.at(step) / KEYS)

    def change_steps(self, keys: np.ndarray, step: int, random: np.random.Generator) -> np.ndarray:
        """Return the keys with some of the N steps replaced, by a chance of epsilon, by any of at most one key."""
        other = random.integers(KEYS + 1, size=(len(keys), 1)) == np.arange(1, KEYS + 1)
        return np.where(random.random((len(keys), 1)) < self.at(step), other, keys)


def steps_of(most_keys: int) -> np.ndarray:
    """Return the steps (P, 13) bool with at most so many keys pressed, fewer keys first."""
    pressed = [keys for count in range(most_keys + 1) for keys in combinations(range(KEYS), count)]
    steps = np.zeros((len(pressed), KEYS), dtype=bool)
    for step, keys in zip(steps, pressed, strict=True):
        step[list(keys)] = True
    return steps


class TriedBefore:
    """Remembers how often each step was tried after each memory, and adds to the value of what was tried seldom.

    A value gets bonus / sqrt(1 + times tried). So what is wrong is not tried again before the rest has been, and what
    is known to be right is played on. Every key beyond the first makes the bonus `chord` times as large: of what was
    never tried, single keys come first.

    The counts stand in a table of fixed size under a hash of memory and step. That two share a cell is rare; they
    then count together.
    Source:
        Count-based bonus: Strehl & Littman (2008). Hashed counts: Tang et al., #Exploration (2017).
    """

    _CELL_BITS = 20

    def __init__(self, bonus: float, chord: float, steps: np.ndarray, observation: int):
        """
        Args:
            bonus: for what was never tried.
            chord: factor for every key beyond the first.
            steps: (P, 13) bool, all that may be tried.
            observation: I, elements of an observation.
        """
        self.steps = steps
        self._bonus = bonus * chord ** np.maximum(0, steps.sum(axis=1) - 1)
        self._counts = np.zeros(1 << self._CELL_BITS, dtype=np.uint16)
        # odd factors, the same in every run, so that a checkpoint finds its counts again
        factors = np.random.default_rng(2017).integers(1 << 63, size=len(steps) + observation, dtype=np.uint64)
        self._step_factors, self._byte_factors = np.split(2 * factors + 1, [len(steps)])

    def choose(self, values: np.ndarray, observations: np.ndarray, waiting: np.ndarray | None = None) -> np.ndarray:
        """Choose the step with the highest value and bonus, and count it.

        Args:
            values: (N, P) of every step.
            observations: (N, I) of 0 and 1.
            waiting: (N,) bool, whose step is not played and so not counted; None: none.

        Returns:
            (N, 13) bool.
        """
        cells = self._cells(observations)
        best = (values + self._bonus / np.sqrt(1.0 + self._counts[cells])).argmax(axis=1)
        cell = cells[np.arange(len(cells)), best]
        # several environments may try the same; a count stays where it is when it is full
        counted = self._counts[cell] < np.iinfo(np.uint16).max - len(cell)
        np.add.at(self._counts, cell, counted if waiting is None else counted & ~waiting)
        return self.steps[best]

    def _cells(self, observations: np.ndarray) -> np.ndarray:
        """Return (N, P), where the counts of every step after these memories stand."""
        packed = np.packbits(observations.astype(bool), axis=1).astype(np.uint64)
        memories = packed @ self._byte_factors[: packed.shape[1]]  # all of it modulo 2^64
        mixed = (memories ^ (memories >> 29))[:, None] * self._step_factors
        return (mixed >> (64 - self._CELL_BITS)).astype(np.int64)

    def state(self) -> dict[str, np.ndarray]:
        """Return the counts that are not 0."""
        cells = np.flatnonzero(self._counts)
        return {"cells": cells, "counts": self._counts[cells]}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from a state; raises ValueError if it does not fit."""
        for name, own in self.state().items():
            check_array(own, state[name], f"tried {name}")
        check_places(state, {"cells": len(self._counts) - 1}, "tried steps")
        self._counts[:] = 0
        self._counts[state["cells"]] = state["counts"]

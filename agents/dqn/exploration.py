"""Exploration: trying steps other than the most valued one.

Conventions:
    N environments, K keys. Keys are (N, K) bool, one step of each environment.
"""

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from songs.keyboard import KEYS
from songs.options import check_options, option
from songs.validate import AnyLength, Within, validate_like


@dataclass(frozen=True)
class ExplorationOptions:
    """Exploration."""

    epsilon_start: float = option(0.05, "probability of a random step at the beginning", 0.0, 1.0)
    epsilon_end: float = option(0.02, "probability of a random step after epsilon_steps", 0.0, 1.0)
    epsilon_steps: int = option(2000, "environment steps over which the probability falls", 1, 10**9)
    bonus: float = option(0.0, "added to the value of steps never tried after this memory; 0: no bonus", 0.0, 1000.0)
    most_keys: int = option(2, "largest number of keys in a step tried for its bonus", 1, 4)
    chord_bonus: float = option(0.4, "factor of the bonus for every key beyond the first", 0.0, 1.0)

    def __post_init__(self):
        check_options(self)


class EpsilonGreedy:
    """Random steps with a probability that falls linearly and then stays constant."""

    def __init__(self, options: ExplorationOptions):
        self.options = options

    def at(self, step: int) -> float:
        """Return the probability at an environment step."""
        start, end = self.options.epsilon_start, self.options.epsilon_end
        return start + (end - start) * min(1.0, step / self.options.epsilon_steps)

    def flip_keys(self, keys: np.ndarray, step: int, random: np.random.Generator) -> np.ndarray:
        """Return the keys, each flipped with probability epsilon / K."""
        return keys ^ (random.random(keys.shape) < self.at(step) / keys.shape[1])

    def replace_steps(self, keys: np.ndarray, step: int, random: np.random.Generator) -> np.ndarray:
        """Return the keys, with each of the N steps replaced by one random key or none with probability epsilon."""
        count = keys.shape[1]
        other = random.integers(count + 1, size=(len(keys), 1)) == np.arange(1, count + 1)
        return np.where(random.random((len(keys), 1)) < self.at(step), other, keys)


def steps_with(most_keys: int, keyboard: int = KEYS) -> np.ndarray:
    """Return all P steps (P, K) bool with at most `most_keys` keys, those with fewer keys first."""
    pressed = [keys for count in range(most_keys + 1) for keys in combinations(range(keyboard), count)]
    steps = np.zeros((len(pressed), keyboard), dtype=bool)
    for step, keys in zip(steps, pressed, strict=True):
        step[list(keys)] = True
    return steps


class CountBonus:
    """A bonus on the value of steps that were rarely tried after the same memory.

    The bonus is `options.bonus / sqrt(1 + times tried)`. So a wrong step is not tried again before the others have
    been, and a step known to be right keeps being played. Every key beyond the first multiplies the bonus by
    `options.chord_bonus`, so that among untried steps single keys come first.

    The counts are kept in a table of fixed size, indexed by a hash of memory and step. Collisions are rare; steps that
    collide share a count.

    Source:
        Count-based bonus: Strehl & Littman (2008). Hashed counts: Tang et al., #Exploration (2017).
    """

    _CELL_BITS = 20

    def __init__(self, options: ExplorationOptions, steps: np.ndarray, observation: int):
        """Prepare counts of the steps (P, K) bool that may be tried, after observations of I elements."""
        self.steps = steps
        self._bonus = options.bonus * options.chord_bonus ** np.maximum(0, steps.sum(axis=1) - 1)
        self._counts = np.zeros(1 << self._CELL_BITS, dtype=np.uint16)
        # odd factors, the same in every run, so that the counts of a checkpoint stay valid
        factors = np.random.default_rng(2017).integers(1 << 63, size=len(steps) + observation, dtype=np.uint64)
        self._step_factors, self._byte_factors = np.split(2 * factors + 1, [len(steps)])

    def choose(self, values: np.ndarray, observations: np.ndarray, waiting: np.ndarray | None = None) -> np.ndarray:
        """Choose the keys (N, K) bool of the step with the highest value plus bonus, and count it.

        Args:
            values: (N, P), of every step.
            observations: (N, I) of 0 and 1.
            waiting: (N,) bool, environments that ignore their step, which is then not counted; None: none of them.
        """
        cells = self._cells(observations)
        best = (values + self._bonus / np.sqrt(1.0 + self._counts[cells])).argmax(axis=1)
        cell = cells[np.arange(len(cells)), best]
        # several environments may try the same step at once; counts saturate
        counted = self._counts[cell] < np.iinfo(np.uint16).max - len(cell)
        np.add.at(self._counts, cell, counted if waiting is None else counted & ~waiting)
        return self.steps[best]

    def _cells(self, observations: np.ndarray) -> np.ndarray:
        """Return the cells (N, P) int64 that count every step after these observations."""
        packed = np.packbits(observations.astype(bool), axis=1).astype(np.uint64)
        memories = packed @ self._byte_factors[: packed.shape[1]]  # modulo 2^64, as all that follows
        mixed = (memories ^ (memories >> 29))[:, None] * self._step_factors
        return (mixed >> (64 - self._CELL_BITS)).astype(np.int64)

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return the positive counts and their cells."""
        cells = np.flatnonzero(self._counts)
        return {"cells": cells, "counts": self._counts[cells]}, {}

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Restore the counts; raises ValueError if they do not fit."""
        size = len(self._counts)
        cells = AnyLength(np.zeros(0, dtype=np.int64), most=size)
        validate_like({"cells": Within(cells, 0, size - 1)}, arrays)
        validate_like({"counts": np.zeros(len(arrays["cells"]), dtype=np.uint16)}, arrays)
        self._counts[:] = 0
        self._counts[arrays["cells"]] = arrays["counts"]

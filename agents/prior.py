"""A prior: a model of real melodies that says how each goes on, for agents and networks that choose beside it.

Conventions:
    N melodies, K keys. A choice is one of K + 1: 0 presses nothing, k presses key k - 1. Log probabilities are in nats.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

ROWS = 100
"""Melodies that a `FollowedPrior` asks about at once. A model's sums are rounded differently for another number."""


class Prior(Protocol):
    """A model that follows N melodies and predicts how each goes on."""

    def begin(self, envs: np.ndarray, rolls: np.ndarray, steps: np.ndarray) -> None:
        """Begin episodes of environments (B,) int, of whose rolls (B, T, K) bool the first steps (B,) are played."""

    def add(self, keys: np.ndarray) -> None:
        """Add a step (N, K) bool of all environments."""

    def log_probabilities(self) -> np.ndarray:
        """Return the log probabilities (N, K + 1) float32 of the choices of the next step."""

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return the melodies so far, as arrays and plain data."""

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Continue from a state; raises ValueError if it does not fit."""


class MakePrior(Protocol):
    """Makes the prior of so many melodies, of which the first is the `first`-th of those that begin together."""

    def __call__(self, melodies: int, first: int = 0) -> Prior: ...


class NoisyPrior:
    """A prior with Gumbel noise that is the same whenever a melody is played.

    What is drawn beside it is certain: the choice with the highest sum of log probability and noise is one of the
    prior's draws (Gumbel, 1954).
    """

    def __init__(self, prior: Prior, noise: np.ndarray):
        """Follow N melodies with noise (N, T, K + 1), which begins anew after T steps."""
        self._prior, self._noise = prior, noise
        self._steps = np.zeros(len(noise), dtype=np.int64)

    def begin(self, envs: np.ndarray, rolls: np.ndarray, steps: np.ndarray) -> None:
        self._prior.begin(envs, rolls, steps)
        self._steps[envs] = steps

    def add(self, keys: np.ndarray) -> None:
        self._prior.add(keys)
        self._steps += 1

    def log_probabilities(self) -> np.ndarray:
        """Return the log probabilities and the noise, added, (N, K + 1) float32."""
        rows = np.arange(len(self._steps))
        return self._prior.log_probabilities() + self._noise[rows, self._steps % self._noise.shape[1]]

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        arrays, data = self._prior.state()
        return {**arrays, "noise_steps": self._steps}, data

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        self._prior.restore({name: array for name, array in arrays.items() if name != "noise_steps"}, data)
        self._steps[:] = arrays["noise_steps"]


def with_noise(prior: MakePrior, seeds: Sequence[int], steps: int, keys: int) -> MakePrior:
    """Return what makes a prior with the noise of seeds, in turn, for melodies of so many steps and keys."""
    shape = (steps, keys + 1)
    noise = np.array([np.random.default_rng(seed).gumbel(size=shape) for seed in seeds], dtype=np.float32)

    def make(melodies: int, first: int = 0) -> NoisyPrior:
        return NoisyPrior(prior(melodies, first), noise[(first + np.arange(melodies)) % len(noise)])

    return make


class FollowedPrior:
    """What a prior predicts for melodies that begin together, the same to the bit however many they are."""

    def __init__(self, prior: MakePrior, beginnings: np.ndarray):
        """Follow melodies that have begun with (N, P, K) bool."""
        self._melodies, given, keys = beginnings.shape
        self._blocks = [prior(ROWS, first) for first in range(0, self._melodies, ROWS)]
        rows, nothing = np.arange(ROWS), np.zeros((ROWS, given, keys), dtype=bool)
        for block in self._blocks:
            block.begin(rows, nothing, np.zeros(ROWS, dtype=np.int64))
        for step in range(given):
            self.add(beginnings[:, step])

    def add(self, keys: np.ndarray) -> None:
        """Add a step (N, K) bool of all melodies."""
        filled = np.zeros((len(self._blocks) * ROWS, keys.shape[1]), dtype=bool)
        filled[: len(keys)] = keys
        for block, part in zip(self._blocks, filled.reshape(-1, ROWS, keys.shape[1]), strict=True):
            block.add(part)

    def weighted(self, outputs: np.ndarray) -> np.ndarray:
        """Return the values (N, K + 1) of the choices: their log probabilities, and for a key its output (N, K)."""
        values = np.concatenate([block.log_probabilities() for block in self._blocks])[: self._melodies].astype(float)
        values[:, 1:] += outputs
        return values


def play_prior(prior: MakePrior, prompts: np.ndarray, steps: int) -> np.ndarray:
    """Return how a prior goes on from prompts (N, P, K) bool by its most valued choices, (N, T, K) bool."""
    count, given, keys = prompts.shape
    followed, rolls = FollowedPrior(prior, prompts), np.zeros((count, steps, keys), dtype=bool)
    rolls[:, :given] = prompts
    for step in range(given, steps):
        rolls[:, step] = keys_of(followed.weighted(np.zeros((count, keys))).argmax(axis=1), keys)
        followed.add(rolls[:, step])
    return rolls


def keys_of(choices: np.ndarray, keys: int) -> np.ndarray:
    """Return what choices (N,) press, (N, K) bool."""
    return choices[:, None] == np.arange(1, keys + 1)

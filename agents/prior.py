"""A prior: a model of real melodies that predicts their next steps, combined with the choices of agents and networks.

Conventions:
    N melodies, K keys. A choice is one of K + 1: 0 presses nothing, k presses key k - 1. Log probabilities are in nats.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

ROWS = 100
"""Batch size of `FollowedPrior`. It is fixed, as a model's sums are rounded differently for other batch sizes."""


class Prior(Protocol):
    """A model that follows N melodies and predicts the next step of each."""

    def begin(self, envs: np.ndarray, rolls: np.ndarray, steps: np.ndarray) -> None:
        """Begin episodes of environments (B,) int; the first `steps` (B,) of their rolls (B, T, K) bool are played."""

    def add(self, keys: np.ndarray) -> None:
        """Add a step (N, K) bool of all environments."""

    def log_probabilities(self) -> np.ndarray:
        """Return the log probabilities (N, K + 1) float32 of the choices of the next step."""

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return the melodies so far, as arrays and plain data."""

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Continue from a state; raises ValueError if it does not fit."""


class MakePrior(Protocol):
    """Factory of priors: for `melodies` melodies, a block that starts at index `first` of a larger batch."""

    def __call__(self, melodies: int, first: int = 0) -> Prior: ...


class NoisyPrior:
    """A prior with Gumbel noise, fixed for each melody and step.

    Sampling becomes deterministic: the choice with the highest sum of log probability and noise is a sample from the
    prior (Gumbel, 1954).
    """

    def __init__(self, prior: Prior, noise: np.ndarray):
        """Follow N melodies with noise (N, T, K + 1), which repeats after T steps."""
        self._prior, self._noise = prior, noise
        self._steps = np.zeros(len(noise), dtype=np.int64)

    def begin(self, envs: np.ndarray, rolls: np.ndarray, steps: np.ndarray) -> None:
        self._prior.begin(envs, rolls, steps)
        self._steps[envs] = steps

    def add(self, keys: np.ndarray) -> None:
        self._prior.add(keys)
        self._steps += 1

    def log_probabilities(self) -> np.ndarray:
        """Return the sums of log probabilities and noise, (N, K + 1) float32."""
        rows = np.arange(len(self._steps))
        return self._prior.log_probabilities() + self._noise[rows, self._steps % self._noise.shape[1]]

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        arrays, data = self._prior.state()
        return {**arrays, "noise_steps": self._steps}, data

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        self._prior.restore({name: array for name, array in arrays.items() if name != "noise_steps"}, data)
        self._steps[:] = arrays["noise_steps"]


def with_noise(prior: MakePrior, seeds: Sequence[int], steps: int, keys: int) -> MakePrior:
    """Return a factory of priors with noise: melody i uses seed i, cyclically. Melodies have `steps` and `keys`."""
    shape = (steps, keys + 1)
    noise = np.array([np.random.default_rng(seed).gumbel(size=shape) for seed in seeds], dtype=np.float32)

    def make(melodies: int, first: int = 0) -> NoisyPrior:
        return NoisyPrior(prior(melodies, first), noise[(first + np.arange(melodies)) % len(noise)])

    return make


class FollowedPrior:
    """Predictions of a prior for melodies that begin together, bit-identical for any number of them."""

    def __init__(self, prior: MakePrior, prompts: np.ndarray):
        """Follow melodies from prompts (N, P, K) bool."""
        self._melodies, given, keys = prompts.shape
        self._blocks = [prior(ROWS, first) for first in range(0, self._melodies, ROWS)]
        rows, nothing = np.arange(ROWS), np.zeros((ROWS, given, keys), dtype=bool)
        for block in self._blocks:
            block.begin(rows, nothing, np.zeros(ROWS, dtype=np.int64))
        for step in range(given):
            self.add(prompts[:, step])

    def add(self, keys: np.ndarray) -> None:
        """Add a step (N, K) bool of all melodies."""
        filled = np.zeros((len(self._blocks) * ROWS, keys.shape[1]), dtype=bool)
        filled[: len(keys)] = keys
        for block, part in zip(self._blocks, filled.reshape(-1, ROWS, keys.shape[1]), strict=True):
            block.add(part)

    def weighted(self, outputs: np.ndarray) -> np.ndarray:
        """Return the values (N, K + 1) of the choices: the log probabilities, with `outputs` (N, K) added to the keys.

        A rest, choice 0, has no output.
        """
        values = np.concatenate([block.log_probabilities() for block in self._blocks])[: self._melodies].astype(float)
        values[:, 1:] += outputs
        return values


def play_prior(prior: MakePrior, prompts: np.ndarray, steps: int) -> np.ndarray:
    """Continue prompts (N, P, K) bool with the prior's most probable choices; return rolls (N, `steps`, K) bool."""
    count, given, keys = prompts.shape
    followed, rolls = FollowedPrior(prior, prompts), np.zeros((count, steps, keys), dtype=bool)
    rolls[:, :given] = prompts
    for step in range(given, steps):
        rolls[:, step] = keys_of(followed.weighted(np.zeros((count, keys))).argmax(axis=1), keys)
        followed.add(rolls[:, step])
    return rolls


def keys_of(choices: np.ndarray, keys: int) -> np.ndarray:
    """Return the keys (N, K) bool that choices (N,) press."""
    return choices[:, None] == np.arange(1, keys + 1)

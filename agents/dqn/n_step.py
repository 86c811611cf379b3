"""n-step returns: transitions that span n steps of an environment.

Conventions:
    N environments, K keys, I elements of an observation, R rewards of a step. The age of an environment is the number
    of steps played since its episode began.
Source:
    Sutton & Barto, Reinforcement Learning (2018), chapter 7.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.state_parts import restore_arrays
from songs.keyboard import KEYS


@dataclass(frozen=True, eq=False)
class EnvStep:
    """One step of N environments."""

    observations: np.ndarray
    """(N, I), before the step."""
    keys: np.ndarray
    """(N, K), the keys played."""
    rewards: np.ndarray
    """(N, R) float32: one for the step, or one for each key."""
    next_observations: np.ndarray
    """(N, I), after the step."""
    terminated: np.ndarray
    """(N,) bool."""
    truncated: np.ndarray
    """(N,) bool."""
    began: np.ndarray
    """(N,) bool, environments that began an episode in this step and did not play."""

    @property
    def ended(self) -> np.ndarray:
        """(N,) bool, environments whose episode ended with this step."""
        return self.terminated | self.truncated


class NStep:
    """The last n steps of N environments, and the transitions they complete.

    A transition is complete after n steps or when its episode terminates. Transitions cut short by a truncation are
    dropped, as their outcome is unknown.
    """

    def __init__(
        self,
        envs: int,
        observation: int,
        memory: int,
        rewards: int,
        steps: int,
        gamma: float,
        keys: int = KEYS,
        lags: bool = False,
    ):
        """
        Args:
            envs, observation, rewards, steps: N, I, R, and n, which is at least 1.
            memory: number of steps of K keys at the beginning of an observation.
            gamma: discount of one step.
            keys: K.
            lags: True if the steps of an observation are not consecutive; all of those at the end are then kept.
        """
        self.steps = steps
        self._newest = slice(0 if lags else keys * (memory - 1), keys * memory)
        self._whole = lags
        self._discounts = (gamma ** np.arange(steps)).astype(np.float32)
        # index i is the step i steps ago
        self._observations = np.zeros((steps, envs, observation), dtype=np.int8)
        self._keys = np.zeros((steps, envs, keys), dtype=np.int8)
        self._remembered = np.zeros((steps, envs, keys * memory if lags else keys), dtype=np.int8)
        self._rewards = np.zeros((steps, envs, rewards), dtype=np.float32)
        self._age = np.zeros(envs, dtype=np.int64)

    def add(self, step: EnvStep, counted: np.ndarray) -> tuple[np.ndarray, ...]:
        """Add a step of every environment; where `counted` (N,) bool is False, it joins no transition.

        Returns:
            The L complete transitions as arguments of `ReplayBuffer.add`: observations, remembered, keys, rewards,
            continues; and the environment of each, (L,) int.
        """
        new = (self._observations, step.observations), (self._keys, step.keys), (self._rewards, step.rewards)
        for past, now in (*new, (self._remembered, step.next_observations[:, self._newest])):
            past[1:] = past[:-1]
            past[0] = now
        self._age[counted] += 1
        oldest_first = reversed(range(self.steps))
        parts = [self._transitions(ago, step.terminated, counted) for ago in oldest_first]
        self._age[step.began | step.ended] = 0
        return tuple(np.concatenate(column) for column in zip(*parts, strict=True))

    def _transitions(self, ago: int, terminated: np.ndarray, counted: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return the complete transitions that began `ago` steps before the newest one."""
        envs = np.flatnonzero(counted & (self._age > ago) & (terminated | (ago == self.steps - 1)))
        remembered = np.zeros((len(envs), self.steps, self._remembered.shape[2]), dtype=np.int8)
        rewards = np.zeros((len(envs), self._rewards.shape[2]), dtype=np.float32)
        for later in range(ago + 1):
            remembered[:, later] = self._remembered[ago - later, envs]
            rewards += self._discounts[later] * self._rewards[ago - later, envs]
        if self._whole:
            remembered = self._remembered[0, envs]
        return self._observations[ago, envs], remembered, self._keys[ago, envs], rewards, ~terminated[envs], envs

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return the last n steps."""
        arrays = {"observations": self._observations, "keys": self._keys, "remembered": self._remembered}
        return {**arrays, "rewards": self._rewards, "age": self._age}, {}

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Restore the last n steps; raises ValueError if they do not fit."""
        restore_arrays(self.state()[0], arrays)

"""Records of the episodes being played and of their rewards.

Conventions:
    N environments, songs of at most T steps, M remembered steps, K keys. Steps are counted from the beginning of the
    song, so the roll includes the prompt. Observations are laid out like those of `KeyboardEnv`.
"""

from typing import Any

import numpy as np

from agents.state_parts import restore_arrays
from songs.keyboard import KEYS
from songs.piano_roll import memory_windows
from songs.plan import PlanInputs


class Episodes:
    """The current episodes of N environments."""

    def __init__(self, envs: int, steps: int, memory: int, keys: int = KEYS, plans: PlanInputs | None = None):
        """Record N episodes; with a plan, which all of them share, observations include its inputs."""
        self.memory, self.keys, self.plans = memory, keys, plans
        self.rolls = np.zeros((envs, steps, keys), dtype=bool)
        """(N, T, K), from the beginning of the song."""
        self.rewards = np.zeros((envs, steps), dtype=np.float32)
        """(N, T), the reward of every step."""
        self.first = np.zeros(envs, dtype=np.int64)
        """(N,), the step at which each episode began."""
        self.now = np.zeros(envs, dtype=np.int64)
        """(N,), the next step to play."""

    def begin(self, envs: np.ndarray, observations: np.ndarray, steps: np.ndarray) -> None:
        """Begin episodes of environments (B,) int with first observations (B, I), at steps (B,) int of the song."""
        self.rolls[envs], self.rewards[envs] = False, 0
        self.first[envs] = self.now[envs] = steps
        memories = observations[:, : self.memory * self.keys].reshape(-1, self.memory, self.keys).astype(bool)
        for env, memory, step in zip(envs.tolist(), memories, steps.tolist(), strict=True):
            known = min(self.memory, step)
            self.rolls[env, step - known : step] = memory[self.memory - known :]

    def add(self, played: np.ndarray, keys: np.ndarray, rewards: np.ndarray) -> None:
        """Add a step (N, K), with its rewards (N,), of the environments (N,) bool that played."""
        envs = np.flatnonzero(played)
        at = self.now[envs]
        self.rolls[envs, at], self.rewards[envs, at] = keys[envs].astype(bool), rewards[envs]
        self.now[envs] += 1

    def returns_to_end(self, env: int, first: int, gamma: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return Monte Carlo transitions of an ended episode: from each of its L steps from `first` on to its end.

        Returns:
            Observations (L, I) bool, keys (L, K) bool, and discounted returns (L, 1) float32.
        """
        roll, steps = self.rolls[env], np.arange(first, self.now[env])
        returns = discounted_returns(self.rewards[env, steps], gamma)
        return observed(roll, steps, self.memory, self.plans), roll[steps], returns[:, None]

    def recorded(self, env: int) -> tuple[np.ndarray, np.ndarray, int, int]:
        """Return the roll (T, K) of an environment, its rewards (T,), its first step and its next step."""
        return self.rolls[env], self.rewards[env], int(self.first[env]), int(self.now[env])

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return the episodes so far."""
        return {"rolls": self.rolls, "rewards": self.rewards, "first": self.first, "now": self.now}, {}

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Restore the episodes; raises ValueError if they do not fit."""
        last = self.rewards.shape[1]
        restore_arrays(self.state()[0], arrays, first=last, now=last)


def discounted_returns(rewards: np.ndarray, gamma: float) -> np.ndarray:
    """Return the discounted sum of the rewards (T,) from each step on, (T,) float32."""
    totals, later = np.empty(len(rewards), dtype=np.float32), 0.0
    for step in range(len(rewards) - 1, -1, -1):
        later = totals[step] = rewards[step] + gamma * later
    return totals


def observed(roll: np.ndarray, steps: np.ndarray, memory: int, plans: PlanInputs | None = None) -> np.ndarray:
    """Return the observations before steps (S,) of a roll (T, K): the last steps, then the inputs of the first plan.

    Returns:
        (S, memory * K) bool, with more columns if there is a plan.
    """
    remembered = memory_windows(roll, memory)[steps].reshape(len(steps), memory * roll.shape[1])
    if plans is None:
        return remembered
    planned = plans.at(np.zeros(len(steps), dtype=np.int64), steps, np.broadcast_to(roll, (len(steps), *roll.shape)))
    return np.concatenate((remembered, planned), axis=1)

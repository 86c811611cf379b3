"""n-step returns: turns the steps of several environments into transitions that span n of them.

Conventions:
    N environments, I elements of an observation, R rewards of a step. Age is the number of steps an environment has
    played since its episode began.
Source:
    Sutton & Barto, Reinforcement Learning (2018), chapter 7.
"""

import numpy as np

from agents.dqn.named_arrays import restore_arrays
from songs.keyboard import KEYS


class NStep:
    """Holds the last n steps of N environments and hands out the transitions that are complete.

    A transition is complete after n steps or when its episode terminates. One that a truncation cuts short is
    dropped: what would have followed is not known.
    """

    def __init__(self, envs: int, observation: int, memory: int, rewards: int, steps: int, gamma: float):
        """
        Args:
            envs: N.
            observation: I.
            memory: steps of 13 keys at the beginning of an observation.
            rewards: R.
            steps: n, at least 1.
            gamma: discount of one step.
        """
        self.steps = steps
        self._newest = slice(KEYS * (memory - 1), KEYS * memory)
        self._discounts = (gamma ** np.arange(steps)).astype(np.float32)
        # what happened i steps ago stands at index i
        self._observations = np.zeros((steps, envs, observation), dtype=np.int8)
        self._keys = np.zeros((steps, envs, KEYS), dtype=np.int8)
        self._heard = np.zeros((steps, envs, KEYS), dtype=np.int8)
        self._rewards = np.zeros((steps, envs, rewards), dtype=np.float32)
        self._age = np.zeros(envs, dtype=np.int64)

    def begin(self, began: np.ndarray) -> None:
        """Forget the past of the environments (N,) bool that begin an episode."""
        self._age[began] = 0

    def add(
        self,
        observations: np.ndarray,
        keys: np.ndarray,
        rewards: np.ndarray,
        next_observations: np.ndarray,
        terminated: np.ndarray,
        played: np.ndarray,
    ) -> tuple[np.ndarray, ...]:
        """Take a step of every environment.

        Args:
            observations: (N, I), before the step.
            keys: (N, 13), what was played.
            rewards: (N, R).
            next_observations: (N, I), after it.
            terminated: (N,) bool.
            played: (N,) bool, False for environments that began an episode instead of playing.

        Returns:
            The complete transitions as arguments of `ReplayBuffer.add`: observations, heard, keys, rewards, continues;
            and the environment of each, (K,) int.
        """
        new = (self._observations, observations), (self._keys, keys), (self._rewards, rewards)
        for past, now in (*new, (self._heard, next_observations[:, self._newest])):
            past[1:] = past[:-1]
            past[0] = now
        self._age[played] += 1
        ready = [
            np.flatnonzero(played & (self._age > ago) & (terminated | (ago == self.steps - 1)))
            for ago in reversed(range(self.steps))
        ]
        parts = [
            self._since(ago, envs, terminated) for ago, envs in zip(reversed(range(self.steps)), ready, strict=True)
        ]
        return tuple(np.concatenate(column) for column in zip(*parts, strict=True))

    def _since(self, ago: int, envs: np.ndarray, terminated: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return the transitions that began `ago` steps before the newest one."""
        heard = np.zeros((len(envs), self.steps, KEYS), dtype=np.int8)
        rewards = np.zeros((len(envs), self._rewards.shape[2]), dtype=np.float32)
        for later in range(ago + 1):
            heard[:, later] = self._heard[ago - later, envs]
            rewards += self._discounts[later] * self._rewards[ago - later, envs]
        return self._observations[ago, envs], heard, self._keys[ago, envs], rewards, ~terminated[envs], envs

    def state(self) -> dict[str, np.ndarray]:
        """Return the last n steps."""
        return {
            "observations": self._observations,
            "keys": self._keys,
            "heard": self._heard,
            "rewards": self._rewards,
            "age": self._age,
        }

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from a state; raises ValueError if it has another shape."""
        restore_arrays(self.state(), state, "last steps")

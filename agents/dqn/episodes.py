"""What environments have played since their episodes began, and what came of it.

Conventions:
    N environments, songs of at most T steps, M remembered steps. The step of an episode counts from the beginning of
    the song: what is given there stands in the roll, too. Observations are laid out like those of `KeyboardEnv`.
"""

import numpy as np

from agents.dqn.checked_state import check_places
from agents.dqn.named_arrays import restore_arrays
from songs.keyboard import KEYS
from songs.piano_roll import memory_windows


class Episodes:
    """Records the episodes of N environments."""

    def __init__(self, envs: int, steps: int, memory: int):
        """
        Args:
            envs: N.
            steps: T.
            memory: M.
        """
        self.memory = memory
        self.rolls = np.zeros((envs, steps, KEYS), dtype=bool)
        """(N, T, 13), what was heard from the beginning of the song on."""
        self.rewards = np.zeros((envs, steps), dtype=np.float32)
        """(N, T), what was paid for every step."""
        self.first = np.zeros(envs, dtype=np.int64)
        """(N,), the step at which each environment began to play."""
        self.now = np.zeros(envs, dtype=np.int64)
        """(N,), the step that is played next."""

    def begin(self, envs: np.ndarray, observations: np.ndarray, steps: np.ndarray) -> None:
        """Begin episodes.

        Args:
            envs: (B,) int, who begins one.
            observations: (B, I), the first of each.
            steps: (B,) int, the step of the song at which it begins.
        """
        self.rolls[envs], self.rewards[envs] = False, 0
        self.first[envs] = self.now[envs] = steps
        memories = observations[:, : self.memory * KEYS].reshape(-1, self.memory, KEYS).astype(bool)
        for env, memory, step in zip(envs.tolist(), memories, steps.tolist(), strict=True):
            known = min(self.memory, step)
            self.rolls[env, step - known : step] = memory[self.memory - known :]

    def add(self, played: np.ndarray, keys: np.ndarray, rewards: np.ndarray) -> None:
        """Take a step (N, 13), with its rewards (N,), of the environments (N,) bool that played."""
        envs = np.flatnonzero(played)
        at = self.now[envs]
        self.rolls[envs, at], self.rewards[envs, at] = keys[envs].astype(bool), rewards[envs]
        self.now[envs] += 1

    def state(self) -> dict[str, np.ndarray]:
        """Return what is recorded."""
        return {"rolls": self.rolls, "rewards": self.rewards, "first": self.first, "now": self.now}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from a state; raises ValueError if it does not fit."""
        last = self.rewards.shape[1]
        check_places(state, {"first": last, "now": last}, "episodes")
        restore_arrays(self.state(), state, "episodes")


def returns(rewards: np.ndarray, gamma: float) -> np.ndarray:
    """Return what is paid from each step on, (T,) float32, for the rewards (T,) of an episode."""
    found, later = np.empty(len(rewards), dtype=np.float32), 0.0
    for step in range(len(rewards) - 1, -1, -1):
        later = found[step] = rewards[step] + gamma * later
    return found


def memories(roll: np.ndarray, steps: np.ndarray, memory: int) -> np.ndarray:
    """Return what is remembered before some steps (S,) of a roll (T, 13): (S, memory * 13) bool."""
    return memory_windows(roll, memory)[steps].reshape(len(steps), -1)


def transitions(
    episodes: Episodes, ended: np.ndarray, learn_from: np.ndarray, gamma: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a transition from every step of the episodes that ended to their end: Monte Carlo returns.

    Args:
        episodes: with their last steps.
        ended: (B,) int, the environments whose episode ended.
        learn_from: (B,) int, the first step of each that is to be learned from.
        gamma: discount of one step.

    Returns:
        Observations (K, M * 13) bool, keys (K, 13) bool, and what was paid from each step on, (K, 1) float32.
    """
    observations = [np.zeros((0, episodes.memory * KEYS), dtype=bool)]
    keys, paid = [np.zeros((0, KEYS), dtype=bool)], [np.zeros(0, dtype=np.float32)]
    for env, first in zip(ended.tolist(), learn_from.tolist(), strict=True):
        roll, steps = episodes.rolls[env], np.arange(first, episodes.now[env])
        observations.append(memories(roll, steps, episodes.memory))
        keys.append(roll[steps])
        paid.append(returns(episodes.rewards[env, steps], gamma))
    return np.concatenate(observations), np.concatenate(keys), np.concatenate(paid)[:, None]

"""Real episodes of a search whose only feedback is the number of right steps before the first error.

Conventions: M remembered steps, K keys; weights (K, F) float64 of F - 1 inputs, laid out like the observation of
`KeyboardEnv`, and the bias.
"""

from typing import Any

import gymnasium
import numpy as np

from agents.performer import Performer
from agents.rollout import play_episode
from songs.piano_roll import Memory, memory_windows


class RealEpisodes:
    """Episodes in an environment that stops at the first error, as a function of the performer."""

    def __init__(self, env: gymnasium.Env):
        """Play in a `KeyboardEnv`, wrapped or not; raises ValueError if its rules do not suit."""
        keyboard: Any = env.unwrapped
        rules = keyboard.rules
        if not rules.stop_at_error or rules.teacher_forcing or rules.improvise or len(rules.songs) != 1:
            raise ValueError(
                "the environment must have one song and stop_at_error=True, and neither teacher forcing nor improvise"
            )
        self.env = env
        self.mode_bit = rules.mode_bit
        song = rules.songs[0]
        self.steps = song.steps - rules.prompt
        self.start = memory_windows(song.roll[: rules.prompt + 1], rules.memory, rules.prompt)[0]
        """(S, K) bool, the steps before the first one to play, as far as the memory reaches back."""
        self.memory: Memory = rules.lags or rules.memory
        """Number of remembered steps, or lags."""

    def __call__(self, performer: Performer) -> int:
        """Let a performer play one episode; return the number of right steps before the first error."""
        return play_episode(self.env, performer).prefix


class LinearPlayer:
    """A linear network at the keyboard that records what it plays."""

    def __init__(self, weights: np.ndarray, mode_bit: bool):
        self._weights = weights
        self._tail = np.ones(1 + mode_bit)
        self.reset(1)

    def reset(self, episodes: int) -> None:
        self.played: list[np.ndarray] = []

    def press(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        keys = self._weights @ np.concatenate([memory.reshape(-1), self._tail]) > 0
        self.played.append(keys)
        return keys[None]

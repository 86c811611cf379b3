"""The protocol of performers, and the three simplest: silent, random and perfect.

Conventions:
    B episodes are played side by side, with M remembered steps and K keys. Memories are (B, M, K) bool, oldest step
    first; keys are (B, K) bool.
"""

from typing import Protocol, runtime_checkable

import numpy as np


@runtime_checkable
class Performer(Protocol):
    """A player of the keyboard that decides each step from the remembered ones."""

    def reset(self, episodes: int) -> None:
        """Begin a number of episodes, played side by side."""
        ...

    def press(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        """Decide the next step of every episode.

        Args:
            memory: (B, M, K) bool, the last steps.
            improvise: (B,) bool, True for episodes that are improvised; None: none of them.

        Returns:
            (B, K) bool, the keys to press.
        """
        ...


class SilentPlayer:
    """A player that always rests: the baseline of every score."""

    def reset(self, episodes: int) -> None:
        pass

    def press(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        return np.zeros((len(memory), memory.shape[2]), dtype=bool)


class RandomPlayer:
    """A player that presses one random key, or none, at every step."""

    def __init__(self, random: np.random.Generator, rest: float = 0.6):
        """
        Args:
            random: source of its choices.
            rest: probability of pressing nothing, 0 to 1; children's songs rest at about 0.6 of their steps.
        """
        self.random = random
        self.rest = rest

    def reset(self, episodes: int) -> None:
        pass

    def press(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        episodes, _, count = memory.shape
        keys = np.zeros((episodes, count), dtype=bool)
        keys[np.arange(episodes), self.random.integers(count, size=episodes)] = True
        keys[self.random.random(episodes) < self.rest] = False
        return keys


class PerfectPlayer:
    """A player that plays one song from the first step after the prompt, whatever is in memory."""

    def __init__(self, roll: np.ndarray, prompt: int):
        self.roll = np.asarray(roll, dtype=bool)
        self.prompt = prompt
        self.reset(1)

    def reset(self, episodes: int) -> None:
        self._step = self.prompt

    def press(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        keys = self.roll[self._step]
        self._step += 1
        return np.tile(keys, (len(memory), 1))

"""The protocol of performers, and the three simplest: one that rests, one at random, one that knows the song.

Conventions:
    B episodes are played side by side, M is the number of remembered steps, K of keys. Memories are (B, M, K)
    bool, oldest step first; keys are (B, K) bool.
"""

from typing import Protocol, runtime_checkable

import numpy as np


@runtime_checkable
class Performer(Protocol):
    """Plays the keyboard from memory."""

    def reset(self, episodes: int) -> None:
        """Begin this many episodes side by side."""
        ...

    def press(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        """Decide the next step of every episode.

        Args:
            memory: (B, M, K) bool, the last steps.
            improvise: (B,) bool, which episodes are improvised; None: none of them.

        Returns:
            (B, K) bool, the keys to press.
        """
        ...


class SilentPlayer:
    """Always rests: the baseline every score is shown beside."""

    def reset(self, episodes: int) -> None:
        pass

    def press(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        return np.zeros((len(memory), memory.shape[2]), dtype=bool)


class RandomPlayer:
    """Presses one key chosen at random, or none, at every step."""

    def __init__(self, random: np.random.Generator, rest: float = 0.6):
        """
        Args:
            random: source of its choices.
            rest: probability of pressing nothing, 0 to 1; children's songs rest at about 0.6 of the steps.
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
    """Plays one song from the first step after the prompt, whatever it hears."""

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

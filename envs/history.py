"""The last steps of many episodes, stored so that a single slice yields all of them.

Conventions: B episodes; the history of each is W steps of K keys, oldest first, in one row of int8.
"""

import numpy as np

from songs.piano_roll import Memory, span

_FEWEST_FREE_STEPS = 32
"""Keeps copying back rare even for short histories."""


class History:
    """The histories of B episodes that advance together.

    Every row has room for more steps than are kept. The history is a window that moves right with every step added,
    in all rows at once. When it reaches the end, it is copied back to the beginning.
    """

    def __init__(self, episodes: int, steps: int, keys: int, memory: Memory = 0, mode_bit: bool = False):
        """
        Args:
            episodes: B.
            steps: W.
            keys: K.
            memory: number of observed steps, at most W, or lags.
            mode_bit: append the mode to every observation.
        """
        self._keys, self._width, self._observed = keys, steps * keys, span(memory) * keys
        self._columns = None
        if not isinstance(memory, int):
            cells = [np.arange(keys) - lag * keys for lag in memory]
            self._columns = np.concatenate([*cells, np.arange(int(mode_bit))])  # the mode follows the last step
        free = max(steps, _FEWEST_FREE_STEPS) * keys
        self._cells = np.zeros((episodes, self._width + free + mode_bit), dtype=np.int8)
        self._end, self._last_end = self._width, self._width + free
        self.mode = np.ones(episodes, dtype=np.int8) if mode_bit else None
        """(B,) int8, the mode bit of each episode: 1 to play the song, 0 to improvise; None without a mode bit."""

    def add(self, keys: np.ndarray) -> None:
        """Append one step (B, K) and drop the oldest."""
        if self._end == self._last_end:
            self._cells[:, : self._width] = self._cells[:, self._end - self._width : self._end]
            self._end = self._width
        end = self._end + self._keys
        self._cells[:, self._end : end] = keys
        self._end = end

    def replace(self, episodes: np.ndarray, histories: np.ndarray) -> None:
        """Replace the histories of b episodes by (b, W * K)."""
        self._cells[episodes, self._end - self._width : self._end] = histories

    def window(self) -> np.ndarray:
        """Return the whole histories (B, W, K) int8, as a view that the next `add` overwrites."""
        return self._cells[:, self._end - self._width : self._end].reshape(len(self._cells), -1, self._keys)

    def observations(self) -> np.ndarray:
        """Return the observations (B, M * K) int8, with one more column for the mode bit.

        This is a view that the next `add` overwrites; with lags it is a copy.
        """
        if self.mode is not None:
            self._cells[:, self._end] = self.mode  # the next step will be written over it
        if self._columns is not None:
            return self._cells[:, self._end + self._columns]
        return self._cells[:, self._end - self._observed : self._end + (self.mode is not None)]

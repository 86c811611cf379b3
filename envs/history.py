"""The last steps of many episodes, kept so that those of all of them are one slice.

Conventions: B episodes; the history of each is W steps of K keys, oldest first, all in one row of int8.
"""

import numpy as np

from songs.piano_roll import Memory, span

_FEWEST_FREE_STEPS = 32
"""So that a short history, too, is moved back only once in a while."""


class History:
    """The histories of B episodes that advance together.

    Every row has room for more steps than are kept. The history is a window that moves right by one step when one is
    added, for all rows at once; when it reaches the end it is copied back to the beginning.
    """

    def __init__(self, episodes: int, steps: int, keys: int, memory: Memory = 0, mode_bit: bool = False):
        """
        Args:
            episodes: B.
            steps: W.
            keys: K.
            memory: steps that are observed, at most W, or lags.
            mode_bit: append the mode to every observation.
        """
        self._keys, self._width, self._observed = keys, steps * keys, span(memory) * keys
        self._columns = None
        if not isinstance(memory, int):
            cells = [np.arange(keys) - lag * keys for lag in memory]
            self._columns = np.concatenate([*cells, np.arange(int(mode_bit))])  # the mode stands behind the last step
        free = max(steps, _FEWEST_FREE_STEPS) * keys
        self._cells = np.zeros((episodes, self._width + free + mode_bit), dtype=np.int8)
        self._end, self._last_end = self._width, self._width + free
        self.mode = np.ones(episodes, dtype=np.int8) if mode_bit else None
        """(B,) int8, the mode bit of each episode: 1 to play the song, 0 to improvise; None without mode bit."""

    def add(self, keys: np.ndarray) -> None:
        """Append one step, (B, K), and forget the oldest."""
        if self._end == self._last_end:
            self._cells[:, : self._width] = self._cells[:, self._end - self._width : self._end]
            self._end = self._width
        end = self._end + self._keys
        self._cells[:, self._end : end] = keys
        self._end = end

    def replace(self, episodes: np.ndarray, histories: np.ndarray) -> None:
        """Give b episodes other histories, (b, W * K)."""
        self._cells[episodes, self._end - self._width : self._end] = histories

    def window(self) -> np.ndarray:
        """Return (B, W, K) int8, all that is kept: a view that the next `add` spoils."""
        return self._cells[:, self._end - self._width : self._end].reshape(len(self._cells), -1, self._keys)

    def observations(self) -> np.ndarray:
        """Return (B, M * K) int8, or one column more with the mode bit: a view that the next `add` spoils, or with lags
        a copy.
        """
        if self.mode is not None:
            self._cells[:, self._end] = self.mode  # the next step will be written over it
        if self._columns is not None:
            return self._cells[:, self._end + self._columns]
        return self._cells[:, self._end - self._observed : self._end + (self.mode is not None)]

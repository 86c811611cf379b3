"""What many performers remember, kept so that the newest steps of all of them are one slice.

Conventions:
    N performers remember `memory` steps of 13 keys each, oldest first, all in one row of int8.
"""

import numpy as np

from songs.keyboard import KEYS

_FEWEST_FREE_STEPS = 32
"""So that a short memory, too, is moved back only once in a while."""


class History:
    """The memories of N performers that all go on at the same time.

    Every row has room for more steps than are remembered. The memory is a window that moves right by one step
    when one is added, for all rows at once; when it reaches the end it is copied back to the beginning.
    """

    def __init__(self, performers: int, memory: int, mode_bit: bool):
        """
        Args:
            performers: N.
            memory: steps remembered.
            mode_bit: append the mode to every observation.
        """
        self._width = memory * KEYS
        free = max(memory, _FEWEST_FREE_STEPS) * KEYS
        self._cells = np.zeros((performers, self._width + free + mode_bit), dtype=np.int8)
        self._first, self._last_first = 0, free
        self.mode = np.ones(performers, dtype=np.int8) if mode_bit else None
        """(N,) int8, the mode shown to each performer; None without mode bit."""

    def add(self, keys: np.ndarray) -> None:
        """Remember one more step, (N, 13), and forget the oldest."""
        if self._first == self._last_first:
            self._cells[:, : self._width] = self._cells[:, self._first : self._first + self._width]
            self._first = 0
        end = self._first + self._width
        self._cells[:, end : end + KEYS] = keys
        self._first += KEYS

    def replace(self, performers: np.ndarray, memories: np.ndarray) -> None:
        """Give these performers other memories, (B, memory * 13)."""
        self._cells[performers, self._first : self._first + self._width] = memories

    def observations(self) -> np.ndarray:
        """Return (N, memory * 13), or one column more with the mode: a view that the next call of `add` spoils."""
        end = self._first + self._width
        if self.mode is None:
            return self._cells[:, self._first : end]
        self._cells[:, end] = self.mode  # the next step will be written over it
        return self._cells[:, self._first : end + 1]

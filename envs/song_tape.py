"""Several songs on one tape, to be read by many performers at once, each at its own place.

Conventions:
    S songs lie one after the other, each behind `memory` steps of silence. A place is an index into the
    tape; what was heard before it are the `memory` steps in front of it.
"""

from collections.abc import Sequence

import numpy as np

from songs.keyboard import KEYS
from songs.song import Song

_ONE = np.ones((), dtype=np.int64)
"""Adding it to a few places takes half the time of adding 1, which is converted every time."""


class SongTape:
    """The steps of S songs, and where each of them lies."""

    def __init__(self, songs: Sequence[Song], memory: int):
        """
        Args:
            songs: at least one.
            memory: steps of silence in front of each, at least 1.
        """
        lengths = np.array([song.steps for song in songs])
        self.ends = np.cumsum(lengths + memory)
        """(S,) int64, the place behind the last step of each song."""
        self.begins = self.ends - lengths
        """(S,) int64, the place of the first step of each song."""
        silence = np.zeros((memory, KEYS), dtype=bool)
        parts = [part for song in songs for part in (silence, song.roll)]
        # whoever has played the last song to its end still reads one step further
        self.keys = np.concatenate([*parts, silence])
        """(places, 13) bool."""
        windows = np.lib.stride_tricks.sliding_window_view(self.keys.view(np.int8).ravel(), memory * KEYS)
        self._heard_before = windows[::KEYS]
        self._memory = memory

    def heard_before(self, places: np.ndarray) -> np.ndarray:
        """Return (B, memory * 13) int8, the steps in front of B places, oldest first."""
        return self._heard_before[places - self._memory]


class SongClock:
    """Where N performers stand, each in its own song, when all go on by one step at a time."""

    def __init__(self, tape: SongTape, performers: int, most_steps: int | None = None):
        """
        Args:
            tape: the songs.
            performers: N.
            most_steps: time is up after so many steps; None: never.
        """
        self._tape = tape
        self._most_steps = most_steps
        self.song = np.zeros(performers, dtype=np.int64)
        """(N,) int64, index of the song."""
        self._place = np.zeros(performers, dtype=np.int64)
        self._begin, self._end, self._time_up = self._place.copy(), self._place.copy(), self._place.copy()

    def set(self, performers: np.ndarray, songs: np.ndarray, steps: np.ndarray) -> np.ndarray:
        """Put B performers at a step of a song; return (B, memory * 13) int8, what was heard before it."""
        places = self._tape.begins[songs] + steps
        self.song[performers] = songs
        self._place[performers] = places
        self._begin[performers] = self._tape.begins[songs]
        self._end[performers] = self._tape.ends[songs]
        if self._most_steps is not None:
            self._time_up[performers] = places + self._most_steps
        return self._tape.heard_before(places)

    def tick(self) -> tuple[np.ndarray, np.ndarray]:
        """Go on by one step.

        Returns:
            Two arrays (N,) bool: whose song is over, and whose time is up.
        """
        self._place = self._place + _ONE
        ended = self._place == self._end
        if self._most_steps is None:
            return ended, np.zeros(len(ended), dtype=bool)
        return ended, self._place >= self._time_up

    def steps(self) -> np.ndarray:
        """Return (N,) int64, the step each performer is to play next."""
        return self._place - self._begin

    def targets(self) -> np.ndarray:
        """Return (N, 13) bool, the step that stands in each song; behind its end any."""
        return self._tape.keys.take(self._place, axis=0)

"""Several songs on one tape, read by many episodes at once, each at its own position.

Conventions:
    S songs lie one after the other, each preceded by W steps of silence. A position is an index into the tape. A step
    is K keys.
"""

from collections.abc import Sequence

import numpy as np

from songs.song import Song

_ONE = np.ones((), dtype=np.int64)
"""Adding it to a short array takes half the time of adding a Python 1, which is converted every time."""


class SongTape:
    """The steps of S songs and the position of each."""

    def __init__(self, songs: Sequence[Song], silence: int):
        """
        Args:
            songs: at least one.
            silence: W, steps before each song and after the last, at least 1.
        """
        lengths = np.array([song.steps for song in songs])
        self.silence, self.keys = silence, songs[0].roll.shape[1]
        ends = np.cumsum(lengths + silence)
        self.begins = ends - lengths
        """(S,) int64, the position of the first step of each song."""
        rest = np.zeros((silence, self.keys), dtype=bool)
        # one extra step at the end, as a finished episode advances once more before the next one begins
        self.roll = np.concatenate([*(part for song in songs for part in (rest, song.roll)), rest, rest[:1]])
        """(positions, K) bool, the keys at each position."""
        self.song = np.searchsorted(ends[:-1] + silence, np.arange(len(self.roll)), side="right")
        """(positions,) int64, the song of each position; the W steps of silence after a song belong to it."""
        self.step = np.arange(len(self.roll)) - self.begins[self.song]
        """(positions,) int64, the step within that song."""
        self.is_end = np.zeros(len(self.roll), dtype=bool)
        """(positions,) bool, True right after the last step of each song."""
        self.is_end[ends] = True

    def windows(self, positions: np.ndarray, steps: int) -> np.ndarray:
        """Return (b, steps * K) int8, the given number of steps, at most W, from each of b positions on."""
        count = len(self.roll) - steps + 1
        every = np.ndarray((count, steps * self.keys), np.int8, self.roll, strides=(self.keys, 1))
        return every[positions]


class SongClock:
    """The positions of B episodes that advance together, each in its own song."""

    def __init__(self, tape: SongTape, episodes: int, max_steps: int | None = None):
        """
        Args:
            tape: the songs.
            episodes: B.
            max_steps: truncate episodes after this many steps; None: never.
        """
        self._tape = tape
        self._max_steps = max_steps
        self._positions = np.zeros(episodes, dtype=np.int64)
        self._limits = self._positions.copy()

    @property
    def song(self) -> np.ndarray:
        """(B,) int64, index of each song."""
        return self._tape.song.take(self._positions)

    @property
    def steps(self) -> np.ndarray:
        """(B,) int64, the next step within each song."""
        return self._tape.step.take(self._positions)

    def set(self, episodes: np.ndarray, songs: np.ndarray, steps: np.ndarray) -> np.ndarray:
        """Move b episodes to steps of songs; return their histories (b, W * K) int8."""
        positions = self._tape.begins[songs] + steps
        self._positions[episodes] = positions
        if self._max_steps is not None:
            self._limits[episodes] = positions + self._max_steps
        return self._tape.windows(positions - self._tape.silence, self._tape.silence)

    def tick(self) -> tuple[np.ndarray, np.ndarray | None]:
        """Advance by one step.

        Returns:
            Two arrays (B,) bool: the songs that are over, and the episodes that are truncated (None: never any).
        """
        self._positions = self._positions + _ONE  # in place it would take twice the time
        truncated = None if self._max_steps is None else self._positions >= self._limits
        return self._tape.is_end.take(self._positions), truncated

    def targets(self) -> np.ndarray:
        """Return the next step of each song, (B, K) bool; arbitrary after its end."""
        return self._tape.roll.take(self._positions, axis=0)

    def rolls(self, episodes: np.ndarray, steps: int) -> np.ndarray:
        """Return the first steps, at most W, of the songs of b episodes, (b, steps, K) bool; silent after their end."""
        begins = self._tape.begins[self.song[episodes]]
        return self._tape.windows(begins, steps).reshape(-1, steps, self._tape.keys).view(bool)

"""Several songs on one tape, read by many episodes at once, each at its own position.

Conventions:
    S songs lie one after the other, each after W steps of silence. A position is an index into the tape. A step is
    K keys.
"""

from collections.abc import Sequence

import numpy as np

from songs.song import Song

_ONE = np.ones((), dtype=np.int64)
"""Adding it to a short array takes half the time of adding 1, which is converted every time."""


class SongTape:
    """S songs, and the positions of B episodes that advance together, each in its own song."""

    def __init__(self, songs: Sequence[Song], silence: int, episodes: int, max_steps: int | None = None):
        """
        Args:
            songs: at least one.
            silence: W, steps before each song and after the last, at least 1.
            episodes: B.
            max_steps: truncate episodes after so many steps; None: never.
        """
        lengths = np.array([song.steps for song in songs])
        ends = np.cumsum(lengths + silence)
        rest = np.zeros((silence, songs[0].roll.shape[1]), dtype=bool)
        self._silence, self._begins = silence, ends - lengths  # W, and (S,) the position of each song's first step
        # one step more at the end, as an episode that is over advances once more before it begins anew
        self._roll = np.concatenate([*(part for song in songs for part in (rest, song.roll)), rest, rest[:1]])
        # of every position: its song, with the silence after it, the step within that song, and whether that is over
        self._song_of = np.searchsorted(ends[:-1] + silence, np.arange(len(self._roll)), side="right")
        self._step_of = np.arange(len(self._roll)) - self._begins[self._song_of]
        self._is_end = np.zeros(len(self._roll), dtype=bool)
        self._is_end[ends] = True
        self._max_steps = max_steps
        self._positions = np.zeros(episodes, dtype=np.int64)
        self._limits = self._positions.copy()

    @property
    def song(self) -> np.ndarray:
        """(B,) int64, index of the song."""
        return self._song_of.take(self._positions)

    @property
    def steps(self) -> np.ndarray:
        """(B,) int64, the next step within the song."""
        return self._step_of.take(self._positions)

    def set(self, episodes: np.ndarray, songs: np.ndarray, steps: np.ndarray) -> np.ndarray:
        """Put b episodes at a step of a song; return their histories, (b, W * K) int8."""
        positions = self._begins[songs] + steps
        self._positions[episodes] = positions
        if self._max_steps is not None:
            self._limits[episodes] = positions + self._max_steps
        return self._windows(positions - self._silence, self._silence)

    def advance(self) -> tuple[np.ndarray, np.ndarray | None]:
        """Advance by one step.

        Returns:
            (B,) bool, whether the song is over, and (B,) bool, whether the episode is truncated; None: never.
        """
        self._positions = self._positions + _ONE  # in place it would take twice the time
        truncated = None if self._max_steps is None else self._positions >= self._limits
        return self._is_end.take(self._positions), truncated

    def targets(self) -> np.ndarray:
        """Return (B, K) bool, the next step as it stands in each song; anything after its end."""
        return self._roll.take(self._positions, axis=0)

    def rolls(self, episodes: np.ndarray, steps: int) -> np.ndarray:
        """Return (b, steps, K) bool, the first steps of the songs of b episodes, at most W; silence after their end."""
        begins = self._begins[self.song[episodes]]
        return self._windows(begins, steps).reshape(len(begins), steps, -1).view(bool)

    def _windows(self, positions: np.ndarray, steps: int) -> np.ndarray:
        """Return (b, steps * K) int8, the steps from each of b positions on, at most W of them."""
        count, keys = len(self._roll) - steps + 1, self._roll.shape[1]
        every = np.ndarray((count, steps * keys), np.int8, self._roll, strides=(keys, 1))
        return every[positions]

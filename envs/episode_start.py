"""Where an episode begins: with which song, and at which of its steps.

Conventions:
    Two numbers drawn uniformly from [0, 1) decide: the first the song, the second the step. Both are drawn
    at every reset, whatever its options say; so the n-th episode of a seed does not depend on the options
    of those before it.
"""

from collections.abc import Sequence

import numpy as np
from gymnasium.utils import seeding

from songs.song import Song

DRAWS = 2
"""Numbers that decide an episode."""


class EpisodeStart:
    """Chooses the song and the first step of episodes."""

    def __init__(self, songs: Sequence[Song], prompt: int, random_start: float):
        """
        Args:
            songs: what is played, each equally likely.
            prompt: steps that are always given.
            random_start: probability that an episode begins at any step from `prompt` on, each equally
                likely, instead of at `prompt`.
        """
        self._names = [song.name for song in songs]
        self._steps = np.array([song.steps for song in songs])
        self._prompt = prompt
        self._random_start = random_start

    @property
    def drawn(self) -> bool:
        """Whether the draws decide anything: there are several songs, or several first steps."""
        return len(self._steps) > 1 or self._random_start > 0

    def choose(
        self, draws: np.ndarray, song: np.ndarray | None = None, start: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Choose B episodes.

        Args:
            draws: (B, 2) float64 from [0, 1).
            song: (B,) int, the songs that were asked for; None: draw them.
            start: (B,) int, the first steps that were asked for; None: draw them.

        Returns:
            (B,) int64 the songs and (B,) int64 the first steps.

        Raises:
            ValueError: there is no such song, or it cannot begin at that step.
        """
        if song is None:
            song = (draws[:, 0] * len(self._steps)).astype(np.int64)
        else:
            self._check(song, "song", 0, len(self._steps), lambda _: "there are songs")
        if start is None:
            return song, self._draw_start(draws[:, 1], song)
        self._check(
            start, "start", self._prompt, self._steps[song], lambda i: f"{self._names[song[i]]!r} can begin at steps"
        )
        return song, start

    def _draw_start(self, draw: np.ndarray, song: np.ndarray) -> np.ndarray:
        if not self._random_start:
            return np.full(draw.shape, self._prompt)
        # a number below random_start, spread over [0, 1) again, picks the step
        spread = np.where(draw < self._random_start, draw, 0) / self._random_start
        return self._prompt + (spread * (self._steps[song] - self._prompt)).astype(np.int64)

    @staticmethod
    def _check(values: np.ndarray, option: str, low: int, high: int | np.ndarray, allowed) -> None:
        if values.ndim != 1 or values.dtype.kind not in "iu":
            raise ValueError(f"the reset option {option!r} takes an integer for each environment; got {values}")
        outside = np.flatnonzero((values < low) | (values >= high))
        if outside.size:
            first = outside[0]
            last = np.broadcast_to(high, values.shape)[first] - 1
            raise ValueError(f"{option} {values[first]}: {allowed(first)} {low} to {last}")


class EpisodeDraws:
    """The draws of N environments, each from its own generator, as a plain environment of that seed makes them.

    Some episodes are drawn ahead: a generator is asked once for many numbers, not for two at every reset.
    """

    _AHEAD = 32
    """Episodes. More of them save time and take memory, and change no number."""

    def __init__(self, envs: int):
        self._random: list[np.random.Generator | None] = [None] * envs
        self._drawn = np.zeros((envs, self._AHEAD, DRAWS))
        self._used = np.full(envs, self._AHEAD)

    def seed(self, env: int, seed: int) -> None:
        """Let one environment draw from a new generator."""
        self._random[env], _ = seeding.np_random(seed)
        self._used[env] = self._AHEAD

    def next(self, envs: np.ndarray) -> np.ndarray:
        """Return (len(envs), 2) float64, what decides the next episode of each of these environments."""
        for env in envs[self._used[envs] == self._AHEAD].tolist():
            random = self._random[env]
            if random is None:
                self._random[env] = random = seeding.np_random()[0]
            self._drawn[env] = random.random((self._AHEAD, DRAWS))
            self._used[env] = 0
        draws = self._drawn[envs, self._used[envs]]
        self._used[envs] += 1
        return draws

    def state(self) -> tuple[dict[str, np.ndarray], list[dict | None]]:
        """Return the episodes drawn ahead, and the states of the generators as plain data."""
        generators = [None if random is None else dict(random.bit_generator.state) for random in self._random]
        return {"drawn": self._drawn.copy(), "used": self._used.copy()}, generators

    def restore(self, arrays: dict[str, np.ndarray], generators: list[dict | None]) -> None:
        """Go on from a state; raises ValueError if it is none that these draws could have."""
        drawn, used = arrays["drawn"], arrays["used"]
        if drawn.dtype != self._drawn.dtype or not ((drawn >= 0) & (drawn < 1)).all():
            raise ValueError("the draws of the environments are not all chances")
        if used.dtype != self._used.dtype or not ((used >= 0) & (used <= self._AHEAD)).all():
            raise ValueError(f"the draws that were used are not all counts from 0 to {self._AHEAD}")
        if len(generators) != len(self._random):
            raise ValueError(f"the state has {len(generators)} generators, here are {len(self._random)} environments")
        self._drawn[:], self._used[:] = arrays["drawn"], arrays["used"]
        for env, state in enumerate(generators):
            self._random[env] = None
            if state:
                self._random[env] = random = seeding.np_random(0)[0]
                random.bit_generator.state = state

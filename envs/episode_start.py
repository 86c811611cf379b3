"""Choice of the song and the first step of an episode.

Conventions:
    Two numbers are drawn uniformly from [0, 1): the first chooses the song, the second the step. Both are drawn
    at every reset, whatever its options, so the n-th episode of a seed does not depend on the options of
    earlier resets.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.utils import seeding

from songs.song import Song
from songs.validate import OrNone, Within, validate_like

DRAWS = 2
"""Random numbers drawn per episode."""


class EpisodeStart:
    """Chooses the song and the first step of episodes."""

    def __init__(self, songs: Sequence[Song], prompt: int, random_start: float):
        """
        Args:
            songs: all equally likely.
            prompt: number of steps always given.
            random_start: probability that an episode begins at a uniformly random step from `prompt` on
                instead of at `prompt`.
        """
        self._names = [song.name for song in songs]
        self._steps = np.array([song.steps for song in songs])
        self._prompt = prompt
        self._random_start = random_start
        self.needs_draws = len(songs) > 1 or random_start > 0
        """True if there are several songs or several first steps to choose from."""

    def choose(
        self, draws: np.ndarray, song: np.ndarray | None = None, start: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Choose the songs and first steps of b episodes.

        Args:
            draws: (b, 2) float64 from [0, 1).
            song: (b,) int, the requested songs; None: draw them.
            start: (b,) int, the requested first steps; None: draw them.

        Returns:
            The songs (b,) and the first steps (b,), both int64.

        Raises:
            ValueError: a song does not exist, or cannot begin at that step.
        """
        if song is None:
            song = (draws[:, 0] * len(self._steps)).astype(np.int64)
        elif (unknown := (song < 0) | (song >= len(self._steps))).any():
            raise ValueError(f"song {song[unknown][0]}: choose a song from 0 to {len(self._steps) - 1}")
        if start is None:
            return song, self._draw_start(draws[:, 1], song)
        outside = (start < self._prompt) | (start >= self._steps[song])
        if outside.any():
            first = song[outside][0]
            raise ValueError(
                f"start {start[outside][0]}: {self._names[first]!r} can begin at steps "
                f"{self._prompt} to {self._steps[first] - 1}"
            )
        return song, start

    def _draw_start(self, draw: np.ndarray, song: np.ndarray) -> np.ndarray:
        if not self._random_start:
            return np.full(draw.shape, self._prompt)
        # a number below random_start, spread over [0, 1) again, picks the step
        spread = np.where(draw < self._random_start, draw, 0) / self._random_start
        return self._prompt + (spread * (self._steps[song] - self._prompt)).astype(np.int64)


class EpisodeDraws:
    """The draws of N environments, each from its own generator, equal to those of a single environment of that seed.

    Draws are made in blocks, ahead of time, which is faster than drawing two numbers at every reset.
    """

    _AHEAD = 32
    """Episodes per block. It trades time against memory and changes no draw."""

    def __init__(self, envs: int):
        self._random: list[np.random.Generator | None] = [None] * envs
        self._drawn = np.zeros((envs, self._AHEAD, DRAWS))
        self._used = np.full(envs, self._AHEAD)

    def seed(self, env: int, seed: int) -> None:
        """Give one environment a new generator."""
        self._random[env], _ = seeding.np_random(seed)
        self._used[env] = self._AHEAD

    def next(self, envs: np.ndarray) -> np.ndarray:
        """Return the draws (b, 2) float64 for the next episode of each of b environments."""
        for env in envs[self._used[envs] == self._AHEAD].tolist():
            random = self._random[env]
            if random is None:
                self._random[env] = random = seeding.np_random()[0]
            self._drawn[env] = random.random((self._AHEAD, DRAWS))
            self._used[env] = 0
        draws = self._drawn[envs, self._used[envs]]
        self._used[envs] += 1
        return draws

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return the episodes drawn ahead, and the states of the generators as plain data."""
        generators = [None if random is None else dict(random.bit_generator.state) for random in self._random]
        return {"drawn": self._drawn.copy(), "used": self._used.copy()}, {"generators": generators}

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Continue from a state; raises ValueError if it does not fit this number of environments."""
        below_one = float(np.nextafter(1, 0))
        example = {"drawn": Within(self._drawn, 0, below_one), "used": Within(self._used, 0, self._AHEAD)}
        validate_like(example, arrays)
        generator = OrNone(seeding.np_random(0)[0].bit_generator.state)
        validate_like({"generators": (generator,) * len(self._random)}, data)
        self._drawn[:], self._used[:] = arrays["drawn"], arrays["used"]
        self._random = [None if state is None else _generator(state) for state in data["generators"]]


def _generator(state: dict[str, Any]) -> np.random.Generator:
    """Return a generator in the given state; raises ValueError if the state is invalid."""
    random, _ = seeding.np_random(0)
    try:
        random.bit_generator.state = state
    except (KeyError, OverflowError, TypeError) as error:
        raise ValueError(f"the state of a random generator is invalid: {error}") from None
    return random

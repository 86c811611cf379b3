"""The rules of the game for B episodes as arrays: songs, history, rewards, and the end of an episode.

Conventions:
    B episodes, each with its own song, step and mode; all advance one step at a time. A step is K keys.
    Nothing is random here: `begin` takes the random numbers that choose a song and a first step.
"""

from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np

from envs.batch_listener import BatchListener
from envs.episode_start import EpisodeStart
from envs.history import History
from envs.render import DRAW
from envs.song_tape import SongClock, SongTape
from listener.attachment import attached
from listener.listener import Listener, is_pointwise
from listener.memorization import wrong_keys
from songs.plan import PlanInputs, Plans
from songs.song import Song
from songs.validate import Within, validate_like


@dataclass(frozen=True, eq=False)
class Rules:
    """Options of the game, documented in `KeyboardEnv`."""

    songs: tuple[Song, ...]
    listener: Listener
    memory: int
    lags: tuple[int, ...]
    prompt: int
    teacher_forcing: bool
    stop_at_error: bool
    mode_bit: bool
    improvise: bool
    random_start: float
    key_rewards: bool
    plans: Plans | None = None

    def __post_init__(self):
        if other := next((song for song in self.songs if song.roll.shape[1] != self.keys), None):
            raise ValueError(
                f"{self.songs[0].name!r} has {self.keys} keys, {other.name!r} {other.roll.shape[1]}: "
                "all songs of an environment need the same keyboard; Song.on() changes it"
            )
        if self.memory < 1:
            raise ValueError(f"memory is {self.memory} steps: it must be at least 1")
        shortest = min(self.songs, key=lambda song: song.steps)
        if not 0 <= self.prompt < shortest.steps:
            raise ValueError(
                f"the prompt is {self.prompt} steps: it must be at least 0 and shorter than the shortest song, "
                f"{shortest.name!r} with {shortest.steps} steps"
            )
        if not 0 <= self.random_start <= 1:
            raise ValueError(f"random_start is {self.random_start}: it is a probability, 0 to 1")
        if self.plans is not None and (
            len(self.plans) != len(self.songs) or any(song.steps != self.plans.steps for song in self.songs)
        ):
            raise ValueError(
                f"got {len(self.plans)} plans of {self.plans.steps} steps for {len(self.songs)} songs of "
                f"{', '.join(str(steps) for steps in sorted({song.steps for song in self.songs}))}: give each song a "
                "plan of its own length"
            )

    @property
    def rows(self) -> int:
        """M, the number of observed steps."""
        return len(self.lags) or self.memory

    @property
    def keys(self) -> int:
        """K, the number of keys."""
        return self.songs[0].roll.shape[1]

    def attached_listener(self) -> Listener:
        """Return the listener fitted to the songs' keyboard and grid.

        Raises:
            ValueError: the listener depends on the grid, and the songs' grids differ.
        """
        first = self.songs[0]
        listener = attached(self.listener, first.keyboard, first.grid)
        if listener is not self.listener:
            for song in self.songs:
                if song.grid.steps_per_quarter != first.grid.steps_per_quarter:
                    raise ValueError(
                        f"{first.name!r} is on {first.grid.name}, {song.name!r} on {song.grid.name}: a listener needs "
                        "songs on one grid"
                    )
        return listener


class KeyboardCore:
    """B episodes of the game."""

    def __init__(self, rules: Rules, episodes: int, max_steps: int | None = None, record: bool = False):
        """
        Args:
            rules: shared by all episodes.
            episodes: B.
            max_steps: truncate episodes after this many steps; None: never.
            record: keep what is played, for `played` and `render`.
        """
        self.rules = rules
        kept = rules.memory
        if record or not is_pointwise(rules.listener):
            kept = max(kept, *(song.steps for song in rules.songs))
        self._plans = PlanInputs(rules.plans, rules.keys) if rules.plans is not None else None
        if self._plans:
            kept = max(kept, self._plans.reach)
        self.clock = SongClock(SongTape(rules.songs, kept), episodes, max_steps)
        self.history = History(episodes, kept, rules.keys, rules.lags or rules.memory, rules.mode_bit)
        self._record = None
        if record:
            self._record = History(episodes, kept, rules.keys) if rules.teacher_forcing else self.history
        self._listener = BatchListener(rules.attached_listener(), self.clock, self.history)
        self._start = EpisodeStart(rules.songs, rules.prompt, rules.random_start)
        self.needs_draws = self._start.needs_draws
        """True if `begin` depends on its draws."""
        self._names = np.array([song.name for song in rules.songs], dtype=object)
        self.song_names = np.full(episodes, None, dtype=object)
        """(B,) str, the song of each episode; None before the first."""
        self.improvise = np.zeros(episodes, dtype=bool)
        """(B,) bool, the mode of each episode: True to improvise, False to reproduce the song."""
        self._any_improvise = False
        self.key_rewards: np.ndarray | None = None
        """(B, K) float32, the reward of each key in the last step; None without the option `key_rewards`."""

    def observations(self) -> np.ndarray:
        """Return the observations (B, I) int8: the history, the mode, and the plan inputs of the next step.

        Without plans, this is a view that the next step overwrites.
        """
        remembered = self.history.observations()
        if self._plans is None:
            return remembered
        now = np.minimum(self.clock.steps, self._plans.plans.steps - 1)  # a finished episode stays at its end
        window, echoed = self.history.window(), self._plans.sources[self.clock.song, now]
        at = np.where(echoed >= 0, window.shape[1] - (now - echoed), 0)
        echo = window[np.arange(len(window)), at] * (echoed >= 0)[:, None]
        return np.concatenate((remembered, echo, self._plans.fixed[self.clock.song, now]), axis=1, dtype=np.int8)

    def played(self, episode: int) -> np.ndarray:
        """Return the roll of an episode since the beginning of its song, (steps so far, K) bool."""
        assert self._record is not None, "made without record=True"
        window = self._record.window()[episode]
        return window[len(window) - self.clock.steps[episode] :].astype(bool)

    def begin(
        self,
        episodes: np.ndarray,
        draws: np.ndarray,
        song: np.ndarray | None = None,
        start: np.ndarray | None = None,
        improvise: np.ndarray | None = None,
    ) -> None:
        """Begin b new episodes.

        Args:
            episodes: (b,) int, their indices.
            draws: (b, 2) float64 from [0, 1), as in `EpisodeStart`.
            song: (b,) int, indices of the songs; None: as drawn.
            start: (b,) int, the first steps to play; None: as drawn.
            improvise: (b,) bool, the modes; None: as in the rules.

        Raises:
            ValueError: a song does not exist, or cannot begin at that step.
        """
        songs, steps = self._start.choose(draws, song, start)
        histories = self.clock.set(episodes, songs, steps)
        self.history.replace(episodes, histories)
        if self._record is not None:
            self._record.replace(episodes, histories)
        self._set_modes(episodes, songs, self.rules.improvise if improvise is None else improvise)

    def _set_modes(self, episodes: np.ndarray, songs: np.ndarray, improvise: np.ndarray | bool) -> None:
        self.song_names[episodes] = self._names[songs]
        self.improvise[episodes] = improvise
        self._any_improvise = bool(self.improvise.any())
        if self.history.mode is not None:
            self.history.mode[:] = ~self.improvise

    def play(self, keys: np.ndarray, over: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
        """Play one step.

        Args:
            keys: (B, K) bool.
            over: (b,) int, finished episodes; the values returned for them are meaningless.

        Returns:
            The rewards (B,) float and three arrays (B,) bool: right, terminated and truncated (None if episodes are
            never truncated).

        Raises:
            ValueError: the listener's rewards have the wrong shape or are not finite; the step was not played.
        """
        targets = self.clock.targets()
        wrong = wrong_keys(keys, targets)
        right = np.logical_not(wrong)
        improvise = None
        if self._any_improvise:
            improvise = self.improvise
            right &= ~improvise
        rewards = self._listener.rewards(keys, targets, wrong, improvise, over)
        if self.rules.key_rewards:
            self.key_rewards = self._listener.key_rewards(keys, improvise, over)
        if not self.rules.teacher_forcing:
            self.history.add(keys)
        else:
            self.history.add(targets if improvise is None else np.where(improvise[:, None], keys, targets))
            if self._record is not None:
                self._record.add(keys)
        terminated, truncated = self.clock.tick()
        if self.rules.stop_at_error:
            terminated |= ~(right | self.improvise)
        return rewards, right, terminated, truncated

    def render(self, mode: str | None) -> tuple[Any, ...]:
        """Draw the last bars of every episode, as text (ansi) or as a picture (rgb_array).

        Raises:
            RuntimeError: no episode has begun.
        """
        if mode is None:
            gymnasium.logger.warn("render() does nothing: make the environment with a render_mode")
            return ()
        if self.song_names[0] is None:
            raise RuntimeError("nothing to draw yet: call reset() first")
        steps, drawings = self.clock.steps.tolist(), []
        for episode, index in enumerate(self.clock.song.tolist()):
            song = self.rules.songs[index]
            target = None if self.improvise[episode] else song.roll
            drawings.append(DRAW[mode](self.played(episode), target, steps[episode], song.keyboard, song.grid))
        return tuple(drawings)

    def state(self) -> dict[str, np.ndarray]:
        """Return arrays to continue all episodes from, unless episodes may be truncated."""
        histories = {"history": self.history, "record": self._record}
        return {
            "song": self.clock.song,
            "step": self.clock.steps,
            "improvise": self.improvise.copy(),
            **{name: each.window().copy() for name, each in histories.items() if each is not None},
        }

    def restore(self, arrays: dict[str, np.ndarray], over: np.ndarray) -> None:
        """Continue from a state.

        Args:
            arrays: a return value of `state`.
            over: (B,) bool, finished episodes.

        Raises:
            ValueError: the state does not fit these songs or this number of episodes.
        """
        example: dict = self.state()
        example["song"] = Within(example["song"], 0, len(self._names) - 1)
        for name in example.keys() & {"history", "record"}:
            example[name] = Within(example[name], 0, 1)
        validate_like(example, arrays)
        songs, steps = arrays["song"], arrays["step"]
        lengths = np.array([song.steps for song in self.rules.songs])[songs]
        if not ((steps >= 0) & (steps < lengths + over)).all():
            raise ValueError("step holds steps that the songs do not have")
        everything = np.arange(len(songs))
        self.clock.set(everything, songs, steps)
        self.history.window()[:] = arrays["history"]
        if self._record is not None:
            self._record.window()[:] = arrays["record"]
        self._set_modes(everything, songs, arrays["improvise"])

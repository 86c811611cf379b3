"""The rules of the keyboard for many performers at once: what `KeyboardEnv` does, in arrays.

Conventions: N performers, each with its own song, its own step in it and its own mode.
"""

import numpy as np

from envs.batch_listener import BatchListener
from envs.episode_start import DRAWS, EpisodeDraws, EpisodeStart
from envs.history import History
from envs.keyboard_env import KeyboardEnv
from envs.song_tape import SongClock, SongTape
from listener.listener import is_pointwise
from listener.memorization import wrong_keys
from songs.keyboard import KEYS


class KeyboardBatch:
    """N episodes and how they go on by one step at a time."""

    def __init__(self, keyboard: KeyboardEnv, performers: int, most_steps: int | None, record: bool):
        """
        Args:
            keyboard: its options hold for all the performers.
            performers: N.
            most_steps: time is up after so many steps; None: never.
            record: keep what was played, to draw it.
        """
        self._keyboard = keyboard
        songs = keyboard.songs
        self.clock = SongClock(SongTape(songs, keyboard.memory), performers, most_steps)
        self.history = History(performers, keyboard.memory, keyboard.mode_bit)
        self._listener = BatchListener(keyboard.listener, songs, performers, keyboard.teacher_forcing, record)
        self._pointwise = is_pointwise(keyboard.listener)
        self._start = EpisodeStart(songs, keyboard.prompt, keyboard.random_start)
        self._draws = EpisodeDraws(performers)
        self._names = np.array([song.name for song in songs], dtype=object)
        self.name = np.full(performers, None, dtype=object)
        """(N,) str, what each performer plays."""
        self.improvised = np.zeros(performers, dtype=bool)
        """(N,) bool, which episodes are improvised."""
        self._any_improvised = False
        self.key_rewards: np.ndarray | None = None
        """(N, 13) float32, what was paid for each key of the last step, if the keyboard tells it."""

    @property
    def played(self) -> np.ndarray | None:
        """(N, T + 1, 13) bool, what was played from the beginning of the songs; None if it is not kept."""
        return self._listener.played

    def seed(self, performer: int, seed: int) -> None:
        """Let the next episodes of one performer be drawn from this seed."""
        if self._start.drawn:
            self._draws.seed(performer, seed)

    def begin(
        self,
        performers: np.ndarray,
        song: np.ndarray | None = None,
        start: np.ndarray | None = None,
        improvise: np.ndarray | None = None,
    ) -> None:
        """Begin episodes.

        Args:
            performers: (B,) int, who begins one.
            song: (B,) int, the songs; None: draw them.
            start: (B,) int, the first steps to be played; None: draw them.
            improvise: (B,) bool, the modes; None: as the keyboard's option says.

        Raises:
            ValueError: there is no such song, or it cannot begin at that step.
        """
        draws = self._draws.next(performers) if self._start.drawn else np.zeros((len(performers), DRAWS))
        songs, steps = self._start.choose(draws, song, start)
        self.history.replace(performers, self.clock.set(performers, songs, steps))
        self._listener.begin(performers, songs, steps)
        self._settle(performers, songs, self._keyboard.improvise if improvise is None else improvise)

    def _settle(self, performers: np.ndarray, songs: np.ndarray, improvise: np.ndarray | bool) -> None:
        """Note which songs performers play, and in which mode."""
        self.name[performers] = self._names[songs]
        self.improvised[performers] = improvise
        self._any_improvised = bool(self.improvised.any())
        if self.history.mode is not None:
            self.history.mode[:] = ~self.improvised

    def play(self, keys: np.ndarray, over: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Play one step.

        Args:
            keys: (N, 13) bool.
            over: (B,) int, performers whose episode is over; what is returned for them means nothing.

        Returns:
            (N,) float64 the rewards, and three arrays (N,) bool: whether the step was right, whether the episode
            is over with it, whether the time is up.
        """
        targets = self.clock.targets()
        wrong = wrong_keys(keys, targets)
        right = np.logical_not(wrong)
        if self._any_improvised:
            right &= ~self.improvised
        if self.played is not None:
            self._listener.record(keys, self.clock.steps())
        if self._pointwise:
            improvised = self.improvised if self._any_improvised else None
            rewards = self._listener.step_rewards(keys, targets, wrong, improvised).astype(np.float64)
        else:
            rewards = self._rewards_of_rolls(over)
        if self._keyboard.key_rewards:
            self.key_rewards = self._key_rewards(keys, targets, over)
        self.history.add(self._heard(keys, targets) if self._keyboard.teacher_forcing else keys)
        ended, time_up = self.clock.tick()
        if self._keyboard.stop_at_error:
            ended |= ~(right | self.improvised)
        return rewards, right, ended, time_up

    def _key_rewards(self, keys: np.ndarray, targets: np.ndarray, over: np.ndarray) -> np.ndarray:
        if self._pointwise:
            return self._listener.step_key_rewards(keys, targets, self.improvised)
        return self._rewards_of_rolls(over, of_keys=True)

    def _rewards_of_rolls(self, over: np.ndarray, of_keys: bool = False) -> np.ndarray:
        """Return the rewards (N,) float64, or those of each key (N, 13) float32; 0 where the episode is over."""
        count = len(self.improvised)
        rewards = np.zeros((count, KEYS), dtype=np.float32) if of_keys else np.zeros(count)
        playing = np.setdiff1d(np.arange(count), over, assume_unique=True)
        if playing.size:
            songs, steps = self.clock.song[playing], self.clock.steps()[playing]
            rewards[playing] = self._listener.roll_rewards(playing, songs, steps, self.improvised[playing], of_keys)
        return rewards

    def state(self) -> tuple[dict[str, np.ndarray], list[dict | None]]:
        """Return where all episodes stand, and the states of the generators that draw the next ones."""
        drawn, generators = self._draws.state()
        played = {} if self.played is None else {"played": self.played.copy()}
        arrays = {
            "song": self.clock.song.copy(),
            "step": self.clock.steps(),
            "memories": self.history.observations()[:, : self._keyboard.memory * KEYS].copy(),
            "improvised": self.improvised.copy(),
        }
        return {**arrays, **drawn, **played}, generators

    def restore(self, arrays: dict[str, np.ndarray], generators: list[dict | None]) -> None:
        """Go on from a state.

        Raises:
            ValueError: it is none that so many episodes of these songs could have.
        """
        everyone = np.arange(len(self.improvised))
        self._check(arrays)
        self._draws.restore(arrays, generators)
        self.clock.set(everyone, arrays["song"], arrays["step"])
        self.history.replace(everyone, arrays["memories"])
        if self.played is not None:
            self.played[:] = arrays["played"]
        self._settle(everyone, arrays["song"], arrays["improvised"])

    def _check(self, arrays: dict[str, np.ndarray]) -> None:
        """Raise ValueError if a state has other arrays than this batch, or places outside of its songs."""
        own, _ = self.state()
        for name in ("song", "step", "memories", "improvised", *(() if self.played is None else ("played",))):
            if (arrays[name].dtype, arrays[name].shape) != (own[name].dtype, own[name].shape):
                raise ValueError(
                    f"the state's {name} are {arrays[name].dtype} {arrays[name].shape}, "
                    f"here they are {own[name].dtype} {own[name].shape}"
                )
        songs, steps = arrays["song"], arrays["step"]
        if not ((songs >= 0) & (songs < len(self._names))).all():
            raise ValueError(f"the state plays songs other than 0 to {len(self._names) - 1}")
        playing = np.setdiff1d(np.arange(len(songs)), arrays["over"])
        behind = np.array([song.steps for song in self._keyboard.songs])[songs]
        if not ((steps >= 0) & (steps <= behind)).all() or (steps == behind)[playing].any():
            raise ValueError("the state stands at steps that its songs have not")

    def _heard(self, keys: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return (N, 13), the step that performers remember under teacher forcing."""
        return np.where(self.improvised[:, None], keys, targets) if self._any_improvised else targets

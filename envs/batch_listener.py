"""Pay many performers at once, each at its own step of its own song.

Conventions:
    N performers; the longest song has T steps. The listener hears what it hears in `KeyboardEnv`: the steps
    that the performer remembers since the beginning of the song, and the one just played.
"""

from collections.abc import Sequence

import numpy as np

from listener.listener import Listener, is_pointwise, key_rewards, pays_every
from songs.keyboard import KEYS
from songs.song import Song


class BatchListener:
    """A listener, and what N performers have played so far if it must be known."""

    def __init__(self, listener: Listener, songs: Sequence[Song], performers: int, teacher_forcing: bool, record: bool):
        """
        Args:
            listener: pays the performers.
            songs: S songs.
            performers: N.
            teacher_forcing: performers remember the song instead of what they played.
            record: keep what was played even if the listener does not need it.
        """
        self._listener = listener
        self._pointwise = listener if is_pointwise(listener) else None
        self._teacher_forcing = teacher_forcing
        self._performers = np.arange(performers)
        self.played: np.ndarray | None = None
        """(N, T + 1, 13) bool, what was played from the beginning of the song; None if it is not kept."""
        if record or self._pointwise is None:
            longest = max(song.steps for song in songs)
            self._rolls = np.zeros((len(songs), longest, KEYS), dtype=bool)
            for roll, song in zip(self._rolls, songs, strict=True):
                roll[: song.steps] = song.roll
            # one step more, for the keys that are pressed when the longest song is over
            self.played = np.zeros((performers, longest + 1, KEYS), dtype=bool)

    def begin(self, performers: np.ndarray, songs: np.ndarray, steps: np.ndarray) -> None:
        """Let B performers begin songs; up to the step at which they set in they have heard the song."""
        if self.played is not None:
            given = np.arange(self._rolls.shape[1]) < steps[:, None]
            self.played[performers, :-1] = self._rolls[songs] & given[:, :, None]

    def record(self, keys: np.ndarray, steps: np.ndarray) -> None:
        """Note down the keys (N, 13) that were played at the steps (N,), if `played` is kept."""
        assert self.played is not None
        self.played[self._performers, steps] = keys

    def step_rewards(
        self, keys: np.ndarray, targets: np.ndarray, wrong: np.ndarray, improvised: np.ndarray | None
    ) -> np.ndarray:
        """Return (N,) float32, what a pointwise listener pays for a step.

        Args:
            keys: (N, 13) bool, the step.
            targets: (N, 13) bool, the step as it stands in the songs.
            wrong: (N,) float32, the number of wrong keys.
            improvised: (N,) bool, the performers that need not play a song; None: all need to.
        """
        listener = self._pointwise
        assert listener is not None
        if improvised is None:
            return listener.step_rewards(keys, targets, wrong)
        rewards = np.empty(len(keys), dtype=np.float32)
        rewards[improvised] = listener.step_rewards(keys[improvised])
        told = ~improvised
        rewards[told] = listener.step_rewards(keys[told], targets[told], wrong[told])
        return rewards

    def step_key_rewards(self, keys: np.ndarray, targets: np.ndarray, improvised: np.ndarray) -> np.ndarray:
        """Return (N, 13) float32, what a pointwise listener pays for each key; arguments as for `step_rewards`."""
        rewards = np.empty(keys.shape, dtype=np.float32)
        told = ~improvised
        rewards[told] = key_rewards(self._listener, keys[told, None], targets[told, None])[:, 0]
        rewards[improvised] = key_rewards(self._listener, keys[improvised, None])[:, 0]
        return rewards

    def roll_rewards(
        self, performers: np.ndarray, songs: np.ndarray, steps: np.ndarray, improvised: np.ndarray, keys: bool = False
    ) -> np.ndarray:
        """Return what any listener pays for the newest step of B performers.

        Args:
            performers: (B,) int, at least one.
            songs: (B,) int, the songs they play.
            steps: (B,) int, the steps they played last.
            improvised: (B,) bool.
            keys: return what it pays for each key instead.

        Returns:
            (B,) float32, or (B, 13) for each key.
        """
        assert self.played is not None, "it is always kept for a listener that is not pointwise"
        rewards = np.zeros((len(performers), KEYS) if keys else len(performers), dtype=np.float32)
        paid_now = (steps + 1) % pays_every(self._listener) == 0
        for asked, told in ((paid_now & ~improvised, True), (paid_now & improvised, False)):
            rows = np.flatnonzero(asked)
            if rows.size:
                heard = self.played[performers[rows], : steps[rows].max() + 1]
                targets = self._rolls[songs[rows], : heard.shape[1]] if told else None
                newest = np.arange(rows.size), steps[rows]
                if targets is not None and self._teacher_forcing:
                    played, heard = heard[newest], targets.copy()
                    heard[newest] = played
                # the steps behind the newest do not count, as listeners are causal
                paid = key_rewards(self._listener, heard, targets) if keys else self._listener.rewards(heard, targets)
                rewards[rows] = paid[newest]
        return rewards

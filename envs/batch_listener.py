"""Rewards of many episodes at once, each at its own step of its own song.

Conventions: B episodes; a step is K keys.
"""

from functools import partial

import numpy as np

from envs.history import History
from envs.song_tape import SongClock
from listener.listener import Listener, is_pointwise, key_rewards, pays_every


class BatchListener:
    """A listener that hears each episode from the beginning of its song up to the new step."""

    def __init__(self, listener: Listener, clock: SongClock, history: History):
        """
        Args:
            listener: any listener.
            clock: songs and steps of the B episodes.
            history: of the episodes; as long as the longest song, unless the listener is pointwise.
        """
        self._listener, self._name = listener, type(listener).__name__
        self._pointwise = listener if is_pointwise(listener) else None
        self._period = pays_every(listener)
        self._clock, self._history = clock, history

    def rewards(
        self, keys: np.ndarray, targets: np.ndarray, wrong: np.ndarray, improvise: np.ndarray | None, over: np.ndarray
    ) -> np.ndarray:
        """Return the rewards of one step of B episodes.

        Args:
            keys: (B, K) bool, the keys played.
            targets: (B, K) bool, the same step of the songs.
            wrong: (B,) float32, the number of wrong keys.
            improvise: (B,) bool, episodes that need not play the song; None if all must.
            over: (b,) int, indices of finished episodes; their rewards are meaningless.

        Returns:
            (B,) float, of the listener's precision or higher.

        Raises:
            ValueError: the listener's rewards have the wrong shape, or are not finite.
        """
        if self._pointwise is None or improvise is not None:
            return self._roll_rewards(keys, improvise, over, np.zeros(len(keys)))
        return self._checked(self._pointwise.step_rewards(keys, targets, wrong), wrong.shape)

    def key_rewards(self, keys: np.ndarray, improvise: np.ndarray | None, over: np.ndarray) -> np.ndarray:
        """Return the reward of each key for one step, (B, K) float32; otherwise as `rewards`."""
        return self._roll_rewards(keys, improvise, over, np.zeros(keys.shape, dtype=np.float32))

    def _roll_rewards(
        self, keys: np.ndarray, improvise: np.ndarray | None, over: np.ndarray, rewards: np.ndarray
    ) -> np.ndarray:
        """Fill in `rewards`, (B,) or (B, K) per key, for the episodes in which the listener is due."""
        steps = self._clock.steps
        due = (steps + 1) % self._period == 0
        due[over] = False
        if improvise is None:
            improvise = np.zeros_like(due)
        for episodes, reproduce in ((due & ~improvise, True), (due & improvise, False)):
            rows = episodes.nonzero()[0]
            if rows.size:
                rolls, targets, newest = self._rolls(keys, rows)
                ask, shape = self._listener.rewards, rolls.shape[:2]
                if rewards.ndim > 1:
                    ask, shape = partial(key_rewards, self._listener), rolls.shape
                # listeners are causal, so the steps after the newest do not matter
                answer = ask(rolls, targets if reproduce else None)
                rewards[rows] = self._checked(answer, shape, rows, newest)
        return rewards

    def _rolls(self, keys: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple]:
        """Return the rolls and targets (b, t, K) bool of b episodes, and the index of each newest step.

        The rolls are silent after the newest step.
        """
        if self._pointwise is not None:
            return keys[rows, None], self._clock.targets()[rows, None], (slice(None), 0)
        steps = self._clock.steps[rows]
        longest = steps.max()
        rolls = np.zeros((rows.size, longest + 1, keys.shape[1]), dtype=bool)
        window = self._history.window()
        for roll, row, count in zip(rolls, rows.tolist(), steps.tolist(), strict=True):
            roll[:count] = window[row, window.shape[1] - count :]
        newest = np.arange(rows.size), steps
        rolls[newest] = keys[rows]
        return rolls, self._clock.rolls(rows, longest + 1), newest

    def _checked(
        self,
        rewards: np.ndarray,
        shape: tuple[int, ...],
        rows: np.ndarray | slice = slice(None),
        newest: tuple | None = None,
    ) -> np.ndarray:
        """Return the rewards of the episodes in `rows` at their newest steps; they must have `shape` and be finite."""
        checked = np.asarray(rewards)
        if checked.shape != shape:
            raise ValueError(f"the listener {self._name} returned rewards of shape {checked.shape}; it must be {shape}")
        if newest is not None:
            checked = checked[newest]
        finite = np.isfinite(checked)
        if 0 in finite.tobytes():  # much faster than finite.all() for few values
            first = finite.argmin()
            step = self._clock.steps[rows][np.unravel_index(first, checked.shape)[0]]
            value = checked.item(first)
            raise ValueError(
                f"the listener {self._name} returned {value} as the reward of step {step}; it must be finite"
            )
        return checked

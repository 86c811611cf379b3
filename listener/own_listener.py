"""Wrapper for user-defined listeners: their rewards are checked, so that an error message names the listener."""

import time
from typing import Any

import numpy as np

from listener.listener import Listener
from songs.keyboard import KEYS
from songs.own_code import failure

ROLLS, STEPS = 4, 64
"""Number and length of the rolls that a listener is tested on."""
CUTS = (8, 21, 48)
"""Steps after which the keys are changed in a test: earlier rewards must not change."""
SLOW = 20_000
"""Steps per CPU second below which a listener counts as slow: evolution needs a million steps a minute."""


class OwnListener:
    """Wraps a listener: checks that its rewards have the right shape and are finite; forwards other attributes."""

    def __init__(self, name: str, listener: Listener):
        self.name, self._listener = name, listener

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._listener, attribute)

    def rewards(self, rolls: np.ndarray, targets: np.ndarray | None = None) -> np.ndarray:
        """Return the rewards (B, T) of rolls; raises ValueError, which names the listener, if they are not valid."""
        try:
            rewards = np.asarray(self._listener.rewards(rolls, targets))
        except Exception as error:
            raise ValueError(f"the listener {self.name} failed: {failure(error)}") from error
        if rewards.shape != rolls.shape[:2] or rewards.dtype.kind not in "biuf":
            raise ValueError(
                f"the listener {self.name} returned {rewards.dtype} {rewards.shape} for rolls {rolls.shape}; it "
                f"must return a number for each step, {rolls.shape[:2]}"
            )
        wrong = np.argwhere(~np.isfinite(rewards))
        if len(wrong):
            melody, step = wrong[0]
            raise ValueError(
                f"the listener {self.name} returned {rewards[melody, step]} as the reward of step {step}; "
                "it must be finite"
            )
        return rewards


def try_listener(name: str, listener: Any) -> tuple[OwnListener, str]:
    """Test a listener and return it wrapped, with a warning if it is slow, otherwise "".

    Raises:
        ValueError: it has no method `rewards`, its rewards are not finite or have the wrong shape, they depend on later
            steps or on other melodies of the batch, or they change when the same rolls are passed again.
    """
    if not callable(getattr(listener, "rewards", None)):
        raise ValueError(f"{name} is not a listener: it has no method rewards(rolls, targets)")
    wrapped, random = OwnListener(name, listener), np.random.default_rng(0)
    rolls = random.random((ROLLS, STEPS, KEYS)) < 0.08
    start = time.process_time()
    rewards = wrapped.rewards(rolls)
    seconds = time.process_time() - start
    _same(wrapped, rewards, wrapped.rewards(rolls), "when it is called again: rewards must be deterministic")
    _same(wrapped, rewards[:1], wrapped.rewards(rolls[:1]), "when the other melodies of the batch change")
    for cut in CUTS:
        others = rolls.copy()
        others[:, cut:] = random.random((ROLLS, STEPS - cut, KEYS)) < 0.08
        why = f"when steps from {cut} on change: a listener may hear only the past"
        _same(wrapped, rewards[:, :cut], wrapped.rewards(others)[:, :cut], why)
    every = int(getattr(wrapped, "pays_every", 1))
    between = np.arange(STEPS) % every != every - 1
    if rewards[:, between].any():
        step = np.flatnonzero(between)[rewards[:, between].any(axis=0).argmax()]
        raise ValueError(f"the listener {name} declares pays_every = {every}, but rewards step {step}")
    speed = ROLLS * STEPS / max(seconds, 1e-6)
    return wrapped, f"the listener {name} is slow: {speed:.0f} steps per second" if speed < SLOW else ""


def _same(listener: OwnListener, rewards: np.ndarray, others: np.ndarray, why: str) -> None:
    """Raise ValueError if two arrays of rewards (B, T) for the same steps differ."""
    differ = ~np.isclose(rewards, others, rtol=1e-4, atol=1e-5)
    if differ.any():
        step = differ.any(axis=0).argmax()
        melody = differ[:, step].argmax()
        raise ValueError(
            f"the listener {listener.name} changes its reward of step {step} from {rewards[melody, step]:g} to "
            f"{others[melody, step]:g} {why}"
        )

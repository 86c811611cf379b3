"""A listener of the user's own: its rewards are checked, so that a mistake in it is told by its name."""

import time
from typing import Any

import numpy as np

from listener.listener import Listener
from songs.keyboard import KEYS
from songs.own_code import failure

ROLLS, STEPS = 4, 64
"""Size of the melodies that a listener is tried on."""
CUTS = (8, 21, 48)
"""Steps from which on other keys are played: the rewards before must stay as they are."""
SLOW = 20_000
"""Steps a CPU second below which a listener is called slow: evolution asks for a million in a minute."""


class OwnListener:
    """Wraps a listener: checks the shape of its rewards, and that they are finite. Its other attributes are its own."""

    def __init__(self, name: str, listener: Listener):
        self.name, self._listener = name, listener

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._listener, attribute)

    def rewards(self, rolls: np.ndarray, targets: np.ndarray | None = None) -> np.ndarray:
        """Return the rewards (B, T) of rolls; raises ValueError, with its name, for what is no reward."""
        try:
            rewards = np.asarray(self._listener.rewards(rolls, targets))
        except Exception as error:
            raise ValueError(f"the listener {self.name} failed: {failure(error)}") from error
        if rewards.shape != rolls.shape[:2] or rewards.dtype.kind not in "biuf":
            raise ValueError(
                f"the listener {self.name} returned {rewards.dtype} {rewards.shape} for rolls {rolls.shape}; it "
                f"must be a number for each step, {rolls.shape[:2]}"
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
    """Return a listener wrapped, and a remark if it is slow; "" if not.

    Raises:
        ValueError: it has no method `rewards`, its rewards are not finite or of the wrong shape, they depend on what
            is played later or on the other melodies of a batch, or it gives others the second time.
    """
    if not callable(getattr(listener, "rewards", None)):
        raise ValueError(f"{name} is no listener: it has no method rewards(rolls, targets)")
    own, random = OwnListener(name, listener), np.random.default_rng(0)
    rolls = random.random((ROLLS, STEPS, KEYS)) < 0.08
    begun = time.process_time()
    rewards = own.rewards(rolls)
    seconds = time.process_time() - begun
    _same(own, rewards, own.rewards(rolls), "when it is asked again: it must not change, nor be random")
    _same(own, rewards[:1], own.rewards(rolls[:1]), "with the other melodies of the batch")
    for cut in CUTS:
        others = rolls.copy()
        others[:, cut:] = random.random((ROLLS, STEPS - cut, KEYS)) < 0.08
        heard = f"with what is played from step {cut} on: a listener hears the past alone"
        _same(own, rewards[:, :cut], own.rewards(others)[:, :cut], heard)
    every = int(getattr(own, "pays_every", 1))
    between = np.arange(STEPS) % every != every - 1
    if rewards[:, between].any():
        step = np.flatnonzero(between)[rewards[:, between].any(axis=0).argmax()]
        raise ValueError(f"the listener {name} says pays_every = {every}, but rewards step {step}")
    speed = ROLLS * STEPS / max(seconds, 1e-6)
    return own, f"the listener {name} is slow: {speed:.0f} steps a second" if speed < SLOW else ""


def _same(own: OwnListener, rewards: np.ndarray, others: np.ndarray, why: str) -> None:
    """Raise ValueError if two rewards (B, T) of the same steps differ."""
    differ = ~np.isclose(rewards, others, rtol=1e-4, atol=1e-5)
    if differ.any():
        step = differ.any(axis=0).argmax()
        melody = differ[:, step].argmax()
        raise ValueError(
            f"the listener {own.name} changes its reward of step {step} from {rewards[melody, step]:g} to "
            f"{others[melody, step]:g} {why}"
        )

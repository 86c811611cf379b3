"""Listeners: objects that reward every step of a roll; their protocol, and weighted sums of them.

Conventions:
    Rolls are batches (B, T, K) bool, rewards are (B, T) float32 and higher is better.
    A listener is causal: the reward of step t depends only on the steps up to t. So the environment can ask for the
    reward of the newest step, and evolution for all steps of whole songs at once.
    A listener is pointwise if the reward of a step depends only on that step. It may declare this with an attribute
    `pointwise = True`, and then has a method `step_rewards` that takes steps without their past.
    A listener may also give rewards for each key of a step, with a method `key_rewards`: (B, T, K) float32, whose mean
    over the keys is the reward. The function `key_rewards` takes any listener.
    A listener whose reward is 0 except at steps n - 1, 2n - 1, ... may declare an attribute `pays_every = n`; the
    environment then skips the steps between. The function `pays_every` takes any listener.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from math import gcd
from typing import Protocol, TypeGuard, runtime_checkable

import numpy as np

from songs.keyboard import STEPS_PER_BAR


@runtime_checkable
class Listener(Protocol):
    """Rewards a performer for the music that it plays."""

    def rewards(self, rolls: np.ndarray, targets: np.ndarray | None = None) -> np.ndarray:
        """Return the reward of every step.

        Args:
            rolls: (B, T, K) bool, what was played.
            targets: (B, T, K) bool, what should have been played; None if there is no song to reproduce.

        Returns:
            (B, T) float32.
        """
        ...


@runtime_checkable
class PointwiseListener(Listener, Protocol):
    """Rewards every step by itself: `rewards(rolls, targets)[:, t]` is `step_rewards(rolls[:, t], targets[:, t])`."""

    pointwise: bool

    def step_rewards(
        self, keys: np.ndarray, targets: np.ndarray | None = None, wrong: np.ndarray | None = None
    ) -> np.ndarray:
        """Return the rewards of single steps.

        Args:
            keys: (..., K) bool, what was played.
            targets: (..., K) bool, what should have been played; None if there is no song to reproduce.
            wrong: (...) float32, `listener.memorization.wrong_keys` of the two, if the caller already has it.

        Returns:
            (...) float32.
        """
        ...


def is_pointwise(listener: Listener) -> TypeGuard[PointwiseListener]:
    """Return True for a listener that declares itself pointwise."""
    return bool(getattr(listener, "pointwise", False))


def key_rewards(listener: Listener, rolls: np.ndarray, targets: np.ndarray | None = None) -> np.ndarray:
    """Return the rewards of each key, (B, T, K) float32, whose mean over the keys is the reward.

    For a listener without `key_rewards`, every key gets the reward of the step.
    """
    if hasattr(listener, "key_rewards"):
        return listener.key_rewards(rolls, targets)
    return np.repeat(listener.rewards(rolls, targets)[:, :, None], rolls.shape[2], axis=2)


def at_bar_lines(values: np.ndarray, steps: int) -> np.ndarray:
    """Put values (B, bars) at the last step of each bar, 0 elsewhere: (B, steps) float32."""
    rewards = np.zeros((len(values), steps), dtype=np.float32)
    rewards[:, STEPS_PER_BAR - 1 : values.shape[1] * STEPS_PER_BAR : STEPS_PER_BAR] = values
    return rewards


def pays_every(listener: Listener) -> int:
    """Return n for a listener whose reward is 0 except at steps n - 1, 2n - 1, ...; 1 if it does not declare it."""
    return int(getattr(listener, "pays_every", 1))


class SumOfTerms(ABC):
    """A listener whose rewards are the sum of its terms."""

    @abstractmethod
    def terms(self, rolls: np.ndarray, targets: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Return the rewards of each term at every step, (B, T) float32 by name."""

    def rewards(self, rolls: np.ndarray, targets: np.ndarray | None = None) -> np.ndarray:
        return np.add.reduce(list(self.terms(rolls, targets).values()), axis=0, dtype=np.float32)


class WeightedSum:
    """The weighted sum of the rewards of several listeners."""

    def __init__(self, listeners: Sequence[Listener], weights: Sequence[float]):
        """Take at least one listener, and one weight for each; raises ValueError otherwise."""
        if not listeners or len(listeners) != len(weights):
            raise ValueError(f"give one weight for each listener: {len(listeners)} listeners, {len(weights)} weights")
        self.listeners = tuple(listeners)
        self.weights = tuple(float(weight) for weight in weights)
        self._pointwise = tuple(one for one in self.listeners if is_pointwise(one))
        self.pointwise = len(self._pointwise) == len(self.listeners)
        self.pays_every = gcd(*map(pays_every, self.listeners))

    def rewards(self, rolls: np.ndarray, targets: np.ndarray | None = None) -> np.ndarray:
        return self._sum(one.rewards(rolls, targets) for one in self.listeners)

    def _sum(self, parts: Iterable[np.ndarray]) -> np.ndarray:
        """Return the weighted sum of arrays, one from each listener."""
        weighted = [np.float32(weight) * part for weight, part in zip(self.weights, parts, strict=True)]
        return np.add.reduce(weighted, axis=0, dtype=np.float32)

    def terms(self, rolls: np.ndarray, targets: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Return the rewards of each term at every step, (B, T) float32 by name; a listener without terms is one term.

        If several listeners have a term of the same name, the number of the listener is appended from the second on.
        """
        named: dict[str, np.ndarray] = {}
        for number, (weight, one) in enumerate(zip(self.weights, self.listeners, strict=True), start=1):
            terms = getattr(one, "terms", None)
            for name, rewards in (terms(rolls, targets) if terms else {"": one.rewards(rolls, targets)}).items():
                name = name or getattr(one, "name", type(one).__name__)
                named[name if name not in named else f"{name} {number}"] = np.float32(weight) * rewards
        return named

    def key_rewards(self, rolls: np.ndarray, targets: np.ndarray | None = None) -> np.ndarray:
        """Return the rewards of each key, as the function `key_rewards` does."""
        return self._sum(key_rewards(one, rolls, targets) for one in self.listeners)

    def step_rewards(
        self, keys: np.ndarray, targets: np.ndarray | None = None, wrong: np.ndarray | None = None
    ) -> np.ndarray:
        """Return the rewards of single steps, if all the listeners are pointwise."""
        return self._sum(one.step_rewards(keys, targets, wrong) for one in self._pointwise)

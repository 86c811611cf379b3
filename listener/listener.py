"""What a listener is: it hears rolls and pays every step of them.

Conventions:
    Rolls are batches (B, T, 13) bool, rewards are (B, T) float32 and higher is better.
    A listener is causal: the reward of step t depends on the steps up to t alone. So the environment may
    ask for the reward of the newest step, and evolution for all steps of whole songs at once.
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np


@runtime_checkable
class Listener(Protocol):
    """Pays a performer for what it plays."""

    def rewards(self, rolls: np.ndarray, targets: np.ndarray | None = None) -> np.ndarray:
        """Return the reward of every step.

        Args:
            rolls: (B, T, 13) bool, what was played.
            targets: (B, T, 13) bool, what should have been played; None where there is no song to reproduce.

        Returns:
            (B, T) float32.
        """
        ...


class WeightedSum:
    """Several listeners heard together: the weighted sum of their rewards."""

    def __init__(self, listeners: Sequence[Listener], weights: Sequence[float]):
        """
        Args:
            listeners: at least one.
            weights: one for each listener.

        Raises:
            ValueError: the two differ in length, or are empty.
        """
        if not listeners or len(listeners) != len(weights):
            raise ValueError(f"give one weight for each listener: {len(listeners)} listeners, {len(weights)} weights")
        self.listeners = tuple(listeners)
        self.weights = tuple(float(weight) for weight in weights)

    def rewards(self, rolls: np.ndarray, targets: np.ndarray | None = None) -> np.ndarray:
        parts = [
            np.float32(w) * one.rewards(rolls, targets) for w, one in zip(self.weights, self.listeners, strict=True)
        ]
        return np.sum(parts, axis=0, dtype=np.float32)

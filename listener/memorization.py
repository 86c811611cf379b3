"""Listeners that know the song: they pay for playing what stands in it.

Conventions: as in `listener.listener`. Without a target there is nothing to remember and the reward is 0.
"""

import numpy as np


class ExactSteps:
    """Pays 1 for a step with all 13 keys right, 0 for any other."""

    def rewards(self, rolls: np.ndarray, targets: np.ndarray | None = None) -> np.ndarray:
        if targets is None:
            return np.zeros(rolls.shape[:2], dtype=np.float32)
        return (rolls == targets).all(axis=2).astype(np.float32)


class RightKeys:
    """Pays the share of the 13 keys that are right.

    Nearly every key is up at nearly every step: playing nothing at all already earns about 0.97.
    """

    def rewards(self, rolls: np.ndarray, targets: np.ndarray | None = None) -> np.ndarray:
        if targets is None:
            return np.zeros(rolls.shape[:2], dtype=np.float32)
        return (rolls == targets).mean(axis=2, dtype=np.float32)

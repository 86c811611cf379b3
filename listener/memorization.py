"""Listeners that know the song and reward its reproduction.

Conventions: as in `listener.listener`. Without targets the reward is 0.
Both are pointwise.
"""

from functools import cache

import numpy as np


@cache
def _one_each(keys: int) -> np.ndarray:
    return np.ones(keys, dtype=np.float32)


def wrong_keys(keys: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Count the wrong keys at every step.

    Args:
        keys: (..., K) of 0 and 1, what was played.
        targets: (..., K) of 0 and 1, what should have been played; the two must broadcast.

    Returns:
        (...) float32, 0 to K.
    """
    wrong = keys != targets
    # a product with ones is several times faster than a sum over a last axis of 13 keys, but only in two dimensions
    if wrong.ndim == 2:
        return wrong.dot(_one_each(wrong.shape[1]))
    count = wrong.shape[-1]
    return wrong.reshape(-1, count).dot(_one_each(count)).reshape(wrong.shape[:-1])


class _Memorization:
    """Rewards each step by its number of wrong keys."""

    pointwise = True

    def rewards(self, rolls: np.ndarray, targets: np.ndarray | None = None) -> np.ndarray:
        return self.step_rewards(rolls, targets)

    def step_rewards(
        self, keys: np.ndarray, targets: np.ndarray | None = None, wrong: np.ndarray | None = None
    ) -> np.ndarray:
        if targets is None:
            return np.zeros(keys.shape[:-1], dtype=np.float32)
        return self._reward(wrong_keys(keys, targets) if wrong is None else wrong, keys.shape[-1])

    def _reward(self, wrong: np.ndarray, keys: int) -> np.ndarray:
        raise NotImplementedError


class ExactSteps(_Memorization):
    """Rewards 1 for a step with all keys right, otherwise 0."""

    def _reward(self, wrong: np.ndarray, keys: int) -> np.ndarray:
        return np.logical_not(wrong).astype(np.float32)


class RightKeys(_Memorization):
    """Rewards the share of keys that are right.

    Nearly every key is up at nearly every step, so playing nothing at all already earns about 0.97 on 13 keys.
    """

    def key_rewards(self, rolls: np.ndarray, targets: np.ndarray | None = None) -> np.ndarray:
        """Return 1 for every right key and 0 for every wrong one, (B, T, K) float32."""
        if targets is None:
            return np.zeros(rolls.shape, dtype=np.float32)
        return (rolls == targets).astype(np.float32)

    def _reward(self, wrong: np.ndarray, keys: int) -> np.ndarray:
        return (keys - wrong) / np.float32(keys)

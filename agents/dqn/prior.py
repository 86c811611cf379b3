"""A prior: what real music would go on with, beside which a learner chooses what is paid well.

    q       the logarithm of the prior's chance is part of the reward; the most valued step is played
    psi     the same, with a soft maximum over what comes later; steps are drawn from the soft maximum
    g       what comes later is weighed by the prior; steps are drawn from the prior times the exponential of the value

Conventions:
    N environments. A choice is one of 14: 0 presses nothing, k presses key k - 1. Chances are given as logarithms, in
    nats. Values are in nats, too: a reward is divided by the *temperature*, so that so much reward weighs a nat.
Source: N. Jaques et al., Sequence Tutor (2017).
"""

from typing import Protocol

import numpy as np

FORMS = ("q", "psi", "g")


class Prior(Protocol):
    """Hears what N environments play and says what may come next."""

    def begin(self, envs: np.ndarray, rolls: np.ndarray, steps: np.ndarray) -> None:
        """Hear the beginnings of episodes.

        Args:
            envs: (B,) int, the environments that begin one.
            rolls: (B, T, 13) bool.
            steps: (B,) int, how many of the T steps were heard.
        """
        ...

    def hear(self, keys: np.ndarray) -> None:
        """Hear a step (N, 13) bool of all environments."""
        ...

    def log_chances(self) -> np.ndarray:
        """Return the logarithms of the chances (N, 14) float32 of what may come next."""
        ...

    def state(self) -> dict[str, np.ndarray]:
        """Return what was heard, as arrays."""
        ...

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from a state."""
        ...


def drawn(log_weights: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Draw one of the choices of each row (N, 14), in proportion to the exponential of its weight; (N,) int64."""
    return (log_weights + random.gumbel(size=log_weights.shape)).argmax(axis=1)

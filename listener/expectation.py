"""Listeners that reward expectation: the log probability of every step of a melody.

Conventions:
    As in `listener.listener`; targets are ignored. The highest key of a step is the melody; every further key is
    rewarded as one of 14 equally likely tokens.
"""

from abc import abstractmethod

import numpy as np

from listener import theory
from listener.listener import SumOfTerms
from listener.markov import TOKENS


class Expectation(SumOfTerms):
    """Rewards the log probability of each step, minus that of an average step of real music."""

    pitch_term: str
    """Name of the pitch term."""
    constant: float
    """Mean log probability of a step of real music, in nats."""
    any_keyboard = False
    """True if rolls may have more than 13 keys."""

    @abstractmethod
    def log_probabilities(self, melodies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the log probabilities, in nats, of the rhythm and of the note at every step of melodies (N, T).

        Both are (N, T) float32; that of the note is 0 where none begins.
        """

    def terms(self, rolls: np.ndarray, targets: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Return the rewards for rhythm, notes and further keys at every step, (B, T) float32 by name."""
        melodies = theory.highest_keys(rolls) if self.any_keyboard else theory.melody(rolls)
        rhythm, notes = self.log_probabilities(melodies)
        return {
            "rhythm": rhythm - np.float32(self.constant),
            self.pitch_term: notes,
            "further keys": further_tokens(rolls),
        }


def further_tokens(rolls: np.ndarray) -> np.ndarray:
    """Return the rewards of further keys in rolls (B, T, K), each counted as a token of its own, (B, T) float32."""
    return -np.float32(np.log(TOKENS)) * theory.further_keys(rolls)

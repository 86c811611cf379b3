"""The listener of one person's taste: the learned listener, and a term for what this person preferred.

    taste   the weighted sum of features of the song so far (`listener.taste.features`), each only as far as 18 of 20
            melodies that the person heard went
    ...     the terms of the learned listener, with their caps, so that what is rewarded stays music

Conventions:
    As in `listener.learned.model`: every term is a potential at each bar line, and the reward of the last step of a
    bar is its change. The unit of a preference is the logit of Bradley and Terry's model: a melody whose preference is
    1 higher is chosen with a probability of .73.
Source: Bradley and Terry, Rank analysis of incomplete block designs (Biometrika 39, 1952).
"""

from dataclasses import dataclass

import numpy as np

from listener.learned.hearing import heard
from listener.learned.model import Learned, measured
from listener.melody_features import LEAST_DEVIATION
from listener.taste.features import taste_features
from listener.theory import highest_keys

ORDINARY = (5, 95)
"""Percentiles of the melodies that a person heard; nothing is to be gained by going further."""
STRENGTH = 1.0
"""Standard deviation of the term among melodies that were heard; that of the learned listener is 1 among real ones."""


@dataclass(frozen=True, eq=False)
class Scale:
    """What the features of the melodies were that a person heard, (bars, F) float32; the last bar stands for later."""

    low: np.ndarray
    high: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray

    @classmethod
    def of(cls, features: list[np.ndarray]) -> "Scale":
        """Measure the features (bars, F) of melodies, which may differ in length."""
        longest = max(map(len, features))
        rows = [np.array([each[bar] for each in features if bar < len(each)]) for bar in range(longest)]
        low, high = np.array([np.percentile(row, ORDINARY, axis=0) for row in rows]).transpose(1, 0, 2)
        within = [np.clip(row, *ends) for row, *ends in zip(rows, low, high, strict=True)]
        mean = np.array([row.mean(axis=0) for row in within])
        deviation = np.array([np.maximum(row.std(axis=0), LEAST_DEVIATION) for row in within])
        return cls(*(values.astype(np.float32) for values in (low, high, mean, deviation)))

    def standard(self, features: np.ndarray) -> np.ndarray:
        """Return features (..., bars, F), bounded, in standard deviations from the mean."""
        bar = np.minimum(np.arange(features.shape[-2]), len(self.low) - 1)
        bounded = np.clip(features, self.low[bar], self.high[bar])
        return (bounded - self.mean[bar]) / self.deviation[bar]


class Taste(Learned):
    """Rewards what one person prefers, as far as it stays music."""

    def __init__(self, learned: Learned, scale: Scale, preference: np.ndarray, strength: float):
        """Take a learned listener with a term of form, and the taste.

        Args:
            learned: the listener whose terms are kept.
            scale: of the features.
            preference: (F,) float32, of a standard deviation of each feature.
            strength: potential of a preference of 1.
        """
        super().__init__(learned.nets, learned.calibration, learned.weights)
        self.scale, self.preference, self.strength = scale, preference, strength

    def _potentials(self, values: dict[str, np.ndarray], rolls: np.ndarray) -> dict[str, np.ndarray]:
        features = taste_features(values, heard(highest_keys(rolls)))
        liked = self.scale.standard(features) @ self.preference
        return {**super()._potentials(values, rolls), "taste": self.strength * liked}

    def preferences(self, rolls: np.ndarray) -> np.ndarray:
        """Return how much rolls (B, T, K) of at least a bar are preferred to the mean that was heard, (B,) float64."""
        return self.scale.standard(features_of(self, rolls))[:, -1] @ self.preference


def features_of(learned: Learned, rolls: np.ndarray) -> np.ndarray:
    """Return the features of rolls (B, T, K) at every bar line, (B, bars, F) float64, as a learned listener hears."""
    melodies = highest_keys(rolls)
    return taste_features(measured(learned.nets, melodies), heard(melodies))

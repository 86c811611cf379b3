"""A listener for one person's taste: the learned listener with an additional term for the person's preferences.

    taste   weighted sum of features of the song so far (`listener.taste.features`), each clipped to the middle 90% of
            the melodies that the person heard
    ...     the terms of the learned listener, with their caps, so that rewarded melodies remain music

Conventions:
    As in `listener.learned.model`: every term is a potential at each bar line, and the reward of the last step of a
    bar is its change. The unit of a preference is the logit of the Bradley-Terry model: a melody whose preference is 1
    higher is chosen with a probability of .73.
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
"""Percentiles of the melodies that a person heard, to which features are clipped."""
STRENGTH = 1.0
"""Standard deviation of the term over the melodies heard; that of the learned listener over real ones is 1."""


@dataclass(frozen=True, eq=False)
class Scale:
    """Statistics of the features of melodies that a person heard, (bars, F) float32; later bars use the last row."""

    low: np.ndarray
    high: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray

    @classmethod
    def of(cls, features: list[np.ndarray]) -> "Scale":
        """Compute the statistics of features (bars, F) of melodies, which may differ in length."""
        longest = max(map(len, features))
        rows = [np.array([each[bar] for each in features if bar < len(each)]) for bar in range(longest)]
        low, high = np.array([np.percentile(row, ORDINARY, axis=0) for row in rows]).transpose(1, 0, 2)
        within = [np.clip(row, *ends) for row, *ends in zip(rows, low, high, strict=True)]
        mean = np.array([row.mean(axis=0) for row in within])
        deviation = np.array([np.maximum(row.std(axis=0), LEAST_DEVIATION) for row in within])
        return cls(*(values.astype(np.float32) for values in (low, high, mean, deviation)))

    def standard(self, features: np.ndarray) -> np.ndarray:
        """Return features (..., bars, F), clipped, in standard deviations from the mean."""
        bar = np.minimum(np.arange(features.shape[-2]), len(self.low) - 1)
        bounded = np.clip(features, self.low[bar], self.high[bar])
        return (bounded - self.mean[bar]) / self.deviation[bar]


class Taste(Learned):
    """Rewards what one person prefers, as long as it remains music."""

    def __init__(self, learned: Learned, scale: Scale, preference: np.ndarray, strength: float):
        """Take a learned listener with a term for form, and the taste.

        Args:
            learned: the listener whose terms are kept.
            scale: statistics of the features.
            preference: (F,) float32, preference per standard deviation of each feature.
            strength: potential per unit of preference.
        """
        super().__init__(learned.nets, learned.calibration, learned.weights)
        self.scale, self.preference, self.strength = scale, preference, strength

    def _potentials(self, values: dict[str, np.ndarray], rolls: np.ndarray) -> dict[str, np.ndarray]:
        features = taste_features(values, heard(highest_keys(rolls)))
        preferences = self.scale.standard(features) @ self.preference
        return {**super()._potentials(values, rolls), "taste": self.strength * preferences}

    def preferences(self, rolls: np.ndarray) -> np.ndarray:
        """Return the preferences for rolls (B, T, K) of at least a bar, relative to the mean melody heard: (B,)."""
        return self.scale.standard(features_of(self, rolls))[:, -1] @ self.preference


def features_of(learned: Learned, rolls: np.ndarray) -> np.ndarray:
    """Return the features of rolls (B, T, K) at every bar line, measured with a learned listener: (B, bars, F)."""
    melodies = highest_keys(rolls)
    return taste_features(measured(learned.nets, melodies), heard(melodies))

"""A listener of variety: a melody has as many different bars as the middle half of real melodies.

Conventions: as in `listener.listener`; targets are not looked at. The reward is a potential: at every bar line the
    change of the worth of the bars so far, which is minus the number of different bars above or below that middle.
    So the rewards of a song add up to the worth of all its bars.
"""

import numpy as np

from listener.listener import SumOfTerms, at_bar_lines
from listener.melody_features import repeated_bars
from listener.theory import highest_keys
from songs.keyboard import STEPS_PER_BAR

MIDDLE = (9 / 16, 13 / 16)
"""Quartiles of the share of different bars of real melodies: 293 of 16 bars on 13 keys, for validation."""


class Variety(SumOfTerms):
    """Rewards a melody for repeating as many of its bars as real ones do."""

    pays_every = STEPS_PER_BAR

    def terms(self, rolls: np.ndarray, targets: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Return the rewards as the one term `variety`, (B, T) float32."""
        melodies = highest_keys(rolls)
        repeated = repeated_bars(melodies)
        bars = np.arange(1, repeated.shape[1] + 1)
        different = bars - repeated
        low, high = (share * bars for share in MIDDLE)
        worth = np.minimum(0.0, np.minimum(different - low, high - different))
        return {"variety": at_bar_lines(np.diff(worth, axis=1, prepend=0.0), melodies.shape[1])}

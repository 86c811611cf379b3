"""A listener for endings: a melody should end on the tonic or the fifth, with a note of half a bar or longer.

Conventions: as in `listener.listener`; targets are ignored. The reward is potential-based: at every bar line it is the
    change in the value of an ending there, which is 0 for a good ending and -1 for any other, silence included. So the
    rewards of a song add up to the value of its actual ending.
"""

import numpy as np

from listener.form.plan_reading import ends_well
from listener.listener import SumOfTerms, at_bar_lines
from listener.theory import highest_keys
from songs.keyboard import STEPS_PER_BAR


class Ending(SumOfTerms):
    """Rewards a melody for ending well, at whichever bar line it ends."""

    pays_every = STEPS_PER_BAR

    def terms(self, rolls: np.ndarray, targets: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Return the rewards as a single term `ending`, (B, T) float32."""
        melodies = highest_keys(rolls)
        lines = range(STEPS_PER_BAR, melodies.shape[1] + 1, STEPS_PER_BAR)
        worth = np.array([ends_well(melodies[:, :line]) - 1.0 for line in lines]).reshape(-1, len(melodies))
        return {"ending": at_bar_lines(np.diff(worth, axis=0, prepend=0.0).T, melodies.shape[1])}

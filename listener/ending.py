"""A listener of endings: a melody ends at home, on the tonic or the fifth, with a note of half a bar or longer.

Conventions: as in `listener.listener`; targets are not looked at. The reward is a potential: at every bar line the
    change of what an ending there would be worth, 0 for a good one and -1 for any other, also for silence. So the
    rewards of a song add up to the worth of its own ending.
"""

import numpy as np

from listener.form.plan_reading import ends_well
from listener.listener import SumOfTerms, at_bar_lines
from listener.theory import highest_keys
from songs.keyboard import STEPS_PER_BAR


class Ending(SumOfTerms):
    """Rewards a melody for ending well, wherever it may end."""

    pays_every = STEPS_PER_BAR

    def terms(self, rolls: np.ndarray, targets: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Return the rewards as the one term `ending`, (B, T) float32."""
        melodies = highest_keys(rolls)
        lines = range(STEPS_PER_BAR, melodies.shape[1] + 1, STEPS_PER_BAR)
        worth = np.array([ends_well(melodies[:, :line]) - 1.0 for line in lines]).reshape(-1, len(melodies))
        return {"ending": at_bar_lines(np.diff(worth, axis=0, prepend=0.0).T, melodies.shape[1])}

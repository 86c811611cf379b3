"""Plans of melodies: which bar echoes which earlier bar and how, how many notes each has, and where and how it ends.

Conventions:
    N plans of U bars of 8 eighths, 4 to 32. A bar has four factors: its *relation*, 0 for a new bar, else
    1 + (kind - 1) * 16 + lag - 1: it echoes the bar `lag` bars before, in one of the ways `KINDS`; its number of notes;
    the steps from its last note to its end, 0 without notes; the degree of that note, 0 to 11 semitones above the
    tonic, 12 without notes.
    A phrase ends with a bar whose last note, or rest, lasts half a bar or longer, and with the last bar.
"""

from dataclasses import dataclass

import numpy as np

from songs.keyboard import STEPS_PER_BAR

KINDS = ("new", "exact", "other ending", "varied", "transposed", "rhythm")
"""Ways to echo a bar: all of it; its first half; up to a quarter of its steps; along the scale; in rhythm only."""
NEW, EXACT, ENDING, VARIED, TRANSPOSED, RHYTHM = range(len(KINDS))
FEWEST_BARS, MOST_BARS, MOST_LAG = 4, 32, 16
RELATIONS = 1 + (len(KINDS) - 1) * MOST_LAG
NO_DEGREE = 12
FACTORS = (RELATIONS, STEPS_PER_BAR + 1, STEPS_PER_BAR + 1, NO_DEGREE + 1)
"""How many values each factor of a bar has."""
LONG = STEPS_PER_BAR // 2
"""Steps from the last note of a phrase to its end."""


@dataclass(frozen=True, eq=False)
class Plans:
    """Plans of N melodies."""

    bars: np.ndarray
    """(N, U, 4) int64, the factors of every bar."""
    character: np.ndarray
    """(N, C) int64: the tonic, 0 to 11 semitones above the lowest note; 1 for minor (the tonic is that of the major
    scale with the same notes); semitones from the lowest to the highest note; then levels of style, as the model that
    made the plans defines them."""
    lowest: np.ndarray
    """(N,) int64, the key of the lowest note."""

    def __len__(self) -> int:
        return len(self.bars)

    def __getitem__(self, index: np.ndarray | slice) -> "Plans":
        return Plans(self.bars[index], self.character[index], self.lowest[index])

    @property
    def tonic(self) -> np.ndarray:
        """(N,) int64, the first key from the lowest note on that is a tonic."""
        return self.lowest + self.character[:, 0]

    @property
    def phrase_ends(self) -> np.ndarray:
        """(N, U) bool: whether a phrase ends with a bar."""
        closing = np.where(self.bars[..., 1] > 0, self.bars[..., 2], STEPS_PER_BAR)
        ends = closing >= LONG
        ends[:, -1] = True
        return ends


def kinds_and_lags(relations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the kinds and the lags of relations of any shape, 0 and 0 for new bars."""
    echoes = relations > 0
    kind, lag = np.divmod(np.maximum(relations, 1) - 1, MOST_LAG)
    return np.where(echoes, kind + 1, NEW), np.where(echoes, lag + 1, 0)


def relation(kind: np.ndarray, lag: np.ndarray) -> np.ndarray:
    """Return the relations of kinds and lags; what stands in `lag` for new bars does not matter."""
    return np.where(kind > 0, 1 + (kind - 1) * MOST_LAG + lag - 1, 0)

"""Echoes: which earlier bar each bar of a melody repeats, and how closely.

Conventions: a melody has U bars. A *relation* is 0 for a new bar and otherwise 1 + kind * (U - 1) + lag - 1: the bar
repeats the one `lag` bars before exactly (kind 0), except for up to a quarter of its steps (1), or in rhythm (2).
"""

import numpy as np
import torch
from torch import Tensor

from vae.tokens import REST, implied_onsets

KINDS = ("exact", "varied", "rhythm")
LAGS = (8, 4, 2, 1, 12, 6, 3)
"""Lags in order of preference if a bar repeats several; other lags follow in ascending order."""
VARIED = 0.75
FEWEST_NOTES = 2
"""Fewest notes of a bar for which a rhythm or a variation is recognised."""


def relation_count(bars: int) -> int:
    """Return the number of different relations in melodies of `bars` bars."""
    return 1 + len(KINDS) * (bars - 1)


def lags_of(relations: Tensor, bars: int) -> Tensor:
    """Return the lags of relations of any shape, 0 for new bars."""
    return torch.where(relations > 0, (relations - 1) % max(1, bars - 1) + 1, 0)


def find_relations(roll: np.ndarray, onsets: np.ndarray, bars: int) -> np.ndarray:
    """Return the relations (N, U) of the bars of melodies, roll and onsets (N, T); exact ones are preferred."""
    onsets = ((onsets | implied_onsets(roll)) & (roll != REST)).reshape(len(roll), bars, -1)
    roll = roll.reshape(len(roll), bars, -1)
    enough = onsets.sum(axis=2) >= FEWEST_NOTES
    lags = [lag for lag in (*LAGS, *range(1, bars)) if lag < bars]
    relations = np.zeros((len(roll), bars), dtype=np.int64)
    for kind in reversed(range(len(KINDS))):
        for lag in reversed(lags):  # preferred relations are written last
            same = roll[:, lag:] == roll[:, :-lag]
            sounds = enough[:, lag:] & enough[:, :-lag]
            alike = (
                same.all(axis=2),
                (same.mean(axis=2) >= VARIED) & sounds,
                (onsets[:, lag:] == onsets[:, :-lag]).all(axis=2) & sounds,
            )[kind]
            relations[:, lag:][alike] = 1 + kind * (bars - 1) + lag - 1
    return relations


def copy_echoes(tokens: Tensor, relations: Tensor) -> Tensor:
    """Return melodies (N, T) in which each bar whose relation (N, U) is an exact echo is a copy of the echoed bar."""
    count, bars = relations.shape
    played = tokens.reshape(count, bars, -1).clone()
    lags = lags_of(relations, bars)
    for bar in range(1, bars):
        exact = ((relations[:, bar] > 0) & (relations[:, bar] < bars)).nonzero()[:, 0]
        played[exact, bar] = played[exact, bar - lags[exact, bar]]
    return played.flatten(1)

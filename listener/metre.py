"""Metre: whether notes stand where in the bar real music has them.

A table says for every note how much its place speaks for real music and against the same music moved by an eighth or
three: given the place, the steps since the last onset, those between the last two, the degree in the scale, and the
size of the interval. It is a linear model, fitted by logistic regression to the means over whole melodies.

Conventions:
    Melodies are (N, T) int8, -1 for a rest, T whole bars. A note has a row in each of the four parts of the table.
    The metre of a melody is the mean over its notes, higher is more real; 0 for silence.
"""

import numpy as np

from listener.events import NONE, events
from listener.song_statistics import so_far, tonics
from listener.theory import REST
from songs.keyboard import STEPS_PER_BAR

GAPS, PREVIOUS_GAPS, DEGREES, SIZES = 9, 10, 13, 5
"""Classes of each: the last gap stands for longer ones, degree 12 for no note, size 0 for no interval."""
SHORT_GAPS = 4
"""Classes of the gap beside the size of the interval."""
_PARTS = (GAPS, PREVIOUS_GAPS, DEGREES, SIZES * SHORT_GAPS)
ROWS = STEPS_PER_BAR * sum(_PARTS)
MOVES = (1, 1, 1, -1, -1, 3, -3)
"""By how many eighths real melodies are moved to learn from."""


def note_rows(melodies: np.ndarray) -> np.ndarray:
    """Return the rows (N, T, 4) int64 of the table that a note at each step has."""
    known = events(melodies)
    tonic = np.repeat(tonics(melodies), STEPS_PER_BAR, axis=1)
    size = np.abs(known.interval.astype(np.int64))
    classes = (
        np.minimum(known.gap, GAPS) - 1,
        np.minimum(known.previous_gap, PREVIOUS_GAPS - 1),
        np.where(melodies == REST, DEGREES - 1, (melodies - tonic) % 12),
        np.select([known.interval == NONE, size == 0, size <= 2, size <= 4], [0, 1, 2, 3], 4) * SHORT_GAPS
        + np.minimum(known.gap, SHORT_GAPS)
        - 1,
    )
    place = np.arange(melodies.shape[1]) % STEPS_PER_BAR
    firsts = STEPS_PER_BAR * np.cumsum((0, *_PARTS[:-1]))
    return np.stack(
        [first + place * count + each for first, count, each in zip(firsts, _PARTS, classes, strict=True)], 2
    )


def metre(melodies: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Return the metre of the song so far at every bar line, (N, bars) float64, by a table (ROWS,)."""
    sounds = melodies != REST
    worth = np.where(sounds, table[note_rows(melodies)].sum(axis=2), 0)
    return so_far(worth) / np.maximum(so_far(sounds), 1)


def fitted_table(melodies: np.ndarray, penalty: float = 1e-3, steps: int = 400) -> np.ndarray:
    """Learn a table (ROWS,) float32 from real melodies (N, T).

    Args:
        melodies: as they are, and moved by `MOVES`.
        penalty: on the squared weights.
        steps: of gradient descent with momentum.
    """
    real = _shares(melodies)
    rows = np.concatenate((real, *(_shares(np.roll(melodies, by, axis=1)) for by in sorted(set(MOVES)))))
    times = [MOVES.count(by) / len(MOVES) for by in sorted(set(MOVES))]
    share = np.repeat([1.0, *times], len(melodies)) / (2 * len(melodies))
    label = np.arange(len(rows)) < len(melodies)
    deviation = rows.std(axis=0) + 0.02
    rows = (rows - rows.mean(axis=0)) / deviation
    weights, speed, bias = np.zeros(ROWS, dtype=np.float32), np.zeros(ROWS, dtype=np.float32), 0.0
    for _ in range(steps):
        error = (share * (1 / (1 + np.exp(-(rows @ weights + bias))) - label)).astype(np.float32)
        speed = 0.9 * speed - 0.05 * (rows.T @ error + 2 * penalty * weights)
        weights, bias = weights + speed, bias - 0.5 * float(error.sum())
    return (weights / deviation).astype(np.float32)


def _shares(melodies: np.ndarray) -> np.ndarray:
    """Return how often each row occurs, (N, ROWS) float32, as shares of the notes."""
    rows, sounds = note_rows(melodies), melodies != REST
    places = np.arange(len(melodies))[:, None, None] * ROWS + rows
    counts = np.bincount(places[sounds].ravel(), minlength=len(melodies) * ROWS).reshape(-1, ROWS)
    return (counts / np.maximum(sounds.sum(axis=1, keepdims=True), 1)).astype(np.float32)

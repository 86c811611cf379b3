"""Simple music derived from real melodies, which the held-out judge also learns to accept as real.

Children's songs have few notes and one or two rhythms, repeat notes, are sung twice, and in some countries are mostly
in minor. The songs of the project are not among the training data; they are used to check the judge.

Conventions: melodies are (N, T) int16 on sixteenths, T whole bars of 16, as in `listener.judge.notes`.
"""

import numpy as np

from listener.judge.notes import BAR, REST, tonics

SUNG_TWICE = 0.2
"""Share of melodies whose second half repeats the first."""
IN_MINOR = 0.15
"""Share of melodies that are moved from major to minor."""
LOWERED = np.array([0, 0, 0, 0, -1, 0, 0, 0, 0, -1, 0, 0])
"""Semitones added to each pitch class above the tonic to turn major into harmonic minor."""
ON_EIGHTHS = 0.5
"""Share of melodies that are moved onto eighths."""


def on_eighths(melodies: np.ndarray) -> np.ndarray:
    """Move notes onto eighths; the first of two notes in an eighth is kept."""
    pairs = melodies.reshape(len(melodies), -1, 2)
    moved = np.full_like(pairs, REST)
    moved[..., 0] = np.where(pairs[..., 0] == REST, pairs[..., 1], pairs[..., 0])
    return moved.reshape(melodies.shape)


def in_minor(melodies: np.ndarray) -> np.ndarray:
    """Move melodies that end on the tonic of a major scale to the parallel minor; others stay unchanged."""
    steps, tonic = np.arange(melodies.shape[1]), tonics(melodies)[:, None]
    last = np.where(melodies == REST, 0, steps).max(axis=1, keepdims=True)
    ends_on_tonic = (np.take_along_axis(melodies, last, axis=1) - tonic) % 12 == 0
    moved = melodies + LOWERED[(melodies - tonic) % 12]
    return np.where((melodies == REST) | ~ends_on_tonic, melodies, moved).astype(np.int16)


def simpler(melodies: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return melodies (N, T) of which about half are simplified; row i is made from row i."""
    made = np.where(generator.random((len(melodies), 1)) < ON_EIGHTHS, on_eighths(melodies), melodies)
    made = np.where(generator.random((len(made), 1)) < IN_MINOR, in_minor(made), made)
    kinds, half = generator.random(len(made)), made.shape[1] // BAR // 2 * BAR
    for row, kind, twice in zip(made, kinds, generator.random(len(made)) < SUNG_TWICE, strict=True):
        for most, change in _CHANGES:
            if kind < most:
                change(row, generator)
                break
        if twice and half >= 4 * BAR:
            row[half : 2 * half] = row[:half].copy()
    return made


def _only_beats(row: np.ndarray, generator: np.random.Generator) -> None:
    row[np.arange(len(row)) % 4 != 0] = REST


def _few_off_beats(row: np.ndarray, generator: np.random.Generator) -> None:
    row[(np.arange(len(row)) % 4 != 0) & (generator.random(len(row)) < 0.6)] = REST


def _repeated_notes(row: np.ndarray, generator: np.random.Generator) -> None:
    """Give each note off the beat the pitch of the last note on a beat."""
    steps = np.arange(len(row))
    on_beat = (row != REST) & (steps % 4 == 0)
    last = np.maximum.accumulate(np.where(on_beat, steps, -1))
    off = (row != REST) & ~on_beat & (last >= 0)
    row[off] = row[last[off]]


def _to_and_fro(row: np.ndarray, generator: np.random.Generator) -> None:
    """Let bars with four or more notes alternate between their first two pitches."""
    for bar in row.reshape(-1, BAR):
        notes = np.flatnonzero(bar != REST)
        if len(notes) > 3:
            bar[notes] = np.resize(bar[notes[:2]], len(notes))


def _one_rhythm(row: np.ndarray, generator: np.random.Generator) -> None:
    """Play the notes, in order, in the rhythm of two of the bars."""
    bars, notes = row.reshape(-1, BAR), row[row != REST]
    first = 2 * generator.integers(0, max(1, len(bars) // 2))
    rhythm = np.resize(bars[first : first + 2] != REST, bars.shape).ravel()
    if rhythm.sum() > len(bars) and len(notes):
        row[:] = REST
        row[rhythm] = np.resize(notes, rhythm.sum())


_CHANGES = (
    (0.08, _only_beats),
    (0.15, _few_off_beats),
    (0.23, _repeated_notes),
    (0.28, _to_and_fro),
    (0.36, _one_rhythm),
)
"""Changes with cumulative probabilities."""

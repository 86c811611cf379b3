"""Features of melodies: keys, density, intervals and repetition.

The learned listener compares features at every bar line with those of real music, the audit compares features of whole
melodies, and reports print some of them (`listener.description`).

Conventions:
    Melodies are (N, T) int8, -1 for a rest. Features at bar lines are (N, bars) float64 and cover all whole bars up to
    a bar line, so they are causal. Shares are 0 to 1. Every feature is defined for silence, too.
"""

import numpy as np

from listener import theory
from listener.theory import NONE, REST, Events, events
from songs.keyboard import KEYS, STEPS_PER_BAR

FEATURES = (
    "entropy",
    "different keys",
    "share in key",
    "notes a bar",
    "notes on the beat",
    "longest gap",
    "mean interval",
    "intervals above a fifth",
    "commonest interval",
    "repeated notes",
    "longest run of one key",
    "repeated bars",
)
"""Features at bar lines."""
JUDGED = (
    "notes a bar",
    "entropy",
    "different keys",
    "share in key",
    "mean interval",
    "intervals above a fifth",
    "repeated notes",
    "notes on the beat",
    "longest gap",
    "longest run of one key",
    "repeated bars",
    "longest repeat",
    "commonest interval",
)
"""Features of whole melodies, in the order of `judged_features`."""
LEAST_DEVIATION = 0.02
"""Smallest standard deviation used to scale a feature."""
WHOLE_TONE, FIFTH = 2, 7
"""Semitones."""
LOOPS = (1, 2, 4)
"""Lengths in bars of the loops to detect."""


def features_so_far(melodies: np.ndarray) -> dict[str, np.ndarray]:
    """Return the features of melodies (N, T) at every bar line, (N, bars) float64 by name, in the order of `FEATURES`.

    entropy: of the keys, in bits. share in key: share of the notes in the best-fitting major scale. notes on the beat:
    share of the notes on quarters. longest gap: steps from an onset to the next. intervals: in semitones. longest run
    of one key: notes in a row. repeated bars: share of the bars that equal an earlier one.
    """
    whole = melodies[:, : melodies.shape[1] // STEPS_PER_BAR * STEPS_PER_BAR]
    known, steps = events(whole), np.arange(whole.shape[1])
    classes, notes = class_counts(whole), sum_so_far(known.onset)
    keys = _counts(whole + 1, max(KEYS, int(whole.max(initial=REST)) + 1))
    some, bars = np.maximum(notes, 1), np.arange(1, whole.shape[1] // STEPS_PER_BAR + 1)
    packed, indices = theory.notes_of(whole)
    runs = theory.at_steps(theory.repetitions(packed), indices, whole.shape[1])
    return {
        "entropy": _entropy(keys, some),
        "different keys": (keys > 0).sum(axis=2, dtype=np.float64),
        "share in key": (classes @ theory.SCALES.T.astype(np.float64)).max(axis=2) / some,
        "notes a bar": notes / bars,
        "notes on the beat": sum_so_far(known.onset & (steps % 2 == 0)) / some,
        "longest gap": _most_so_far(known.gap),
        **_intervals_so_far(known),
        "longest run of one key": _most_so_far(runs),
        "repeated bars": repeated_bars(whole) / bars,
    }


def _intervals_so_far(known: Events) -> dict[str, np.ndarray]:
    follows = known.interval != NONE
    sizes = np.where(follows, np.abs(known.interval), 0)
    pairs = np.maximum(sum_so_far(follows), 1)
    classes = np.where(follows, np.clip(known.interval, 1 - KEYS, KEYS - 1) + KEYS, 0)
    return {
        "mean interval": sum_so_far(sizes) / pairs,
        "intervals above a fifth": sum_so_far(sizes > FIFTH) / pairs,
        "commonest interval": _counts(classes, 2 * KEYS).max(axis=2) / pairs,
        "repeated notes": sum_so_far(known.interval == 0) / pairs,
    }


def runs_of_steps(melodies: np.ndarray) -> np.ndarray:
    """Return the share of intervals that continue a scale, at every bar line of melodies (N, T): (N, bars) float64.

    They are steps of at most a whole tone in the direction of such a step just before.
    """
    whole = melodies[:, : melodies.shape[1] // STEPS_PER_BAR * STEPS_PER_BAR]
    notes, indices = theory.notes_of(whole)
    intervals = theory.intervals(notes)
    direction = np.sign(intervals) * (np.abs(intervals) <= WHOLE_TONE)
    onward = np.zeros(notes.shape, dtype=bool)
    onward[:, 1:] = (direction[:, 1:] == direction[:, :-1]) & (direction[:, 1:] != 0)
    going_on = sum_so_far(theory.at_steps(onward, indices, whole.shape[1]))
    return going_on / np.maximum(sum_so_far(whole != REST) - 1, 1)


def repeated_bars(melodies: np.ndarray) -> np.ndarray:
    """Count the bars so far that equal an earlier one, at every bar line of melodies (N, T): (N, bars) float64."""
    whole = melodies[:, : melodies.shape[1] // STEPS_PER_BAR * STEPS_PER_BAR]
    bars = np.ascontiguousarray(whole.reshape(len(whole), -1, STEPS_PER_BAR)).view(np.int64)[..., 0]
    same = bars[:, :, None] == bars[:, None, :]
    return (same & np.tri(bars.shape[1], k=-1, dtype=bool)).any(axis=2).cumsum(axis=1, dtype=np.float64)


def features(melodies: np.ndarray) -> dict[str, np.ndarray]:
    """Return the features of whole melodies (N, T), T at least one bar and whole bars: (N,) float64 by name.

    In addition to those of `features_so_far`: longest repeat: length in steps of the longest passage played twice
    without overlap. rest share: share of the steps at which no note begins. two-note share: share of the notes that
    equal the last but one and not the last, as in a loop of two notes. loop share: share of the steps that equal the
    step one, two or four bars before, the highest of the three. The longest gap may extend to the end of the melody.
    With fewer than two notes, `share in key`, `notes on the beat` and `commonest interval` are 1.
    """
    onset = melodies != REST
    values = {name: values[:, -1] for name, values in features_so_far(melodies).items()}
    notes = onset.sum(axis=1)
    for name in ("share in key", "notes on the beat", "commonest interval"):
        values[name] = np.where(notes < 2, 1.0, values[name])
    last = np.where(onset, np.arange(melodies.shape[1]), -1).max(axis=1)
    return {
        **values,
        "longest gap": np.maximum(values["longest gap"], melodies.shape[1] - last),
        "longest repeat": longest_repeats(melodies).astype(np.float64),
        "rest share": 1 - notes / melodies.shape[1],
        "two-note share": _two_note_share(melodies),
        "loop share": _loop_share(melodies),
    }


def judged_features(melodies: np.ndarray) -> np.ndarray:
    """Return the features named in `JUDGED` of melodies (N, T): (N, features) float64."""
    values = features(melodies)
    return np.stack([values[name] for name in JUDGED], axis=1)


def longest_repeats(melodies: np.ndarray) -> np.ndarray:
    """Return the steps of the longest passage that each melody (N, T) plays twice without overlap: (N,) int64."""
    longest = np.zeros(len(melodies), dtype=np.int64)
    for lag in range(1, melodies.shape[1]):
        same = theory.run_lengths(melodies[:, lag:] == melodies[:, :-lag]).max(axis=1)
        longest = np.maximum(longest, np.minimum(lag, same))
    return longest


def tonics(melodies: np.ndarray) -> np.ndarray:
    """Return the tonic of the major scale that best fits the notes so far, at every bar line: (N, bars) int64."""
    return theory.best_tonics(class_counts(melodies), melodies.shape[1])


def sum_so_far(values: np.ndarray) -> np.ndarray:
    """Return the sum of values (N, T) up to every bar line, (N, bars) float64."""
    count, steps = values.shape
    return values.reshape(count, steps // STEPS_PER_BAR, STEPS_PER_BAR).sum(axis=2, dtype=np.float64).cumsum(axis=1)


def _most_so_far(values: np.ndarray) -> np.ndarray:
    """Return the maximum of values (N, T) up to every bar line, (N, bars) float64."""
    count, steps = values.shape
    most = values.reshape(count, steps // STEPS_PER_BAR, STEPS_PER_BAR).max(axis=2).astype(np.float64)
    return np.maximum.accumulate(most, axis=1)


def _counts(classes: np.ndarray, most: int) -> np.ndarray:
    """Count each class, 1 to `most`, in (N, T) up to every bar line: (N, bars, most) float64."""
    count, steps = classes.shape
    bars = steps // STEPS_PER_BAR
    indices = np.arange(count * bars)[:, None] * (most + 1) + classes.reshape(-1, STEPS_PER_BAR)
    counts = np.bincount(indices.ravel(), minlength=count * bars * (most + 1)).reshape(count, bars, most + 1)
    return counts[..., 1:].cumsum(axis=1, dtype=np.float64)


def class_counts(melodies: np.ndarray) -> np.ndarray:
    """Count the notes of each pitch class up to every bar line: (N, bars, 12) float64."""
    return _counts(np.where(melodies == REST, 0, melodies % 12 + 1), 12)


def _entropy(keys: np.ndarray, notes: np.ndarray) -> np.ndarray:
    """Return the entropy in bits of counts of keys (..., K), given the number of notes (...)."""
    share = keys / notes[..., None]
    return -(share * np.log2(np.where(share > 0, share, 1))).sum(axis=2)


def _two_note_share(melodies: np.ndarray) -> np.ndarray:
    notes, _ = theory.notes_of(melodies)
    third = notes[:, 2:] != REST
    again = third & (notes[:, 2:] == notes[:, :-2]) & (notes[:, 2:] != notes[:, 1:-1])
    return again.sum(axis=1) / np.maximum(1, third.sum(axis=1))


def _loop_share(melodies: np.ndarray) -> np.ndarray:
    lags = [bars * STEPS_PER_BAR for bars in LOOPS if bars * STEPS_PER_BAR < melodies.shape[1]]
    shares = [(melodies[:, lag:] == melodies[:, :-lag]).mean(axis=1) for lag in lags]
    return np.max(shares, axis=0) if shares else np.zeros(len(melodies))

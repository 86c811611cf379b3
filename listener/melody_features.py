"""What a song is like so far, at every bar line: keys, density, intervals and repetition.

Conventions:
    Melodies are (N, T) int8, -1 for a rest. Statistics are (N, bars) float64, of all bars up to a bar line, whole
    bars only; so they are causal. Shares are 0 to 1. Silence has a value everywhere.
"""

import numpy as np

from listener import theory
from listener.events import NONE, events
from songs.keyboard import KEYS, STEPS_PER_BAR

BANDS = (
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
    "bars heard before",
)
"""Neither more nor less than real music has."""
LEAST_DEVIATION = 0.02
"""What the standard deviation of anything counts at least, where it is divided by."""
FIFTH = 7
"""Semitones."""


def song_statistics(melodies: np.ndarray) -> dict[str, np.ndarray]:
    """Return every statistic of melodies (N, T) by its name, in the order of `BANDS`."""
    whole = melodies[:, : melodies.shape[1] // STEPS_PER_BAR * STEPS_PER_BAR]
    known, steps = events(whole), np.arange(whole.shape[1])
    keys, notes = _counts(whole + 1, KEYS), so_far(known.onset)
    heard, bars = np.maximum(notes, 1), np.arange(1, whole.shape[1] // STEPS_PER_BAR + 1)
    follows = known.interval != NONE
    sizes = np.where(follows, np.abs(known.interval), 0)
    pairs = np.maximum(so_far(follows), 1)
    packed, places = theory.notes_of(whole)
    runs = theory.at_steps(theory.repetitions(packed), places, whole.shape[1])
    return {
        "entropy": _entropy(keys, heard),
        "different keys": (keys > 0).sum(axis=2, dtype=np.float64),
        "share in key": _most_in_a_key(keys) / heard,
        "notes a bar": notes / bars,
        "notes on the beat": so_far(known.onset & (steps % 2 == 0)) / heard,
        "longest gap": _most_so_far(known.gap),
        "mean interval": so_far(sizes) / pairs,
        "intervals above a fifth": so_far(sizes > FIFTH) / pairs,
        "commonest interval": _counts(np.where(follows, known.interval + KEYS, 0), 2 * KEYS).max(axis=2) / pairs,
        "repeated notes": so_far(known.interval == 0) / pairs,
        "longest run of one key": _most_so_far(runs),
        "bars heard before": _bars_heard_before(whole) / bars,
    }


def so_far(values: np.ndarray) -> np.ndarray:
    """Return the sum of values (N, T) up to every bar line, (N, bars) float64."""
    count, steps = values.shape
    return values.reshape(count, steps // STEPS_PER_BAR, STEPS_PER_BAR).sum(axis=2, dtype=np.float64).cumsum(axis=1)


def _most_so_far(values: np.ndarray) -> np.ndarray:
    """Return the greatest of values (N, T) up to every bar line, (N, bars) float64."""
    count, steps = values.shape
    most = values.reshape(count, steps // STEPS_PER_BAR, STEPS_PER_BAR).max(axis=2).astype(np.float64)
    return np.maximum.accumulate(most, axis=1)


def _counts(classes: np.ndarray, most: int) -> np.ndarray:
    """Return how often each class, 1 to `most`, of (N, T) was there by every bar line, (N, bars, most) float64."""
    count, steps = classes.shape
    bars = steps // STEPS_PER_BAR
    places = np.arange(count * bars)[:, None] * (most + 1) + classes.reshape(-1, STEPS_PER_BAR)
    counts = np.bincount(places.ravel(), minlength=count * bars * (most + 1)).reshape(count, bars, most + 1)
    return counts[..., 1:].cumsum(axis=1, dtype=np.float64)


def tonics(melodies: np.ndarray) -> np.ndarray:
    """Return the tonic of the major scale that most notes so far belong to, 0 to 11 at every bar line, (N, bars) int64.

    Of scales that fit equally well it is the one whose tonic, third and fifth are heard most, then the lowest.
    """
    classes = _pitch_classes(_counts(melodies + 1, KEYS))
    fit = classes @ theory.SCALES.T.astype(np.float64) * (melodies.shape[1] + 1)
    return (fit + classes @ _TRIADS.T).argmax(axis=2)


_TRIADS = np.array(
    [[(pitch - tonic) % 12 in (0, 4, 7) for pitch in range(12)] for tonic in range(12)], dtype=np.float64
)


def _pitch_classes(keys: np.ndarray) -> np.ndarray:
    """Return counts of keys (..., 13) as counts of pitch classes (..., 12)."""
    classes = keys[..., :12].copy()
    classes[..., 0] += keys[..., 12]
    return classes


def _most_in_a_key(keys: np.ndarray) -> np.ndarray:
    """Return how many notes belong to the major scale that most of them belong to."""
    return (_pitch_classes(keys) @ theory.SCALES.T.astype(np.float64)).max(axis=2)


def _entropy(keys: np.ndarray, notes: np.ndarray) -> np.ndarray:
    """Return the entropy of the keys in bits."""
    share = keys / notes[..., None]
    return -(share * np.log2(np.where(share > 0, share, 1))).sum(axis=2)


def _bars_heard_before(melodies: np.ndarray) -> np.ndarray:
    """Return how many bars are the same as one before, (N, bars) float64, so far."""
    bars = np.ascontiguousarray(melodies.reshape(len(melodies), -1, STEPS_PER_BAR)).view(np.int64)[..., 0]
    same = bars[:, :, None] == bars[:, None, :]
    return (same & np.tri(bars.shape[1], k=-1, dtype=bool)).any(axis=2).cumsum(axis=1, dtype=np.float64)

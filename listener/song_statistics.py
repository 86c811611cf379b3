"""What a song is like so far, at every bar line: entropy, density, intervals and repetition.

Conventions:
    Melodies are (N, T) int8, -1 for a rest. Statistics are (N, bars) float64, of all bars up to a bar line, whole
    bars only; so they are causal. Shares are 0 to 1. Silence has a value everywhere.
"""

import numpy as np

from listener import theory
from listener.events import NONE, events
from songs.keyboard import KEYS, STEPS_PER_BAR

BANDS = ("entropy", "notes a bar", "repeated notes", "mean interval", "bars heard before")
"""Neither more nor less than real music has."""


def song_statistics(melodies: np.ndarray) -> dict[str, np.ndarray]:
    """Return every statistic of melodies (N, T) by its name."""
    whole = melodies[:, : melodies.shape[1] // STEPS_PER_BAR * STEPS_PER_BAR]
    known = events(whole)
    bars = np.arange(1, whole.shape[1] // STEPS_PER_BAR + 1)
    notes = so_far(known.onset)
    follows = known.interval != NONE
    sizes = np.where(follows, np.abs(known.interval), 0)
    pairs = np.maximum(so_far(follows), 1)
    return {
        "entropy": _entropy(_key_counts(whole), np.maximum(notes, 1)),
        "notes a bar": notes / bars,
        "repeated notes": so_far(known.interval == 0) / pairs,
        "mean interval": so_far(sizes) / pairs,
        "bars heard before": _bars_heard_before(whole) / bars,
    }


def so_far(values: np.ndarray) -> np.ndarray:
    """Return the sum of values (N, T) up to every bar line, (N, bars) float64."""
    count, steps = values.shape
    return values.reshape(count, steps // STEPS_PER_BAR, STEPS_PER_BAR).sum(axis=2, dtype=np.float64).cumsum(axis=1)


def _key_counts(melodies: np.ndarray) -> np.ndarray:
    """Return how often each key was played by every bar line, (N, bars, 13) float64."""
    count, steps = melodies.shape
    bars = steps // STEPS_PER_BAR
    places = np.arange(count * bars)[:, None] * (KEYS + 1) + melodies.reshape(-1, STEPS_PER_BAR) + 1
    counts = np.bincount(places.ravel(), minlength=count * bars * (KEYS + 1)).reshape(count, bars, KEYS + 1)
    return counts[..., 1:].cumsum(axis=1, dtype=np.float64)


def tonics(melodies: np.ndarray) -> np.ndarray:
    """Return the tonic of the major scale that most notes so far belong to, 0 to 11 at every bar line, (N, bars) int64.

    Of scales that fit equally well it is the one whose tonic, third and fifth are heard most, then the lowest.
    """
    classes = _pitch_classes(_key_counts(melodies))
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


def _entropy(keys: np.ndarray, notes: np.ndarray) -> np.ndarray:
    """Return the entropy of the keys in bits."""
    share = keys / notes[..., None]
    return -(share * np.log2(np.where(share > 0, share, 1))).sum(axis=2)


def _bars_heard_before(melodies: np.ndarray) -> np.ndarray:
    """Return how many bars are the same as one before, (N, bars) float64, so far."""
    bars = np.ascontiguousarray(melodies.reshape(len(melodies), -1, STEPS_PER_BAR)).view(np.int64)[..., 0]
    same = bars[:, :, None] == bars[:, None, :]
    return (same & np.tri(bars.shape[1], k=-1, dtype=bool)).any(axis=2).cumsum(axis=1, dtype=np.float64)

"""Statistics of sets of melodies, for comparing samples with real melodies, and figures of single melodies.

Conventions:
    Melodies are `roll` and `onsets` (N, T), as in `vae.tokens`. Shares are 0 to 1; histograms sum to 1.
    in_scale: share of sounding steps in the best-fitting major scale; in_c: in C major.
    intervals: semitones from a note to the next, clipped to -12 to 12.
    durations: 16ths from the start of a note to its end, 1 to 16; longer ones count as 16.
    changes: steps at which the roll differs from the step before. different_bars: number of distinct bars in a melody.

"""

import numpy as np

from vae.melody import MAJOR
from vae.tokens import LOWEST_MIDI_PITCH, REST, implied_onsets

WIDEST_INTERVAL = 12
LONGEST_DURATION = 16
PLACES = 8
"""Number of parts of a bar in which notes are counted."""
HISTOGRAMS = ("pitch_classes", "intervals", "durations")


def statistics(roll: np.ndarray, onsets: np.ndarray, steps_per_bar: int) -> dict:
    """Return the statistics of melodies, with histograms as lists.

    Args:
        roll: (N, T) sounding pitches.
        onsets: (N, T) bool; a note that sounds at the first step counts as beginning there.
        steps_per_bar: steps per bar of the melodies.
    """
    onsets = (onsets | implied_onsets(roll)) & (roll != REST)
    count = len(roll)
    bars = roll.reshape(count, -1, steps_per_bar)
    scales = np.stack([_in_scale(roll, tonic) for tonic in range(12)])
    melodies, at = np.nonzero(onsets)
    pitch = roll[melodies, at]
    follows = melodies[1:] == melodies[:-1]
    steps_between = np.diff(pitch)[follows].clip(-WIDEST_INTERVAL, WIDEST_INTERVAL)
    return {
        "melodies": count,
        "notes_a_bar": float(onsets.sum() / bars.shape[1] / count),
        "rests": float((roll == REST).mean()),
        "in_scale": float(scales.max(axis=0).mean()),
        "in_c": float(scales[0].mean()),
        "changes": float((roll[:, 1:] != roll[:, :-1]).sum(axis=1).mean()),
        "different_bars": float(np.mean([len(np.unique(each, axis=0)) for each in bars])),
        "range": float(np.mean([np.ptp(row[row != REST]) if (row != REST).any() else 0 for row in roll])),
        "silent": float((roll == REST).all(axis=1).mean()),
        "pitch_classes": _histogram((pitch + LOWEST_MIDI_PITCH) % 12, 0, 11),
        "intervals": _histogram(steps_between, -WIDEST_INTERVAL, WIDEST_INTERVAL),
        "durations": _histogram(_durations(roll, onsets).clip(1, LONGEST_DURATION), 1, LONGEST_DURATION),
    }


def figures(roll: np.ndarray, onsets: np.ndarray, steps_per_bar: int) -> np.ndarray:
    """Return figures of melodies, roll and onsets (N, T): density, height, range, movement, pitches and beats.

    Returns:
        (N, F): notes per bar, share of rests, mean pitch, range, mean and mean absolute interval in semitones, shares
        of the sounding steps in each of 12 pitch classes, and shares of the notes at each eighth of the bar.
    """
    onsets = (onsets | implied_onsets(roll)) & (roll != REST)
    rows = []
    for row, begins in zip(roll, onsets, strict=True):
        sound, at = row[row != REST].astype(int), np.flatnonzero(begins)
        pitch = row[at].astype(int)
        leaps = np.diff(pitch) if len(pitch) > 1 else np.zeros(1)
        heard = sound if len(sound) else np.zeros(1, int)
        classes = np.bincount(heard % 12, minlength=12) / len(heard)
        places = np.bincount(at % steps_per_bar * PLACES // steps_per_bar, minlength=PLACES) / max(1, len(at))
        bars = len(row) / steps_per_bar
        rows.append(
            [len(at) / bars, 1 - len(sound) / len(row), heard.mean(), np.ptp(heard), leaps.mean(), np.abs(leaps).mean()]
            + [*classes, *places]
        )
    return np.array(rows, dtype=float)


def distances(one: dict, other: dict) -> dict[str, float]:
    """Return the total variation distance, 0 (equal) to 1, between the histograms of two sets, by name."""
    return {name: float(0.5 * np.abs(np.subtract(one[name], other[name])).sum()) for name in HISTOGRAMS}


def _in_scale(roll: np.ndarray, tonic: int) -> np.ndarray:
    """Return the share (N,) of sounding steps in a major scale, 1 for silence."""
    sounds = roll != REST
    inside = sounds & np.isin((roll + LOWEST_MIDI_PITCH - tonic) % 12, MAJOR)
    return np.where(sounds.any(axis=1), inside.sum(axis=1) / np.maximum(1, sounds.sum(axis=1)), 1.0)


def _durations(roll: np.ndarray, onsets: np.ndarray) -> np.ndarray:
    """Return the lengths of all notes in steps."""
    padded = np.pad(onsets | (roll == REST), ((0, 0), (0, 1)), constant_values=True)
    melodies, ends = np.nonzero(padded)
    begins = padded[melodies, ends]
    lengths = np.diff(ends, append=ends[-1:])[begins]
    notes = np.pad(onsets, ((0, 0), (0, 1)))[melodies, ends]
    return lengths[notes]


def _histogram(values: np.ndarray, low: int, high: int) -> list[float]:
    counts = np.bincount(values.astype(int) - low, minlength=high - low + 1)
    return (counts / max(1, counts.sum())).tolist()

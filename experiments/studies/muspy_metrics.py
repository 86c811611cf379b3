"""MusPy's basic metrics of songs, with its names and definitions, for comparable tables.

MusPy itself has a dozen dependencies, and nothing else of it is needed here.

Conventions:
    A step of the grid is MusPy's time step, a beat is a quarter note, a measure a bar. A note sounds for its length;
    if lengths are unknown, until the next onset of any key, at most a bar.
    A song without notes has the value for no notes if it is defined, and None if MusPy returns NaN.
Source:
    H.-W. Dong et al., MusPy: A Toolkit for Symbolic Music Generation, 2020; version 0.5.0 (MIT). As in that version,
    `polyphony_rate` counts steps with three pitches or more, and a note also fills the beat that begins as it ends.
"""

from collections.abc import Sequence

import numpy as np

from songs.piano_roll import onsets_from_roll
from songs.song import Song

MAJOR, MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)
SCALES = np.array(
    [[(pitch - root) % 12 in scale for pitch in range(12)] for scale in (MAJOR, MINOR) for root in range(12)]
)
NAMES = (
    "pitch_range",
    "n_pitches_used",
    "n_pitch_classes_used",
    "polyphony",
    "polyphony_rate",
    "scale_consistency",
    "pitch_entropy",
    "pitch_class_entropy",
    "empty_beat_rate",
    "empty_measure_rate",
    "groove_consistency",
)


def muspy_metrics(songs: Sequence[Song]) -> dict[str, float | None]:
    """Return the mean of each metric over the songs that have it, None if no song has."""
    rows = [metrics_of(song) for song in songs]
    columns = {name: [value for row in rows if (value := row[name]) is not None] for name in NAMES}
    return {name: float(np.mean(values)) if values else None for name, values in columns.items()}


def metrics_of(song: Song) -> dict[str, float | None]:
    """Return the metrics of a song by name."""
    onsets = onsets_from_roll(song.roll, song.keyboard)
    at, pitch = onsets[:, 0], onsets[:, 1]
    ends = at + _lengths(song, at)
    values: dict[str, float | None] = dict.fromkeys(NAMES)
    pitches, classes = np.bincount(pitch, minlength=128), np.bincount(pitch % 12, minlength=12)
    values["pitch_range"] = float(np.ptp(pitch)) if len(pitch) else 0.0
    values["n_pitches_used"] = float((pitches > 0).sum())
    values["n_pitch_classes_used"] = float((classes > 0).sum())
    if not len(pitch):
        return values
    sounding = np.zeros((ends.max(), 128), dtype=bool)
    for first, end, key in zip(at, ends, pitch, strict=True):
        sounding[first:end, key] = True
    together = sounding.sum(axis=1)
    bar = song.grid.steps_per_bar
    return {
        **values,
        "polyphony": float(together.sum() / np.count_nonzero(together)),
        "polyphony_rate": float((together > 2).mean()),
        "scale_consistency": float((SCALES @ classes).max() / len(pitch)),
        "pitch_entropy": _entropy(pitches),
        "pitch_class_entropy": _entropy(classes),
        "empty_beat_rate": _empty(at, ends, song.grid.steps_per_quarter),
        "empty_measure_rate": _empty(at, ends, bar),
        "groove_consistency": _groove_consistency(at, int(ends.max()), bar),
    }


def _lengths(song: Song, at: np.ndarray) -> np.ndarray:
    """Return the lengths of the notes in whole steps, 1 or more, (N,) int64."""
    if song.lengths is not None:
        return np.maximum(1, np.rint(song.lengths)).astype(np.int64)
    steps = np.unique(at)
    following = np.append(steps[1:], song.steps)[np.searchsorted(steps, at)]
    return np.minimum(following - at, song.grid.steps_per_bar)


def _entropy(counts: np.ndarray) -> float:
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log2(share)).sum())


def _empty(at: np.ndarray, ends: np.ndarray, size: int) -> float:
    """Return the share of segments of `size` steps that no note touches, ends included."""
    played = np.zeros(ends.max() // size + 1, dtype=bool)
    for first, last in zip(at // size, ends // size, strict=True):
        played[first : last + 1] = True
    return float(1 - played.mean())


def _groove_consistency(at: np.ndarray, length: int, bar: int) -> float | None:
    """Return 1 minus the share of steps at which the onsets of consecutive bars differ."""
    bars = length // bar + 1
    if bars < 2:
        return None
    begins = np.zeros((bars, bar), dtype=bool)
    begins[at // bar, at % bar] = True
    return float(1 - np.count_nonzero(begins[:-1] != begins[1:]) / (bar * (bars - 1)))

"""Features of the song so far from which a person's taste is learned: those of the learned listener and a few more.

Conventions:
    Melodies are (N, T) int8, -1 for a rest, in pitch relative to the first note (`listener.learned.hearing`). Features
    are (N, bars, F) float64 at every bar line and cover all bars up to it, so they are causal.
Source: the key profiles are those of Krumhansl, Cognitive Foundations of Musical Pitch (1990), page 30.
"""

import numpy as np

from listener.learned.form import BARS_BEFORE, COMMON_NOTES, form_figures
from listener.melody_features import FEATURES, class_counts, sum_so_far
from listener.theory import NONE, events
from songs.keyboard import STEPS_PER_BAR

JUDGED = ("pitches", "metre", "form")
"""Judgements by networks of the learned listener: how real the keys, the rhythm and the form are."""
ECHOES = ("bars echoed exactly", "bars echoed in rhythm", "bars echoed in contour", "notes echoed")
"""For the last 16 bars: the shares played before exactly, in rhythm, and up to transposition ("in contour"), and the
share of notes in common with the bars 1 to 12 before, maximised over the lag."""
FURTHER = ("minor", "long notes")
TASTE_FEATURES = (*FEATURES, *JUDGED, *ECHOES, *FURTHER)
LONG = 4
"""Fewest steps of a long note: half a bar."""
_MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
_MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])


def taste_features(measured: dict[str, np.ndarray], melodies: np.ndarray) -> np.ndarray:
    """Return the features of melodies in relative pitch (N, T), in the order of `TASTE_FEATURES`: (N, bars, F) float64.

    Args:
        measured: result of `listener.learned.model.measured` for the same melodies.
        melodies: the melodies, in relative pitch.
    """
    whole = melodies[:, : melodies.shape[1] // STEPS_PER_BAR * STEPS_PER_BAR]
    known = [measured[name] for name in (*FEATURES, *JUDGED)]
    figures = np.moveaxis(form_figures(whole).astype(np.float64), 2, 0)
    common = figures[list(COMMON_NOTES)].max(axis=0)
    return np.stack([*known, *figures[list(BARS_BEFORE)], common, *_further(whole)], axis=2)


def _further(melodies: np.ndarray) -> list[np.ndarray]:
    """Return `FURTHER`: the best correlation with a minor key minus that with a major key, and the share of long notes.

    The last note does not count, since its length is not known yet.
    """
    known, counts = events(melodies), class_counts(melodies)
    ended = known.interval != NONE
    long = sum_so_far(ended & (known.gap >= LONG)) / np.maximum(sum_so_far(ended), 1)
    return [_best_correlation(counts, _MINOR) - _best_correlation(counts, _MAJOR), long]


def _best_correlation(counts: np.ndarray, profile: np.ndarray) -> np.ndarray:
    """Return the correlation of counts (N, bars, 12) with a profile on the best-fitting tonic, (N, bars)."""
    profiles = np.stack([np.roll(profile, tonic) for tonic in range(12)]) - profile.mean()
    centred = counts - counts.mean(axis=2, keepdims=True)
    size = np.linalg.norm(centred, axis=2) * np.linalg.norm(profile - profile.mean())
    return (centred @ profiles.T).max(axis=2) / np.maximum(size, 1e-9)

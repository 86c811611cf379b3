"""Reading the plan of a melody: its scale, its style, and which bars echo which.

Conventions:
    Melodies are (N, T) int8 keys, -1 for a rest, T whole bars of 8. *Tokens* (N, T) are pitches relative to the tonic
    of the best-fitting major scale: 0 is a rest, otherwise pitch - tonic + 12. The tonic at or above the lowest note is
    12.
Source: C. Krumhansl, Cognitive Foundations of Musical Pitch, 1990, for the key profiles.
"""

import numpy as np

from listener.theory import MAJOR_SCALE, REST
from songs.keyboard import STEPS_PER_BAR
from songs.plan import (
    ENDING,
    EXACT,
    KINDS,
    LEVELS,
    LONG,
    MOST_LAG,
    NEW,
    NO_DEGREE,
    RHYTHM,
    TRANSPOSED,
    VARIED,
    Plans,
    relation,
)
from vae.melody import MAJOR_PROFILE, MINOR_PROFILE

TONIC = 12
"""Token of the tonic at or above the lowest note."""
SCALE = np.array(MAJOR_SCALE)
DEGREES = np.searchsorted(SCALE, np.arange(12), side="right") - 1
"""Degree, 0 to 6, of each pitch class above the tonic; those outside the scale get the degree below."""
LAG_ORDER = (8, 4, 2, 1, 12, 16, 6, 3, 5, 7, 9, 10, 11, 13, 14, 15)
"""Order of preference of lags if a bar echoes several bars in the same way."""
STYLES = ("repeated notes", "kept directions", "notes off the beat", "mean interval", "notes")
LONGEST = 8
"""Most steps for which a note counts when the scale is determined."""


def scales(melodies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the tonics, 0 to 11, of the best-fitting major scales, (N,) int64, and a mask of melodies in minor."""
    count, steps = melodies.shape
    sounds = melodies != REST
    weights = np.where(sounds, np.minimum(_next_onsets(melodies)[:, 1:] - np.arange(steps), LONGEST), 0)
    classes = np.zeros((count, 12))
    np.add.at(classes, (np.arange(count)[:, None], melodies % 12), weights)
    fits = []
    for profile, up in ((MAJOR_PROFILE, 0), (MINOR_PROFILE, 3)):
        centred = np.array(profile) - np.mean(profile)
        keys = np.stack([np.roll(centred, tonic) for tonic in range(12)]) / np.linalg.norm(centred)
        fits.append(np.roll(classes @ keys.T, up, axis=1))
    major, minor = fits
    best = np.maximum(major, minor).argmax(axis=1)
    return best, (minor > major)[np.arange(count), best]


def ends_well(melodies: np.ndarray) -> np.ndarray:
    """Return a mask of melodies (N, T) that end on the tonic or fifth with a note of at least half a bar: (N,) bool."""
    tonics, minor = scales(melodies)
    steps, sounds = melodies.shape[1], melodies != REST
    last = steps - 1 - sounds[:, ::-1].argmax(axis=1)
    degree = (melodies[np.arange(len(melodies)), last] - tonics) % 12
    return sounds.any(axis=1) & (steps - last >= LONG) & at_home(degree, minor)


def at_home(degrees: np.ndarray, minor: np.ndarray) -> np.ndarray:
    """Return a mask of `degrees`, in semitones above the major tonic, that are the tonic or fifth, in minor its own."""
    return np.where(minor, (degrees == 9) | (degrees == 4), (degrees == 0) | (degrees == 7))


def _next_onsets(melodies: np.ndarray) -> np.ndarray:
    """Return the step of the next onset at or after each step 0 to T, or T if there is none: (N, T + 1) int64."""
    steps = melodies.shape[1]
    at = np.where(melodies != REST, np.arange(steps), steps)
    at = np.concatenate((at, np.full((len(melodies), 1), steps)), axis=1)
    return np.minimum.accumulate(at[:, ::-1], axis=1)[:, ::-1]


def tokens_of(melodies: np.ndarray, tonics: np.ndarray) -> np.ndarray:
    """Convert melodies to tokens (N, T) int64, for tonics (N,) given as keys."""
    return np.where(melodies != REST, melodies.astype(np.int64) - tonics[:, None] + TONIC, 0)


def melodies_of(tokens: np.ndarray, tonics: np.ndarray) -> np.ndarray:
    """Convert tokens to melodies (N, T) int8, for tonics (N,) given as keys."""
    return np.where(tokens > 0, tokens - TONIC + tonics[:, None], REST).astype(np.int8)


def degrees(tokens: np.ndarray) -> np.ndarray:
    """Return the scale degrees of note tokens: 0 for the tonic, 7 an octave above, the degree below if chromatic."""
    octave, semitones = np.divmod(tokens - TONIC, 12)
    return 7 * octave + DEGREES[semitones]


def echo_kinds(bars: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """Return in which way bars of tokens (..., 8) echo `sources`, as indices of `KINDS` (...); the two broadcast."""
    same, sounds, others = bars == sources, bars > 0, sources > 0
    rhythm = (sounds == others).all(axis=-1) & sounds.any(axis=-1)
    moves = np.where(sounds, degrees(bars) - degrees(sources), 0)
    one_move = np.where(sounds, moves, 99).min(axis=-1) == np.where(sounds, moves, -99).max(axis=-1)
    in_scale = (~sounds | (_IN_SCALE[(bars - TONIC) % 12] & _IN_SCALE[(sources - TONIC) % 12])).all(axis=-1)
    half = slice(STEPS_PER_BAR // 2)
    conditions = {
        EXACT: same.all(axis=-1),
        ENDING: same[..., half].all(axis=-1) & (sounds[..., half].sum(axis=-1) >= 2),
        VARIED: (same.sum(axis=-1) >= 6) & ((same & sounds).sum(axis=-1) >= 2),
        TRANSPOSED: rhythm & (sounds.sum(axis=-1) >= 3) & one_move & in_scale,
        RHYTHM: rhythm,
    }
    return np.select(list(conditions.values()), list(conditions), NEW)


def read_plans(melodies: np.ndarray, levels: np.ndarray) -> Plans:
    """Return the plans of melodies (N, T), with levels of style from `style_levels`."""
    tonics, minor = scales(melodies)
    sounds = melodies != REST
    lowest = np.where(sounds, melodies, 127).min(axis=1).astype(np.int64)
    span = melodies.max(axis=1) - lowest
    above = (tonics - lowest) % 12
    tokens = tokens_of(melodies, lowest + above)
    style = (styles(melodies)[..., None] > levels).sum(axis=2)
    return Plans(_factors(tokens), np.column_stack((above, minor, span, style)), lowest)


def _factors(tokens: np.ndarray) -> np.ndarray:
    """Return the factors of bars, (N, U, 4) int64, for tokens (N, T)."""
    bars = tokens.reshape(len(tokens), -1, STEPS_PER_BAR)
    count, length, _ = bars.shape
    factors, last_lag = np.zeros((count, length, 4), dtype=np.int64), np.zeros(count, dtype=np.int64)
    for bar in range(length):
        kinds = np.zeros((count, MOST_LAG + 1), dtype=np.int64)
        lags = np.arange(1, min(bar, MOST_LAG) + 1)
        if len(lags):
            kinds[:, lags] = echo_kinds(bars[:, bar, None], bars[:, bar - lags])
        preferred = np.where(np.arange(MOST_LAG + 1) == last_lag[:, None], 0, _LAG_RANKS)
        lag = (np.where(kinds > NEW, kinds, len(KINDS)) * (MOST_LAG + 2) + preferred).argmin(axis=1)
        kind = kinds[np.arange(count), lag]
        last_lag = np.where(kind > NEW, lag, last_lag)
        factors[:, bar, 0] = relation(kind, lag)
    sounds = bars > 0
    last = STEPS_PER_BAR - 1 - sounds[..., ::-1].argmax(axis=2)
    degree = (np.take_along_axis(bars, last[..., None], axis=2)[..., 0] - TONIC) % 12
    any_note = sounds.any(axis=2)
    factors[..., 1] = sounds.sum(axis=2)
    factors[..., 2] = np.where(any_note, STEPS_PER_BAR - last, 0)
    factors[..., 3] = np.where(any_note, degree, NO_DEGREE)
    return factors


_LAG_RANKS = np.array([MOST_LAG + 1, *(1 + LAG_ORDER.index(lag) for lag in range(1, MOST_LAG + 1))])
_IN_SCALE = np.isin(np.arange(12), SCALE)


def styles(melodies: np.ndarray) -> np.ndarray:
    """Return the measures `STYLES` of melodies (N, T), (N, 5) float64: three shares, semitones, and notes per bar."""
    rows = []
    for melody in melodies:
        at = np.flatnonzero(melody != REST)
        moves = np.diff(melody[at].astype(np.int64))
        turns = moves[1:] * moves[:-1] > 0
        notes = len(at) * STEPS_PER_BAR / melodies.shape[1]
        rows.append([_mean(moves == 0), _mean(turns), _mean(at % 2 == 1), _mean(np.abs(moves)), notes])
    return np.array(rows)


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else 0.0


def style_levels(melodies: np.ndarray) -> np.ndarray:
    """Return the boundaries (5, 4) between the five levels of each measure of style, which are its quintiles."""
    return np.quantile(styles(melodies), np.arange(1, LEVELS) / LEVELS, axis=0).T

"""Inputs of the held-out judge: the notes of a melody, each with its past, and its bars compared with earlier bars.

The inputs are invariant under transposition: pitches are given as intervals, and as degrees above the tonic of the
best-fitting scale. Listeners, which reward, do not use this module.

Conventions:
    Melodies are (N, T) int16 on sixteenths, T whole bars of 16: the MIDI pitch that begins at a step, -1 for none.
    B is the number of bars, L the number of notes of the melody with the most notes, at most `MOST_NOTES`.
Source: C. Krumhansl, Cognitive Foundations of Musical Pitch, 1990, for the key profiles.
"""

from dataclasses import dataclass

import numpy as np

from songs.keyboard import Grid
from vae.melody import MAJOR_PROFILE, MINOR_PROFILE

REST, BAR = -1, 16
MOST_NOTES = 128
"""Later notes are not read one by one; few melodies of 16 bars have that many."""
ECHOES = (1, 2, 4, 8)
"""Lags in bars at which notes are compared."""
LAGS = (1, 2, 3, 4, 6, 8, 12)
"""Lags in bars at which bars are compared."""
WIDEST, LONGEST = 13, 17
"""Intervals, in semitones, and times between notes, in sixteenths, are clipped to these."""
_INTERVALS = 2 * WIDEST + 2
SIZES = {
    "interval from the note before": _INTERVALS,
    "interval from the last but one": _INTERVALS,
    "interval to the next": _INTERVALS,
    "degree": 12,
    "time since the note before": LONGEST + 1,
    "time to the next": LONGEST + 1,
    "place in the bar": BAR,
    "bar of four": 4,
    **{f"echo of {lag} bars": 4 for lag in ECHOES},
}
"""Properties of a note, with the number of values of each."""
FORM = (
    *(
        f"{what}, {lag} bars before"
        for lag in LAGS
        for what in ("equal bar", "equal notes", "equal rhythm", "common onsets")
    ),
    "repeats an earlier bar",
    "share of bars it repeats",
    "notes",
    "ends on the tonic",
    "length of its last note",
    "last bar",
)
"""Figures of a bar."""
WHOLE = (
    *(f"degree {degree}" for degree in range(12)),
    *(f"interval {semitones:+d}" for semitones in range(-WIDEST, WIDEST + 1)),
    *(f"time of {sixteenths} sixteenths" for sixteenths in range(1, LONGEST + 1)),
    *(f"place {sixteenth}" for sixteenth in range(BAR)),
    *(f"time from place {sixteenth}" for sixteenth in range(BAR)),
    *(f"tonic triad at place {sixteenth}" for sixteenth in range(BAR)),
    *(f"entropy of {what}" for what in ("degrees", "intervals", "times", "places")),
    "different bars",
    "notes a bar",
)
"""Figures of a melody: shares of notes and times, entropies in bits / 3, share of new bars, notes per bar / 8."""


@dataclass(frozen=True, eq=False)
class Reading:
    """Inputs of the judge's network."""

    notes: np.ndarray
    """(N, L, P) int64, values of `SIZES`, offset so that properties do not overlap; 0 after the last note."""
    at: np.ndarray
    """(N, L) int64, the step of each note; T after the last."""
    form: np.ndarray
    """(N, B, len(FORM)) float32."""
    whole: np.ndarray
    """(N, len(WHOLE)) float32."""


def sixteenths(rolls: np.ndarray, grid: Grid) -> np.ndarray:
    """Convert rolls (N, steps, K) to melodies (N, T) in whole bars of 4/4; the last note in a sixteenth is kept.

    Raises:
        ValueError: the bars of the grid are neither 4/4 nor 2/4.
    """
    if grid.time_signature not in ((4, 4), (2, 4)):
        raise ValueError(f"the judge takes 4/4 and 2/4, this is in {'/'.join(map(str, grid.time_signature))}")
    bars = rolls.shape[1] // (4 * grid.steps_per_quarter)
    melodies = np.full((len(rolls), max(1, bars) * BAR), REST, dtype=np.int16)
    highest = rolls.shape[2] - 1 - rolls[..., ::-1].argmax(axis=2)
    song, step = np.nonzero(rolls.any(axis=2))
    at = step * 4 // grid.steps_per_quarter
    inside = at < melodies.shape[1]
    melodies[song[inside], at[inside]] = highest[song[inside], step[inside]]
    return melodies


def tonics(melodies: np.ndarray) -> np.ndarray:
    """Return the tonic, 0 to 11, of the major scale that best fits each melody, or whose relative minor does: (N,)."""
    sounds = melodies != REST
    classes = np.where(sounds, melodies % 12, 12)
    counts = np.stack([(classes == pitch).sum(axis=1) for pitch in range(12)], axis=1).astype(np.float64)
    fits = []
    for profile, up in ((MAJOR_PROFILE, 0), (MINOR_PROFILE, 3)):
        weights = np.array(profile) - np.mean(profile)
        keys = np.stack([np.roll(weights, tonic) for tonic in range(12)]) / np.linalg.norm(weights)
        fits.append(np.roll(counts @ keys.T, up, axis=1))
    lowest = np.where(sounds, melodies, 999).min(axis=1) % 12
    above = (np.arange(12) - lowest[:, None]) % 12  # ties go to the next tonic at or above the lowest note
    return (np.max(fits, axis=0) - 1e-6 * above).argmax(axis=1)


def read(melodies: np.ndarray) -> Reading:
    """Return the inputs of the network for melodies (N, T)."""
    steps, sounds, tonic = melodies.shape[1], melodies != REST, tonics(melodies)
    count = max(1, int(sounds.sum(axis=1).max(initial=0)))
    at = np.argsort(~sounds, axis=1, kind="stable")[:, :count]
    pitch = np.take_along_axis(melodies, at, axis=1).astype(np.int64)
    known = pitch != REST
    at = np.where(known, at, steps)
    interval, after = _intervals(pitch, known, 1), np.minimum(np.diff(at, axis=1, append=steps), LONGEST)
    degree, place = (pitch - tonic[:, None]) % 12, at % BAR
    columns = (
        interval,
        _intervals(pitch, known, 2),
        np.pad(interval[:, 1:], ((0, 0), (0, 1))),
        degree,
        np.pad(after[:, :-1], ((0, 0), (1, 0))),
        after,
        place,
        at // BAR % 4,
        *(_echo(melodies, at, pitch, known, lag * BAR) for lag in ECHOES),
    )
    notes = np.stack(columns, axis=2) + np.cumsum([0, *SIZES.values()])[:-1]
    few = slice(MOST_NOTES)
    shares = _shares(known, (degree, interval, after, place))
    stress = _at_places(place, known * after), _at_places(place, known & np.isin(degree, (0, 4, 7)))
    whole = np.concatenate((*shares, *stress, _variety(melodies, known, shares)), axis=1)
    return Reading(
        np.where(known[..., None], notes, 0)[:, few], at[:, few], _form(melodies, tonic), whole.astype(np.float32)
    )


def _intervals(pitch: np.ndarray, known: np.ndarray, back: int) -> np.ndarray:
    """Return codes of the intervals from the note `back` notes before, 0 if there is none."""
    codes = np.zeros(pitch.shape, dtype=np.int64)
    steps = np.clip(pitch[:, back:] - pitch[:, :-back], -WIDEST, WIDEST) + WIDEST + 1
    codes[:, back:] = np.where(known[:, back:], steps, 0)
    return codes


def _echo(melodies: np.ndarray, at: np.ndarray, pitch: np.ndarray, known: np.ndarray, lag: int) -> np.ndarray:
    """Compare notes with the step `lag` steps before: 0 no such step, 1 no note, 2 the same note, 3 another note."""
    there = np.take_along_axis(melodies, np.clip(at - lag, 0, melodies.shape[1] - 1), axis=1)
    return np.where(known & (at >= lag), np.select([there == REST, there == pitch], [1, 2], 3), 0)


def _form(melodies: np.ndarray, tonic: np.ndarray) -> np.ndarray:
    """Return the figures of bars (N, B, len(FORM))."""
    bars = melodies.reshape(len(melodies), -1, BAR)
    count, sounds = bars.shape[1], bars != REST
    figures = np.zeros((len(bars), count, len(FORM)), dtype=np.float32)
    for number, lag in enumerate(LAGS):
        if lag < count:
            same, now, then = bars[:, lag:] == bars[:, :-lag], sounds[:, lag:], sounds[:, :-lag]
            either = np.maximum(1, (now | then).sum(axis=2))
            common, equal = (now & then).sum(axis=2) / either, (same & now).sum(axis=2) / either
            columns = same.all(axis=2), equal, (now == then).all(axis=2), common
            figures[:, lag:, 4 * number : 4 * number + 4] = np.stack(columns, axis=2)
    same, any_note = _repeats(bars), sounds.any(axis=2)
    last = BAR - 1 - sounds[..., ::-1].argmax(axis=2)
    ends = np.take_along_axis(bars, last[..., None], axis=2)[..., 0]
    figures[..., -6], figures[..., -5], figures[..., -4] = same.any(axis=2), same.mean(axis=2), sounds.sum(axis=2) / 8
    figures[..., -3] = any_note & ((ends - tonic[:, None]) % 12 == 0)
    figures[..., -2], figures[:, -1, -1] = np.where(any_note, 1 - last / BAR, 1), 1
    return figures


def _repeats(bars: np.ndarray) -> np.ndarray:
    """Return a mask of the earlier bars that each of bars (N, B, 16) repeats, (N, B, B) bool."""
    return (bars[:, :, None] == bars[:, None]).all(axis=3) & np.tri(bars.shape[1], k=-1, dtype=bool)


def _shares(known: np.ndarray, columns: tuple[np.ndarray, ...]) -> list[np.ndarray]:
    """Return the shares of notes with each degree, interval, time to the next, and position."""
    ranges = range(12), range(1, _INTERVALS), range(1, LONGEST + 1), range(BAR)
    notes = np.maximum(1, known.sum(axis=1, keepdims=True))
    return [
        np.stack([((column == value) & known).sum(axis=1) for value in values], axis=1) / notes
        for column, values in zip(columns, ranges, strict=True)
    ]


def _at_places(place: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the share of the sum of values (N, L) that falls on each position in the bar, (N, 16)."""
    sums = np.stack([(values * (place == sixteenth)).sum(axis=1) for sixteenth in range(BAR)], axis=1)
    return sums / np.maximum(1, sums.sum(axis=1, keepdims=True))


def _variety(melodies: np.ndarray, known: np.ndarray, shares: list[np.ndarray]) -> np.ndarray:
    """Return the entropies of shares, the share of bars that repeat no earlier one, and notes per bar / 8."""
    bars = melodies.reshape(len(melodies), -1, BAR)
    entropies = [-(share * np.log2(np.where(share > 0, share, 1))).sum(axis=1) / 3 for share in shares]
    new = 1 - _repeats(bars).any(axis=2).mean(axis=1)
    return np.stack((*entropies, new, known.sum(axis=1) / bars.shape[1] / 8), axis=1)

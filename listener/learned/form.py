"""Figures of form at every bar line: which bars repeat which, and where and on which degree phrases end.

    echoes    for lags of 1 to 12 bars: equal bars, equal rhythms, bars equal up to transposition, share of notes in
              common; averaged over the last 16 bars, over the last four, and for each of the last two bars
    phrases   for the last four phrases of four bars: first and last note, density, height, notes in the scale,
              similarity to earlier phrases

Conventions:
    Melodies are (N, T) int8 as in `listener.learned.hearing`, U whole bars. Figures are (N, U, F) float32 and causal:
    those at a bar line depend only on the bars before it. Missing bars count as 0.
"""

import numpy as np

from listener.melody_features import tonics
from listener.theory import REST, SCALES
from songs.keyboard import STEPS_PER_BAR

LAGS = (1, 2, 3, 4, 6, 8, 12)
TRANSPOSED_LAGS = (1, 2, 4, 8)
RECENT_LAGS = (1, 2, 4, 8, 12)
PHRASE_LAGS = (4, 8, 12)
PHRASE_BARS = 4
MEMORY_BARS = 16
"""Number of bars before a bar line over which figures are averaged."""
PHRASES = 4
"""Number of phrases with figures, including the current one."""
DEGREE_CLASSES = np.array([0, 5, 1, 5, 2, 3, 5, 4, 5, 3, 5, 3, 6])
"""Class of a degree, 0 to 11 semitones above the tonic: tonic, second, third, fifth, another scale note, or outside the
scale; index 12 stands for no note. The sixth, tonic of the relative minor, counts as another scale note."""
CLASSES = 7
LONGEST_GAP = 16
FIGURES = 128
"""F, the number of figures."""
COMMON_NOTES = (2, 6, 10, 13, 17, 20, 24)
"""Indices of the share of notes in common with the bar a lag before, for each of `LAGS`."""
BARS_BEFORE = (25, 26, 27)
"""Indices of the share of bars that were played before: exactly, in rhythm, or up to transposition."""
NO_INTERVAL = -64
"""Code of a rest in the contour of a bar."""


def form_figures(melodies: np.ndarray) -> np.ndarray:
    """Return the figures of form of melodies (N, T) at every bar line, (N, U, F) float32."""
    bars = melodies[:, : melodies.shape[1] // STEPS_PER_BAR * STEPS_PER_BAR].reshape(len(melodies), -1, STEPS_PER_BAR)
    echoes, common = _echoes(bars)
    return np.concatenate((echoes, _phrases(bars, common), _leaps(bars)), axis=2, dtype=np.float32)


def _packed(bars: np.ndarray) -> np.ndarray:
    """Pack each bar of (N, U, 8) int8 into one number, (N, U) int64."""
    return np.ascontiguousarray(bars).view(np.int64)[..., 0]


def _echoes(bars: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the figures of echoes (N, U, F), and the shares of notes in common with the bars 4, 8 and 12 before."""
    sounds = bars != REST
    notes = sounds.sum(axis=2, dtype=np.int8)
    first = np.take_along_axis(bars, sounds.argmax(axis=2)[..., None], axis=2)
    exact, rhythm = _packed(bars), _packed(sounds.view(np.int8))
    contour = _packed(np.where(sounds, bars - first, np.int8(NO_INTERVAL)))
    now: dict[tuple[str, int], np.ndarray] = {}
    for lag in LAGS:
        common = ((bars[:, lag:] == bars[:, :-lag]) & sounds[:, lag:]).sum(axis=2, dtype=np.int8)
        either = np.maximum(notes[:, lag:] + notes[:, :-lag] - common, 1)
        now["exact", lag] = _padded(exact[:, lag:] == exact[:, :-lag], lag)
        now["rhythm", lag] = _padded(rhythm[:, lag:] == rhythm[:, :-lag], lag)
        now["notes", lag] = _padded(common / either, lag)
        if lag in TRANSPOSED_LAGS:
            now["transposed", lag] = _padded(contour[:, lag:] == contour[:, :-lag], lag)
    now = {name: values[:, : bars.shape[1]] for name, values in now.items()}
    before = np.tri(bars.shape[1], k=-1, dtype=bool)
    known = [((each[:, :, None] == each[:, None, :]) & before).any(axis=2) for each in (exact, rhythm, contour)]
    last = np.stack([now[kind, lag] for kind in ("notes", "rhythm") for lag in RECENT_LAGS] + known, axis=2)
    last_but_one = np.zeros_like(last)
    last_but_one[:, 1:] = last[:, :-1]
    phrase = np.stack([now[kind, lag] for kind in ("notes", "rhythm") for lag in PHRASE_LAGS], axis=2)
    whole = np.stack((*now.values(), *known), axis=2)
    figures = (_mean_of_last(whole, MEMORY_BARS), _mean_of_last(phrase, PHRASE_BARS), last, last_but_one)
    return np.concatenate(figures, axis=2), phrase[..., : len(PHRASE_LAGS)]


def _leaps(bars: np.ndarray) -> np.ndarray:
    """Return the mean size of intervals within bars, across bar lines, and across phrase boundaries, (N, U, 3)."""
    melodies = bars.reshape(len(bars), -1)
    held, _ = _held(melodies)
    before = np.full_like(held, REST)
    before[:, 1:] = held[:, :-1]
    follows = (melodies != REST) & (before != REST)
    size = np.where(follows, np.abs(melodies - before), 0).reshape(bars.shape).astype(np.float32)
    follows = follows.reshape(bars.shape)
    first = (bars != REST).cumsum(axis=2) == 1
    phrase = np.arange(bars.shape[1])[:, None] % PHRASE_BARS == 0
    means = []
    for kind in (~first, first & ~phrase, first & phrase):
        total, number = ((values * (kind & follows)).sum(axis=2).cumsum(axis=1) for values in (size, follows))
        means.append(total / np.maximum(number, 1) / 4)
    return np.stack(means, axis=2)


def _padded(values: np.ndarray, lag: int) -> np.ndarray:
    """Prepend `lag` zeros to values (N, U - lag): (N, U) float32."""
    padded = np.zeros((len(values), values.shape[1] + lag), dtype=np.float32)
    padded[:, lag:] = values
    return padded


def _mean_of_last(values: np.ndarray, bars: int) -> np.ndarray:
    """Return the mean of values (N, U, F) over the last `bars` bars, or fewer at the beginning."""
    sums = values.cumsum(axis=1)
    sums[:, bars:] = sums[:, bars:] - sums[:, :-bars].copy()
    return sums / np.minimum(np.arange(1, values.shape[1] + 1), bars)[:, None]


def _phrases(bars: np.ndarray, common: np.ndarray) -> np.ndarray:
    """Return figures of the last four phrases, of which the last may be unfinished, and the position in the last one.

    Args:
        bars: (N, U, 8).
        common: (N, U, lags), share of notes in common with the bars one, two and three phrases before.
    """
    count, length, _ = bars.shape
    melodies, now = bars.reshape(count, -1), np.arange(length)
    sounds = bars != REST
    tonic = tonics(melodies)  # (N, U)
    held, gap = (values[:, STEPS_PER_BAR - 1 :: STEPS_PER_BAR] for values in _held(melodies))
    first = np.where(sounds.any(axis=2), sounds.argmax(axis=2), STEPS_PER_BAR)
    classes = (np.where(sounds, bars % 12, 12)[..., None] == np.arange(12, dtype=np.int8)).sum(axis=2)
    pitch = np.where(sounds, bars, 0).sum(axis=2, dtype=np.float32)
    sums = np.concatenate((sounds.sum(axis=2)[..., None], pitch[..., None], common, classes), axis=2)
    sums = np.pad(sums.cumsum(axis=1, dtype=np.float32), ((0, 0), (1, 0), (0, 0)))
    mean = sums[:, 1:, 1] / np.maximum(sums[:, 1:, 0], 1)
    figures = [np.broadcast_to(np.eye(PHRASE_BARS)[now % PHRASE_BARS], (count, length, PHRASE_BARS))]
    figures.append(np.broadcast_to(np.minimum(now + 1, MEMORY_BARS)[:, None] / MEMORY_BARS, (count, length, 1)))
    for back in range(PHRASES):
        begins = np.maximum(now // PHRASE_BARS - back, 0) * PHRASE_BARS
        ends = now if back == 0 else begins + PHRASE_BARS - 1
        ends = np.minimum(ends, now)
        notes, pitches, *likeness = np.moveaxis(sums[:, ends + 1, :5] - sums[:, begins, :5], 2, 0)
        inside = ((sums[:, ends + 1, 5:] - sums[:, begins, 5:]) * SCALES[tonic]).sum(axis=2)
        some = np.maximum(notes, 1)
        degree = np.where(held[:, ends] == REST, 12, (held[:, ends] - tonic) % 12)
        each = [notes / 16, np.where(notes > 0, pitches / some - mean, 0) / 6, inside / some, first[:, begins] / 8]
        each += [np.minimum(gap[:, ends], LONGEST_GAP) / 8, *(one / PHRASE_BARS for one in likeness)]
        each += list(np.moveaxis(np.eye(CLASSES)[DEGREE_CLASSES[degree]], 2, 0))
        figures.append(np.stack(each, axis=2) * (now // PHRASE_BARS >= back)[:, None])
    return np.concatenate(figures, axis=2)


def _held(melodies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the latest note up to each step, and the steps since its onset including this one, (N, T) each."""
    steps = np.arange(melodies.shape[1])
    last = np.maximum.accumulate(np.where(melodies != REST, steps, -1), axis=1)
    held = np.where(last < 0, REST, np.take_along_axis(melodies, np.maximum(last, 0), axis=1))
    return held, steps + 1 - last

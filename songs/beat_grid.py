"""The coarsest grid that the onsets of a melody keep to, and where its beats begin.

Conventions:
    Times are in quarter notes. The *offset* is the time of the first beat; it is not 0 in recordings that were
    aligned with their beats, which may begin anywhere. A step begins at offset + step / steps.
"""

from dataclasses import dataclass

import numpy as np

STEPS = (2, 3, 4, 6, 8, 12)
"""Steps in a quarter note, in the order in which they are tried."""
EXACT = 1 / 64
"""Quarter notes by which an onset may miss its step and still lies on it."""
MOST_OFF = 0.01
"""Share of the onsets that may miss their step, and of those that may meet another one on it."""
LOWEST_VOICES = 52
"""Pitch below which notes tell which of the steps is the beat."""
SPREADS = (0.004, 0.008, 0.015, 0.03, 0.05)
"""Deviations of human timing, in quarter notes."""
STRAY = 0.02
"""Share of the notes that are played anywhere."""
NO_BEAT = -0.3
"""Bits a note from which a grid explains next to nothing."""
CLOSE = 0.1
"""Bits a note by which another offset must be better than none."""
LEAST_SWUNG = 0.05
"""Share of the onsets on the last of three steps from which a song swings."""
MEETING_GRID = 8
"""The grid where the onsets meet on all of them."""


@dataclass(frozen=True)
class BeatGrid:
    """How the onsets of a melody lie on a grid."""

    steps: int
    """Steps in a quarter note."""
    offset: float = 0.0
    bits: float | None = None
    """Bits a note that tell its place on the grid, less those without a grid; None if it lies on it exactly."""

    def step(self, times: np.ndarray) -> np.ndarray:
        """Return the nearest step of times in quarter notes, the later one of two that are as near."""
        return nearest_step(times - self.offset, self.steps)

    def off(self, times: np.ndarray) -> np.ndarray:
        """Return which times miss their step."""
        times = times - self.offset
        return np.abs(times - nearest_step(times, self.steps) / self.steps) > EXACT


def nearest_step(times: np.ndarray, steps: int) -> np.ndarray:
    """Return the nearest step (int64) of times in quarter notes, the later one of two that are as near."""
    return np.floor(times * steps + 0.5).astype(np.int64)


def lies_on(onsets: np.ndarray, steps: int) -> bool:
    """Return whether onsets (N,) in order lie on a grid, nearly all exactly and without meeting on a step."""
    nearest = nearest_step(onsets, steps)
    return (np.abs(onsets - nearest / steps) <= EXACT).mean() >= 1 - MOST_OFF and _meeting(onsets, steps) <= MOST_OFF


def _meeting(onsets: np.ndarray, steps: int) -> float:
    """Return the share of different onsets (N,) in order that fall on one step."""
    onsets = onsets[np.append(True, np.diff(onsets) > 0)]
    return float((np.diff(nearest_step(onsets, steps)) == 0).mean()) if len(onsets) > 1 else 0.0


def find_grid(onsets: np.ndarray, notes: np.ndarray, steps: int = 0) -> BeatGrid:
    """Return the coarsest grid that a melody keeps to.

    Args:
        onsets: (N,) of the melody, in order.
        notes: (M, 3) of all parts, onset, end and pitch: they tell where the beat begins.
        steps: in a quarter note; 0 for the coarsest that fits.
    """
    if steps:
        found = BeatGrid(steps)
        return found if lies_on(onsets, steps) else BeatGrid(steps, find_grid(onsets, notes).offset)
    offsets = [0.0]
    for number in STEPS:
        if lies_on(onsets, number):
            return BeatGrid(number)
        if len(offsets) == 1:
            offsets += _offsets(notes)
        for offset in offsets[1:]:
            if lies_on(onsets - offset, number):
                return BeatGrid(number, offset)
    snapped = [_snapped(onsets, offset) for offset in offsets]
    best = min(snapped, key=_bits)
    return snapped[0] if _bits(snapped[0]) <= _bits(best) + CLOSE else best


def _offsets(notes: np.ndarray) -> list[float]:
    """Return where beats may begin, -.5 to .5, if notes (M, 3) are sixteenths, and if they are triplets.

    The mean angle of the onsets on the circle of one step tells where steps begin; long low notes tell which of the
    steps of a beat is the first.
    """
    onsets, ends, pitches = notes.T
    weights = np.minimum(ends - onsets, 2) * ((pitches < LOWEST_VOICES) + 1e-6)
    offsets = []
    for steps in (4, 3):
        angle = np.angle(np.exp(2j * np.pi * onsets * steps).mean())
        offset = angle / (2 * np.pi * steps)
        first = np.argmax(np.bincount(nearest_step(onsets - offset, steps) % steps, weights, steps))
        offsets.append(float((offset + first / steps + 0.5) % 1 - 0.5))
    return offsets


def _bits(grid: BeatGrid) -> float:
    return 0.0 if grid.bits is None else grid.bits


def _snapped(onsets: np.ndarray, offset: float) -> BeatGrid:
    """Return the grid that explains onsets of human timing in the fewest bits, without notes that meet."""
    times = onsets - offset
    grids = [steps for steps in STEPS if _meeting(times, steps) <= MOST_OFF] or [MEETING_GRID]
    return min((BeatGrid(steps, offset, _bits_of_notes(times, steps)) for steps in grids), key=_bits)


def _bits_of_notes(times: np.ndarray, steps: int) -> float:
    """Return the bits a note to tell its place in its beat: which step it is near, and how far from it.

    The distance is normal, but for a few stray notes; its deviation is the best of `SPREADS`. The same without a grid
    takes 0 bits, so that a grid which explains something has less than 0, and a finer one pays for its steps.
    """
    distances = times - nearest_step(times, steps) / steps
    costs = []
    for spread in SPREADS:
        if spread <= 0.2 / steps:
            density = np.exp(-0.5 * (distances / spread) ** 2) / (spread * np.sqrt(2 * np.pi))
            costs.append(-np.log2((1 - STRAY) / steps * density + STRAY).mean())
    return float(min(costs))


def swings(steps: np.ndarray) -> bool:
    """Return whether steps of a grid of triplets are swung: they hardly ever lie on the middle one of three."""
    share = np.bincount(steps % 3, minlength=3) / len(steps)
    return bool(share[1] <= MOST_OFF and share[2] >= LEAST_SWUNG)


def straightened(steps: np.ndarray) -> np.ndarray:
    """Return swung steps, three to two, as straight ones."""
    return steps // 3 * 2 + (steps % 3 == 2)

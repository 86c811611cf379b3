"""The coarsest grid that the onsets of a melody fit, and the offset of its beats.

Conventions:
    Times are in quarter notes. The *offset* is the time of the first beat. It need not be 0: recordings aligned with
    their beats may begin anywhere. A step begins at offset + step / steps.
"""

from dataclasses import dataclass

import numpy as np

STEPS = (2, 3, 4, 6, 8, 12)
"""Steps per quarter note, in the order in which they are tried."""
EXACT = 1 / 64
"""Largest distance in quarter notes at which an onset still counts as on its step."""
MOST_OFF = 0.01
"""Largest share of onsets that may be off their step, and of onsets that may share a step."""
LOWEST_VOICES = 52
"""Pitch below which notes determine which step is the beat."""
SPREADS = (0.004, 0.008, 0.015, 0.03, 0.05)
"""Standard deviations of human timing, in quarter notes."""
STRAY = 0.02
"""Assumed share of notes at arbitrary times."""
NO_BEAT = -0.3
"""Bits per note above which a grid explains next to nothing."""
CLOSE = 0.1
"""Bits per note by which another offset must beat an offset of 0."""
LEAST_SWUNG = 0.05
"""Smallest share of onsets on the last of three steps in a song that swings."""
MEETING_GRID = 8
"""The grid to use if onsets share steps on every grid."""


@dataclass(frozen=True)
class BeatGrid:
    """The grid of a melody, and how well its onsets fit."""

    steps: int
    """Steps per quarter note."""
    offset: float = 0.0
    bits: float | None = None
    """Bits per note to encode its position with the grid, minus those without; None if notes fit the grid exactly."""

    def step(self, times: np.ndarray) -> np.ndarray:
        """Return the nearest steps for times in quarter notes; ties go to the later step."""
        return nearest_step(times - self.offset, self.steps)

    def off(self, times: np.ndarray) -> np.ndarray:
        """Return a mask of the times that are off their step."""
        times = times - self.offset
        return np.abs(times - nearest_step(times, self.steps) / self.steps) > EXACT


def nearest_step(times: np.ndarray, steps: int) -> np.ndarray:
    """Return the nearest steps (int64) for times in quarter notes; ties go to the later step."""
    return np.floor(times * steps + 0.5).astype(np.int64)


def lies_on(onsets: np.ndarray, steps: int) -> bool:
    """Return True if sorted onsets (N,) lie on a grid, nearly all of them exactly and without sharing steps."""
    nearest = nearest_step(onsets, steps)
    return (np.abs(onsets - nearest / steps) <= EXACT).mean() >= 1 - MOST_OFF and _meeting(onsets, steps) <= MOST_OFF


def _meeting(onsets: np.ndarray, steps: int) -> float:
    """Return the share of distinct sorted onsets (N,) that share a step with the one before."""
    onsets = onsets[np.append(True, np.diff(onsets) > 0)]
    return float((np.diff(nearest_step(onsets, steps)) == 0).mean()) if len(onsets) > 1 else 0.0


def find_grid(onsets: np.ndarray, notes: np.ndarray, steps: int = 0) -> BeatGrid:
    """Return the coarsest grid that a melody fits.

    Args:
        onsets: (N,) sorted onsets of the melody.
        notes: (M, 3) onset, end and pitch of the notes of all parts, from which the beat is determined.
        steps: steps per quarter note; 0 for the coarsest grid that fits.
    """
    if steps:
        exact = BeatGrid(steps)
        return exact if lies_on(onsets, steps) else BeatGrid(steps, find_grid(onsets, notes).offset)
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
    """Return candidate offsets of the beat, -.5 to .5, for notes (M, 3) on sixteenths and on triplets.

    The mean angle of the onsets, on a circle of one step, gives the offset of the steps. Long low notes determine which
    step of a beat is the first.
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
    """Return the grid that encodes humanly timed onsets in the fewest bits, among those where no notes share a step."""
    times = onsets - offset
    grids = [steps for steps in STEPS if _meeting(times, steps) <= MOST_OFF] or [MEETING_GRID]
    return min((BeatGrid(steps, offset, _bits_of_notes(times, steps)) for steps in grids), key=_bits)


def _bits_of_notes(times: np.ndarray, steps: int) -> float:
    """Return the bits per note to encode its position in the beat: the nearest step, and the distance from it.

    Distances are normally distributed, apart from a few stray notes, with the best of the deviations `SPREADS`. Without
    a grid the position takes 0 bits, so a useful grid has a negative value, and a finer grid pays for its steps.
    """
    distances = times - nearest_step(times, steps) / steps
    costs = []
    for spread in SPREADS:
        if spread <= 0.2 / steps:
            density = np.exp(-0.5 * (distances / spread) ** 2) / (spread * np.sqrt(2 * np.pi))
            costs.append(-np.log2((1 - STRAY) / steps * density + STRAY).mean())
    return float(min(costs))


def swings(steps: np.ndarray) -> bool:
    """Return True if steps on a grid of triplets are swung: hardly any fall on the middle one of three."""
    share = np.bincount(steps % 3, minlength=3) / len(steps)
    return bool(share[1] <= MOST_OFF and share[2] >= LEAST_SWUNG)


def straightened(steps: np.ndarray) -> np.ndarray:
    """Convert swung steps to straight ones, three steps to two."""
    return steps // 3 * 2 + (steps % 3 == 2)

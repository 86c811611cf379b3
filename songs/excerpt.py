"""The bars of a song: their meter, and the choice of an excerpt.

Conventions:
    Times are in quarter notes; steps count from the beginning of the first bar. Bars are numbered from 1.
"""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from songs.keyboard import BEATS_PER_BAR, MOST_BEATS, STEPS_IN_A_BEAT, Grid
from songs.score import MidiError

LONGEST_WHOLE = 32
"""Most bars of a song that is used whole."""
EXCERPT = 16
"""Bars in the excerpt of a longer song."""
SHORTEST_BAR = 1.5
"""Quarter notes; shorter bars, which some editors write, are not a meter."""
RECURRENCE = 0.5
"""Value added to a bar for each of up to two repetitions; a bar that sounds has a value of 1."""
SOUNDS_FIRST = 0.25
"""Value of an excerpt that does not begin with a silent bar."""


def main_meter(signatures: Sequence[tuple[float, int, int]], end: float) -> tuple[tuple[int, int], float, bool]:
    """Return the time signature that holds longest, the time at which it first holds, and True if there are others.

    Args:
        signatures: time in quarter notes, numerator and denominator, in order.
        end: end of the song in quarter notes.
    """
    marks = sorted({0.0: (4, 4), **{time: (upper, lower) for time, upper, lower in signatures}}.items())
    held = dict.fromkeys((meter for _, meter in marks), 0.0)
    for (time, meter), until in zip(marks, [*(time for time, _ in marks[1:]), end], strict=True):
        held[meter] += max(0.0, min(until, end) - time)
    meter = max(held, key=lambda each: held[each])
    first = next(time for time, other in marks if other == meter)
    if 4 * meter[0] < SHORTEST_BAR * meter[1]:
        return (4, 4), 0.0, False
    return meter, first, sum(held.values()) > held[meter]


def meter_grid(meter: tuple[int, int], steps_per_quarter: int) -> Grid:
    """Return the grid of a time signature, or of 4/4 if its bars do not divide into whole beats and steps."""
    numerator, denominator = meter
    quarters = 4 * numerator / denominator
    compound = denominator == 8 and numerator % 3 == 0
    for beat in (1.5, 1.0, 0.5) if compound else (1.0, 0.5):
        beats, steps = quarters / beat, steps_per_quarter * beat
        if beats.is_integer() and 1 <= beats <= MOST_BEATS and steps in STEPS_IN_A_BEAT:
            return Grid(int(steps), int(beats), beat)
    return Grid(steps_per_quarter, BEATS_PER_BAR)


def choose_bars(
    steps: np.ndarray, pitches: np.ndarray, bar: int, bars: str = "", whole: int = LONGEST_WHOLE, excerpt: int = EXCERPT
) -> tuple[int, int]:
    """Return the index of the first bar of an excerpt and its number of bars.

    Args:
        steps: (N,) steps of the notes, in order.
        pitches: (N,) pitches of the notes.
        bar: length of a bar in steps.
        bars: "9-24", "9", "all", or "" for all bars of a short song and otherwise those that sound and recur most. The
            first bar is always one that sounds.
        whole: most bars of a song that is taken whole.
        excerpt: number of bars taken from a longer song.

    Raises:
        MidiError: there are no such bars, or they are silent.
    """
    first, last = int(steps[0] // bar), int(steps[-1] // bar)
    if not bars and last - first >= whole:
        return first + _most_recurring(steps - first * bar, pitches, bar, last - first + 1, excerpt), excerpt
    if bars not in ("", "all"):
        begin, end = _named_bars(bars)
        inside = steps[(steps >= begin * bar) & (steps < end * bar)]
        if not len(inside):
            raise MidiError(f"has no notes in the bars {bars}: they are in the bars {first + 1} to {last + 1}")
        first, last = int(inside[0] // bar), min(end - 1, last)
    return first, last - first + 1


def _named_bars(bars: str) -> tuple[int, int]:
    """Parse bars such as 9-24; return the index of the first bar and the index after the last one."""
    match = re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", bars.strip())
    begin, end = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 1 <= begin <= end:
        raise MidiError(f"has no bars {bars[:40]!r}: write them as in 9-24, or all")
    return begin - 1, end


def _most_recurring(steps: np.ndarray, pitches: np.ndarray, bar: int, count: int, excerpt: int) -> int:
    """Return the index of the first bar of the excerpt, within `count` bars, whose bars sound and recur most."""
    numbers = steps // bar
    contents: dict[int, list[tuple[int, int]]] = {}
    for number, step, pitch in zip(numbers.tolist(), (steps % bar).tolist(), pitches.tolist(), strict=True):
        contents.setdefault(number, []).append((step, pitch))
    prints = {number: tuple(content) for number, content in contents.items()}
    seen = Counter(prints.values())
    worth = np.zeros(count)
    for number, content in prints.items():
        worth[number] = 1 + RECURRENCE * min(seen[content] - 1, 2)
    sums = np.convolve(worth, np.ones(excerpt), "valid")
    return int(np.argmax(sums + SOUNDS_FIRST * (worth[: len(sums)] > 0)))

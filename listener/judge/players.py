"""Dull players, for the held-out judge only: few notes, scales, walks, noise and loops, in rhythms of all kinds.

Conventions: a player takes rhythms (N, T) bool, usually those of real melodies, that it may use or ignore, and a
generator, and returns melodies (N, T) int16 on sixteenths, as in `listener.judge.notes`.
"""

from collections.abc import Callable

import numpy as np

from listener.judge.notes import BAR, REST

SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 7, 9), tuple(range(12)), (0, 4, 7), (0, 3, 6, 9))
"""Major, minor, pentatonic, chromatic, and arpeggios of a major triad and a diminished chord."""
Player = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def patterns(rhythms: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return rhythms (N, T) bool: regular, a repeated random pattern with or without empty bars, noise, or as given."""
    made = rhythms.copy()
    for row in made:
        kind = generator.random()
        if kind < 0.25:
            every = int(generator.choice([1, 2, 2, 4, 4, 8, 16]))
            row[:] = np.arange(len(row)) % every == 0
        elif kind < 0.75:
            bars, step = int(generator.choice([1, 1, 2, 4])), int(generator.choice([1, 2, 2, 2, 4]))
            pattern = np.zeros((bars, BAR), dtype=bool)
            pattern[:, ::step] = generator.random(pattern[:, ::step].shape) < generator.choice(
                [0.2, 0.4, 0.6, 0.8, 1.0]
            )
            if generator.random() < 0.4:  # followed by silence of the same length
                pattern = np.concatenate((pattern, np.zeros_like(pattern)))
            row[:] = np.resize(pattern, len(row))
        elif kind < 0.85:
            row[:] = generator.random(len(row)) < generator.uniform(0.05, 0.8)
            row[1::2] &= generator.random() < 0.3
    return made


def with_pitches(rhythms: np.ndarray, pitches: Callable[[int], np.ndarray]) -> np.ndarray:
    """Return melodies with rhythms (N, T) bool; `pitches` maps the number of notes to their pitches."""
    made = np.full(rhythms.shape, REST, dtype=np.int16)
    for row, sounds in zip(made, rhythms, strict=True):
        row[sounds] = pitches(int(sounds.sum()))
    return made


def few_notes(rhythms: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Play one to four pitches over and over, in turn or at random."""

    def pitches(count: int) -> np.ndarray:
        number = int(generator.choice([1, 1, 2, 2, 2, 3, 3, 3, 4]))
        some = 60 + generator.integers(0, generator.choice([5, 13, 25])) + generator.permutation(13)[:number]
        return np.resize(some, count) if generator.random() < 0.7 else generator.choice(some, count)

    return with_pitches(patterns(rhythms, generator), pitches)


def ladder(generator: np.random.Generator, octaves: int = 3) -> np.ndarray:
    """Return the pitches of a random scale or chord over some octaves."""
    scale = SCALES[int(generator.choice(len(SCALES), p=[0.4, 0.2, 0.1, 0.15, 0.1, 0.05]))]
    return 48 + generator.integers(12) + (12 * np.arange(octaves)[:, None] + np.array(scale)).ravel()


def scales(rhythms: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Run up and down a scale or a chord, or in one direction over and over."""

    def pitches(count: int) -> np.ndarray:
        steps = ladder(generator)
        first, size = generator.integers(0, len(steps) // 2), int(generator.choice([4, 5, 8, 8, 8, 12]))
        run = steps[first : first + size]
        turn = generator.random()
        run = np.concatenate((run, run[-2:0:-1])) if turn < 0.6 else run[::-1] if turn < 0.8 else run
        return np.resize(np.roll(run, generator.integers(len(run))), count)

    return with_pitches(patterns(rhythms, generator), pitches)


def walks(rhythms: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Walk at random on a scale in small steps, reflected at its ends."""

    def pitches(count: int) -> np.ndarray:
        steps = ladder(generator)[: int(generator.choice([5, 8, 8, 10, 15]))]
        widest = int(generator.choice([1, 1, 2, 3]))
        moves = generator.integers(-widest, widest + 1, count)
        if generator.random() < 0.5:
            moves = np.where(moves == 0, generator.choice([-1, 1], count), moves)
        path = np.cumsum(moves) + generator.integers(len(steps))
        period = 2 * (len(steps) - 1)
        return steps[np.abs((path - (len(steps) - 1)) % period - (len(steps) - 1))]

    real = generator.random((len(rhythms), 1)) < 0.6
    return with_pitches(np.where(real, rhythms, patterns(rhythms, generator)), pitches)


def random_pitches(rhythms: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Play random pitches of a range or of a scale."""

    def pitches(count: int) -> np.ndarray:
        if generator.random() < 0.5:
            return 60 + generator.integers(0, generator.choice([8, 13, 25]), count)
        return generator.choice(ladder(generator, 2)[: int(generator.choice([5, 8, 14]))], count)

    return with_pitches(patterns(rhythms, generator), pitches)


def loops(rhythms: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Play a few random pitches in a random rhythm, over and over."""
    period = BAR * int(generator.choice([1, 1, 2, 2, 4]))
    made = random_pitches(rhythms, generator)
    return np.resize(made[:, :period].T, made.T.shape).T.copy()


def silence(rhythms: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Play hardly anything."""
    at = generator.random(rhythms.shape) < generator.choice([0.0, 0.005, 0.02, 0.04], (len(rhythms), 1))
    return np.where(at, 60 + generator.integers(0, 13, rhythms.shape), REST).astype(np.int16)


PLAYERS: dict[str, tuple[float, Player]] = {
    "few notes": (0.28, few_notes),
    "scales": (0.18, scales),
    "walks": (0.30, walks),
    "random pitches": (0.15, random_pitches),
    "loops": (0.05, loops),
    "silence": (0.04, silence),
}
"""Players by name, with their weights."""

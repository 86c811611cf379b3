"""Negatives for the held-out judge only: real melodies whose form, pitches or rhythm are broken.

Conventions:
    Melodies are (N, T) int16 on sixteenths, T whole bars of 16, as in `listener.judge.notes`. A corruption takes real
    melodies and a generator and returns the same number of others; row i is made from row i. `negatives` mixes them
    with dull players (`listener.judge.players`) and Markov chains (`listener.judge.chains`) in fixed proportions.
"""

from functools import partial

import numpy as np

from listener.corruptions import Corruption, chosen_notes, shuffled_pitches
from listener.judge.notes import BAR, REST, tonics
from listener.judge.players import PLAYERS


def bars_of(melodies: np.ndarray) -> np.ndarray:
    """Return the bars (N, B, 16) of melodies."""
    return melodies.reshape(len(melodies), -1, BAR)


# form


def looped(melodies: np.ndarray, generator: np.random.Generator, bars: int) -> np.ndarray:
    """Loop `bars` bars, starting at a random bar."""
    size, rows = bars * BAR, np.arange(len(melodies))[:, None]
    first = BAR * generator.integers(0, max(1, melodies.shape[1] // BAR - bars + 1), (len(melodies), 1))
    return melodies[rows, first + np.arange(melodies.shape[1]) % size]


def reordered(melodies: np.ndarray, generator: np.random.Generator, bars: int) -> np.ndarray:
    """Shuffle sections of `bars` bars."""
    whole = melodies.shape[1] // (bars * BAR) * bars * BAR
    parts = melodies[:, :whole].reshape(len(melodies), -1, bars * BAR)
    order = generator.random(parts.shape[:2]).argsort(axis=1)
    mixed = np.take_along_axis(parts, order[..., None], axis=1).reshape(len(melodies), whole)
    return np.concatenate((mixed, melodies[:, whole:]), axis=1)


def partners(melodies: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return another melody for each, at a similar height: same lowest note, same key, or a few semitones off."""
    others = melodies[(np.arange(len(melodies)) + generator.integers(1, max(2, len(melodies)))) % len(melodies)]
    by = _lowest(melodies) - _lowest(others)
    in_key = by + (tonics(melodies) - tonics(others) - by + 6) % 12 - 6
    kind, apart = generator.random(len(melodies)), by + generator.integers(-4, 5, len(melodies))
    by = np.select([kind < 0.25, kind < 0.5], [by, in_key], apart)
    return np.where(others == REST, REST, others + by[:, None]).astype(np.int16)


def _lowest(melodies: np.ndarray) -> np.ndarray:
    return np.where(melodies == REST, 127, melodies).min(axis=1).astype(np.int64)


def spliced(melodies: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Switch to another melody at a bar in the middle."""
    bars = melodies.shape[1] // BAR
    cut = BAR * generator.integers(max(1, bars // 4), max(2, bars - bars // 4 + 1), (len(melodies), 1))
    return np.where(np.arange(melodies.shape[1]) < cut, melodies, partners(melodies, generator))


def alternated(melodies: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Take each bar at random from one of two melodies."""
    mine = generator.random((len(melodies), melodies.shape[1] // BAR)) < 0.5
    return np.where(np.repeat(mine, BAR, axis=1), melodies, partners(melodies, generator))


def unended(melodies: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Replace the last two bars by two earlier ones."""
    bars, rows = bars_of(melodies).copy(), np.arange(len(melodies))
    first = generator.integers(0, max(1, bars.shape[1] - 5), len(melodies))
    bars[rows, -2], bars[rows, -1] = bars[rows, first].copy(), bars[rows, first + 1].copy()
    return bars.reshape(melodies.shape)


def ends_moved(melodies: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Move the last notes of most phrases of four bars by one or two semitones."""
    changed, rows = melodies.copy(), np.arange(len(melodies))
    for first in range(0, melodies.shape[1], 4 * BAR):
        part = melodies[:, first : first + 4 * BAR] != REST
        last = first + part.shape[1] - 1 - part[:, ::-1].argmax(axis=1)
        some = part.any(axis=1) & (generator.random(len(melodies)) < 0.85)
        by = generator.integers(1, 3, len(melodies)) * generator.choice([-1, 1], len(melodies))
        changed[rows[some], last[some]] += by[some].astype(np.int16)
    return changed


def echoes_broken(melodies: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Replace each bar that repeats an earlier one by a bar of another melody."""
    bars, others = bars_of(melodies), bars_of(partners(melodies, generator))
    same = (bars[:, :, None] == bars[:, None]).all(axis=3) & np.tri(bars.shape[1], k=-1, dtype=bool)
    return np.where(same.any(axis=2)[..., None], others, bars).reshape(melodies.shape)


# pitch and rhythm


def nudged(melodies: np.ndarray, generator: np.random.Generator, share: float) -> np.ndarray:
    """Move notes by one to three semitones."""
    by = generator.integers(1, 4, melodies.shape) * generator.choice([-1, 1], melodies.shape)
    return np.where(chosen_notes(melodies, share, generator), melodies + by, melodies).astype(np.int16)


def redrawn(melodies: np.ndarray, generator: np.random.Generator, share: float, of_corpus: bool) -> np.ndarray:
    """Redraw pitches, evenly within the range of a melody or with the frequencies of all these melodies."""
    sounds = melodies != REST
    low = np.where(sounds, melodies, 999).min(axis=1, keepdims=True)
    high = np.maximum(melodies.max(axis=1, keepdims=True), low)
    if of_corpus:
        pitches = low + generator.choice((melodies - low)[sounds], melodies.shape)
    else:
        pitches = np.floor(low + generator.random(melodies.shape) * (high - low + 1))
    return np.where(chosen_notes(melodies, share, generator), pitches, melodies).astype(np.int16)


def shifted(melodies: np.ndarray, generator: np.random.Generator, share: float = 1.0) -> np.ndarray:
    """Shift the last bars, a share of all, by an odd number of eighths; the shift wraps around within that part."""
    first = round((1 - share) * melodies.shape[1] / BAR) * BAR
    by = 2 * generator.choice([1, 1, 1, -1, -1, 3], len(melodies))
    source = (np.arange(melodies.shape[1] - first) - by[:, None]) % (melodies.shape[1] - first)
    return np.concatenate((melodies[:, :first], np.take_along_axis(melodies[:, first:], source, axis=1)), axis=1)


def shuffled_rhythm(melodies: np.ndarray, generator: np.random.Generator, share: float = 1.0) -> np.ndarray:
    """Shuffle the times between notes in a share of the bars, starting at a random bar; pitches keep their order."""
    changed, length = melodies.copy(), round(share * melodies.shape[1] / BAR) * BAR
    for row in changed:
        first = BAR * generator.integers(0, (len(row) - length) // BAR + 1)
        part = row[first : first + length]
        at = np.flatnonzero(part != REST)
        if len(at) > 1:
            pitches, times = part[at].copy(), generator.permutation(np.diff(at, append=length))
            part[:] = REST
            part[at[0] + np.concatenate(([0], np.cumsum(times)[:-1]))] = pitches
    return changed


def even_rhythm(melodies: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Play the pitches over and over, all in eighths or all in quarters."""
    made = np.full_like(melodies, REST)
    for row, melody in zip(made, melodies, strict=True):
        every, notes = int(generator.choice([2, 4, 4])), melody[melody != REST]
        row[::every] = np.resize(notes, len(row[::every])) if len(notes) else REST
    return made


def thinned(melodies: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Leave out some of the notes, add some near them, or fall silent."""
    share, kind = generator.uniform(0.15, 0.9, (len(melodies), 1)), generator.random((len(melodies), 1))
    fewer = np.where(generator.random(melodies.shape) < share, REST, melodies)
    steps = np.arange(melodies.shape[1])
    last = np.maximum.accumulate(np.where(melodies == REST, 0, steps), axis=1)
    near = np.take_along_axis(melodies, last, axis=1) + generator.integers(-3, 4, melodies.shape)
    free = (melodies == REST) & (steps % 2 == 0) & (generator.random(melodies.shape) < share / 3)
    stop = generator.integers(BAR, melodies.shape[1] - BAR // 2, (len(melodies), 1))
    silent = np.where(steps < stop, melodies, REST)
    fuller = np.where(free & (near > 3), near, melodies)  # before the first note `near` is below 3
    return np.select([kind < 0.4, kind < 0.8], [fewer, fuller], silent).astype(np.int16)


_WEIGHTED: dict[str, dict[str, tuple[float, Corruption]]] = {
    "form": {
        "one bar looped": (0.5, partial(looped, bars=1)),
        "two bars looped": (0.5, partial(looped, bars=2)),
        "four bars looped": (1.0, partial(looped, bars=4)),
        "bars shuffled": (2.5, partial(reordered, bars=1)),
        "pairs of bars shuffled": (0.5, partial(reordered, bars=2)),
        "phrases shuffled": (1.0, partial(reordered, bars=4)),
        "spliced": (3.0, spliced),
        "bar by bar from two": (1.0, alternated),
        "no ending": (1.0, unended),
        "phrase ends moved": (3.0, ends_moved),
        "echoes broken": (1.0, echoes_broken),
    },
    "pitches": {
        "5% moved": (0.5, partial(nudged, share=0.05)),
        "10% moved": (1.5, partial(nudged, share=0.1)),
        "25% moved": (0.5, partial(nudged, share=0.25)),
        "pitches shuffled": (1.0, shuffled_pitches),
        "half of the pitches shuffled": (1.0, partial(shuffled_pitches, share=0.5)),
        "uniform pitches": (0.5, partial(redrawn, share=1.0, of_corpus=False)),
        "pitches of the corpus": (0.5, partial(redrawn, share=0.7, of_corpus=True)),
    },
    "rhythm": {
        "shifted": (6.0, shifted),
        "second half shifted": (2.0, partial(shifted, share=0.5)),
        "rhythm shuffled": (1.5, shuffled_rhythm),
        "half of the rhythm shuffled": (1.0, partial(shuffled_rhythm, share=0.5)),
        "even rhythm": (0.5, even_rhythm),
        "added, left out or cut off": (1.0, thinned),
    },
}
"""The families of each group, with their weights."""
FAMILIES = {name: corrupt for group in _WEIGHTED.values() for name, (_, corrupt) in group.items()}
"""Corruptions by name."""
PLAYED, CHAINED = 16.0, 3.0
"""Weights of dull players and of Markov chains."""


def negatives(real: np.ndarray, chains: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return a negative for each real melody (N, T), and its group, (N,) int64 from 1.

    Args:
        real: at least two melodies; a corruption changes the melody of its own row.
        chains: (C, at least T) melodies of Markov chains.
        generator: source of randomness.
    """
    made, groups = np.empty_like(real), np.empty(len(real), dtype=np.int64)
    entries = [(number, *entry) for number, group in enumerate(_WEIGHTED.values(), 1) for entry in group.values()]
    entries += [(4, PLAYED * weight, partial(_played, play)) for weight, play in PLAYERS.values()]
    entries.append((5, CHAINED, partial(_chained, chains)))
    weights = np.array([weight for _, weight, _ in entries])
    kind = generator.choice(len(entries), len(real), p=weights / weights.sum())
    for index, (group, _, corrupt) in enumerate(entries):
        rows = np.flatnonzero(kind == index)
        if len(rows):
            some = rows if len(rows) > 1 else np.array([rows[0], rows[0] - 1])  # some mix two melodies
            made[rows], groups[rows] = corrupt(real[some], generator)[: len(rows)], group
    return made, groups


def _played(play: Corruption, real: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return play(real != REST, generator)


def _chained(chains: np.ndarray, real: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return chains[generator.integers(0, len(chains), len(real)), : real.shape[1]]

"""Negatives: melodies that networks learn to distinguish from real ones.

Conventions:
    Melodies are (N, T) int8, -1 for a rest, T whole bars. Families are mixed in fixed proportions, `FAMILIES`.
    `wrong_pitches` and `wrong_rhythm` are paired: row i is a corruption of real melody i.
"""

from collections.abc import Callable, Iterator

import numpy as np

from listener import corruptions
from listener.corpus import moved
from listener.corruptions import MELODIC, repeated, spaced
from listener.markov import MarkovChain
from listener.theory import REST, scale_keys
from songs.keyboard import KEYS, STEPS_PER_BAR

NUDGED = (0.07, 0.1, 0.1, 0.18, 0.25)
SHUFFLED = (0.3, 0.5, 1.0, 1.0)
REPLACED = (0.3, 0.5, 1.0)
"""Shares of the notes that corruptions change."""
TEMPERATURES = (1.0, 1.0, 0.7, 0.4)
"""Temperatures of the Markov chain."""
Family = Callable[[np.ndarray, float, MarkovChain, np.random.Generator], np.ndarray]
"""Maps real melodies (N, T), a share of the notes, a chain and a generator to about as many negatives."""


def negatives(real: np.ndarray, count: int, chain: MarkovChain, generator: np.random.Generator) -> np.ndarray:
    """Return about `count` melodies (N, T) of all families; some families corrupt the real melodies (R, T)."""
    weights = np.array([weight for weight, _ in FAMILIES.values()])
    numbers = generator.multinomial(count, weights / weights.sum())
    parts = [real[:0]]
    for (_, family), number in zip(FAMILIES.values(), numbers.tolist(), strict=True):
        if number:
            some = real[generator.integers(0, len(real), number)]
            share = float(generator.choice([0.25, 0.5, 1.0]))
            parts.append(family(some, share, chain, generator))
    return np.concatenate(parts)


def negatives_and_attacks(
    real: np.ndarray, pool: np.ndarray, attacked_share: float, chain: MarkovChain, generator: np.random.Generator
) -> np.ndarray:
    """Return as many negatives as real melodies (N, T), a share of them from a pool (P, T) of finds of attacks."""
    attacked = round(attacked_share * len(real)) if len(pool) else 0
    attacks = moved(pool[generator.integers(0, len(pool), attacked)], generator) if attacked else real[:0]
    return np.concatenate((negatives(real, len(real) - attacked, chain, generator), attacks))


def _nudged(real: np.ndarray, share: float, chain: MarkovChain, generator: np.random.Generator) -> np.ndarray:
    return np.concatenate([corruptions.nudged(part, generator, by) for part, by in _parts(real, NUDGED)])


def _shuffled(real: np.ndarray, share: float, chain: MarkovChain, generator: np.random.Generator) -> np.ndarray:
    return np.concatenate([corruptions.shuffled_pitches(part, generator, by) for part, by in _parts(real, SHUFFLED)])


def _replaced(real: np.ndarray, share: float, chain: MarkovChain, generator: np.random.Generator) -> np.ndarray:
    one, other = np.array_split(real, 2)
    uniform = [corruptions.uniform_pitches(one, generator, share * 0.6)] if len(one) else []
    return np.concatenate([*uniform, corruptions.histogram_pitches(other, generator, share)[: len(other)]])


def _other_rhythm(real: np.ndarray, share: float, chain: MarkovChain, generator: np.random.Generator) -> np.ndarray:
    return corruptions.shuffled_rhythm(real, generator, 1.0 if generator.random() < 0.6 else 0.5)


def _parts(melodies: np.ndarray, values: tuple[float, ...]) -> Iterator[tuple[np.ndarray, float]]:
    """Split melodies into parts, one for each value, and yield the non-empty ones."""
    return (
        (part, value) for part, value in zip(np.array_split(melodies, len(values)), values, strict=True) if len(part)
    )


def wrong_pitches(chain: MarkovChain, real: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Corrupt the keys of real melodies (N, T); some are replaced by samples of a chain or degenerate melodies."""
    made = np.empty_like(real)
    kind = generator.choice(6, len(real), p=np.array([5, 6, 1, 1, 2, 2]) / 17)
    for number, (corrupt, shares) in enumerate(_PITCHES):
        for indices, share in _parts(np.flatnonzero(kind == number), shares):
            made[indices] = corrupt(real[indices], generator, share)
    sampled, dull = (np.flatnonzero(kind == number) for number in (4, 5))
    made[sampled] = _markov(len(sampled), real.shape[1], chain, generator)
    others = (_degenerate(len(dull), real.shape[1], generator), _loops(real[dull], generator))
    made[dull] = np.where(generator.random((len(dull), 1)) < 0.6, *others)
    return made


_PITCHES = (
    (corruptions.shuffled_pitches, SHUFFLED),
    (corruptions.nudged, NUDGED),
    (corruptions.uniform_pitches, REPLACED),
    (corruptions.histogram_pitches, REPLACED),
)


def wrong_rhythm(real: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Corrupt the rhythm of real melodies (N, T): shifted, as a whole or from the middle on, or shuffled."""
    made = np.empty_like(real)
    kind = generator.choice(4, len(real), p=np.array([7, 3, 4, 2]) / 16)
    made[kind == 0] = _shifted(real[kind == 0], generator)
    half = real.shape[1] // 2 // STEPS_PER_BAR * STEPS_PER_BAR
    late = real[kind == 1].copy()
    late[:, half:] = _shifted(late[:, half:], generator)
    made[kind == 1] = late
    for number, share in ((2, 1.0), (3, 0.5)):
        made[kind == number] = corruptions.shuffled_rhythm(real[kind == number], generator, share)
    return made


def _shifted(melodies: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Rotate melodies (N, T) by one or three eighths, later or earlier."""
    by = generator.choice([1, 1, 1, -1, -1, 3, -3], len(melodies))
    steps = (np.arange(melodies.shape[1]) - by[:, None]) % melodies.shape[1]
    return np.take_along_axis(melodies, steps, axis=1)


def _thinned_or_filled(real: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    share = generator.uniform(0.1, 0.5, (len(real), 1))
    hit = generator.random(real.shape) < share
    filled = np.where(hit & (real == REST), generator.integers(0, KEYS, real.shape), real)
    thinned = np.where(hit, REST, real)
    return np.where(generator.random((len(real), 1)) < 0.5, filled, thinned).astype(np.int8)


def _markov(count: int, steps: int, chain: MarkovChain, generator: np.random.Generator) -> np.ndarray:
    parts = []
    for order, number in enumerate(generator.multinomial(count, np.full(chain.order, 1 / chain.order)), start=1):
        temperature = TEMPERATURES[generator.integers(len(TEMPERATURES))]
        parts.append(chain.sample(number, steps, generator, order, temperature))
    return np.concatenate(parts)


def _rhythms(real: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return a mix of real, even and random rhythms, (N, T) bool."""
    steps = np.arange(real.shape[1])
    even = steps % generator.choice([1, 2, 2, 4], (len(real), 1)) == 0
    chance = generator.random(real.shape) < generator.uniform(0.2, 1, (len(real), 1))
    kind = generator.random((len(real), 1))
    return np.where(kind < 0.5, real != REST, np.where(kind < 0.75, even, chance))


def _scale_keys(generator: np.random.Generator) -> np.ndarray:
    """Return the keys of a random major scale, or sometimes all keys."""
    tonic = generator.integers(0, 12)
    return np.arange(KEYS) if generator.random() < 0.2 else scale_keys(tonic)


def _walks(real: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    melodies = np.full(real.shape, REST, dtype=np.int8)
    for row, rhythm in zip(melodies, _rhythms(real, generator), strict=True):
        keys, widest = _scale_keys(generator), generator.integers(1, 4)
        path = generator.integers(0, len(keys)) + np.cumsum(generator.integers(-widest, widest + 1, rhythm.sum()))
        top = len(keys) - 1
        row[rhythm] = keys[top - np.abs(top - path % (2 * top))]
    return melodies


def _in_a_scale(real: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    melodies = np.full(real.shape, REST, dtype=np.int8)
    for row, rhythm in zip(melodies, _rhythms(real, generator), strict=True):
        row[rhythm] = generator.choice(_scale_keys(generator), rhythm.sum())
    return melodies


def _loops(real: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Loop a few notes: of a real melody, of a scale, or random ones."""
    melodies = np.empty_like(real)
    for row, whole in zip(melodies, real, strict=True):
        kind = generator.random()
        if kind < 0.4:
            period = int(generator.choice([3, 4, 5, 6, 7, 8, 8, 10, 12]))
            first = generator.integers(0, len(whole) - period)
            pattern = whole[first : first + period]
        elif kind < 0.7:
            every = int(generator.choice([1, 1, 2, 2, 4]))
            keys = generator.choice(_scale_keys(generator), int(generator.integers(2, 9)))
            pattern = spaced(keys[None], every)[0]
        else:
            period = int(generator.choice([3, 4, 6, 8, 8, 12, 16]))
            pattern = np.where(
                generator.random(period) < generator.uniform(0.3, 1), generator.integers(0, KEYS, period), REST
            )
        row[:] = repeated(pattern[None], len(whole))[0]
    return melodies


def _cut_off(real: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Cut melodies off, or leave out nearly all notes."""
    stop = generator.integers(real.shape[1] // 8, real.shape[1] - STEPS_PER_BAR, (len(real), 1))
    few = generator.random(real.shape) < 0.06
    stopped = np.where(np.arange(real.shape[1]) < stop, real, REST)
    return np.where(generator.random((len(real), 1)) < 0.5, stopped, np.where(few, real, REST)).astype(np.int8)


def _degenerate(count: int, steps: int, generator: np.random.Generator) -> np.ndarray:
    parts = generator.multinomial(count, np.full(len(MELODIC), 1 / len(MELODIC)))
    return np.concatenate([play(part, steps, generator) for play, part in zip(MELODIC.values(), parts, strict=True)])


def random_melodies(count: int, steps: int, generator: np.random.Generator, keys: int = KEYS) -> np.ndarray:
    """Return melodies (count, steps) to start a search from: noise on `keys` keys, walks, loops, degenerate players."""
    noise = generator.integers(0, keys, (count, steps)).astype(np.int8)
    sounds = generator.random((count, steps)) < generator.uniform(0.1, 1, (count, 1))
    noise = np.where(sounds, noise, REST).astype(np.int8)
    parts = np.array_split(noise, 4)
    made = [
        parts[0],
        _walks(parts[1], generator),
        _loops(parts[2], generator),
        _degenerate(len(parts[3]), steps, generator),
    ]
    return np.concatenate(made)[generator.permutation(count)]


FAMILIES: dict[str, tuple[float, Family]] = {
    "nudged": (4.0, _nudged),
    "shuffled": (3.0, _shuffled),
    "replaced": (1.5, _replaced),
    "shifted": (3.0, lambda real, share, chain, generator: _shifted(real, generator)),
    "rhythm": (2.0, _other_rhythm),
    "added or left out": (1.5, lambda real, share, chain, generator: _thinned_or_filled(real, generator)),
    "markov": (2.5, lambda real, share, chain, generator: _markov(len(real), real.shape[1], chain, generator)),
    "walk": (1.5, lambda real, share, chain, generator: _walks(real, generator)),
    "in a scale": (1.0, lambda real, share, chain, generator: _in_a_scale(real, generator)),
    "loop": (2.0, lambda real, share, chain, generator: _loops(real, generator)),
    "cut off": (0.5, lambda real, share, chain, generator: _cut_off(real, generator)),
    "degenerate": (3.0, lambda real, share, chain, generator: _degenerate(len(real), real.shape[1], generator)),
}
"""Weight and function of each family."""

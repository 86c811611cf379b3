"""Beam search, one bar at a time, for melodies that a listener scores highly.

Conventions:
    Melodies are (N, T) int8, -1 for a rest, T whole bars. The search keeps the prefixes with the highest scores and
    extends each with random bars, bars from a Markov chain, and repetitions of its own bars.
"""

import numpy as np

from listener.markov import MarkovChain
from listener.red_team import Score
from listener.theory import REST
from songs.keyboard import KEYS, STEPS_PER_BAR

WIDTH = 16
"""Number of prefixes kept."""
TRIED = 48
"""Number of extensions tried for each prefix."""


def beam_search(score: Score, bars: int, chain: MarkovChain, generator: np.random.Generator) -> np.ndarray:
    """Return the best melodies, (WIDTH, bars * 8) int8, best first. Some extensions are sampled from `chain`."""
    kept = np.zeros((1, 0), dtype=np.int8)
    for _ in range(bars):
        following = [_bars(melody, TRIED, chain, generator) for melody in kept]
        longer = np.concatenate(
            [np.concatenate((np.tile(one, (TRIED, 1)), bar), axis=1) for one, bar in zip(kept, following, strict=True)]
        )
        longer = np.unique(longer, axis=0)
        kept = longer[np.argsort(-score(longer), kind="stable")[:WIDTH]]
    return kept


def _bars(melody: np.ndarray, count: int, chain: MarkovChain, generator: np.random.Generator) -> np.ndarray:
    """Return candidate next bars (count, 8) for a melody (T,)."""
    repeated = melody.reshape(-1, STEPS_PER_BAR)[-count // 4 :]
    sampled = chain.sample(count // 2, STEPS_PER_BAR, generator, chain.order)
    shape = (count - len(repeated) - len(sampled), STEPS_PER_BAR)
    sounds = generator.random(shape) < generator.uniform(0.1, 1, (shape[0], 1))
    noise = np.where(sounds, generator.integers(0, KEYS, shape), REST)
    return np.concatenate((repeated, sampled, noise)).astype(np.int8)

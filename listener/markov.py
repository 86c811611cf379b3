"""A Markov chain over steps: its samples resemble real melodies locally but have no direction.

Conventions:
    A step is one of 14 *tokens*: 0 a rest, 1 to 13 a key; melodies are (N, T) int8, -1 for a rest.
    A chain of order K conditions on the K steps before; near the start of a melody the context is shorter.
Source: I. Witten and T. Bell, The Zero-Frequency Problem, 1991 (method C), for the back-off.
"""

import numpy as np

from songs.keyboard import KEYS

TOKENS = KEYS + 1


def witten_bell(counts: np.ndarray, shorter: np.ndarray) -> np.ndarray:
    """Return smoothed probabilities: observed frequencies, backing off to a shorter context where data is scarce.

    Args:
        counts: (C, V), how often each of V outcomes followed each of C contexts.
        shorter: (C, V), probabilities of the outcomes given the context without its oldest part.

    Returns:
        (C, V) float64; rows sum to 1 if those of `shorter` do.
    """
    total = counts.sum(axis=1, keepdims=True)
    kinds = (counts > 0).sum(axis=1, keepdims=True)
    return np.where(total > 0, (counts + kinds * shorter) / np.maximum(total + kinds, 1), shorter)


class MarkovChain:
    """A Markov chain of melodies, sampled step by step."""

    def __init__(self, melodies: np.ndarray, order: int):
        """Learn from melodies (N, T) int8; `order` is the longest context, in steps."""
        self.order = order
        tokens = melodies.astype(np.int64) + 1
        probabilities = np.full((1, TOKENS), 1 / TOKENS)
        self._probabilities = []
        for size in range(order + 1):
            named = _names(tokens, size + 1).ravel()
            counts = np.bincount(named, minlength=TOKENS ** (size + 1)).reshape(-1, TOKENS)
            shorter = np.tile(probabilities, (len(counts) // len(probabilities), 1))
            probabilities = witten_bell(counts, shorter)
            self._probabilities.append(probabilities.astype(np.float32))

    def sample(
        self, count: int, steps: int, generator: np.random.Generator, order: int, temperature: float = 1.0
    ) -> np.ndarray:
        """Sample melodies (count, steps) int8.

        Args:
            count: number of melodies.
            steps: their length.
            generator: source of randomness.
            order: length of the context, at most that of the chain.
            temperature: values below 1 favour likely steps.
        """
        tokens = np.zeros((count, steps), dtype=np.int64)
        for step in range(steps):
            known = min(step, order)
            context = _names(tokens[:, step - known : step], known)[:, 0] if known else np.zeros(count, dtype=np.int64)
            weights = self._probabilities[known][context] ** (1 / temperature)
            sums = weights.cumsum(axis=1)
            levels = generator.random((count, 1)) * sums[:, -1:]
            tokens[:, step] = np.minimum((sums < levels).sum(axis=1), TOKENS - 1)
        return (tokens - 1).astype(np.int8)


def _names(tokens: np.ndarray, size: int) -> np.ndarray:
    """Encode each run of `size` tokens as one number, (N, T - size + 1) int64; the last token is least significant."""
    count = tokens.shape[1] - size + 1
    names = np.zeros((len(tokens), count), dtype=np.int64)
    for offset in range(size):
        names = names * TOKENS + tokens[:, offset : offset + count]
    return names

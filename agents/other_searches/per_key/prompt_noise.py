"""Songs as cases, optionally with wrong notes in the prompt, so that networks do not become lookup tables.

Each song gets additional noisy copies. In a copy, each cell of the prompt is flipped with some probability, which adds
or removes notes. The wrong notes stay in the memory, and the network should continue as if they had been right. So it
cannot rely on single notes of the prompt.

Conventions: rolls (T, K) bool, a prompt of P steps; change c flips the cell (c // K, c % K) of the prompt.
"""

from collections.abc import Sequence

import numpy as np

from agents.other_searches.per_key.sparse_cases import SparseCases
from songs.piano_roll import Memory

SONG_VOTES = 1_000_000
"""Votes of an original song, against one vote of each copy with the same memory."""


def flipped(roll: np.ndarray, changes: np.ndarray | int) -> np.ndarray:
    """Return a copy of a roll with some cells flipped."""
    roll = roll.copy()
    roll.reshape(-1)[changes] ^= True
    return roll


def noisy_copies(
    roll: np.ndarray, prompt: int, noise: float, copies: int, random: np.random.Generator
) -> list[np.ndarray]:
    """Return copies of a roll, each with at least one cell of the prompt flipped; `noise` is the flip probability."""
    cells = prompt * roll.shape[1]
    wrong = random.random((copies, cells)) < noise
    wrong[np.arange(copies), random.integers(cells, size=copies)] |= ~wrong.any(axis=1)
    return [flipped(roll, np.flatnonzero(changes)) for changes in wrong]


def song_cases(
    rolls: Sequence[np.ndarray],
    memory: Memory,
    prompt: int,
    noise: float = 0.0,
    copies: int = 0,
    seed: int = 0,
    mode_bit: bool = False,
) -> SparseCases:
    """Return a case for every step after the prompt of every song; those of noisy copies come last.

    Args:
        rolls: the songs.
        memory: number of remembered steps, or lags.
        prompt: number of given steps of each song.
        noise: probability that a cell of a copy's prompt is flipped; 0: no copies.
        copies: number of copies of each song.
        seed: the same seed gives the same copies.
        mode_bit: as for `SparseCases.from_rolls`.
    """
    histories, wanted = list(rolls), list(rolls)
    if noise and prompt:
        random = np.random.default_rng(np.random.SeedSequence((seed, copies)))
        for roll in rolls:
            histories += noisy_copies(roll, prompt, noise, copies, random)
            wanted += [roll] * copies
    votes = [SONG_VOTES] * len(rolls) + [1] * (len(histories) - len(rolls))
    return SparseCases.from_rolls(histories, wanted, memory, prompt, votes, mode_bit)

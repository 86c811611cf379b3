"""Songs as cases, with wrong notes in the prompt if asked: networks that are no lookup table.

Beside a song as it is stand copies of it. In a copy each cell of the prompt is turned over with some chance: notes
are missing, or too many. The wrong notes are remembered all the way through, and the network should go on as if they
had been right. So it may not rely on single notes of the prompt.

Conventions: rolls (T, 13) bool, a prompt of P steps; the change c is the cell c // 13, c % 13 of the prompt.
"""

from collections.abc import Sequence

import numpy as np

from agents.other_searches.per_key.sparse_cases import SparseCases

VOTES = 1_000_000
"""What a song as it is counts against copies with wrong notes that are remembered alike."""


def changed(roll: np.ndarray, changes: np.ndarray | int) -> np.ndarray:
    """Return a roll with some cells turned over."""
    roll = roll.copy()
    roll.reshape(-1)[changes] ^= True
    return roll


def noisy_copies(
    roll: np.ndarray, prompt: int, noise: float, copies: int, random: np.random.Generator
) -> list[np.ndarray]:
    """Return copies of a roll, each with at least one wrong cell in its prompt.

    Args:
        roll: (T, 13) bool.
        prompt: steps that may be wrong, at least 1.
        noise: chance that a cell is turned over.
        copies: how many.
        random: source of the changes.
    """
    cells = prompt * roll.shape[1]
    turned = random.random((copies, cells)) < noise
    turned[np.arange(copies), random.integers(cells, size=copies)] |= ~turned.any(axis=1)
    return [changed(roll, np.flatnonzero(own)) for own in turned]


def song_cases(
    rolls: Sequence[np.ndarray],
    memory: int,
    prompt: int,
    noise: float = 0.0,
    copies: int = 0,
    seed: int = 0,
    mode_bit: bool = False,
) -> SparseCases:
    """Return a case for every step after the prompt of every song; those of noisy copies behind all others.

    Args:
        rolls: the songs.
        memory: steps remembered.
        prompt: steps of each song that are given.
        noise: chance that a cell of a copy's prompt is wrong; 0: no copies.
        copies: of each song.
        seed: the same seed gives the same copies.
        mode_bit: as for `SparseCases.from_rolls`.
    """
    heard, wanted = list(rolls), list(rolls)
    if noise and prompt:
        random = np.random.default_rng(np.random.SeedSequence((seed, copies)))
        for roll in rolls:
            heard += noisy_copies(roll, prompt, noise, copies, random)
            wanted += [roll] * copies
    votes = [VOTES] * len(rolls) + [1] * (len(heard) - len(rolls))
    return SparseCases.from_rolls(heard, wanted, memory, prompt, votes, mode_bit)

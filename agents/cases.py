"""Cases: what a network is shown and what it should answer, one column a case.

Memorising a song under teacher forcing is a set of such cases: the memory before each step, and the keys
of the step. For a greedy performer all cases are right exactly when it also plays the song alone, free
running, without a mistake.

Conventions: C cases, I inputs, O outputs; inputs and targets are stored with the cases in the last axis.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from songs.piano_roll import memory_windows
from songs.song import Song


@dataclass(frozen=True, eq=False)
class Cases:
    """What networks are evaluated on."""

    inputs: np.ndarray
    """(I, C) float32, 0 or 1."""
    targets: np.ndarray
    """(O, C) bool."""

    def __len__(self) -> int:
        return self.inputs.shape[1]


def memory_cases(songs: Sequence[Song], memory: int, prompt: int, mode_bit: bool = False) -> Cases:
    """Return a case for every step after the prompt of every song.

    The inputs are laid out like the observation of `KeyboardEnv`: oldest step first, 13 keys a step, and
    with `mode_bit` a last input that is always 1.
    """
    inputs = [memory_windows(song.roll, memory, prompt).reshape(song.steps - prompt, -1).T for song in songs]
    together = np.concatenate(inputs, axis=1).astype(np.float32)
    if mode_bit:
        together = np.concatenate([together, np.ones((1, together.shape[1]), dtype=np.float32)])
    return Cases(together, np.concatenate([song.roll[prompt:].T for song in songs], axis=1))


def xor_cases() -> Cases:
    """Return the four cases of exclusive or: the classic check that structure evolves."""
    inputs = np.array(list(product((0, 1), repeat=2)), dtype=np.float32).T
    return Cases(inputs, (inputs[:1] != inputs[1:]))

"""Cases: inputs of a network with their target outputs, one case per column.

Memorising a song under teacher forcing is a set of such cases: the memory before each step, and the keys
of the step. A greedy performer gets all cases right exactly when it also plays the song free running without
a mistake.

Conventions: C cases, I inputs, O outputs; cases are the last axis of inputs and targets.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Self

import numpy as np

from songs.piano_roll import Memory, memory_windows
from songs.plan import PlanInputs
from songs.song import Song


@dataclass(frozen=True, eq=False)
class Cases:
    """Inputs and target outputs of networks."""

    inputs: np.ndarray
    """(I, C) float32, 0 or 1."""
    targets: np.ndarray
    """(O, C) bool."""
    lengths: tuple[int, ...] = ()
    """Lengths of the runs of cases that follow each other in time: one run per song. By default one run of all."""
    recurrent: bool = False
    """True if the networks have state, so that the same input may have different answers."""

    def __post_init__(self):
        if not self.lengths:
            object.__setattr__(self, "lengths", (len(self),))

    def __len__(self) -> int:
        return self.inputs.shape[1]

    def without_chords(self) -> Self:
        """Return the cases whose target is at most one key."""
        kept = self.targets.sum(axis=0) <= 1
        return replace(self, inputs=self.inputs[:, kept], targets=self.targets[:, kept], lengths=(int(kept.sum()),))

    @cached_property
    def possible(self) -> np.ndarray:
        """(C,) bool: a largest set of cases that one network can get right.

        Where the same input has different targets, this keeps the most frequent one.
        """
        if self.recurrent:
            return np.ones(len(self), dtype=bool)
        answers: dict[bytes, dict[bytes, list[int]]] = defaultdict(lambda: defaultdict(list))
        packed = np.packbits(self.inputs.astype(bool), axis=0).T
        for case, (seen, answer) in enumerate(zip(packed, self.targets.T, strict=True)):
            answers[seen.tobytes()][answer.tobytes()].append(case)
        best = np.zeros(len(self), dtype=bool)
        for group in answers.values():
            best[max(group.values(), key=len)] = True
        return best

    @property
    def most_right(self) -> int:
        """The most cases that one network can get right."""
        return int(self.possible.sum())


def memory_cases(
    songs: Sequence[Song], memory: Memory, prompt: int, mode_bit: bool = False, plans: PlanInputs | None = None
) -> Cases:
    """Return a case for every step after the prompt of every song, one song after the other.

    The inputs are laid out like the observation of `KeyboardEnv`: the remembered steps, oldest first, with all keys of
    a step; with `mode_bit` an input that is always 1; then the plan inputs of the step, from one plan per song.
    """
    inputs = [memory_windows(song.roll, memory, prompt).reshape(song.steps - prompt, -1).T for song in songs]
    together = np.concatenate(inputs, axis=1).astype(np.float32)
    if mode_bit:
        together = np.concatenate([together, np.ones((1, together.shape[1]), dtype=np.float32)])
    if plans:
        planned = [_planned(song.roll, prompt, plans, number).T for number, song in enumerate(songs)]
        together = np.concatenate([together, np.concatenate(planned, axis=1).astype(np.float32)])
    targets = np.concatenate([song.roll[prompt:].T for song in songs], axis=1)
    return Cases(together, targets, tuple(song.steps - prompt for song in songs))


def _planned(roll: np.ndarray, prompt: int, plans: PlanInputs, number: int) -> np.ndarray:
    """Return the plan inputs (T - prompt, I) bool for the steps of a roll (T, K) after the prompt."""
    steps = np.arange(prompt, len(roll))
    return plans.at(np.full(len(steps), number), steps, np.broadcast_to(roll, (len(steps), *roll.shape)))


def xor_cases() -> Cases:
    """Return the four cases of exclusive or, the classic test of evolving structure."""
    inputs = np.array(list(product((0, 1), repeat=2)), dtype=np.float32).T
    return Cases(inputs, inputs[:1] != inputs[1:], (1, 1, 1, 1))


def ambiguous_steps(songs: Sequence[Song], memory: Memory, prompt: int) -> dict[str, list[int]]:
    """Return, by song, the steps that a best player with this memory still gets wrong.

    Each follows a memory that is continued differently elsewhere, in this song or another.
    """
    cases = memory_cases(songs, memory, prompt)
    impossible = ~cases.possible
    first, named = 0, {}
    for song in songs:
        count = song.steps - prompt
        steps = prompt + np.flatnonzero(impossible[first : first + count])
        if len(steps):
            named[song.name] = steps.tolist()
        first += count
    return named

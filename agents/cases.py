"""Cases: what a network is shown and what it should answer, one column a case.

Memorising a song under teacher forcing is a set of such cases: the memory before each step, and the keys
of the step. For a greedy performer all cases are right exactly when it also plays the song alone, free
running, without a mistake.

Conventions: C cases, I inputs, O outputs; inputs and targets are stored with the cases in the last axis.
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
    """Inputs of networks, and the outputs they should give."""

    inputs: np.ndarray
    """(I, C) float32, 0 or 1."""
    targets: np.ndarray
    """(O, C) bool."""
    lengths: tuple[int, ...] = ()
    """Cases that follow each other in time: the judged steps of each song. By default all cases."""
    recurrent: bool = False
    """The networks remember by themselves, so the same input may be answered differently."""

    def __post_init__(self):
        if not self.lengths:
            object.__setattr__(self, "lengths", (len(self),))

    def __len__(self) -> int:
        return self.inputs.shape[1]

    def without_chords(self) -> Self:
        """Return the cases whose answer is one key at most."""
        kept = self.targets.sum(axis=0) <= 1
        return replace(self, inputs=self.inputs[:, kept], targets=self.targets[:, kept], lengths=(int(kept.sum()),))

    @cached_property
    def possible(self) -> np.ndarray:
        """(C,) bool: the cases that one network can get right together, as many as there can be.

        Where the same input is to be answered differently, the most frequent answer is the best one.
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

    The inputs are laid out like the observation of `KeyboardEnv`: oldest step first, all keys of a step, and
    with `mode_bit` an input that is always 1; then what plans, one for each song, say of the step.
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
    """Return what a plan says of the steps of a roll (T, K) after the prompt, (T - prompt, I) bool."""
    steps = np.arange(prompt, len(roll))
    return plans.at(np.full(len(steps), number), steps, np.broadcast_to(roll, (len(steps), *roll.shape)))


def xor_cases() -> Cases:
    """Return the four cases of exclusive or: the classic check that structure evolves."""
    inputs = np.array(list(product((0, 1), repeat=2)), dtype=np.float32).T
    return Cases(inputs, inputs[:1] != inputs[1:], (1, 1, 1, 1))


def ambiguous_steps(songs: Sequence[Song], memory: Memory, prompt: int) -> dict[str, list[int]]:
    """Return the steps, by song, that no player with this memory can all get right.

    They follow a memory that elsewhere, in this song or another, goes on differently.
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

"""Markov chains of orders 1 to 5 over steps and notes; their samples sound like music locally but have no direction.

Conventions: melodies are (N, T) int16 on sixteenths, as in `listener.judge.notes`.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from listener.judge.notes import BAR, REST, tonics

ORDERS = (1, 2, 3, 4, 5)
Tokens = list[tuple[int, ...]]


def steps_of(melody: np.ndarray) -> Tokens:
    """Return the pitches that begin at each eighth and a sixteenth later."""
    return [(int(one), int(two)) for one, two in melody.reshape(-1, 2)]


def notes_of(melody: np.ndarray) -> Tokens:
    """Return the pitch of each note and the time to the next."""
    at = np.flatnonzero(melody != REST)
    return [(int(melody[one]), int(gap)) for one, gap in zip(at, np.diff(at, append=len(melody)), strict=True)]


def placed_notes_of(melody: np.ndarray) -> Tokens:
    """Return the pitch of each note, the time to the next, and its position in the bar."""
    at = np.flatnonzero(melody != REST)
    return [(*token, int(one) % BAR) for token, one in zip(notes_of(melody), at, strict=True)]


class Chain:
    """The tokens that followed each context of up to five tokens."""

    def __init__(self, sequences: Sequence[Tokens]):
        self._starts = [sequence[0] for sequence in sequences if sequence]
        self._next: list[dict[tuple, Tokens]] = [defaultdict(list) for _ in range(max(ORDERS) + 1)]
        for sequence in sequences:
            for index, token in enumerate(sequence):
                for order in range(min(max(ORDERS), index) + 1):
                    self._next[order][tuple(sequence[index - order : index])].append(token)

    def sample(self, order: int, enough: Callable[[Tokens], bool], generator: np.random.Generator) -> Tokens:
        """Sample a sequence until `enough` returns True; unseen contexts are shortened."""
        tokens = [self._starts[generator.integers(len(self._starts))]]
        while not enough(tokens):
            used = min(order, len(tokens))
            while tuple(tokens[len(tokens) - used :]) not in self._next[used]:
                used -= 1
            seen = self._next[used][tuple(tokens[len(tokens) - used :])]
            tokens.append(seen[generator.integers(len(seen))])
        return tokens


def chained(melodies: np.ndarray, count: int, generator: np.random.Generator) -> np.ndarray:
    """Sample melodies (count, T) from chains of all orders over steps, notes, and notes with positions."""
    level = np.where(melodies == REST, REST, melodies - tonics(melodies)[:, None])
    made = np.full((count, melodies.shape[1]), REST, dtype=np.int16)
    for kind, tokenize in enumerate((steps_of, notes_of, placed_notes_of)):
        chain = Chain([tokenize(melody) for melody in level])
        for number, row in enumerate(made[kind::3]):
            row[:] = _melody(chain, ORDERS[number % len(ORDERS)], kind > 0, len(row), generator)
    return made


def _melody(chain: Chain, order: int, of_notes: bool, steps: int, generator: np.random.Generator) -> np.ndarray:
    if not of_notes:
        tokens = chain.sample(order, lambda so_far: len(so_far) >= steps // 2, generator)
        return np.array(tokens).ravel()
    total = 0

    def enough(so_far: Tokens) -> bool:
        nonlocal total
        total += so_far[-1][1]
        return total >= steps

    tokens, row = chain.sample(order, enough, generator), np.full(steps, REST)
    at = np.cumsum([0, *(token[1] for token in tokens[:-1])])
    at = at + (tokens[0][2] if len(tokens[0]) == 3 else 0)
    row[at[at < steps]] = [token[0] for token, when in zip(tokens, at, strict=True) if when < steps]
    return row

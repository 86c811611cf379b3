"""Cases as sparse rows and columns: the inputs that are on in a case, and the cases in which an input is on.

Songs in memory are sparse: about forty of 128 * K inputs are on. A change of one connection affects only the cases in
which its input is on, and these are indexed here.

Cases with the same input form one row. If their targets differ, no network can get all of them right: the row's target
is then the most frequent one, and the other cases are not *possible*.

Conventions:
    C cases as given, R rows (distinct inputs), I inputs, O outputs.
    Bits are packed with the first row in the lowest bit of the first byte.
    A *literal* is an input i that must be on, written i, or off, written ~i (that is -1 - i).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np

from agents.cases import Cases
from songs.piano_roll import Memory, span


@dataclass(frozen=True, eq=False)
class SparseCases:
    """Cases for the evaluation of networks, laid out for changes of single connections."""

    row_starts: np.ndarray
    """(R + 1,) int64: the inputs that are on in row r are `row_inputs[row_starts[r]:row_starts[r + 1]]`."""
    row_inputs: np.ndarray
    """Inputs in ascending order, row by row; int64."""
    column_starts: np.ndarray
    """(I + 1,) int64: input i is on in the rows `column_rows[column_starts[i]:column_starts[i + 1]]`."""
    column_rows: np.ndarray
    """Rows in ascending order, input by input; int64."""
    bits: np.ndarray
    """(I, ceil(R / 8)) uint8: for every input, one bit per row."""
    targets: np.ndarray
    """(R, O) bool."""
    row_of_case: np.ndarray
    """(C,) int64: the row of each case."""
    possible: np.ndarray
    """(C,) bool: a largest set of cases that one network can get right."""
    wanted: np.ndarray
    """(C, O) bool: the target of each case, possible or not."""

    @classmethod
    def from_pairs(
        cls, cases: np.ndarray, inputs: np.ndarray, size: int, targets: np.ndarray, votes: np.ndarray
    ) -> Self:
        """Make rows from pairs of a case and an input that is on in it.

        Args:
            cases: (P,) int, the case of each pair; pairs are distinct.
            inputs: (P,) int, the input of each pair.
            size: number of inputs.
            targets: (C, O) bool.
            votes: (C,) int, weight of each case where targets differ.
        """
        count, outputs = targets.shape
        row_of_case, first = _group_equal_cases(cases, inputs, size, count)
        possible = _most_frequent_targets(row_of_case, targets, votes)
        # all possible cases of a row have the same target
        chosen = np.zeros((len(first), outputs), dtype=bool)
        chosen[row_of_case[possible]] = targets[possible]
        kept = first[row_of_case[cases]] == cases
        rows, inputs = row_of_case[cases[kept]], inputs[kept]
        by_row, by_column = np.lexsort((inputs, rows)), np.lexsort((rows, inputs))
        bits = np.zeros((size, -(-len(first) // 8)), dtype=np.uint8)
        np.bitwise_or.at(bits, (inputs, rows >> 3), np.left_shift(1, rows & 7).astype(np.uint8))
        return cls(
            row_starts=_starts(rows, len(first)),
            row_inputs=inputs[by_row],
            column_starts=_starts(inputs, size),
            column_rows=rows[by_column],
            bits=bits,
            targets=chosen,
            row_of_case=row_of_case,
            possible=possible,
            wanted=targets,
        )

    @classmethod
    def from_cases(cls, cases: Cases) -> Self:
        """Make rows from dense cases."""
        case, on = np.nonzero(cases.inputs.T)
        votes = np.ones(len(cases), dtype=np.int64)
        return cls.from_pairs(case, on, len(cases.inputs), np.ascontiguousarray(cases.targets.T), votes)

    @classmethod
    def from_rolls(
        cls,
        histories: Sequence[np.ndarray],
        wanted: Sequence[np.ndarray],
        memory: Memory,
        prompt: int,
        votes: Sequence[int] | int = 1,
        mode_bit: bool = False,
    ) -> Self:
        """Make rows from the memories before every step after the prompt.

        Args:
            histories: rolls (T, K) bool that are remembered.
            wanted: rolls of the same shapes with the targets; the histories, if these have no wrong notes.
            memory: number of remembered steps, or lags.
            prompt: number of given steps of each roll.
            votes: for each roll, the weight of its cases where targets differ.
            mode_bit: True if there is one more input. It is 1 in every case, like the bias, and is never used.
        """
        row_at = np.full(span(memory) + 2, -1)
        lags = range(memory, 0, -1) if isinstance(memory, int) else memory
        row_at[list(lags)] = np.arange(len(lags))
        pairs, first = [], 0
        for roll in histories:
            steps, keys = np.nonzero(roll)
            ago = np.arange(prompt, len(roll))[:, None] - steps
            row = row_at[np.clip(ago, 0, span(memory) + 1)]
            case, onset = np.nonzero(row >= 0)
            inputs = row[case, onset] * roll.shape[1] + keys[onset]
            pairs.append(np.stack([case + first, inputs]))
            first += len(roll) - prompt
        cases, inputs = np.concatenate(pairs, axis=1)
        targets = np.concatenate([roll[prompt:] for roll in wanted])
        counts = np.repeat(np.broadcast_to(votes, len(wanted)), [len(roll) - prompt for roll in wanted])
        return cls.from_pairs(cases, inputs, len(lags) * targets.shape[1] + mode_bit, targets, counts)

    @cached_property
    def signs(self) -> np.ndarray:
        """(R, O) float32: 1 where the target is on, -1 elsewhere."""
        return np.where(self.targets, np.float32(1), np.float32(-1))

    def __len__(self) -> int:
        """Return C, the number of cases."""
        return len(self.row_of_case)

    @property
    def rows(self) -> int:
        """R, the number of distinct inputs."""
        return len(self.targets)

    @property
    def inputs(self) -> int:
        """I, the number of inputs."""
        return len(self.bits)

    @property
    def outputs(self) -> int:
        """O, the number of outputs."""
        return self.targets.shape[1]

    def only(self, outputs: Sequence[int]) -> Self:
        """Return the same cases with some of the outputs."""
        chosen = list(outputs)
        # contiguous, so that arrays computed from it are read cell by cell without a copy
        targets = np.ascontiguousarray(self.targets[:, chosen])
        return replace(self, targets=targets, wanted=self.wanted[:, chosen])

    def rows_of(self, source: int) -> np.ndarray:
        """Return the sorted rows in which an input is on."""
        return self.column_rows[self.column_starts[source] : self.column_starts[source + 1]]

    def on(self, rows: np.ndarray, inputs: np.ndarray) -> np.ndarray:
        """Return a mask of whether inputs are on in rows, for index arrays that broadcast."""
        width = self.bits.shape[1]
        bytes_of_rows = self.bits.ravel()[inputs * width + (rows >> 3)]
        return (bytes_of_rows >> (rows & 7).astype(np.uint8) & 1).view(bool)

    def rows_with(self, literals: Sequence[int]) -> np.ndarray:
        """Return the sorted rows in which all literals hold."""
        held = np.full(self.bits.shape[1], 255, dtype=np.uint8)
        for literal in literals:
            held &= self.bits[literal] if literal >= 0 else ~self.bits[~literal]
        some = np.flatnonzero(held)
        index, bit = np.nonzero(np.unpackbits(held[some, None], axis=1, bitorder="little"))
        rows = 8 * some[index] + bit
        # the bits after the last row are padding
        return rows[: np.searchsorted(rows, self.rows)]

    def sample_inputs_on(
        self, rows: np.ndarray, count: int, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Sample inputs (A, count) that are on in rows (A,); also return a mask (A,) bool of rows with any on."""
        begins = self.row_starts[rows]
        sizes = self.row_starts[rows + 1] - begins
        indices = begins[:, None] + (random.random((len(rows), count)) * sizes[:, None]).astype(np.int64)
        return self.row_inputs[np.minimum(indices, len(self.row_inputs) - 1)], sizes > 0


def join_ranges(begins: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the concatenated indices of N ranges with given starts and lengths, and the offset of each range."""
    heads = np.cumsum(counts) - counts
    return np.repeat(begins - heads, counts) + np.arange(counts.sum()), heads


def _starts(values: np.ndarray, size: int) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(np.bincount(values, minlength=size))])


def _group_equal_cases(cases: np.ndarray, inputs: np.ndarray, size: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the row of every case (C,), and the first case of every row (R,), in ascending order."""
    packed = np.zeros((count, -(-size // 8)), dtype=np.uint8)
    np.bitwise_or.at(packed, (cases, inputs >> 3), np.left_shift(1, inputs & 7).astype(np.uint8))
    whole = packed.view(np.dtype((np.void, packed.shape[1]))).ravel()
    _, first, group = np.unique(whole, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank[group.ravel()], first[order]


def _most_frequent_targets(row_of_case: np.ndarray, targets: np.ndarray, votes: np.ndarray) -> np.ndarray:
    """Return a mask (C,) bool of cases whose target has the most votes in their row; the first one in case of ties."""
    answers = np.unique(targets, axis=0, return_inverse=True)[1].ravel()
    pairs, first, pair_of_case = np.unique(
        row_of_case * (answers.max(initial=0) + 1) + answers, return_index=True, return_inverse=True
    )
    pair_of_case = pair_of_case.ravel()
    counts = np.bincount(pair_of_case, votes, minlength=len(pairs))
    rows = row_of_case[first]
    best = np.lexsort((first, -counts, rows))
    wins = np.zeros(len(pairs), dtype=bool)
    wins[best[np.flatnonzero(np.diff(rows[best], prepend=-1))]] = True
    return wins[pair_of_case]

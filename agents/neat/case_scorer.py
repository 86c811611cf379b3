"""Scoring of genomes on cases, many at once, and the backends that run it.

Conventions: as in `agents.fitness`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import neat
import numpy as np

from agents.cases import Cases
from agents.fitness import KINDS, right_cases
from agents.neat.network import Layout, packed_outputs
from agents.neat.packed_genes import CHUNK, PackedGenes, packed_chunks
from agents.neat.recurrent_network import recurrent_outputs

Chunk = PackedGenes | list[neat.DefaultGenome]
"""Genomes that are evaluated together: as arrays, or one by one if they are recurrent."""


@dataclass(frozen=True)
class Result:
    """Losses and right cases of N genomes with O outputs."""

    losses: np.ndarray
    """(N, O) float64, under the given cell weights."""
    plain: np.ndarray
    """(N, O) float64, without error reweighting."""
    right: np.ndarray
    """(N,) int64, number of right cases."""

    @classmethod
    def blank(cls, genomes: int, outputs: int) -> "Result":
        """Return an uninitialized result, to fill in with `put`."""
        losses, plain = np.empty((2, genomes, outputs))
        return cls(losses, plain, np.empty(genomes, dtype=np.int64))

    def put(self, indices: Sequence[int], part: "Result") -> None:
        """Fill in the results of the genomes at some indices."""
        self.losses[indices], self.plain[indices], self.right[indices] = part.losses, part.plain, part.right


class CaseScorer:
    """A scorer of chunks on cases, by a named fitness kind. Each process makes it once."""

    def __init__(self, cases: Cases, kind: str):
        self.cases, self.kind = cases, KINDS[kind]
        self.plain_weights = np.tile(cases.possible, (len(cases.targets), 1)).astype(np.float32)
        self._layout = Layout(cases.inputs, len(cases.targets))

    def outputs(self, chunk: Chunk) -> np.ndarray:
        """Return the outputs (N, O, C) of a chunk."""
        if isinstance(chunk, list):
            return np.concatenate([recurrent_outputs(genome, self.cases) for genome in chunk])
        return packed_outputs(chunk, self._layout)

    def evaluate(self, chunk: Chunk, weights: np.ndarray | None) -> Result:
        """Evaluate a chunk under cell weights (O, C); None: no error reweighting."""
        return self.judge(self.outputs(chunk), weights)

    def judge(self, outputs: np.ndarray, weights: np.ndarray | None) -> Result:
        """Score outputs (N, O, C); weights as for `evaluate`."""
        targets = self.cases.targets
        plain = self.kind(outputs, targets, self.plain_weights)
        losses = plain if weights is None else self.kind(outputs, targets, weights)
        return Result(losses, plain, right_cases(outputs, targets).sum(axis=1))


def chunks(genomes: Sequence[neat.DefaultGenome], cases: Cases, parts: int) -> Iterator[tuple[list[int], Chunk]]:
    """Yield chunks of genomes with their indices; at least `parts` chunks if there are enough genomes."""
    size = max(1, min(CHUNK, -(-len(genomes) // max(parts, 1))))
    if not cases.recurrent:
        yield from packed_chunks(genomes, len(cases.targets), size)
        return
    for first in range(0, len(genomes), size):
        part = genomes[first : first + size]
        yield list(range(first, first + len(part))), list(part)


Score = Callable[[Sequence[Chunk], np.ndarray | None], Iterable[Result]]


class Backend(Protocol):
    """A way to evaluate genomes: in this process, in others, or incrementally."""

    def evaluate(self, genomes: Sequence[neat.DefaultGenome], weights: np.ndarray | None) -> Result:
        """Evaluate genomes; the results are in their order.

        Args:
            genomes: any number of them.
            weights: (O, C), cell weights; None: no error reweighting.
        """
        ...


class InChunks:
    """A backend that evaluates genomes in chunks, each from scratch."""

    def __init__(self, cases: Cases, score: Score, parts: int):
        """
        Args:
            cases: inputs and targets of the networks.
            score: evaluates chunks under cell weights; the results are in their order.
            parts: least number of chunks, if there are enough genomes.
        """
        self._cases, self._score, self._parts = cases, score, parts

    def evaluate(self, genomes: Sequence[neat.DefaultGenome], weights: np.ndarray | None) -> Result:
        parts = list(chunks(genomes, self._cases, self._parts))
        result = Result.blank(len(genomes), len(self._cases.targets))
        scored = self._score([chunk for _, chunk in parts], weights)
        for (indices, _), part in zip(parts, scored, strict=True):
            result.put(indices, part)
        return result


def in_process(scorer: CaseScorer) -> InChunks:
    """Return the backend that evaluates in this process."""
    return InChunks(scorer.cases, lambda parts, weights: (scorer.evaluate(part, weights) for part in parts), 1)

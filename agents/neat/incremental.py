"""Incremental evaluation: a child is evaluated by what it changed, not by all of its connections.

A genome keeps a *row* for every output: the sums before the activation in all cases. A child begins with the rows
of the parents that it took its outputs from, and notes what crossover and mutation change. A changed weight adds
its change to the cases in which its input is on; outputs that are as they were keep their row and its loss.
Weights are on a grid on which such sums are exact (`agents.neat.network`), so the results are the same to
the bit as those of an evaluation from nothing.

That holds where inputs feed outputs directly: genomes with hidden nodes are evaluated anew.

Conventions: as in `agents.fitness`; R rows are evaluated together, each of one output.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from agents.cases import Cases
from agents.neat.case_scorer import CaseScorer, InProcess, Result, chunks
from agents.neat.genome import Genome

SEPARABLE = ("squared_hinge", "right_keys")
"""Fitness kinds in which the loss of an output depends on that output alone."""
BLOCK = 1 << 20
"""Cells that are evaluated together, roughly: they should stay in the processor's cache."""


def can_be_incremental(cases: Cases, kind: str) -> bool:
    """Return whether evaluation can go by changes."""
    return kind in SEPARABLE and not cases.recurrent


def _is_flat(genome: Genome, outputs: int) -> bool:
    """Return whether a genome has no hidden nodes, and outputs that do not scale their sums."""
    return len(genome.nodes) == outputs and all(node.response == 1 for node in genome.nodes.values())


class Row:
    """What an output answers in all cases, and what that is worth."""

    __slots__ = ("loss", "output", "plain", "sums", "version", "wrong")

    def __init__(self, output: int, sums: np.ndarray):
        self.output = output
        self.sums = sums
        """(C,) float32."""
        self.wrong: np.ndarray
        """A bit for every case, from its evaluation on."""
        self.plain = self.loss = 0.0
        """Without boost, and with the weights of the cells of some version."""
        self.version = -1


def _rows(genome: Genome) -> list[Row]:
    """Return the rows of a genome that has them."""
    assert genome.rows is not None
    return genome.rows


class Incremental:
    """Evaluates in this process, children by their changes. A `Backend`."""

    def __init__(self, measure: CaseScorer):
        """
        Args:
            measure: of cases and a kind for which `can_be_incremental` holds.
        """
        self._measure, self._anew = measure, InProcess(measure)
        self._targets = measure.cases.targets
        self._on = [np.flatnonzero(row) for row in measure.cases.inputs]
        self._weights: np.ndarray | None = None
        self._version = 0

    def evaluate(self, genomes: Sequence[Genome], weights: np.ndarray | None) -> Result:
        """Evaluate genomes; weights (O, C), None for those of an evaluation without boost."""
        if weights is not self._weights:
            self._weights, self._version = weights, self._version + 1
        outputs = len(self._targets)
        flat = np.array([_is_flat(genome, outputs) for genome in genomes], dtype=bool)
        self._evaluate_rows([genome for genome, is_flat in zip(genomes, flat, strict=True) if is_flat])
        result = Result.blank(len(genomes), outputs)
        for place in np.flatnonzero(flat).tolist():
            rows = _rows(genomes[place])
            result.losses[place], result.plain[place] = [row.loss for row in rows], [row.plain for row in rows]
            result.right[place] = self._right(rows)
        deep = np.flatnonzero(~flat)
        result.put(deep, self._anew.evaluate([genomes[place] for place in deep.tolist()], weights))
        return result

    def _right(self, rows: Sequence[Row]) -> int:
        wrong = np.bitwise_or.reduce([row.wrong for row in rows])
        return len(self._measure.cases) - int(np.unpackbits(wrong).sum())

    def _evaluate_rows(self, genomes: Sequence[Genome]) -> None:
        """Bring the rows of genomes without hidden nodes up to date."""
        new = [genome for genome in genomes if genome.rows is None]
        for places, chunk in chunks(new, self._measure.cases, 1):
            for place, sums in zip(places, self._measure.outputs(chunk), strict=True):
                new[place].rows = [Row(output, row.copy()) for output, row in enumerate(sums)]
                new[place].changes = []
        for genome in genomes:
            self._apply_changes(genome)
        stale = {id(row): row for genome in genomes for row in _rows(genome) if row.version != self._version}
        rows, size = list(stale.values()), max(1, BLOCK // len(self._measure.cases))
        for first in range(0, len(rows), size):
            self._weigh(rows[first : first + size])

    def _apply_changes(self, genome: Genome) -> None:
        rows, changes = _rows(genome), defaultdict(list)
        for output, source, change in genome.changes:
            changes[output].append((source, change))
        for output, changed in changes.items():
            sums = rows[output].sums.copy()
            for source, change in changed:
                # the bias counts in all cases
                sums[slice(None) if source is None else self._on[-1 - source]] += np.float32(change)
            rows[output] = Row(output, sums)
        genome.changes.clear()

    def _weigh(self, rows: Sequence[Row]) -> None:
        """Evaluate rows under the weights of today."""
        sums, outputs = np.stack([row.sums for row in rows]), [row.output for row in rows]
        targets, plain_weights = self._targets[outputs], self._measure.plain_weights[outputs]
        plain = losses = self._measure.kind(sums[None], targets, plain_weights)[0]
        if self._weights is not None:
            losses = self._measure.kind(sums[None], targets, self._weights[outputs])[0]
        wrong = np.packbits((sums > 0) != targets, axis=1)
        for place, row in enumerate(rows):
            row.plain, row.loss, row.wrong = float(plain[place]), float(losses[place]), wrong[place].copy()
            row.version = self._version

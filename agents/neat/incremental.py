"""Incremental evaluation: a child is evaluated by what changed, not by all of its connections.

A *row* is what one output answers in all cases, with the genes that it was computed from. A child begins with the
rows of the parents that it took its outputs from. An output whose genes are those of its row keeps the row and its
loss; else the genes are compared, and a changed weight adds its change to the cases in which its input is on. So
nobody has to report changes, and a row of the wrong relative costs time, not correctness.

Where weights are on a grid on which such sums are exact (`WEIGHT_GRID`), the results are the same to the bit as
those of an evaluation from nothing. All other genomes are evaluated from nothing: those with hidden nodes, with
weights off the grid, or with sums too large to be exact.

Conventions: as in `agents.fitness`; R rows are evaluated together, each of one output.
"""

import math
from collections.abc import Sequence

import numpy as np

from agents.cases import Cases
from agents.neat.case_scorer import CaseScorer, Result, chunks, in_process
from agents.neat.genome import WEIGHT_GRID, ConnectionGene, Genome, Inputs, NodeGene

SEPARABLE = ("squared_hinge", "right_keys")
"""Fitness kinds in which the loss of an output depends on that output alone."""
BLOCK = 1 << 20
"""Cells that are evaluated together, roughly: they should stay in the processor's cache."""
LARGEST_SUM = 2**24 / WEIGHT_GRID
"""Single precision holds every multiple of 1/`WEIGHT_GRID` up to this exactly."""


def can_be_incremental(cases: Cases, kind: str) -> bool:
    """Return whether children can be evaluated by what changed."""
    return kind in SEPARABLE and not cases.recurrent


def on_grid(value: float) -> bool:
    """Return whether a weight or a bias is a multiple of 1/`WEIGHT_GRID`."""
    return (value * WEIGHT_GRID).is_integer()


def size_of(node: NodeGene, inputs: Inputs) -> float:
    """Return the sum of the absolute weights and bias of an output, infinite where sums over them are not exact."""
    values = [node.bias, *(gene.weight for gene in inputs.values())]
    exact = node.response == 1 and all(map(on_grid, values)) and all(source < 0 for source, _ in inputs)
    return sum(map(abs, values)) if exact else math.inf


class Row:
    """An output's sums in all cases, and their loss."""

    __slots__ = ("inputs", "loss", "node", "plain", "size", "sums", "version", "wrong")

    def __init__(self, node: NodeGene, inputs: Inputs, sums: np.ndarray, size: float):
        self.node, self.inputs = node, inputs
        self.size = size
        """As `size_of`; at most `LARGEST_SUM`, so that its sums are exact in single precision, in any order."""
        self.sums = sums
        """(C,) float32, before the activation."""
        self.wrong: np.ndarray
        """A bit for every case, from its evaluation on."""
        self.plain = self.loss = 0.0
        """Loss without error reweighting, and with the weights of `version`."""
        self.version = -1


class Incremental:
    """Evaluates in this process, children by what changed, where `can_be_incremental` holds. A `Backend`."""

    def __init__(self, scorer: CaseScorer):
        self._scorer, self._from_nothing = scorer, in_process(scorer)
        self._targets = scorer.cases.targets
        self._on = [np.flatnonzero(row) for row in scorer.cases.inputs]
        self._weights: np.ndarray | None = None
        self._version = 0

    def evaluate(self, genomes: Sequence[Genome], weights: np.ndarray | None) -> Result:
        """Evaluate genomes; weights (O, C), None for those of an evaluation without error reweighting."""
        if weights is not self._weights:
            self._weights, self._version = weights, self._version + 1
        for genome in genomes:
            genome.rows = self._updated(genome) if genome.rows else None
        self._begin([genome for genome in genomes if not genome.rows])
        self._weigh([row for genome in genomes for row in genome.rows or ()])
        result, others = Result.blank(len(genomes), len(self._targets)), []
        for index, genome in enumerate(genomes):
            if genome.rows is None:
                others.append(index)
                continue
            result.losses[index] = [row.loss for row in genome.rows]
            result.plain[index] = [row.plain for row in genome.rows]
            result.right[index] = self._right(genome.rows)
        result.put(others, self._from_nothing.evaluate([genomes[index] for index in others], weights))
        return result

    def _right(self, rows: Sequence[Row]) -> int:
        wrong = np.bitwise_or.reduce([row.wrong for row in rows])
        return len(self._scorer.cases) - int(np.unpackbits(wrong).sum())

    def _updated(self, genome: Genome) -> list[Row] | None:
        """Return the rows of a genome, made of those it begins with; None if their sums would not be exact."""
        assert genome.rows is not None
        if len(genome.nodes) > len(self._targets):
            return None
        rows = []
        for output, row in enumerate(genome.rows):
            node, inputs = genome.nodes[output], genome.inputs.get(output, {})
            if row.node is not node or row.inputs != inputs:
                row = self._changed(row, node, inputs)
                if row is None:
                    return None
            rows.append(row)
        return rows

    def _changed(self, row: Row, node: NodeGene, inputs: Inputs) -> Row | None:
        """Return the row of other genes of the same output, made of a row; None if its sums would not be exact."""
        before, added = row.inputs, 0
        changes: list[tuple[int, ConnectionGene | None, ConnectionGene | None]] = []
        for key, gene in inputs.items():
            old = before.get(key)
            if old is not gene:
                changes.append((key[0], old, gene))
                added += old is None
        if len(before) > len(inputs) - added:
            changes += [(key[0], before[key], None) for key in before.keys() - inputs.keys()]
        size = row.size + abs(node.bias) - abs(row.node.bias) + sum(_size(new) - _size(old) for _, old, new in changes)
        new_genes = [(source, new) for source, _, new in changes if new is not None]
        exact = (
            node.response == 1
            and on_grid(node.bias)
            and all(source < 0 and on_grid(gene.weight) for source, gene in new_genes)
        )
        if not exact or size > LARGEST_SUM:
            return None
        sums = row.sums.copy()
        sums += np.float32(node.bias - row.node.bias)
        for source, old, new in changes:
            if change := _weight(new) - _weight(old):
                sums[self._on[-1 - source]] += np.float32(change)
        return Row(node, inputs, sums, size)

    def _begin(self, genomes: Sequence[Genome]) -> None:
        """Compute the rows of genomes that begin with none, where their sums are exact."""
        new = [genome for genome in genomes if self._is_exact(genome)]
        for indices, chunk in chunks(new, self._scorer.cases, 1):
            for index, sums in zip(indices, self._scorer.outputs(chunk), strict=True):
                genome = new[index]
                genome.rows = [
                    Row(node, inputs, row.copy(), size_of(node, inputs))
                    for row, (node, inputs) in zip(sums, _outputs(genome), strict=True)
                ]

    def _is_exact(self, genome: Genome) -> bool:
        return len(genome.nodes) == len(self._targets) and all(
            size_of(node, inputs) <= LARGEST_SUM for node, inputs in _outputs(genome)
        )

    def _weigh(self, rows: Sequence[Row]) -> None:
        """Bring the losses of rows up to date with the weights."""
        stale = list({id(row): row for row in rows if row.version != self._version}.values())
        size = max(1, BLOCK // len(self._scorer.cases))
        for first in range(0, len(stale), size):
            self._weigh_block(stale[first : first + size])

    def _weigh_block(self, rows: Sequence[Row]) -> None:
        sums, outputs = np.stack([row.sums for row in rows]), [row.node.key for row in rows]
        targets, plain_weights = self._targets[outputs], self._scorer.plain_weights[outputs]
        plain = losses = self._scorer.kind(sums[None], targets, plain_weights)[0]
        if self._weights is not None:
            losses = self._scorer.kind(sums[None], targets, self._weights[outputs])[0]
        wrong = np.packbits((sums > 0) != targets, axis=1)
        for index, row in enumerate(rows):
            row.plain, row.loss, row.wrong = float(plain[index]), float(losses[index]), wrong[index].copy()
            row.version = self._version


def _outputs(genome: Genome) -> list[tuple[NodeGene, Inputs]]:
    """Return each output of a genome without hidden nodes, and the connections that lead to it."""
    return [(genome.nodes[output], genome.inputs.get(output, {})) for output in range(len(genome.nodes))]


def _size(gene: ConnectionGene | None) -> float:
    """Return how much a connection counts in `size_of`."""
    return 0.0 if gene is None else abs(gene.weight)


def _weight(gene: ConnectionGene | None) -> float:
    """Return the weight with which a connection counts."""
    return gene.weight if gene is not None and gene.enabled else 0.0

"""Incremental evaluation: a child is evaluated from what changed, not from all of its connections.

A *row* holds the sums of one node's inputs in all cases, with the genes they were computed from. A child starts with
the rows of the parents its nodes came from. A node whose genes equal those of its row keeps the row, and also its loss
if it is an output that no hidden node feeds. Otherwise the genes are compared, and the change of a weight is added in
the cases in which its input is on. So operators need not report changes, and a row of the wrong relative costs time,
not correctness. The values of hidden nodes are recomputed for every genome.

If weights are on a grid on which such sums are exact (`WEIGHT_GRID`), the results are bit-identical to an evaluation
from scratch. Genomes with weights off the grid, or with sums too large to be exact, are evaluated from scratch.

Conventions: as in `agents.fitness`; R rows are evaluated together, each of one output.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from agents.cases import Cases
from agents.neat.case_scorer import CaseScorer, Result, in_process
from agents.neat.genome import NO_INPUTS, WEIGHT_GRID, ConnectionGene, Ends, Genome, Inputs, NodeGene
from agents.neat.network import hidden_weights, settled
from agents.neat.packed_genes import packed_chunks

SEPARABLE = ("squared_hinge", "right_keys")
"""Fitness kinds in which the loss of an output depends only on that output."""
BLOCK = 1 << 20
"""Approximate number of cells evaluated together; they should fit into the processor's cache."""
LARGEST_SUM = 2**24 / WEIGHT_GRID
"""Single precision represents every multiple of 1/`WEIGHT_GRID` up to this exactly."""


def can_be_incremental(cases: Cases, kind: str) -> bool:
    """Return True if children can be evaluated incrementally."""
    return kind in SEPARABLE and not cases.recurrent


Change = tuple[ConnectionGene | None, ConnectionGene | None]
"""A connection's new and old gene; None if it does not exist."""


class Row:
    """The sums of a node's inputs in all cases and, for an output, their loss."""

    __slots__ = ("inner", "inputs", "loss", "node", "plain", "size", "sums", "version", "wrong")

    def __init__(
        self, node: NodeGene | None, inputs: Inputs, sums: np.ndarray, size: float, inner: list[ConnectionGene]
    ):
        self.node, self.inputs = node, inputs
        self.sums = sums
        """(C,) float32, without the bias; never modified."""
        self.size = size
        """Sum of the absolute weights from inputs; at most `LARGEST_SUM`, so that sums are exact in any order."""
        self.inner = inner
        """Enabled connections from other nodes."""
        self.wrong: np.ndarray
        """One bit per case; set by the evaluation."""
        self.plain = self.loss = 0.0
        """Loss without error reweighting, and with the weights of `version`."""
        self.version = -1


class _Inner(NamedTuple):
    """The part of a genome that `packed_chunks` needs once the inputs are summed."""

    nodes: Mapping[int, NodeGene]
    connections: dict[Ends, ConnectionGene]


class Incremental:
    """A `Backend` that evaluates children incrementally in this process; requires `can_be_incremental`."""

    def __init__(self, scorer: CaseScorer):
        self._scorer, self._from_scratch = scorer, in_process(scorer)
        self._targets = scorer.cases.targets
        self._on = [np.flatnonzero(row) for row in scorer.cases.inputs]
        self._blank = Row(None, NO_INPUTS, np.zeros(len(scorer.cases), dtype=np.float32), 0.0, [])
        self._weights: np.ndarray | None = None
        self._version = 0

    def evaluate(self, genomes: Sequence[Genome], weights: np.ndarray | None) -> Result:
        """Evaluate genomes under cell weights (O, C); None: no error reweighting."""
        if weights is not self._weights:
            self._weights, self._version = weights, self._version + 1
        outputs, result = range(len(self._targets)), Result.blank(len(genomes), len(self._targets))
        linear: list[int] = []
        deep: list[int] = []
        others: list[int] = []
        for index, genome in enumerate(genomes):
            genome.rows = rows = self._updated(genome)
            kind = others if not rows else deep if any([rows[output].inner for output in outputs]) else linear
            kind.append(index)
        known = [[genomes[index].rows[output] for output in outputs] for index in linear]
        self._weigh([row for each in known for row in each])
        for index, each in zip(linear, known, strict=True):
            result.losses[index] = [row.loss for row in each]
            result.plain[index] = [row.plain for row in each]
            result.right[index] = self._right(each)
        self._settle([genomes[index] for index in deep], deep, result)
        result.put(others, self._from_scratch.evaluate([genomes[index] for index in others], weights))
        return result

    def _right(self, rows: Sequence[Row]) -> int:
        wrong = np.bitwise_or.reduce([row.wrong for row in rows])
        return len(self._scorer.cases) - int(np.unpackbits(wrong).sum())

    def _updated(self, genome: Genome) -> dict[int, Row]:
        """Return the rows of a genome, updated from those it starts with; empty if sums would not be exact."""
        rows: dict[int, Row] = {}
        for key, node in genome.nodes.items():
            row, inputs = genome.rows.get(key, self._blank), genome.inputs.get(key, NO_INPUTS)
            if row.node is not node or (row.inputs is not inputs and row.inputs != inputs):
                row = self._changed(row, node, inputs)
                if row is None:
                    return {}
            rows[key] = row
        return rows

    def _changed(self, row: Row, node: NodeGene, inputs: Inputs) -> Row | None:
        """Return a row updated to other genes of the same node; None if its sums would not be exact."""
        before = row.inputs
        pairs = zip(inputs.values(), map(before.get, inputs), strict=True)
        changes: list[Change] = [(gene, old) for gene, old in pairs if gene is not old]
        if len(before) > len(inputs) - sum([old is None for _, old in changes]):
            changes += [(None, before[key]) for key in before.keys() - inputs.keys()]
        size, sums, inner = row.size, row.sums.copy() if changes else row.sums, row.inner
        for new, old in changes:
            source = new.key[0] if new is not None else old.key[0]  # type: ignore[union-attr]
            if source >= 0:
                inner = [gene for gene in inputs.values() if gene.key[0] >= 0 and gene.enabled]
                continue
            if new is not None and not (new.weight * WEIGHT_GRID).is_integer():
                return None
            size += _size(new) - _size(old)
            if change := _weight(new) - _weight(old):
                sums[self._on[-1 - source]] += np.float32(change)
        return Row(node, inputs, sums, size, inner) if size <= LARGEST_SUM else None

    def _weigh(self, rows: Sequence[Row]) -> None:
        """Update the losses of rows to the current weights."""
        stale = list({id(row): row for row in rows if row.version != self._version}.values())
        size = max(1, BLOCK // len(self._scorer.cases))
        for first in range(0, len(stale), size):
            self._weigh_block(stale[first : first + size])

    def _weigh_block(self, rows: Sequence[Row]) -> None:
        nodes = [row.node for row in rows if row.node is not None]
        values, outputs = np.stack([row.sums for row in rows]), [node.key for node in nodes]
        values *= np.array([[node.response] for node in nodes], dtype=np.float32)
        values += np.array([[node.bias] for node in nodes], dtype=np.float32)
        targets, plain_weights = self._targets[outputs], self._scorer.plain_weights[outputs]
        plain = losses = self._scorer.kind(values[None], targets, plain_weights)[0]
        if self._weights is not None:
            losses = self._scorer.kind(values[None], targets, self._weights[outputs])[0]
        wrong = np.packbits((values > 0) != targets, axis=1)
        for index, row in enumerate(rows):
            row.plain, row.loss, row.wrong = float(plain[index]), float(losses[index]), wrong[index].copy()
            row.version = self._version

    def _settle(self, genomes: Sequence[Genome], indices: Sequence[int], result: Result) -> None:
        """Evaluate genomes with hidden nodes from their rows, and store their results."""
        inner = [
            _Inner(genome.nodes, {gene.key: gene for row in genome.rows.values() for gene in row.inner})
            for genome in genomes
        ]
        for members, genes in packed_chunks(inner, len(self._targets)):
            rows = [genomes[member].rows for member in members]
            sums = np.stack(
                [one[key].sums for one, keys in zip(rows, genes.keys.tolist(), strict=True) for key in keys]
            )
            between = hidden_weights(genes, len(self._targets), np.float32)
            values = settled(genes, sums.reshape(*genes.keys.shape, -1), *between)
            result.put([indices[member] for member in members], self._scorer.judge(values, self._weights))


def _size(gene: ConnectionGene | None) -> float:
    """Return the contribution of a connection to the size of a row."""
    return 0.0 if gene is None else abs(gene.weight)


def _weight(gene: ConnectionGene | None) -> float:
    """Return the effective weight of a connection: 0 if it is missing or disabled."""
    return gene.weight if gene is not None and gene.enabled else 0.0

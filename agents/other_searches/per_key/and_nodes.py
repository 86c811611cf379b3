"""AND nodes: hidden nodes that are 1 where certain inputs are on and others off, and 0 everywhere else.

A node with n inputs that must be on has the bias 1 - n, weights of 1 from these, weights of -1 from the inputs that
must be off, and the activation relu. For inputs of 0 and 1 its value is exactly 0 or 1, here and in neat-python's own
network. A node can feed any of the outputs.

Conventions: H nodes; R rows, O outputs, literals, as in `per_key.sparse_cases`. The literals of a node are a sorted
tuple without repeats.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from agents.other_searches.per_key.margins import SMALLEST_GAIN, WEIGHT_LIMIT, ThresholdUnits, hinge, round_to_grid
from agents.other_searches.per_key.sparse_cases import join_ranges
from agents.search_state import LARGEST
from songs.validate import AnyLength, Within, validate_like

BATCH = 512
"""Nodes whose weights are changed together."""
SIZES = (1 / 64, 4.0)
"""Smallest and largest change of a weight."""
INITIAL_SIZE = 0.5

Node = tuple[tuple[int, ...], np.ndarray]
"""The literals of a node, and the sorted rows in which it is 1."""


class AndNodes:
    """The hidden nodes of a network of threshold units, their rows, and their weights into the outputs."""

    def __init__(self, units: ThresholdUnits):
        self.units = units
        """The units that the nodes feed; this class updates their margins."""
        self.literals: list[tuple[int, ...]] = []
        self._index_of: dict[tuple[int, ...], int] = {}
        outputs = units.cases.outputs
        # of capacity; the first H items are in use
        self._weights, self._sizes, self._directions = (np.zeros((64, outputs), dtype=np.float32) for _ in range(3))
        self._starts = np.zeros(64, dtype=np.int64)
        self._rows = np.zeros(1024, dtype=np.int64)
        self._node_of_row = np.zeros(units.cases.rows, dtype=np.int64)

    def __len__(self) -> int:
        return len(self.literals)

    def __contains__(self, literals: tuple[int, ...]) -> bool:
        return literals in self._index_of

    @property
    def weights(self) -> np.ndarray:
        """(H, O) float32: the weights from the nodes into the outputs."""
        return self._weights[: len(self)]

    @property
    def connections(self) -> int:
        """Number of connections into and out of the nodes."""
        return sum(map(len, self.literals)) + int(np.count_nonzero(self.weights))

    def rows_of(self, node: int) -> np.ndarray:
        """Return the sorted rows of a node."""
        return self._rows[self._starts[node] : self._starts[node + 1]]

    def join_rows(self, nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the rows of nodes (N,), node by node, the start of each (N,), and the index of each row's node."""
        begins = self._starts[nodes]
        counts = self._starts[nodes + 1] - begins
        indices, heads = join_ranges(begins, counts)
        return self._rows[indices], heads, np.repeat(np.arange(len(nodes)), counts)

    def sums(self) -> np.ndarray:
        """Return the total contribution of the nodes to every output in every row, (R, O) float32."""
        sums = np.zeros_like(self.units.margins)
        for node, weights in enumerate(self.weights):
            sums[self.rows_of(node)] += weights
        return sums

    def add(self, node: Node, weights: np.ndarray) -> None:
        """Add a new node with at least one row, and weights (O,) float32 into the outputs."""
        literals, rows = node
        index, begin = len(self), self._starts[len(self)]
        self._reserve(index + 1, begin + len(rows))
        self.literals.append(literals)
        self._index_of[literals] = index
        self._rows[begin : begin + len(rows)] = rows
        self._starts[index + 1] = begin + len(rows)
        self._weights[index], self._sizes[index], self._directions[index] = weights, INITIAL_SIZE, 1
        self.units.margins[rows] += self.units.cases.signs[rows] * weights

    def _reserve(self, nodes: int, rows: int) -> None:
        """Grow the arrays to at least these numbers of nodes and rows, with room for more."""
        if nodes >= len(self._starts):
            for name in ("_weights", "_sizes", "_directions", "_starts"):
                old = getattr(self, name)
                new = np.zeros((2 * nodes, *old.shape[1:]), dtype=old.dtype)
                new[: len(old)] = old
                setattr(self, name, new)
        if rows > len(self._rows):
            self._rows = np.concatenate([self._rows, np.zeros(2 * rows, dtype=np.int64)])

    def keep(self, nodes: np.ndarray, changed: Mapping[int, Node] = MappingProxyType({})) -> None:
        """Keep only these nodes (N,), in ascending order, some with changed literals and rows; weights stay."""
        kept = [changed.get(node) or (self.literals[node], self.rows_of(node)) for node in nodes.tolist()]
        for values in (self._weights, self._sizes, self._directions):
            values[: len(nodes)] = values[nodes]
        self._set(kept)

    def _set(self, nodes: list[Node]) -> None:
        """Replace all literals and rows."""
        self.literals = [literals for literals, _ in nodes]
        self._index_of = {literals: index for index, literals in enumerate(self.literals)}
        together = np.concatenate([self._rows[:0], *(rows for _, rows in nodes)])
        self._reserve(len(nodes), len(together))
        self._rows[: len(together)] = together
        self._starts[1 : len(nodes) + 1] = np.cumsum([len(rows) for _, rows in nodes])

    def keep_used(self) -> None:
        """Drop the nodes that feed no output."""
        used = self.weights.any(axis=1)
        if not used.all():
            self.keep(np.flatnonzero(used))

    def mutate(self, cost: float, random: np.random.Generator) -> None:
        """Propose a change of every weight out of the nodes, and accept each that lowers its output's loss.

        Every weight has its own step size, doubled after a success, and halved and reversed after a failure. Weights
        may also be deleted, which saves the cost of a connection.
        """
        order = random.permutation(len(self))
        for first in range(0, len(self), BATCH):
            self._mutate(self.disjoint(order[first : first + BATCH]), cost)

    def disjoint(self, nodes: np.ndarray) -> np.ndarray:
        """Return a subset of the nodes in which no two share a row."""
        rows, heads, owners = self.join_rows(nodes)
        self._node_of_row[rows] = owners
        return nodes[np.logical_and.reduceat(self._node_of_row[rows] == owners, heads)]

    def _mutate(self, nodes: np.ndarray, cost: float) -> None:
        """Propose a change and a deletion of every weight out of nodes that share no row."""
        if not len(nodes):
            return
        rows, heads, owners = self.join_rows(nodes)
        units, old = self.units, self._weights[nodes]
        margins, signs = units.margins.take(rows, axis=0), units.cases.signs.take(rows, axis=0)
        steps = round_to_grid(self._sizes[nodes] * self._directions[nodes])
        new = np.clip(old + steps, -WEIGHT_LIMIT, WEIGHT_LIMIT)
        losses = np.add.reduceat(hinge(margins), heads)
        changed = np.add.reduceat(hinge(margins + signs * (new - old)[owners]), heads)
        deleted = np.add.reduceat(hinge(margins - signs * old[owners]), heads)
        gains = losses - changed - cost * ((old == 0) & (new != 0))
        gains_deleted = np.where(old != 0, losses - deleted + cost, 0)
        better = (gains > SMALLEST_GAIN) & (new != old)
        delete = (gains_deleted > SMALLEST_GAIN) & (gains_deleted > np.where(better, gains, 0))
        sizes = self._sizes[nodes]
        self._sizes[nodes] = np.clip(np.where(better, sizes * 2, sizes / 2), *SIZES)
        self._directions[nodes] *= np.where(better, np.float32(1), np.float32(-1))
        new = np.where(delete, 0, np.where(better, new, old)).astype(np.float32)
        units.margins[rows] = margins + signs * (new - old)[owners]
        self._weights[nodes] = new
        units.evaluations += 2 * len(nodes) * old.shape[1]

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return the nodes as arrays: all literals, node by node, their counts, and the weights with step sizes."""
        count = len(self)
        literals = [literal for node in self.literals for literal in node]
        arrays = {"literals": np.array(literals, dtype=np.int64)}
        arrays["counts"] = np.array([len(node) for node in self.literals], dtype=np.int64)
        values = {"weights": self._weights, "sizes": self._sizes, "directions": self._directions}
        return arrays | {name: array[:count] for name, array in values.items()}, {}

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Restore the nodes, but not the margins, which need `sums`; raises ValueError if they do not fit."""
        cases, integers = self.units.cases, AnyLength(np.zeros(0, dtype=np.int64))
        literals = Within(integers, -cases.inputs, cases.inputs - 1)
        validate_like({"literals": literals, "counts": Within(integers, 1, 2 * cases.inputs)}, arrays)
        ends = np.cumsum(arrays["counts"])
        if arrays["counts"].sum() != len(arrays["literals"]):
            raise ValueError(f"literals: {len(arrays['literals'])} do not match counts of {arrays['counts'].sum()}")
        example = Within(np.zeros((len(ends), cases.outputs), dtype=np.float32), -LARGEST, LARGEST)
        validate_like(dict.fromkeys(("weights", "sizes", "directions"), example), arrays)
        nodes = [tuple(part.tolist()) for part in np.split(arrays["literals"], ends[:-1])] if len(ends) else []
        rows = [cases.rows_with(node) for node in nodes]
        if not all(map(len, rows)):
            raise ValueError("literals: a node is never on")
        self._set(list(zip(nodes, rows, strict=True)))
        for name in ("weights", "sizes", "directions"):
            getattr(self, f"_{name}")[: len(nodes)] = arrays[name]


def literals_of(literals: Iterable[int]) -> tuple[int, ...]:
    """Return the distinct literals, sorted."""
    return tuple(sorted({int(literal) for literal in literals}))

"""AND nodes: hidden nodes that are 1 where some inputs are on and some are off, and 0 everywhere else.

A node with n inputs that must be on has the bias 1 - n, weights of 1 from these, weights of -1 from the
inputs that must be off, and the activation relu. For inputs of 0 and 1 its value is exactly 0 or 1, in
neat-python's own network as in this one. Every node feeds any of the outputs.

Conventions: H nodes; R rows, O outputs, as in `per_key.sparse_cases`. A *literal* is an input i that must be
on, written i, or off, written ~i (that is -1 - i). A node's literals are a sorted tuple, each once.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from agents.other_searches.per_key.hinge import SMALLEST_GAIN, hinge, round_to_grid
from agents.other_searches.per_key.sparse_cases import SparseCases
from agents.other_searches.per_key.threshold_units import ThresholdUnits
from agents.search_state import restored_array

BATCH = 512
"""Nodes whose weights are changed together."""
SIZES = (1 / 64, 4.0)
"""Smallest and greatest change of a weight."""
STATE = {"literals": [[-1]], "weights": None, "sizes": None, "directions": None}
"""An example of what `AndNodes.state` returns; arrays are left open."""


def rows_with(cases: SparseCases, literals: Sequence[int]) -> np.ndarray:
    """Return the rows in which a node with these literals is 1, ascending."""
    words = np.full(cases.words.shape[1], ~np.uint64(0))
    for literal in literals:
        words &= cases.words[literal] if literal >= 0 else ~cases.words[~literal]
    rows = cases.rows_of_words(words[None])[1]
    # the bits behind the last row are padding
    return rows[: np.searchsorted(rows, cases.rows)]


class AndNodes:
    """The hidden nodes of a network of threshold units, their rows, and their weights into the outputs."""

    def __init__(self, units: ThresholdUnits):
        """
        Args:
            units: the units that the nodes feed; their margins are kept up to date.
        """
        self.units = units
        self.literals: list[tuple[int, ...]] = []
        self._known: dict[tuple[int, ...], int] = {}
        outputs = units.cases.outputs
        self._weights, self._sizes, self._directions = (np.zeros((64, outputs), dtype=np.float32) for _ in range(3))
        self._starts = np.zeros(64, dtype=np.int64)
        self._rows = np.zeros(1024, dtype=np.int64)
        self._owner = np.zeros(units.cases.rows, dtype=np.int64)

    def __len__(self) -> int:
        return len(self.literals)

    def __contains__(self, literals: tuple[int, ...]) -> bool:
        return literals in self._known

    @property
    def weights(self) -> np.ndarray:
        """(H, O) float32: the weights from the nodes into the outputs."""
        return self._weights[: len(self)]

    @property
    def connections(self) -> int:
        """Number of connections into and out of the nodes."""
        return sum(map(len, self.literals)) + int(np.count_nonzero(self.weights))

    def rows_of(self, nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the rows of nodes one after the other, where each node's begin, and how many it has."""
        begins = self._starts[nodes]
        counts = self._starts[nodes + 1] - begins
        heads = np.cumsum(counts) - counts
        return self._rows[np.repeat(begins - heads, counts) + np.arange(counts.sum())], heads, counts

    def sums(self) -> np.ndarray:
        """Return what the nodes add to every output in every row, (R, O) float32."""
        sums = np.zeros_like(self.units.margins)
        for node, weights in enumerate(self.weights):
            sums[self._rows[self._starts[node] : self._starts[node + 1]]] += weights
        return sums

    def add(self, literals: tuple[int, ...], rows: np.ndarray, weights: np.ndarray) -> None:
        """Add a node that is new.

        Args:
            literals: what it asks for.
            rows: the rows in which it is 1, at least one.
            weights: (O,) float32, its weights into the outputs.
        """
        node, begin = len(self), self._starts[len(self)]
        self._reserve(node + 1, begin + len(rows))
        self.literals.append(literals)
        self._known[literals] = node
        self._rows[begin : begin + len(rows)] = rows
        self._starts[node + 1] = begin + len(rows)
        self._weights[node], self._sizes[node], self._directions[node] = weights, 0.5, 1
        self.units.margins[rows] += self.units.cases.signs[rows] * weights

    def _reserve(self, nodes: int, rows: int) -> None:
        """Make room, twice as much as is needed."""
        if nodes >= len(self._starts):
            for name in ("_weights", "_sizes", "_directions", "_starts"):
                old = getattr(self, name)
                new = np.zeros((2 * nodes, *old.shape[1:]), dtype=old.dtype)
                new[: len(old)] = old
                setattr(self, name, new)
        if rows > len(self._rows):
            self._rows = np.concatenate([self._rows, np.zeros(2 * rows, dtype=np.int64)])

    def keep(self, nodes: np.ndarray, changed: dict[int, tuple[tuple[int, ...], np.ndarray]] | None = None) -> None:
        """Keep only these nodes, in this order.

        Args:
            nodes: ascending.
            changed: new literals and rows of some of them; their weights stay.
        """
        changed = changed or {}
        literals, rows = [], []
        for node in nodes.tolist():
            own = changed.get(node)
            literals.append(own[0] if own else self.literals[node])
            rows.append(own[1] if own else self._rows[self._starts[node] : self._starts[node + 1]])
        for values in (self._weights, self._sizes, self._directions):
            values[: len(nodes)] = values[nodes]
        self._set(literals, rows)

    def _set(self, literals: list[tuple[int, ...]], rows: list[np.ndarray]) -> None:
        self.literals = literals
        self._known = {own: node for node, own in enumerate(literals)}
        counts = np.array([len(own) for own in rows], dtype=np.int64)
        total = int(counts.sum())
        together = np.concatenate(rows) if rows else np.zeros(0, dtype=np.int64)
        self._reserve(len(literals), total)
        self._rows[:total] = together
        self._starts[1 : len(literals) + 1] = np.cumsum(counts)

    def keep_used(self) -> None:
        """Drop the nodes that feed no output."""
        used = self.weights.any(axis=1)
        if not used.all():
            self.keep(np.flatnonzero(used))

    def mutate(self, cost: float, random: np.random.Generator) -> None:
        """Propose a change of every weight out of the nodes, and accept each that lowers its output's loss.

        Every weight has a mutation size of its own: twice as large after a success; after a failure half as
        large and in the other direction. Weights may be deleted, which saves the cost of a connection.
        """
        order = random.permutation(len(self))
        for first in range(0, len(self), BATCH):
            self._mutate(self.apart(order[first : first + BATCH]), cost)

    def apart(self, nodes: np.ndarray) -> np.ndarray:
        """Return those of the nodes that share no row with another one returned."""
        rows, heads, counts = self.rows_of(nodes)
        places = np.repeat(np.arange(len(nodes)), counts)
        self._owner[rows] = places
        return nodes[np.logical_and.reduceat(self._owner[rows] == places, heads)]

    def _mutate(self, nodes: np.ndarray, cost: float) -> None:
        if not len(nodes):
            return
        rows, heads, counts = self.rows_of(nodes)
        places = np.repeat(np.arange(len(nodes)), counts)
        units, old, limit = self.units, self._weights[nodes], self.units.weight_limit
        margins, signs = units.margins.take(rows, axis=0), units.cases.signs.take(rows, axis=0)
        losses = np.add.reduceat(hinge(margins), heads)
        new = np.clip(old + round_to_grid(self._sizes[nodes] * self._directions[nodes]), -limit, limit)
        changed = np.add.reduceat(hinge(margins + signs * (new - old)[places]), heads)
        deleted = np.add.reduceat(hinge(margins - signs * old[places]), heads)
        gains = losses - changed - cost * ((old == 0) & (new != 0))
        gains_deleted = np.where(old != 0, losses - deleted + cost, 0)
        better = (gains > SMALLEST_GAIN) & (new != old)
        delete = (gains_deleted > SMALLEST_GAIN) & (gains_deleted > np.where(better, gains, 0))
        sizes = self._sizes[nodes]
        self._sizes[nodes] = np.clip(np.where(better, sizes * 2, sizes / 2), *SIZES)
        self._directions[nodes] *= np.where(better, np.float32(1), np.float32(-1))
        new = np.where(delete, 0, np.where(better, new, old)).astype(np.float32)
        units.margins[rows] = margins + signs * (new - old)[places]
        self._weights[nodes] = new
        units.evaluations += 2 * len(nodes) * old.shape[1]

    def state(self) -> dict[str, Any]:
        """Return the nodes as plain data."""
        count = len(self)
        return {
            "literals": [list(own) for own in self.literals],
            "weights": self._weights[:count].tolist(),
            "sizes": self._sizes[:count].tolist(),
            "directions": self._directions[:count].tolist(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over nodes; the margins are not changed, `sums` tells what they make of them."""
        literals = [tuple(own) for own in state["literals"]]
        self._set(literals, [rows_with(self.units.cases, own) for own in literals])
        for name in ("weights", "sizes", "directions"):
            own = getattr(self, f"_{name}")[: len(literals)]
            own[:] = restored_array(state[name], own, name)


def literals_of(literals: Iterable[int]) -> tuple[int, ...]:
    """Return literals in the order in which nodes are known."""
    return tuple(sorted({int(literal) for literal in literals}))

"""The threshold unit of one key, evolved on its own: (1 + lambda) with changes of single connections.

A *margin* is how far the unit's sum lies on its right side of 0 in a row. The loss of a row is the squared hinge:
the square of what its margin lacks to 1, times the row's boost. A proposal changes one connection, and is scored
on the rows alone in which its input is on.

Weights lie on the grid of 1/1024 of `agents/neat/genome.py` and margins are sums of them, so single precision
holds them exactly: margins that were changed a million times are the margins computed anew, to the bit.

Conventions: R rows, I inputs, as in `per_key.sparse_cases`; P proposals.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.other_searches.per_key.hinge import SMALLEST_GAIN, draw, hinge, round_to_grid
from agents.other_searches.per_key.sparse_cases import SparseCases
from agents.search_state import restored_array

GREATEST_BOOST = 90
"""Times a row can be boosted; 1.1 ** 90 is about 5,000."""
SAFE = 0.5
"""Rows with a greater margin need no boost any more."""
NEW = 0.65
"""Share of the proposals that may make a new connection; the others change one that exists."""
DELETED = 0.07
"""Share of the proposals that delete a connection."""
SIZES = (-4.0, 1.2)
"""Logarithms of the smallest and the greatest change of a weight."""
STATE = {"inputs": [0], "weights": None, "bias": 0.0, "boosts": None, "evaluations": 0}
"""An example of what `KeyUnit.state` returns; arrays are left open."""


@dataclass(frozen=True)
class Mutation:
    """How the connections of a unit are mutated."""

    proposals: int = 256
    """Proposals scored at once, each a change of one connection; at least 1."""
    accepted: int = 16
    """Proposals of these that may be accepted one after the other, the best first; at least 1."""
    guided: float = 0.6
    """Chance that a proposal for a new connection looks at a row with loss: takes an input that is on there,
    and the sign that helps. This uses inputs and targets. 0: inputs and signs at random."""
    cost: float = 0.0
    """Loss that a connection must save to be worth having."""
    weight_limit: float = 30.0
    """Weights and biases lie between minus this and this."""


class KeyUnit:
    """The unit of one key, with its margins in all rows."""

    def __init__(self, cases: SparseCases, key: int, mutation: Mutation):
        self.cases, self.key, self.mutation = cases, key, mutation
        self.signs = np.ascontiguousarray(cases.signs[:, key])
        self.weights = np.zeros(cases.inputs, dtype=np.float32)
        # a key rests unless something speaks for it
        self.bias = np.float32(-1)
        self.boosts = np.zeros(cases.rows, dtype=np.int64)
        """(R,): how often each row was boosted."""
        self._live = np.flatnonzero(np.diff(cases.column_starts))
        self.evaluations = 0
        self._set_margins(self.signs * self.bias, growth=0.0)

    def _set_margins(self, margins: np.ndarray, growth: float) -> None:
        self.margins = margins
        self._weigh = ((1 + growth) ** np.arange(GREATEST_BOOST + 1)).astype(np.float32)[self.boosts]
        self._losses = hinge(margins) * self._weigh

    @property
    def connections(self) -> int:
        return int(np.count_nonzero(self.weights))

    @property
    def wrong(self) -> int:
        """Number of rows that are not right."""
        return int(np.count_nonzero(self.margins <= 0))

    def compute_margins(self) -> np.ndarray:
        """Return the margins (R,) computed anew."""
        sums = np.full(self.cases.rows, self.bias)
        for source in np.flatnonzero(self.weights).tolist():
            sums[self.cases.rows_of(source)] += self.weights[source]
        return sums * self.signs

    def gains(self, sources: np.ndarray, changes: np.ndarray) -> np.ndarray:
        """Return by how much each of P changes of a connection would better the boosted loss.

        Args:
            sources: (P,) inputs that are on in some row.
            changes: (P,) float32, what is added to the weight of each.
        """
        starts = self.cases.column_starts
        begins, counts = starts[sources], starts[sources + 1] - starts[sources]
        heads = np.cumsum(counts) - counts
        rows = self.cases.column_rows[np.repeat(begins - heads, counts) + np.arange(counts.sum())]
        self.evaluations += len(sources)
        return np.add.reduceat(self._better(rows, np.repeat(changes, counts)), heads)

    def _better(self, rows: np.ndarray, by: np.ndarray | np.float32) -> np.ndarray:
        """Return by how much the boosted loss of rows gets smaller when the unit's sum grows."""
        losses = hinge(self.margins.take(rows) + self.signs.take(rows) * by)
        losses *= self._weigh.take(rows)
        return self._losses.take(rows) - losses

    def change(self, source: int, by: np.float32) -> None:
        """Add to the weight of a connection."""
        rows = self.cases.rows_of(source)
        self.weights[source] += by
        margins = self.margins[rows] + self.signs[rows] * by
        self.margins[rows] = margins
        self._losses[rows] = hinge(margins) * self._weigh[rows]

    def mutate(self, random: np.random.Generator) -> None:
        """Propose changes of single connections, and accept the best that lower the loss."""
        if not len(self._live):
            return
        sources, changes = self._propose(random)
        cost, old = self.mutation.cost, self.weights[sources]
        priced = cost * ((old + changes != 0).astype(np.float32) - (old != 0))
        gains = self.gains(sources, changes) - priced
        gains[changes == 0] = 0
        used: set[int] = set()
        for place in np.argsort(-gains, kind="stable")[: self.mutation.accepted].tolist():
            source, by = int(sources[place]), changes[place]
            if gains[place] <= SMALLEST_GAIN or source in used:
                continue
            if used and self._gain(source, by) - priced[place] <= SMALLEST_GAIN:
                continue
            self.change(source, by)
            used.add(source)

    def _gain(self, source: int, by: np.float32) -> np.float32:
        """Return what `gains` returns, for one change."""
        self.evaluations += 1
        return self._better(self.cases.rows_of(source), by).sum()

    def _propose(self, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return P inputs and what is added to their weights."""
        count, limit = self.mutation.proposals, self.mutation.weight_limit
        kind = random.random(count)
        changes = np.exp(random.uniform(*SIZES, count))
        changes[random.random(count) < 0.5] *= -1
        sources = self._live[random.integers(len(self._live), size=count)]
        existing = np.flatnonzero(self.weights)
        if len(existing):
            sources = np.where(kind > NEW, existing[random.integers(len(existing), size=count)], sources)
        guided = np.flatnonzero(kind < NEW * self.mutation.guided)
        if len(guided):
            rows = draw(self._losses, random, len(guided))
            found, on = self._inputs_on(rows, random)
            sources[guided] = np.where(found, on, sources[guided])
            changes[guided] = np.where(found, np.abs(changes[guided]) * self.signs[rows], changes[guided])
        old = self.weights[sources]
        new = np.where(kind > 1 - DELETED, 0, round_to_grid(np.clip(old + changes, -limit, limit)))
        return sources, (new - old).astype(np.float32)

    def _inputs_on(self, rows: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw for each row an input that is on in it; return whether there is one, and the inputs."""
        begins = self.cases.row_starts[rows]
        counts = self.cases.row_starts[rows + 1] - begins
        places = begins + (random.random(len(rows)) * counts).astype(np.int64)
        return counts > 0, self.cases.row_inputs[np.minimum(places, len(self.cases.row_inputs) - 1)]

    def mutate_bias(self, random: np.random.Generator, tries: int = 3) -> None:
        """Propose some changes of the bias, and accept each that lowers the loss."""
        limit = self.mutation.weight_limit
        for change in np.exp(random.uniform(-4, 1, tries)) * random.choice((-1.0, 1.0), tries):
            by = round_to_grid(np.clip(self.bias + change, -limit, limit)) - self.bias
            self.evaluations += 1
            margins = self.margins + self.signs * by
            losses = hinge(margins) * self._weigh
            if (self._losses - losses).sum() > SMALLEST_GAIN:
                self.bias = np.float32(self.bias + by)
                self.margins, self._losses = margins, losses

    def boost(self, growth: float, calm: bool) -> None:
        """Let the rows that are not right weigh more from now on: 1 + growth times as much.

        Args:
            growth: the same for every boost of a unit.
            calm: whether rows that have become safely right weigh less again.
        """
        self.boosts[(self.margins <= 0) & (self.boosts < GREATEST_BOOST)] += 1
        if calm:
            self.boosts[(self.margins > SAFE) & (self.boosts > 0)] -= 1
        self._set_margins(self.margins, growth)

    def prune(self) -> None:
        """Delete connections as long as every row that is right stays right, small weights first."""
        existing = np.flatnonzero(self.weights)
        for source in existing[np.argsort(np.abs(self.weights[existing]), kind="stable")].tolist():
            rows, by = self.cases.rows_of(source), -self.weights[source]
            margins = self.margins[rows]
            if ((margins + self.signs[rows] * by > 0) | (margins <= 0)).all():
                self.change(source, by)

    def state(self) -> dict[str, Any]:
        """Return the unit as plain data."""
        existing = np.flatnonzero(self.weights)
        return {
            "inputs": existing.tolist(),
            "weights": self.weights[existing].tolist(),
            "bias": float(self.bias),
            "boosts": self.boosts.tolist(),
            "evaluations": self.evaluations,
        }

    def restore(self, state: dict[str, Any], growth: float) -> None:
        """Take over a state, of the kind of `STATE`; `growth` is that of every boost so far."""
        inputs = np.array(state["inputs"], dtype=np.int64)
        if not np.isin(inputs, self._live).all():
            raise ValueError(f"the unit {self.key} has inputs that are never on")
        self.weights[:] = 0
        self.weights[inputs] = restored_array(state["weights"], self.weights[inputs], "weights")
        self.bias = np.float32(restored_array(state["bias"], np.array(self.bias), "bias"))
        self.boosts = restored_array(state["boosts"], self.boosts, "boosts", least=0)
        self.evaluations = state["evaluations"]
        self._set_margins(self.compute_margins(), growth)

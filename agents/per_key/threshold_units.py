"""Threshold units over sparse cases: one for every output, changed and scored one connection at a time.

A *margin* is how far an output lies on its right side of 0. The loss of a cell (a row and an output) is the
squared hinge: the square of what its margin lacks to 1, times the cell's boost. A change of one connection is
scored on the rows alone in which its source is on.

Weights lie on the grid of 1/1024 of `agents/evolution/genome.py` and margins are sums of them, so single precision
holds them exactly: margins that were changed a million times are the margins computed anew, to the bit.

Conventions: R rows, I inputs, O outputs, as in `agents.per_key.sparse_cases`. Weights are (I, O), margins (R, O).
"""

from dataclasses import dataclass

import numpy as np

from agents.evolution.genome import WEIGHT_GRID
from agents.per_key.sparse_cases import SparseCases

SMALLEST_GAIN = 1e-3
"""A change must better the loss by more than single precision may lose in its sums."""
GREATEST_BOOST = 90
"""Times a cell can be boosted; 1.1 ** 90 is about 5,000."""


@dataclass(frozen=True)
class InputMutation:
    """How the connections from inputs to one output are mutated."""

    proposals: int = 64
    """Proposals scored at once, each a change of one connection; at least 1."""
    accepted: int = 4
    """Proposals of these that may be accepted one after the other, the best first; at least 1."""
    guided: float = 0.6
    """Chance that a proposal for a new connection looks at a row with loss: takes an input that is on there,
    and the sign that helps. This uses inputs and targets. 0: inputs and signs at random."""
    cost: float = 0.0
    """Loss that a connection must save to be worth having."""
    boost: float = 0.1
    """How much more cells that stay wrong weigh after each boost; 0: all cells weigh the same."""
    boost_every: int = 50
    """Mutations of an output between two boosts of it."""


class ThresholdUnits:
    """A linear threshold unit for every output, with its margins in all rows."""

    def __init__(self, cases: SparseCases, weight_limit: float = 30.0):
        """
        Args:
            cases: what the units should answer.
            weight_limit: weights lie between minus this and this; the biases are as free as a limit of 30.
        """
        self.cases = cases
        self.weight_limit = float(np.floor(weight_limit * WEIGHT_GRID) / WEIGHT_GRID)
        self.weights = np.zeros((cases.inputs, cases.outputs), dtype=np.float32)
        # an output is off unless something speaks for it
        self.bias = np.full(cases.outputs, -1, dtype=np.float32)
        self.margins = cases.signs * self.bias
        self.boosts = np.zeros((cases.rows, cases.outputs), dtype=np.int16)
        """(R, O): how often each cell was boosted."""
        self._weigh = np.ones((cases.rows, cases.outputs), dtype=np.float32)
        self._live = np.flatnonzero(np.diff(cases.column_starts))
        self._cells = cases.column_rows * cases.outputs
        self.evaluations = 0

    def compute_margins(self) -> np.ndarray:
        """Return the margins (R, O) that the weights give, without any hidden nodes, computed anew."""
        cases = self.cases
        sums = np.tile(self.bias, (cases.rows, 1))
        for source in np.flatnonzero(self.weights.any(axis=1)):
            sums[cases.rows_of(source)] += self.weights[source]
        return sums * cases.signs

    def losses(self) -> np.ndarray:
        """Return the loss of every output without boosts, (O,) float64."""
        return hinge(self.margins).sum(axis=0, dtype=np.float64)

    def gains(self, output: int, sources: np.ndarray, changes: np.ndarray) -> np.ndarray:
        """Return by how much each of P changes of a connection would better the boosted loss of an output.

        Args:
            output: the sink of the connections.
            sources: (P,) inputs that are on in some row.
            changes: (P,) float32, what is added to the weight of each.
        """
        starts = self.cases.column_starts
        begins, counts = starts[sources], starts[sources + 1] - starts[sources]
        heads = np.cumsum(counts) - counts
        cells = self._cells[np.repeat(begins - heads, counts) + np.arange(counts.sum())] + output
        self.evaluations += len(sources)
        return np.add.reduceat(self._better(cells, np.repeat(changes, counts)), heads)

    def _gain(self, output: int, source: int, by: np.float32) -> np.float32:
        """Return what `gains` returns, for one change."""
        starts = self.cases.column_starts
        self.evaluations += 1
        return self._better(self._cells[starts[source] : starts[source + 1]] + output, by).sum()

    def _better(self, cells: np.ndarray, by: np.ndarray | np.float32) -> np.ndarray:
        """Return by how much the boosted loss of each cell gets smaller when its output grows."""
        margins = self.margins.ravel().take(cells)
        better = hinge(margins)
        better -= hinge(margins + self.cases.signs.ravel().take(cells) * by)
        better *= self._weigh.ravel().take(cells)
        return better

    def change(self, output: int, source: int, by: np.float32) -> None:
        """Add to the weight of a connection."""
        rows = self.cases.rows_of(source)
        self.weights[source, output] += by
        self.margins[rows, output] += self.cases.signs[rows, output] * by

    def mutate(self, output: int, options: InputMutation, random: np.random.Generator) -> None:
        """Propose changes of single connections to an output, and accept the best that lower its loss."""
        sources, changes = self._propose(output, options, random)
        if not len(sources):
            return
        old = self.weights[sources, output]
        priced = options.cost * ((old + changes != 0).astype(np.float32) - (old != 0))
        gains = self.gains(output, sources, changes) - priced
        gains[changes == 0] = 0
        used: set[int] = set()
        for place in np.argsort(-gains, kind="stable")[: options.accepted].tolist():
            source = int(sources[place])
            if gains[place] <= SMALLEST_GAIN or source in used:
                continue
            if used and self._gain(output, source, changes[place]) - priced[place] <= SMALLEST_GAIN:
                continue
            self.change(output, source, changes[place])
            used.add(source)

    def _propose(
        self, output: int, options: InputMutation, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return P inputs and changes: two in three for any input, the others for connections that exist."""
        count = options.proposals
        if not len(self._live):
            return self._live, np.zeros(0, dtype=np.float32)
        kind = random.random(count)
        sizes = np.exp(random.uniform(-4, 1.2, count))
        changes = sizes * random.choice((-1.0, 1.0), count)
        sources = self._live[random.integers(len(self._live), size=count)]
        existing = np.flatnonzero(self.weights[:, output])
        deleted = np.zeros(count, dtype=bool)
        if len(existing):
            sources = np.where(kind > 0.65, existing[random.integers(len(existing), size=count)], sources)
            deleted = kind > 0.93
        guided = np.flatnonzero(kind < 0.65 * options.guided)
        if len(guided):
            rows = draw(hinge(self.margins[:, output]) * self._weigh[:, output], random, len(guided))
            found, on = self._inputs_on(rows, random)
            signs = self.cases.signs[rows, output]
            sources[guided] = np.where(found, on, sources[guided])
            changes[guided] = np.where(found, sizes[guided] * signs, changes[guided])
        old = self.weights[sources, output]
        new = np.where(deleted, 0, round_to_grid(np.clip(old + changes, -self.weight_limit, self.weight_limit)))
        return sources, (new - old).astype(np.float32)

    def _inputs_on(self, rows: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw for each row an input that is on in it; return whether there is one, and the inputs."""
        begins = self.cases.row_starts[rows]
        counts = self.cases.row_starts[rows + 1] - begins
        places = begins + (random.random(len(rows)) * counts).astype(np.int64)
        return counts > 0, self.cases.row_inputs[np.minimum(places, len(self.cases.row_inputs) - 1)]

    def mutate_bias(self, output: int, random: np.random.Generator, tries: int = 3) -> None:
        """Propose some changes of a bias, and accept each that lowers the loss."""
        cells = np.arange(self.cases.rows) * self.cases.outputs + output
        for change in np.exp(random.uniform(-4, 1, tries)) * random.choice((-1.0, 1.0), tries):
            by = round_to_grid(np.clip(self.bias[output] + change, -30, 30)) - self.bias[output]
            self.evaluations += 1
            if self._better(cells, by).sum() > SMALLEST_GAIN:
                self.bias[output] += by
                self.margins[:, output] += self.cases.signs[:, output] * by

    def boost(self, output: int, growth: float, margin: float) -> None:
        """Let the cells of an output that are not right by this margin weigh more from now on."""
        wrong = (self.margins[:, output] <= margin) & (self.boosts[:, output] < GREATEST_BOOST)
        self.boosts[wrong, output] += 1
        self._set_weights(growth)

    def _set_weights(self, growth: float) -> None:
        self._weigh = ((1 + growth) ** np.arange(GREATEST_BOOST + 1)).astype(np.float32)[self.boosts]


def hinge(margins: np.ndarray) -> np.ndarray:
    """Return the squared hinge loss of margins, in their shape."""
    short = 1 - margins
    np.maximum(short, 0, out=short)
    short *= short
    return short


def round_to_grid(values: np.ndarray) -> np.ndarray:
    """Return values on the grid of weights, float32."""
    return (np.round(values * WEIGHT_GRID) / WEIGHT_GRID).astype(np.float32)


def draw(weights: np.ndarray, random: np.random.Generator, count: int) -> np.ndarray:
    """Draw places of an array in proportion to its values; any places where all values are 0."""
    sums = np.cumsum(weights, dtype=np.float64)
    if sums[-1] <= 0:
        return random.integers(len(weights), size=count)
    return np.minimum(np.searchsorted(sums, random.random(count) * sums[-1], side="right"), len(weights) - 1)

"""The threshold unit of one key: a (1 + lambda) evolution strategy over changes of single connections.

The loss of a row is the squared hinge of its margin times the row's weight, which grows while the row stays wrong. A
proposal changes one connection and is evaluated only on the rows in which its input is on.

Conventions: R rows, I inputs, as in `per_key.sparse_cases`; P proposals; margins as in `per_key.margins`.
"""

from typing import Any

import numpy as np

from agents.other_searches.per_key.margins import (
    INITIAL_BIAS,
    SMALLEST_GAIN,
    change_on_grid,
    hinge,
    propose_bias_changes,
    sample_indices,
)
from agents.other_searches.per_key.options import PerKeyOptions
from agents.other_searches.per_key.sparse_cases import SparseCases, join_ranges
from agents.search_state import LARGEST
from songs.validate import AnyLength, Within, validate_like

MOST_RAISES = 90
"""Limit on how often the weight of a row can be raised; 1.1 ** 90 is about 5,000."""
SAFE_MARGIN = 0.5
"""Margin above which the weight of a row is lowered again."""
NEW_SHARE = 0.65
"""Share of the proposals that may make a new connection; the others change an existing one."""
DELETED_SHARE = 0.07
"""Share of the proposals that delete a connection."""
LOG_SIZES = (-4.0, 1.2)
"""Logarithms of the smallest and the largest change of a weight."""


class KeyUnit:
    """The unit of one key, with its margins in all rows."""

    def __init__(self, cases: SparseCases, key: int, options: PerKeyOptions):
        self.cases, self.key, self.options = cases, key, options
        self.signs = np.ascontiguousarray(cases.signs[:, key])
        self.weights = np.zeros(cases.inputs, dtype=np.float32)
        self.bias = np.float32(INITIAL_BIAS)
        self.raises = np.zeros(cases.rows, dtype=np.int64)
        """(R,), number of times the weight of each row was raised."""
        self._live = np.flatnonzero(np.diff(cases.column_starts))
        """Inputs that are on in at least one row."""
        self.evaluations = 0
        self._set_margins(self.signs * self.bias)

    def _set_margins(self, margins: np.ndarray) -> None:
        """Set the margins (R,), and update row weights and losses."""
        self.margins = margins
        growth = 1 + self.options.error_reweighting
        self._row_weights = (growth ** np.arange(MOST_RAISES + 1)).astype(np.float32)[self.raises]
        self._losses = hinge(margins) * self._row_weights

    @property
    def connections(self) -> int:
        """Number of connections."""
        return int(np.count_nonzero(self.weights))

    @property
    def wrong(self) -> int:
        """Number of wrong rows."""
        return int(np.count_nonzero(self.margins <= 0))

    def compute_margins(self) -> np.ndarray:
        """Return the margins (R,), computed from scratch."""
        sums = np.full(self.cases.rows, self.bias)
        for source in np.flatnonzero(self.weights).tolist():
            sums[self.cases.rows_of(source)] += self.weights[source]
        return sums * self.signs

    def gains(self, sources: np.ndarray, changes: np.ndarray) -> np.ndarray:
        """Return the decrease (P,) of the weighted loss for each change (P,) float32 of a live input's weight."""
        starts = self.cases.column_starts
        counts = starts[sources + 1] - starts[sources]
        indices, heads = join_ranges(starts[sources], counts)
        self.evaluations += len(sources)
        return np.add.reduceat(self._row_gains(self.cases.column_rows[indices], np.repeat(changes, counts)), heads)

    def _gain(self, source: int, change: np.float32) -> np.float32:
        """Return the decrease of the weighted loss for one change, as `gains` does."""
        self.evaluations += 1
        return self._row_gains(self.cases.rows_of(source), change).sum()

    def _row_gains(self, rows: np.ndarray, changes: np.ndarray | np.float32) -> np.ndarray:
        """Return the decrease of the weighted loss of each row when the unit's sum changes there."""
        losses = hinge(self.margins.take(rows) + self.signs.take(rows) * changes)
        losses *= self._row_weights.take(rows)
        return self._losses.take(rows) - losses

    def change(self, source: int, change: np.float32) -> None:
        """Add `change` to the weight of a connection."""
        rows = self.cases.rows_of(source)
        self.weights[source] += change
        margins = self.margins[rows] + self.signs[rows] * change
        self.margins[rows] = margins
        self._losses[rows] = hinge(margins) * self._row_weights[rows]

    def mutate(self, random: np.random.Generator) -> None:
        """Propose changes of single connections, and accept the best ones that lower the loss."""
        if not len(self._live):
            return
        sources, changes = self._propose(random)
        cost, old = self.options.cost, self.weights[sources]
        costs = cost * ((old + changes != 0).astype(np.float32) - (old != 0))
        gains = self.gains(sources, changes) - costs
        gains[changes == 0] = 0
        used: set[int] = set()
        for index in np.argsort(-gains, kind="stable")[: self.options.accepted].tolist():
            source, change = int(sources[index]), changes[index]
            if gains[index] <= SMALLEST_GAIN or source in used:
                continue
            # an accepted change may have used up the gain of another one
            if used and self._gain(source, change) - costs[index] <= SMALLEST_GAIN:
                continue
            self.change(source, change)
            used.add(source)

    def _propose(self, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return P inputs and the changes of their weights."""
        count = self.options.proposals
        kind = random.random(count)
        changes = np.exp(random.uniform(*LOG_SIZES, count))
        changes[random.random(count) < 0.5] *= -1
        sources = self._live[random.integers(len(self._live), size=count)]
        existing = np.flatnonzero(self.weights)
        if len(existing):
            sources = np.where(kind > NEW_SHARE, existing[random.integers(len(existing), size=count)], sources)
        guided = np.flatnonzero(kind < NEW_SHARE * self.options.target_guided)
        if len(guided):
            # an input that is on in a row with loss, and the sign that helps there
            rows = sample_indices(self._losses, random, len(guided))
            inputs, any_on = self.cases.sample_inputs_on(rows, 1, random)
            sources[guided] = np.where(any_on, inputs[:, 0], sources[guided])
            changes[guided] = np.where(any_on, np.abs(changes[guided]) * self.signs[rows], changes[guided])
        old = self.weights[sources]
        return sources, np.where(kind > 1 - DELETED_SHARE, -old, change_on_grid(old, changes))

    def mutate_bias(self, random: np.random.Generator) -> None:
        """Propose some changes of the bias, and accept each that lowers the loss."""
        for proposal in propose_bias_changes(random):
            change = change_on_grid(self.bias, proposal)
            self.evaluations += 1
            margins = self.margins + self.signs * change
            losses = hinge(margins) * self._row_weights
            if (self._losses - losses).sum() > SMALLEST_GAIN:
                self.bias = np.float32(self.bias + change)
                self.margins, self._losses = margins, losses

    def reweight_errors(self, relax: bool) -> None:
        """Raise the weights of wrong rows; with `relax`, also lower those of rows that are safely right."""
        self.raises[(self.margins <= 0) & (self.raises < MOST_RAISES)] += 1
        if relax:
            self.raises[(self.margins > SAFE_MARGIN) & (self.raises > 0)] -= 1
        self._set_margins(self.margins)

    def prune(self) -> None:
        """Delete connections, small weights first, as long as every right row stays right."""
        existing = np.flatnonzero(self.weights)
        for source in existing[np.argsort(np.abs(self.weights[existing]), kind="stable")].tolist():
            rows, change = self.cases.rows_of(source), -self.weights[source]
            margins = self.margins[rows]
            if ((margins + self.signs[rows] * change > 0) | (margins <= 0)).all():
                self.change(source, change)

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return the unit as arrays and plain data."""
        inputs = np.flatnonzero(self.weights)
        arrays: dict[str, np.ndarray] = {"inputs": inputs, "weights": self.weights[inputs], "raises": self.raises}
        return arrays, {"bias": float(self.bias), "evaluations": self.evaluations}

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Continue from a state; raises ValueError if it does not fit."""
        validate_like({"bias": Within(0.0, -LARGEST, LARGEST), "evaluations": 0}, data)
        inputs = AnyLength(np.zeros(0, dtype=np.int64), most=self.cases.inputs)
        validate_like({"inputs": inputs, "raises": Within(self.raises, 0, MOST_RAISES)}, arrays)
        weights = np.zeros(len(arrays["inputs"]), dtype=np.float32)
        validate_like({"weights": Within(weights, -LARGEST, LARGEST)}, arrays)
        if not np.isin(arrays["inputs"], self._live).all():
            raise ValueError("inputs: some are never on")
        self.weights[:] = 0
        self.weights[arrays["inputs"]] = arrays["weights"]
        self.bias = np.float32(data["bias"])
        self.raises[:] = arrays["raises"]
        self.evaluations = data["evaluations"]
        self._set_margins(self.compute_margins())

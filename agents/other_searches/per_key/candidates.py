"""Candidates for AND nodes, grown one literal at a time from two inputs that are on in a row with loss.

As long as a candidate is also on in rows that it harms, one of these is sampled, and some literals that distinguish the
two rows are scored. The one that preserves most of the gain is added. The net gain of a candidate is the decrease of
its output's loss minus the cost of its connections; its best stage counts. Some candidates grow for two rows at once
and use only literals that hold in both.

Conventions:
    R rows, O outputs, as in `per_key.sparse_cases`; literals as in `per_key.and_nodes`. Q candidates, A of them still
    growing; L literals scored for each. The rows of several candidates are concatenated, with the candidate of each
    row in `owners`.
"""

from dataclasses import dataclass

import numpy as np

from agents.other_searches.per_key.and_nodes import Node, literals_of
from agents.other_searches.per_key.margins import ThresholdUnits, hinge
from agents.other_searches.per_key.sparse_cases import join_ranges

LONGEST = 128
"""Largest number of literals of a node."""
SCORED = 16
"""L, number of literals scored for each one added."""
TRIES = 3
"""Inputs sampled to find one literal that distinguishes two rows."""
STARTS = 12
"""Inputs sampled to find the first two."""
HARMED = 32
"""Number of harmed rows of a candidate sampled to score literals."""
SMALLEST_HARM = 1e-6
OFF = 0.2
"""Probability of using an input that is off, if both kinds of literals distinguish the rows."""


@dataclass(frozen=True, eq=False)
class Seeds:
    """The cells for which Q candidates grow."""

    rows: np.ndarray
    """(Q,), rows with loss."""
    partners: np.ndarray
    """(Q,), second rows that are wrong in the same way, or the same rows again."""
    outputs: np.ndarray
    """(Q,), the outputs with the loss."""


class CandidateGrowth:
    """Q candidates while they grow."""

    def __init__(self, units: ThresholdUnits, seeds: Seeds, cost: float, random: np.random.Generator):
        """Grow candidates for the cells of the seeds; the cost is the loss that a connection must save."""
        self.units, self.cases, self.seeds, self.cost, self.random = units, units.cases, seeds, cost, random
        count = len(seeds.rows)
        self.signs = self.cases.signs[seeds.rows, seeds.outputs]
        self.literals = np.zeros((count, LONGEST), dtype=np.int64)
        self.net_gains = np.full(count, -np.inf)
        """(Q,), the largest net gain of each candidate so far."""
        self.best: dict[int, Node] = {}
        """The node with the largest net gain, by candidate."""

    def run(self) -> list[Node]:
        """Grow the candidates; return the literals and rows of those that may be worth their cost, best first."""
        rows, owners = self._begin()
        length = 2
        while len(rows):
            rows, owners, gains = self._evaluate(rows, owners, length)
            if length == LONGEST or not len(rows):
                break
            rows, owners = self._extend(rows, owners, gains, length)
            length += 1
        order = np.argsort(-self.net_gains, kind="stable").tolist()
        return [node for node in map(self.best.get, order) if node]

    def _begin(self) -> tuple[np.ndarray, np.ndarray]:
        """Choose the first two inputs of every candidate; return the rows in which both are on, and their owners."""
        cases = self.cases
        inputs, any_on = cases.sample_inputs_on(self.seeds.rows, STARTS, self.random)
        first, second = self._first_inputs(inputs, any_on)
        self.literals[:, 0], self.literals[:, 1] = first, second
        able = np.flatnonzero(any_on)
        sizes = np.diff(cases.column_starts)
        rare = np.where(sizes[first] <= sizes[second], first, second)[able]
        indices, _ = join_ranges(cases.column_starts[rare], sizes[rare])
        rows, owners = cases.column_rows[indices], np.repeat(able, sizes[rare])
        other = (first + second)[owners] - np.repeat(rare, sizes[rare])
        both = cases.on(rows, other)
        silent_rows, silent_owners = self._begin_silent(np.flatnonzero(~any_on))
        return np.concatenate([rows[both], silent_rows]), np.concatenate([owners[both], silent_owners])

    def _first_inputs(self, inputs: np.ndarray, any_on: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Choose two of the inputs (Q, STARTS) of each row that are also on in its partner.

        A partner with fewer than two of them is dropped. In a row with a single input, both are that one.
        """
        seeds, every = self.seeds, np.arange(len(inputs))
        shared = self.cases.on(seeds.partners[:, None], inputs) & any_on[:, None]
        dropped = (shared.sum(axis=1) < 2) | ~any_on
        seeds.partners[dropped] = seeds.rows[dropped]
        shared[dropped] = True
        first = inputs[every, shared.argmax(axis=1)]
        others = shared & (inputs != first[:, None])
        return first, np.where(others.any(axis=1), inputs[every, others.argmax(axis=1)], first)

    def _begin_silent(self, candidates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Begin candidates whose row has no input on, with an input that is off; return their rows and owners."""
        rows, owners = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
        live = np.flatnonzero(np.diff(self.cases.column_starts))
        for candidate in candidates.tolist() if len(live) else ():
            source = self.random.choice(live)
            self.literals[candidate, :2] = ~source
            rows.append(np.setdiff1d(np.arange(self.cases.rows), self.cases.rows_of(source), assume_unique=True))
            owners.append(np.full(len(rows[-1]), candidate))
        return np.concatenate(rows), np.concatenate(owners)

    def _evaluate(self, rows: np.ndarray, owners: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Record candidates with a larger net gain than before; return the rows, owners and gains of those to extend.

        A candidate that harms no row is finished; one whose gain cannot pay for another literal is dropped.
        """
        gains, gains_twice = self._row_gains(rows, owners)
        heads = _heads(owners)
        candidates = owners[heads]
        self.units.evaluations += len(candidates)
        cost = self.cost * (length + 1)
        net_gains = np.maximum(np.add.reduceat(gains, heads), np.add.reduceat(gains_twice, heads)) - cost
        ends = np.append(heads[1:], len(owners))
        for index in np.flatnonzero((net_gains > self.net_gains[candidates]) & (net_gains > -cost)).tolist():
            candidate = int(candidates[index])
            literals = literals_of(self.literals[candidate, :length])
            self.best[candidate] = literals, rows[heads[index] : ends[index]]
        self.net_gains[candidates] = np.maximum(self.net_gains[candidates], net_gains)
        most = np.add.reduceat(np.maximum(np.maximum(gains, gains_twice), 0), heads)
        growing = np.logical_or.reduceat(gains < -SMALLEST_HARM, heads) & (most > cost + self.cost)
        kept = np.repeat(growing, ends - heads)
        return rows[kept], owners[kept], gains[kept]

    def _row_gains(self, rows: np.ndarray, owners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the decrease of the loss in each row for nodes of weight 1, and of weight 2, into their outputs."""
        cells = rows * self.cases.outputs + self.seeds.outputs[owners]
        margins = self.units.margins.ravel().take(cells)
        change = self.cases.signs.ravel().take(cells) * self.signs[owners]
        losses = hinge(margins)
        return losses - hinge(margins + change), losses - hinge(margins + 2 * change)

    def _extend(
        self, rows: np.ndarray, owners: np.ndarray, gains: np.ndarray, length: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Add to every growing candidate the best of L literals that distinguish its row from a harmed one."""
        heads = _heads(owners)
        candidates = owners[heads]
        index = np.repeat(np.arange(len(heads)), np.diff(np.append(heads, len(owners))))
        harmed = np.flatnonzero(gains < -SMALLEST_HARM)
        sizes = np.bincount(index[harmed], minlength=len(candidates))
        chosen = (self.random.random((HARMED, len(candidates))) * sizes).astype(np.int64)
        sample = harmed[np.cumsum(sizes) - sizes + chosen]  # (HARMED, A)
        literals, valid = self._sample_literals(candidates, rows[sample[0]])
        # the remaining harm is estimated from the sampled rows, the remaining help uses all rows
        harm = self._holds(rows[sample], literals[:, None]) * gains[sample]  # (L, HARMED, A)
        scores = harm.sum(axis=1) * (sizes / HARMED)
        scores += self._remaining_help(rows, gains, index, literals)
        scores[~valid] = -np.inf
        best = literals[scores.argmax(axis=0), np.arange(len(candidates))]
        self.literals[candidates, length] = best
        stays = self._holds(rows, best[index]) & np.any(valid, axis=0)[index]
        return rows[stays], owners[stays]

    def _remaining_help(
        self, rows: np.ndarray, gains: np.ndarray, index: np.ndarray, literals: np.ndarray
    ) -> np.ndarray:
        """Return the gain (L, A) in the helped rows of each growing candidate that each literal would preserve."""
        helped = np.flatnonzero(gains > 0)
        first = np.searchsorted(index[helped], np.arange(literals.shape[1]))
        kept = self._holds(rows[helped], literals[:, index[helped]]) * gains[helped]
        return np.add.reduceat(kept, first, axis=1)

    def _holds(self, rows: np.ndarray, literals: np.ndarray) -> np.ndarray:
        """Return a mask of whether literals hold in rows, for arrays that broadcast."""
        negated = literals < 0
        return self.cases.on(rows, np.where(negated, ~literals, literals)) ^ negated

    def _sample_literals(self, candidates: np.ndarray, harmed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sample literals (L, A) that hold in the rows of candidates (A,) but not in the rows `harmed` (A,).

        Returns:
            The literals, and a mask (L, A) bool of those that were found.
        """
        cases, rows, partners = self.cases, self.seeds.rows[candidates], self.seeds.partners[candidates]
        on, _ = cases.sample_inputs_on(rows, TRIES * SCORED, self.random)
        off, _ = cases.sample_inputs_on(harmed, TRIES * SCORED, self.random)
        splits_on = ~cases.on(harmed[:, None], on) & cases.on(partners[:, None], on)
        splits_off = ~cases.on(rows[:, None], off) & ~cases.on(partners[:, None], off)
        on, has_on = _first_good(on, splits_on)
        off, has_off = _first_good(off, splits_off)
        use_off = has_off & (~has_on | (self.random.random(has_on.shape) < OFF))
        return np.where(use_off, ~off, on).T, (has_on | has_off).T


def _heads(owners: np.ndarray) -> np.ndarray:
    """Return the index of each owner's first row."""
    return np.flatnonzero(np.diff(owners, prepend=-1))


def _first_good(inputs: np.ndarray, good: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the first good input (A, L) of each group of TRIES in (A, L * TRIES), and a mask of groups with one."""
    inputs, good = inputs.reshape(len(inputs), -1, TRIES), good.reshape(len(inputs), -1, TRIES)
    first = good.argmax(axis=2)[:, :, None]
    return np.take_along_axis(inputs, first, axis=2)[:, :, 0], np.any(good, axis=2)

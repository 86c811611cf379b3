"""How AND nodes grow: from an input that is on in a row that is wrong, one literal at a time.

A candidate begins with two inputs that are on in a row with loss. As long as it is also on in rows where
its output should stay as it is, one of these is drawn, and some literals are tried that tell the two rows
apart; the one that keeps most of the gain is added. Of all its stages the candidate is worth the best one:
what it betters the output's loss by, less the price of its connections. Half of the candidates grow for
two rows at once: they use only what these have in common.

The best candidates become nodes. A node feeds every output whose loss that betters by more than the price of a
connection, so outputs share nodes.

This looks at inputs and targets: it is guided, and named so in every report.

Conventions: R rows, O outputs, as in `per_key.sparse_cases`; Q candidates, A of them still growing, K
literals tried for each. Rows of several candidates stand one after the other, with `owner` beside them.
"""

from dataclasses import dataclass

import numpy as np

from agents.other_searches.per_key.and_nodes import AndNodes, literals_of
from agents.other_searches.per_key.hinge import draw, hinge
from agents.other_searches.per_key.sparse_cases import SparseCases

TRIES = 3
"""Inputs looked at to find one literal that tells two rows apart."""
HURT = 32
"""Rows that a candidate hurts, drawn to judge literals by."""
SMALLEST_HURT = 1e-6
STARTS = 12
"""Inputs looked at to find the first two."""


@dataclass(frozen=True)
class NodeGrowth:
    """How AND nodes grow."""

    candidates: int = 128
    """Candidates grown at once, at least 1."""
    each: int = 4
    """Most candidates for each cell that is wrong, on average, at least 1."""
    tournament: int = 8
    """Literals tried for each that is added, at least 1."""
    longest: int = 128
    """Most literals of a node, at least 2."""
    pairs: float = 0.5
    """Chance that a candidate grows for two rows."""
    off: float = 0.2
    """Chance that a literal asks for an input to be off, where both can tell rows apart."""


@dataclass(frozen=True, eq=False)
class Seeds:
    """What Q candidates grow for."""

    rows: np.ndarray
    """(Q,) rows with loss."""
    partners: np.ndarray
    """(Q,) a second row that wants the same, or the same row again."""
    outputs: np.ndarray
    """(Q,) the output that has the loss."""


class Grower:
    """Grows AND nodes for the rows that are wrong."""

    def __init__(self, nodes: AndNodes, options: NodeGrowth, margin: float = 0.0):
        """
        Args:
            nodes: grown nodes are added here.
            options: how they grow.
            margin: cells whose margin is greater are right and need no node.
        """
        self.nodes, self.units = nodes, nodes.units
        self.cases: SparseCases = nodes.units.cases
        self.options, self.margin = options, margin
        # a weight of 2 lifts an output from off to on; where weights are limited, half and all of the limit are tried
        self.step = np.float32(min(1.0, self.units.weight_limit / 2))
        self._taken = np.zeros(self.cases.rows, dtype=bool)

    def grow(self, price: float, random: np.random.Generator) -> float:
        """Grow candidates and add the best as nodes.

        Args:
            price: the loss that a connection must save.
            random: source of all choices.

        Returns:
            The share of the candidates that became nodes.
        """
        seeds = self._seeds(random)
        if not len(seeds.rows):
            return 0.0
        return self._add(Growth(self, seeds, price, random).run(), price) / len(seeds.rows)

    def _seeds(self, random: np.random.Generator) -> Seeds:
        """Draw cells that are wrong in proportion to their loss, and partners for some of them."""
        margins, outputs = self.units.margins, self.cases.outputs
        cells = np.flatnonzero(margins.ravel() <= self.margin)
        if not len(cells):
            return Seeds(cells, cells, cells)
        count = min(self.options.candidates, self.options.each * len(cells))
        drawn = cells[draw(hinge(margins.ravel()[cells]), random, count)]
        rows, sinks = drawn // outputs, drawn % outputs
        partners = rows.copy()
        paired = random.random(len(rows)) < self.options.pairs
        # sorted by what they want, then by row: neighbours are wrong alike and mostly in the same song
        wanted = cells % outputs * 2 + (self.cases.signs.ravel()[cells] > 0)
        cells = cells[np.argsort(wanted, kind="stable")]
        wanted = np.sort(wanted)
        own = sinks * 2 + (self.cases.signs[rows, sinks] > 0)
        first, last = np.searchsorted(wanted, own), np.searchsorted(wanted, own, side="right")
        size = len(self.cases.targets)
        places = np.searchsorted(wanted * size + cells // outputs, own * size + rows)
        away = np.exp(3 * random.random(len(rows))).astype(np.int64) * random.choice((-1, 1), len(rows))
        near = cells[np.clip(places + away, first, last - 1)] // outputs
        return Seeds(rows, np.where(paired, near, partners), sinks)

    def _add(self, grown: list[tuple[tuple[int, ...], np.ndarray]], price: float) -> int:
        """Add candidates, the best first, each with weights into every output that it still betters."""
        pending = [candidate for candidate in grown if candidate[0] not in self.nodes]
        added = 0
        while pending:
            now: list[tuple[tuple[int, ...], np.ndarray]] = []
            later: list[tuple[tuple[int, ...], np.ndarray]] = []
            for candidate in pending:
                # candidates that share a row wait until the others have their weights
                together = not self._taken[candidate[1]].any()
                if together:
                    self._taken[candidate[1]] = True
                (now if together else later).append(candidate)
            self._taken[:] = False
            added += self._add_apart(now, price)
            pending = [candidate for candidate in later if candidate[0] not in self.nodes]
        return added

    def _add_apart(self, chosen: list[tuple[tuple[int, ...], np.ndarray]], price: float) -> int:
        """Add those of some candidates without common rows that are worth their price."""
        rows = np.concatenate([own for _, own in chosen])
        counts = np.array([len(own) for _, own in chosen])
        heads = np.cumsum(counts) - counts
        margins, signs = self.units.margins.take(rows, axis=0), self.cases.signs.take(rows, axis=0)
        losses = np.add.reduceat(hinge(margins), heads)
        changes = self.step * np.array((-2, -1, -0.5, 0.5, 1, 2), dtype=np.float32)
        gains = np.stack([losses - np.add.reduceat(hinge(margins + signs * by), heads) for by in changes])
        self.units.evaluations += gains.size
        best = gains.argmax(axis=0)
        gains = gains.max(axis=0)
        fed = gains > price
        costs = price * np.array([len(literals) for literals, _ in chosen])
        worth = np.flatnonzero(np.where(fed, gains - price, 0).sum(axis=1) > costs)
        for place in worth.tolist():
            weights = np.where(fed[place], changes[best[place]], 0).astype(np.float32)
            self.nodes.add(*chosen[place], weights)
        return len(worth)


class Growth:
    """Candidates while they grow."""

    def __init__(self, grower: Grower, seeds: Seeds, price: float, random: np.random.Generator):
        self.cases, self.units, self.options = grower.cases, grower.units, grower.options
        self.step, self.price, self.random = grower.step, price, random
        self.seeds = seeds
        count = len(seeds.rows)
        self.signs = self.cases.signs[seeds.rows, seeds.outputs]
        self.literals = np.zeros((count, self.options.longest), dtype=np.int64)
        self.worth = np.full(count, -np.inf)
        self.lengths = np.zeros(count, dtype=np.int64)
        self.rows: list[np.ndarray | None] = [None] * count
        """The rows of each candidate at its best stage."""

    def run(self) -> list[tuple[tuple[int, ...], np.ndarray]]:
        """Return the literals and rows of the candidates that may be worth their price, the best first."""
        rows, owner, length = self._begin()
        while len(rows):
            rows, owner, gains, heads = self._judge(rows, owner, length)
            if length == self.options.longest or not len(rows):
                break
            rows, owner = self._extend(rows, owner, gains, heads, length)
            length += 1
        order = [place for place in np.argsort(-self.worth, kind="stable").tolist() if self.rows[place] is not None]
        return [(literals_of(self.literals[place, : self.lengths[place]]), self.rows[place]) for place in order]

    def _begin(self) -> tuple[np.ndarray, np.ndarray, int]:
        """Choose the first two inputs of every candidate; return its rows."""
        seeds = self.seeds
        every = np.arange(len(seeds.rows))
        inputs, found = self._inputs_on(seeds.rows, STARTS)
        shared = (self.cases.on(seeds.partners[:, None], inputs) > 0) & found[:, None]
        alone = (shared.sum(axis=1) < 2) | ~found
        seeds.partners[alone] = seeds.rows[alone]
        shared[alone] = True
        first = inputs[every, shared.argmax(axis=1)]
        others = shared & (inputs != first[:, None])
        # a row with a single input that is on begins with this one
        second = np.where(others.any(axis=1), inputs[every, others.argmax(axis=1)], first)
        self.literals[:, 0], self.literals[:, 1] = first, second
        able = np.flatnonzero(found)
        starts = self.cases.column_starts
        sizes = np.diff(starts)
        rare = np.where(sizes[first] <= sizes[second], first, second)[able]
        counts = sizes[rare]
        heads = np.cumsum(counts) - counts
        rows = self.cases.column_rows[np.repeat(starts[rare] - heads, counts) + np.arange(counts.sum())]
        owner = np.repeat(able, counts)
        both = self.cases.on(rows, (first + second)[owner] - np.repeat(rare, counts)) > 0
        silent = self._begin_silent(np.flatnonzero(~found))
        return np.concatenate([rows[both], silent[0]]), np.concatenate([owner[both], silent[1]]), 2

    def _begin_silent(self, who: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Let candidates whose row has no input on begin with one that is off; return their rows."""
        rows, owner = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
        live = np.flatnonzero(np.diff(self.cases.column_starts))
        for place in who.tolist() if len(live) else ():
            source = self.random.choice(live)
            self.literals[place, :2] = ~source
            rows.append(np.setdiff1d(np.arange(self.cases.rows), self.cases.rows_of(source), assume_unique=True))
            owner.append(np.full(len(rows[-1]), place))
        return np.concatenate(rows), np.concatenate(owner)

    def _inputs_on(self, rows: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Draw inputs that are on in rows (A,): return inputs (A, count), and where there are any (A,)."""
        begins = self.cases.row_starts[rows]
        sizes = self.cases.row_starts[rows + 1] - begins
        places = begins[:, None] + (self.random.random((len(rows), count)) * sizes[:, None]).astype(np.int64)
        return self.cases.row_inputs[np.minimum(places, len(self.cases.row_inputs) - 1)], sizes > 0

    def _judge(self, rows: np.ndarray, owner: np.ndarray, length: int) -> tuple:
        """Note the candidates that are worth more than before; return the rows of those that should grow on."""
        cells = rows * self.cases.outputs + self.seeds.outputs[owner]
        margins = self.units.margins.ravel().take(cells)
        towards = self.cases.signs.ravel().take(cells) * self.signs[owner] * self.step
        losses = hinge(margins)
        gains, gains_twice = losses - hinge(margins + towards), losses - hinge(margins + 2 * towards)
        heads = np.flatnonzero(np.diff(owner, prepend=-1))
        who, ends = owner[heads], np.append(heads[1:], len(owner))
        price = self.price * (length + 1)
        worth = np.maximum(np.add.reduceat(gains, heads), np.add.reduceat(gains_twice, heads)) - price
        for place in np.flatnonzero((worth > self.worth[who]) & (worth > -price)).tolist():
            self.rows[who[place]] = rows[heads[place] : ends[place]]
            self.lengths[who[place]] = length
        self.worth[who] = np.maximum(self.worth[who], worth)
        self.units.evaluations += len(who)
        # who hurts no row is finished; whose gain could not pay one more literal is given up
        hopes = np.add.reduceat(np.maximum(np.maximum(gains, gains_twice), 0), heads)
        growing = np.logical_or.reduceat(gains < -SMALLEST_HURT, heads) & (hopes > price + self.price)
        kept = np.repeat(growing, ends - heads)
        rows, owner, gains = rows[kept], owner[kept], gains[kept]
        return rows, owner, gains, np.flatnonzero(np.diff(owner, prepend=-1))

    def _extend(
        self, rows: np.ndarray, owner: np.ndarray, gains: np.ndarray, heads: np.ndarray, length: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Add to every growing candidate the best of K literals that tell its row from one that it hurts."""
        who = owner[heads]
        place = np.repeat(np.arange(len(heads)), np.diff(np.append(heads, len(owner))))
        hurt = np.flatnonzero(gains < -SMALLEST_HURT)
        sizes = np.bincount(place[hurt], minlength=len(who))
        drawn = (self.random.random((HURT, len(who))) * sizes).astype(np.int64)
        sample = hurt[np.cumsum(sizes) - sizes + drawn]  # (HURT, A)
        literals, valid = self._literals(who, rows[sample[0]])
        # what stays of the harm is judged by the rows drawn, what stays of the help by all rows
        harm = self._holds(rows[sample], literals[:, None]) * gains[sample]  # (K, HURT, A)
        scores = harm.sum(axis=1) * (sizes / HURT)
        helped = np.flatnonzero(gains > 0)
        first = np.searchsorted(place[helped], np.arange(len(who)))
        help_kept = self._holds(rows[helped], literals[:, place[helped]]) * gains[helped]
        scores += np.add.reduceat(help_kept, first, axis=1)
        scores[~valid] = -np.inf
        best = scores.argmax(axis=0)
        chosen = literals[best, np.arange(len(who))]
        self.literals[who, length] = chosen
        stays = self._holds(rows, chosen[place]) & np.any(valid, axis=0)[place]
        return rows[stays], owner[stays]

    def _holds(self, rows: np.ndarray, literals: np.ndarray) -> np.ndarray:
        """Return whether literals hold in rows, bool, for arrays that broadcast."""
        negated = literals < 0
        return (self.cases.on(rows, np.where(negated, ~literals, literals)) > 0) ^ negated

    def _literals(self, who: np.ndarray, hurt: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Draw K literals (K, A) that hold in a candidate's rows but not in one that it hurts; and which exist."""
        rows, partners, tried = self.seeds.rows[who], self.seeds.partners[who], self.options.tournament
        on, _ = self._inputs_on(rows, TRIES * tried)
        off, _ = self._inputs_on(hurt, TRIES * tried)
        cases = self.cases
        tells_on = (cases.on(hurt[:, None], on) == 0) & (cases.on(partners[:, None], on) > 0)
        tells_off = (cases.on(rows[:, None], off) == 0) & (cases.on(partners[:, None], off) == 0)
        on, has_on = _first(on, tells_on, tried)
        off, has_off = _first(off, tells_off, tried)
        use_off = has_off & (~has_on | (self.random.random(has_on.shape) < self.options.off))
        return np.where(use_off, ~off, on).T, (has_on | has_off).T


def _first(inputs: np.ndarray, good: np.ndarray, tried: int) -> tuple[np.ndarray, np.ndarray]:
    """Return of every TRIES inputs in (A, K * TRIES) the first good one (A, K), and whether there is one."""
    inputs, good = inputs.reshape(len(inputs), tried, TRIES), good.reshape(len(inputs), tried, TRIES)
    first = good.argmax(axis=2)[:, :, None]
    return np.take_along_axis(inputs, first, axis=2)[:, :, 0], np.any(good, axis=2)

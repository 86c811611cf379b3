"""Growth of AND nodes: candidates are grown for wrong cells, and the best become nodes.

A candidate, as in `per_key.candidates`, grows for a cell with loss. Its net gain is the decrease of its output's loss
minus the cost of its connections. The best candidates become nodes. A node feeds every output whose loss it decreases
by more than the cost of a connection, so outputs share nodes.

Growth uses inputs and targets: it is target-guided, and every report says so.

Conventions: R rows, O outputs, cells as in `per_key.margins`; Q candidates.
"""

import numpy as np

from agents.other_searches.per_key.and_nodes import AndNodes, Node
from agents.other_searches.per_key.candidates import CandidateGrowth, Seeds
from agents.other_searches.per_key.margins import ThresholdUnits, hinge, sample_indices
from agents.other_searches.per_key.sparse_cases import SparseCases

CANDIDATES = 128
"""Largest number of candidates grown at once."""
PER_CELL = 4
"""Largest average number of candidates per wrong cell."""
PAIRED = 0.5
"""Probability that a candidate grows for two rows."""
WEIGHTS = np.array((-2, -1, -0.5, 0.5, 1, 2), dtype=np.float32)
"""Candidate initial weights into an output, of which the best is used; 2 moves it from off to on."""


def grow(nodes: AndNodes, cost: float, random: np.random.Generator) -> float:
    """Grow candidates for wrong cells and add the best ones as nodes.

    Args:
        nodes: grown nodes are added here.
        cost: the loss that a connection must save.
        random: source of all choices.

    Returns:
        The share of the candidates that became nodes.
    """
    wrong = np.flatnonzero(nodes.units.margins.ravel() <= 0)
    if not len(wrong):
        return 0.0
    seeds = _sample_seeds(nodes.units, wrong, random)
    candidates = CandidateGrowth(nodes.units, seeds, cost, random).run()
    return _add(nodes, candidates, cost) / len(seeds.rows)


def _sample_seeds(units: ThresholdUnits, wrong: np.ndarray, random: np.random.Generator) -> Seeds:
    """Sample wrong cells in proportion to their loss, and a second row for some of them."""
    outputs = units.cases.outputs
    losses = hinge(units.margins.ravel()[wrong])
    cells = wrong[sample_indices(losses, random, min(CANDIDATES, PER_CELL * len(wrong)))]
    rows, columns = cells // outputs, cells % outputs
    paired = random.random(len(rows)) < PAIRED
    neighbours = _sample_neighbours(units.cases, rows, columns, wrong, random)
    return Seeds(rows, np.where(paired, neighbours, rows), columns)


def _sample_neighbours(
    cases: SparseCases, rows: np.ndarray, columns: np.ndarray, wrong: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """Return for each cell (Q,) the row of a nearby cell that is wrong in the same way.

    The wrong cells are sorted by output and target, then by row, so neighbours are mostly in the same song.
    """
    outputs, signs = cases.outputs, cases.signs
    kinds = wrong % outputs * 2 + (signs.ravel()[wrong] > 0)
    wrong = wrong[np.argsort(kinds, kind="stable")]
    kinds = np.sort(kinds)
    kind = columns * 2 + (signs[rows, columns] > 0)
    first, last = np.searchsorted(kinds, kind), np.searchsorted(kinds, kind, side="right")
    indices = np.searchsorted(kinds * cases.rows + wrong // outputs, kind * cases.rows + rows)
    distances = np.exp(3 * random.random(len(rows))).astype(np.int64) * random.choice((-1, 1), len(rows))
    return wrong[np.clip(indices + distances, first, last - 1)] // outputs


def _add(nodes: AndNodes, candidates: list[Node], cost: float) -> int:
    """Add candidates, best first; return the number that became nodes.

    Candidates that share a row with a better one wait until that has its weights.
    """
    pending, added = [node for node in candidates if node[0] not in nodes], 0
    while pending:
        occupied = np.zeros(nodes.units.cases.rows, dtype=bool)
        disjoint: list[Node] = []
        waiting: list[Node] = []
        for node in pending:
            free = not occupied[node[1]].any()
            if free:
                occupied[node[1]] = True
            (disjoint if free else waiting).append(node)
        added += _add_disjoint(nodes, disjoint, cost)
        pending = [node for node in waiting if node[0] not in nodes]
    return added


def _add_disjoint(nodes: AndNodes, candidates: list[Node], cost: float) -> int:
    """Add candidates that share no rows if their gain exceeds their cost; return the number added."""
    units = nodes.units
    rows = np.concatenate([rows for _, rows in candidates])
    counts = np.array([len(rows_of_node) for _, rows_of_node in candidates])
    heads = np.cumsum(counts) - counts
    margins, signs = units.margins.take(rows, axis=0), units.cases.signs.take(rows, axis=0)
    losses = np.add.reduceat(hinge(margins), heads)
    gains = np.stack([losses - np.add.reduceat(hinge(margins + signs * weight), heads) for weight in WEIGHTS])
    units.evaluations += gains.size
    best, gains = gains.argmax(axis=0), gains.max(axis=0)
    fed = gains > cost
    costs = cost * np.array([len(literals) for literals, _ in candidates])
    accepted = np.flatnonzero(np.where(fed, gains - cost, 0).sum(axis=1) > costs)
    for index in accepted.tolist():
        nodes.add(candidates[index], np.where(fed[index], WEIGHTS[best[index]], 0).astype(np.float32))
    return len(accepted)

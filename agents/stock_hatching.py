"""Crossover and mutation of recorded children, on arrays of the genes of a whole generation.

Conventions:
    P genes of all parents, F places for genes of all children, for connections and nodes alike.
    `Records` are what a brood has recorded of each child, (C,) each.
Source: neat-python 2.0.0, `genome.py` (configure_crossover) and `genes.py` (crossover).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agents.gene_arrays import (
    ACTIVATION,
    AGGREGATION,
    BIAS,
    INNOVATION,
    KEY,
    RESPONSE,
    TIME_CONSTANT,
    GeneArrays,
    pack_links,
    pack_nodes,
)
from agents.stock_mutation import ValueMutations
from agents.stock_structure import Changes

LARGEST_TABLE = 2**25
"""Entries of the largest table of parents by genes: 128 MiB."""


@dataclass(frozen=True, slots=True)
class Records:
    """What was recorded of each child; every field is (C,) int64."""

    better: np.ndarray
    """Number of the better parent."""
    other: np.ndarray
    """Number of the other parent."""
    first_link: np.ndarray
    """Place of its first connection."""
    first_node: np.ndarray
    """Place of its first node."""
    link_draws: np.ndarray
    """Draws of its crossover for connections."""
    draws: np.ndarray
    """Draws of its crossover."""
    mutated: np.ndarray
    """Whether it took draws for mutation."""


class GenePool:
    """Where each parent keeps which gene."""

    def __init__(self, counts: Sequence[int], numbers: np.ndarray):
        """
        Args:
            counts: number of genes of every parent.
            numbers: (P,) int64 number of every gene, one parent after the other.
        """
        self._owners = np.repeat(np.arange(len(counts)), counts)
        self._low = numbers.min(initial=0)
        seen = np.zeros(numbers.max(initial=0) - self._low + 1, dtype=bool)
        seen[numbers - self._low] = True
        known = np.flatnonzero(seen)
        self._columns = np.empty(len(seen), dtype=np.int64)
        self._columns[known] = np.arange(len(known))
        columns = self._columns[numbers - self._low]
        self._width = max(1, len(known))
        if len(counts) * self._width <= LARGEST_TABLE:
            self._table = np.full((len(counts), self._width), -1, dtype=np.int32)
            self._table[self._owners, columns] = np.arange(len(numbers))
        else:
            self._table = None
            codes = self._owners * self._width + columns
            self._order = np.argsort(codes)
            self._codes = codes[self._order]

    def find(self, parents: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Return the index of a parent's gene with a number that some parent has, or -1; all arrays are (k,) int64."""
        columns = self._columns[numbers - self._low]
        if self._table is not None:
            return self._table[parents, columns]
        codes = parents * self._width + columns
        index = np.minimum(np.searchsorted(self._codes, codes), len(self._codes) - 1)
        return np.where(self._codes[index] == codes, self._order[index], -1)


def hatch(
    parents: Sequence[GeneArrays], records: Records, changes: Changes, mutations: ValueMutations, draws: np.ndarray
) -> list[tuple[np.ndarray, ...]]:
    """Compute the genes of all children.

    Args:
        parents: genes of the parents by number.
        records: what was recorded of each child.
        changes: structural mutations.
        mutations: mutations of values.
        draws: (D,) float64, all draws of crossover.

    Returns:
        Links, weights, enabled, nodes and values of every child, as in `GeneArrays`.

    Raises:
        ValueError: an innovation number stands for two different connections.
    """
    normals = mutations.normals.values()
    child, links, weights, enabled = _cross_links(parents, records, changes, draws)
    for place, source in changes.copied_weights:
        weights[place] = weights[source]
    for place, value in changes.enabled:
        enabled[place] = value
    alive = _without(changes.lost_links, len(child))
    mutations.apply_links(weights, enabled, np.flatnonzero(alive & records.mutated[child]), normals)
    link_parts = _by_child(child, alive, len(records.better), links, weights, enabled)

    child, nodes, values = _cross_nodes(parents, records, changes, draws)
    alive = _without(changes.lost_nodes, len(child))
    mutations.apply_nodes(values, nodes, np.flatnonzero(alive & records.mutated[child]), normals)
    node_parts = _by_child(child, alive, len(records.better), nodes, values)
    return [(*links, *nodes) for links, nodes in zip(link_parts, node_parts, strict=True)]


def _cross_links(parents: Sequence[GeneArrays], records: Records, changes: Changes, draws: np.ndarray) -> tuple:
    """Return the child of every place, links (3, F), weights and enabled (F,) after crossover, with new genes."""
    links, weights, enabled = _joined(
        [(one.links, one.weights, one.enabled) for one in parents], pack_links(gene for _, gene in changes.new_links)
    )
    counts = [len(one.weights) for one in parents]
    pool = GenePool(counts, links[INNOVATION, : sum(counts)])
    numbers = np.frombuffer(changes.links, dtype=np.int64) if changes.links else np.zeros(0, dtype=np.int64)
    child, inherited = _children(records.first_link, len(numbers), changes.new_links)
    own = np.empty(len(numbers), dtype=np.int64)
    own[~inherited] = sum(counts) + np.arange(len(changes.new_links))
    own[inherited] = pool.find(records.better[child[inherited]], numbers[inherited])
    other = pool.find(records.other[child[inherited]], numbers[inherited])
    matched = np.flatnonzero(inherited)[other >= 0]
    mine, theirs = own[matched], other[other >= 0]
    _check_innovations(links[:, mine], links[:, theirs])

    either_disabled = ~(enabled[mine] & enabled[theirs])
    taken = 2 + either_disabled
    # where a child's draws begin, less the draws that connections of earlier children took
    begin = (np.cumsum(records.draws) - records.draws) - (np.cumsum(records.link_draws) - records.link_draws)
    first = np.cumsum(taken) - taken + begin[child[matched]]
    crossed_weights, crossed_enabled = weights[own], enabled[own]
    crossed_weights[matched] = np.where(draws[first] > 0.5, weights[mine], weights[theirs])
    chosen = np.where(draws[first + 1] > 0.5, enabled[mine], enabled[theirs])
    chosen[either_disabled] &= ~(draws[first[either_disabled] + 2] < 0.75)
    crossed_enabled[matched] = chosen
    return child, links[:, own], crossed_weights, crossed_enabled


def _cross_nodes(parents: Sequence[GeneArrays], records: Records, changes: Changes, draws: np.ndarray) -> tuple:
    """Return the child of every place, nodes (3, F) and values (3, F) after crossover, with new genes."""
    nodes, values = _joined([(one.nodes, one.values) for one in parents], pack_nodes(g for _, g in changes.new_nodes))
    counts = np.array([one.nodes.shape[1] for one in parents])
    pool = GenePool(counts, nodes[KEY, : counts.sum()])
    child, inherited = _children(records.first_node, changes.nodes, changes.new_nodes)
    own = np.empty(changes.nodes, dtype=np.int64)
    own[~inherited] = counts.sum() + np.arange(len(changes.new_nodes))
    heirs = child[inherited]
    own[inherited] = (np.cumsum(counts) - counts)[records.better[heirs]] + (
        np.flatnonzero(inherited) - records.first_node[heirs]
    )
    other = pool.find(records.other[heirs], nodes[KEY, own[inherited]])
    matched = np.flatnonzero(inherited)[other >= 0]
    mine, theirs = own[matched], other[other >= 0]

    matches = np.bincount(child[matched], minlength=len(records.better))
    rank = np.arange(len(matched)) - (np.cumsum(matches) - matches)[child[matched]]
    begin = (np.cumsum(records.draws) - records.draws) + records.link_draws
    first = begin[child[matched]] + 5 * rank
    crossed_nodes, crossed_values = nodes[:, own], values[:, own]
    for draw, source, target, row in (
        (0, values, crossed_values, BIAS),
        (1, values, crossed_values, RESPONSE),
        (2, nodes, crossed_nodes, ACTIVATION),
        (3, nodes, crossed_nodes, AGGREGATION),
        (4, values, crossed_values, TIME_CONSTANT),
    ):
        target[row, matched] = np.where(draws[first + draw] > 0.5, source[row, mine], source[row, theirs])
    return child, crossed_nodes, crossed_values


def _joined(parts: Sequence[tuple[np.ndarray, ...]], new: tuple[np.ndarray, ...]) -> list[np.ndarray]:
    """Return the genes of all parents and the new ones, one after the other, array by array."""
    return [np.concatenate(arrays, axis=-1) for arrays in zip(*parts, new, strict=True)]


def _children(first: np.ndarray, places: int, new: Sequence[tuple]) -> tuple[np.ndarray, np.ndarray]:
    """Return the child of every place, and which places hold inherited genes; both are (F,)."""
    child = np.repeat(np.arange(len(first)), np.diff(first, append=places))
    inherited = np.ones(places, dtype=bool)
    inherited[[place for place, _ in new]] = False
    return child, inherited


def _check_innovations(links: np.ndarray, others: np.ndarray) -> None:
    """Raise ValueError if matching genes are different connections."""
    wrong = np.flatnonzero((links != others).any(axis=0))
    if len(wrong):
        source, sink, number = links[:, wrong[0]].tolist()
        raise ValueError(
            f"innovation number {number} stands for the connections {(source, sink)} and "
            f"{tuple(others[:2, wrong[0]].tolist())}: restore the innovation tracker together with a population"
        )


def _without(lost: Sequence[int], places: int) -> np.ndarray:
    """Return which places are not lost."""
    alive = np.ones(places, dtype=bool)
    alive[np.asarray(lost, dtype=np.int64)] = False
    return alive


def _by_child(child: np.ndarray, alive: np.ndarray, children: int, *arrays: np.ndarray) -> list[tuple]:
    """Cut arrays (..., F), less what is lost, into the parts of every child."""
    if not alive.all():
        child, arrays = child[alive], [array[..., alive] for array in arrays]
    ends = np.cumsum(np.bincount(child, minlength=children)).tolist()
    return [
        tuple(array[..., first:last] for array in arrays) for first, last in zip([0, *ends[:-1]], ends, strict=True)
    ]

"""Crossover and mutation of recorded children, on arrays of the genes of a whole generation.

Conventions:
    P genes of all parents, F places for genes of all children, for connections and nodes alike.
    `Records` are what a brood has recorded of each child, (C,) each.
Source: neat-python 2.0.0, `genome.py` (configure_crossover) and `genes.py` (crossover).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from agents.networks.gene_arrays import (
    ACTIVATION,
    AGGREGATION,
    BIAS,
    INNOVATION,
    KEY,
    RESPONSE,
    TIME_CONSTANT,
    GeneArrays,
    Ranks,
    links_by_innovation,
    pack_links,
    pack_nodes,
)
from agents.stock.draws import Uniforms
from agents.stock.mutation import ValueMutations
from agents.stock.structure import Changes

LARGEST_TABLE = 2**25
"""Entries of the largest table of parents by genes: 128 MiB."""


@dataclass(frozen=True, slots=True)
class Records:
    """What was recorded of each child; every field is (C,) int64, and the last one bool."""

    better: np.ndarray
    """Number of the better parent."""
    other: np.ndarray
    """Number of the other parent."""
    first_link: np.ndarray
    """Place of its first connection."""
    first_node: np.ndarray
    """Place of its first node."""
    link_draws: np.ndarray
    """Number of draws of its crossover for connections."""
    draws: np.ndarray
    """Number of draws of its crossover."""
    mutated: np.ndarray = field(kw_only=True)
    """Whether it took draws for mutation."""


class GenePool:
    """Where each parent keeps which gene."""

    def __init__(self, counts: np.ndarray, numbers: np.ndarray):
        """
        Args:
            counts: (parents,) int64, number of genes of every parent.
            numbers: (P,) int64 number of every gene, one parent after the other.
        """
        self._ranks = Ranks(numbers)
        self._width = len(self._ranks.different)
        owners, columns = np.repeat(np.arange(len(counts)), counts), self._ranks.rank(numbers)
        self._table: np.ndarray | None = None
        if len(counts) * self._width <= LARGEST_TABLE:
            self._table = np.full((len(counts), self._width), -1, dtype=np.int32)
            self._table[owners, columns] = np.arange(len(numbers))
        else:
            codes = owners * self._width + columns
            self._order = np.argsort(codes)
            self._codes = codes[self._order]

    def find(self, parents: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Return the index of each parent's gene with a known number, or -1; all arrays are (k,) int64."""
        columns = self._ranks.rank(numbers)
        if self._table is not None:
            return self._table[parents, columns]
        codes = parents * self._width + columns
        index = np.minimum(np.searchsorted(self._codes, codes), len(self._codes) - 1)
        return np.where(self._codes[index] == codes, self._order[index], -1)


def hatch(
    parents: GeneArrays, records: Records, changes: Changes, mutations: ValueMutations, draws: Uniforms
) -> tuple[np.ndarray, ...]:
    """Compute the genes of all children.

    Args:
        parents: genes of the parents by number.
        records: what was recorded of each child.
        changes: structural mutations.
        mutations: mutations of values.
        draws: all draws of crossover.

    Returns:
        Links, weights, enabled, link_ends, nodes, values and node_ends of the children, as in `GeneArrays`.

    Raises:
        ValueError: an innovation number stands for two different connections.
    """
    link_normals, node_normals = mutations.normal_values()
    child, *links = _cross_links(parents, records, changes, draws)
    _, weights, enabled = links
    for place, source in changes.copied_weights:
        weights[place] = weights[source]
    for place, value in changes.enabled:
        enabled[place] = value
    alive = _without(changes.lost_links, len(child))
    mutations.apply_links(weights, enabled, np.flatnonzero(alive & records.mutated[child]), link_normals)
    children = _left(child, alive, len(records.better), links)

    child, *nodes = _cross_nodes(parents, records, changes, draws)
    alive = _without(changes.lost_nodes, len(child))
    names, values = nodes
    mutations.apply_nodes(values, names, np.flatnonzero(alive & records.mutated[child]), node_normals)
    return *children, *_left(child, alive, len(records.better), nodes)


def _cross_links(parents: GeneArrays, records: Records, changes: Changes, draws: Uniforms) -> tuple:
    """Return the child of every place, links (3, F), weights and enabled (F,) after crossover, with new genes."""
    pool = GenePool(parents.link_counts(), parents.links[INNOVATION])
    if links_by_innovation(parents.links) is None:
        raise ValueError("an innovation number stands for two connections: restore the innovation tracker as well")
    links, weights, enabled = (
        np.concatenate(pair, axis=-1)
        for pair in zip(
            (parents.links, parents.weights, parents.enabled),
            pack_links(gene for _, gene in changes.new_links),
            strict=True,
        )
    )
    child, inherited = _children(records.first_link, changes.links, changes.new_links)
    numbers, heirs = np.concatenate(changes.orders), child[inherited]
    own = np.empty(changes.links, dtype=np.int64)
    own[~inherited] = len(parents.weights) + np.arange(len(changes.new_links))
    own[inherited] = pool.find(records.better[heirs], numbers)
    other = pool.find(records.other[heirs], numbers)
    matched = np.flatnonzero(inherited)[other >= 0]
    mine, theirs = own[matched], other[other >= 0]

    enabled_mine, enabled_theirs = enabled[mine], enabled[theirs]
    either_disabled = ~(enabled_mine & enabled_theirs)
    taken = 2 + either_disabled
    # where a child's draws begin, less the draws that connections of earlier children took
    begin = (np.cumsum(records.draws) - records.draws) - (np.cumsum(records.link_draws) - records.link_draws)
    first = np.cumsum(taken) - taken + begin[child[matched]]
    crossed_weights, crossed_enabled = weights[own], enabled[own]
    crossed_weights[matched] = np.where(draws[first] > 0.5, weights[mine], weights[theirs])
    chosen = np.where(draws[first + 1] > 0.5, enabled_mine, enabled_theirs)
    third = np.flatnonzero(either_disabled)
    chosen[third] &= ~(draws[first[third] + 2] < 0.75)
    crossed_enabled[matched] = chosen
    return child, np.take(links, own, axis=1), crossed_weights, crossed_enabled


def _cross_nodes(parents: GeneArrays, records: Records, changes: Changes, draws: Uniforms) -> tuple:
    """Return the child of every place, nodes (3, F) and values (3, F) after crossover, with new genes."""
    counts = parents.node_counts()
    pool = GenePool(counts, parents.nodes[KEY])
    new = pack_nodes(gene for _, gene in changes.new_nodes)
    nodes, values = (np.concatenate(pair, axis=1) for pair in zip((parents.nodes, parents.values), new, strict=True))
    child, inherited = _children(records.first_node, changes.nodes, changes.new_nodes)
    own = np.empty(changes.nodes, dtype=np.int64)
    own[~inherited] = parents.nodes.shape[1] + np.arange(len(changes.new_nodes))
    heirs = child[inherited]
    offset = (parents.node_ends - counts)[records.better] - records.first_node
    own[inherited] = np.flatnonzero(inherited) + offset[heirs]
    other = pool.find(records.other[heirs], nodes[KEY, own[inherited]])
    matched = np.flatnonzero(inherited)[other >= 0]
    mine, theirs = own[matched], other[other >= 0]

    matches = np.bincount(child[matched], minlength=len(records.better))
    rank = np.arange(len(matched)) - (np.cumsum(matches) - matches)[child[matched]]
    begin = (np.cumsum(records.draws) - records.draws) + records.link_draws
    first = begin[child[matched]] + 5 * rank
    crossed_nodes, crossed_values = np.take(nodes, own, axis=1), np.take(values, own, axis=1)
    for draw, source, target, row in (
        (0, values, crossed_values, BIAS),
        (1, values, crossed_values, RESPONSE),
        (2, nodes, crossed_nodes, ACTIVATION),
        (3, nodes, crossed_nodes, AGGREGATION),
        (4, values, crossed_values, TIME_CONSTANT),
    ):
        # most attributes have one value throughout: then it does not matter which parent's a child takes
        if (source[row].view(np.int64) != source[row, :1].view(np.int64)).any():
            target[row, matched] = np.where(draws[first + draw] > 0.5, source[row, mine], source[row, theirs])
    return child, crossed_nodes, crossed_values


def _children(first: np.ndarray, places: int, new: Sequence[tuple]) -> tuple[np.ndarray, np.ndarray]:
    """Return the child of every place, and which places hold inherited genes; both are (F,)."""
    child = np.repeat(np.arange(len(first)), np.diff(first, append=places))
    inherited = np.ones(places, dtype=bool)
    inherited[[place for place, _ in new]] = False
    return child, inherited


def _without(lost: Sequence[int], places: int) -> np.ndarray:
    """Return which places are not lost."""
    alive = np.ones(places, dtype=bool)
    alive[np.array(lost, dtype=np.int64)] = False
    return alive


def _left(child: np.ndarray, alive: np.ndarray, children: int, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return arrays (..., F) without what is lost, and where each child's part ends."""
    if not alive.all():
        kept = np.flatnonzero(alive)
        child, arrays = child[kept], [np.take(array, kept, axis=-1) for array in arrays]
    return [*arrays, np.cumsum(np.bincount(child, minlength=children))]

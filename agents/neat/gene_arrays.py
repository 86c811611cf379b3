"""Genes as arrays: those of one genome or of many, one genome after the other; to and from neat-python's genes.

Conventions:
    N genomes with T connections and S nodes together, in the order of each genome's dictionaries.
    Names of activation and aggregation functions are kept as numbers, which mean the same for as long as
    the process lives: arrays are never stored, gene objects are.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
from neat.genes import DefaultConnectionGene, DefaultNodeGene

SOURCE, SINK, INNOVATION = range(3)
KEY, ACTIVATION, AGGREGATION = range(3)
BIAS, RESPONSE, TIME_CONSTANT = range(3)

_NAMES: list[str] = []
_NUMBERS: dict[str, int] = {}


def name_number(name: str) -> int:
    """Return the number that stands for the name of a function."""
    if name not in _NUMBERS:
        _NUMBERS[name] = len(_NAMES)
        _NAMES.append(name)
    return _NUMBERS[name]


def number_name(number: int) -> str:
    """Return the name that a number stands for."""
    return _NAMES[number]


@dataclass(frozen=True, eq=False, slots=True)
class GeneArrays:
    """The genes of genomes. Arrays are never changed: several genomes and generations may look at the same ones."""

    links: np.ndarray
    """(3, T) int64: source, sink, innovation number."""
    weights: np.ndarray
    """(T,) float64."""
    enabled: np.ndarray
    """(T,) bool."""
    link_ends: np.ndarray
    """(N,) int64: where the connections of each genome end."""
    nodes: np.ndarray
    """(3, S) int64: key, number of the activation, number of the aggregation."""
    values: np.ndarray
    """(3, S) float64: bias, response, time constant."""
    node_ends: np.ndarray
    """(N,) int64: where the nodes of each genome end."""
    acyclic: bool = field(default=False, kw_only=True)
    """Whether the connections of every genome are known to run in no circle."""

    def __len__(self) -> int:
        return len(self.link_ends)

    def copy(self) -> "GeneArrays":
        """Return the same genes in arrays of their own."""
        arrays = (self.links, self.weights, self.enabled, self.link_ends, self.nodes, self.values, self.node_ends)
        return GeneArrays(*(array.copy() for array in arrays), acyclic=self.acyclic)

    def link_counts(self) -> np.ndarray:
        """Return the number of connections of each genome, (N,) int64."""
        return np.diff(self.link_ends, prepend=0)

    def node_counts(self) -> np.ndarray:
        """Return the number of nodes of each genome, (N,) int64."""
        return np.diff(self.node_ends, prepend=0)

    def places(self, index: int) -> tuple[slice, slice]:
        """Return where the connections and the nodes of one genome stand."""
        links, nodes = self.link_ends, self.node_ends
        if index == 0:
            return slice(0, int(links[0])), slice(0, int(nodes[0]))
        return slice(int(links[index - 1]), int(links[index])), slice(int(nodes[index - 1]), int(nodes[index]))

    def part(self, first: int, last: int) -> "GeneArrays":
        """Return the genes of the genomes from `first` up to but not including `last`, as views."""
        link, node = (int(ends[first - 1]) if first else 0 for ends in (self.link_ends, self.node_ends))
        links, nodes = slice(link, int(self.link_ends[last - 1])), slice(node, int(self.node_ends[last - 1]))
        return GeneArrays(
            self.links[:, links],
            self.weights[links],
            self.enabled[links],
            self.link_ends[first:last] - link,
            self.nodes[:, nodes],
            self.values[:, nodes],
            self.node_ends[first:last] - node,
            acyclic=self.acyclic,
        )

    def take(self, indices: Sequence[int]) -> "GeneArrays":
        """Return copies of the genes of some genomes, in the order of `indices`."""
        chosen = np.asarray(indices)
        links, link_ends = _ranges(self.link_ends, self.link_counts(), chosen)
        nodes, node_ends = _ranges(self.node_ends, self.node_counts(), chosen)
        return GeneArrays(
            np.take(self.links, links, axis=1),
            self.weights[links],
            self.enabled[links],
            link_ends,
            np.take(self.nodes, nodes, axis=1),
            np.take(self.values, nodes, axis=1),
            node_ends,
            acyclic=self.acyclic,
        )


def _ranges(ends: np.ndarray, counts: np.ndarray, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of some genomes' genes, one genome after the other, and where each one's end there."""
    counts, first = counts[indices], (ends - counts)[indices]
    new_ends = np.cumsum(counts)
    return np.repeat(first - (new_ends - counts), counts) + np.arange(counts.sum()), new_ends


def join(parts: Sequence[GeneArrays]) -> GeneArrays:
    """Return the genes of several groups of genomes, one after the other."""
    if len(parts) == 1:
        return parts[0]
    return GeneArrays(
        np.concatenate([part.links for part in parts], axis=1),
        np.concatenate([part.weights for part in parts]),
        np.concatenate([part.enabled for part in parts]),
        np.cumsum(np.concatenate([part.link_counts() for part in parts])),
        np.concatenate([part.nodes for part in parts], axis=1),
        np.concatenate([part.values for part in parts], axis=1),
        np.cumsum(np.concatenate([part.node_counts() for part in parts])),
        acyclic=all(part.acyclic for part in parts),
    )


def gather(places: Iterable[tuple[GeneArrays, int]]) -> GeneArrays:
    """Return the genes of genomes that stand anywhere, each given by arrays and its index in them.

    Neighbours that stay neighbours are taken together: a whole generation costs no more than a copy.
    """
    parts = []
    for _, group in groupby(places, key=lambda place: id(place[0])):
        genes, indices = zip(*group, strict=True)
        first, last = indices[0], indices[-1] + 1
        together = indices == tuple(range(first, last))
        parts.append(genes[0].part(first, last) if together else genes[0].take(indices))
    return join(parts)


class Ranks:
    """Ranks of whole numbers that lie close together: what `numpy.unique` finds, without sorting."""

    def __init__(self, numbers: np.ndarray):
        """
        Args:
            numbers: (T,) int64.
        """
        self._low = numbers.min(initial=0)
        seen = np.zeros(numbers.max(initial=0) - self._low + 1, dtype=bool)
        seen[numbers - self._low] = True
        places = np.flatnonzero(seen)
        self.different = places + self._low
        """The different numbers in order."""
        self._ranks = np.empty(len(seen), dtype=np.int64)
        self._ranks[places] = np.arange(len(places))

    def rank(self, numbers: np.ndarray) -> np.ndarray:
        """Return for some of the numbers where they stand in `different`, in the shape of `numbers`."""
        return self._ranks[numbers - self._low]


def link_codes(links: np.ndarray) -> np.ndarray:
    """Return a number for every connection of `links` (3, T) that tells its source and sink, (T,) int64."""
    return (links[SOURCE] << 32) + links[SINK]


def links_by_innovation(links: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the rank of each innovation number of `links` (3, T), (T,), and the link code that each rank stands for.

    Returns:
        None if an innovation number stands for two different connections, as it does only when a population was
        restored without its innovation tracker.
    """
    ranks, codes = Ranks(links[INNOVATION]), link_codes(links)
    places = ranks.rank(links[INNOVATION])
    different = np.empty(len(ranks.different), dtype=np.int64)
    different[places] = codes
    return (places, different) if (different[places] == codes).all() else None


def pack_links(genes: Iterable[DefaultConnectionGene]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return links, weights and enabled of connection genes, as in `GeneArrays`."""
    genes = list(genes)
    links = [(*gene.key, gene.innovation) for gene in genes]
    return (
        np.ascontiguousarray(np.array(links, dtype=np.int64).reshape(-1, 3).T),
        np.array([gene.weight for gene in genes], dtype=np.float64),
        np.array([gene.enabled for gene in genes], dtype=bool),
    )


def pack_nodes(genes: Iterable[DefaultNodeGene]) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes and values of node genes, as in `GeneArrays`."""
    genes = list(genes)
    nodes = [(gene.key, name_number(gene.activation), name_number(gene.aggregation)) for gene in genes]
    values = [(gene.bias, gene.response, gene.time_constant) for gene in genes]
    return (
        np.ascontiguousarray(np.array(nodes, dtype=np.int64).reshape(-1, 3).T),
        np.ascontiguousarray(np.array(values, dtype=np.float64).reshape(-1, 3).T),
    )


def pack(connections: dict, nodes: dict) -> GeneArrays:
    """Return the genes of one genome, given as neat-python's dictionaries, as arrays."""
    counts = np.array([len(connections)]), np.array([len(nodes)])
    return GeneArrays(*pack_links(connections.values()), counts[0], *pack_nodes(nodes.values()), counts[1])


def unpack(genes: GeneArrays) -> tuple[dict, dict]:
    """Return new connection genes by key and new node genes by key, of the genes of one genome."""
    connections, nodes = {}, {}
    for (source, sink, innovation), weight, enabled in zip(
        genes.links.T.tolist(), genes.weights.tolist(), genes.enabled.tolist(), strict=True
    ):
        link = DefaultConnectionGene((source, sink), innovation=innovation)
        link.weight, link.enabled = weight, enabled
        connections[link.key] = link
    for (key, activation, aggregation), values in zip(genes.nodes.T.tolist(), genes.values.T.tolist(), strict=True):
        node = DefaultNodeGene(key)
        node.bias, node.response, node.time_constant = values
        node.activation, node.aggregation = _NAMES[activation], _NAMES[aggregation]
        nodes[key] = node
    return connections, nodes

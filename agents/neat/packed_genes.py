"""Chunks of genomes that are computed together, with their genes as arrays.

Conventions: node keys are neat-python's: inputs below 0, outputs from 0, hidden nodes above.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

import neat
import numpy as np

from agents.neat.activations import NUMBERS

CHUNK = 128
"""Number of genomes evaluated at once; limits memory use and changes no result."""


@dataclass(frozen=True, slots=True)
class PackedGenes:
    """Genes of N genomes with S nodes each, one genome after the other; only those that affect their outputs."""

    owners: np.ndarray
    """(T,) int64: the genome of each of T enabled connections."""
    sources: np.ndarray
    """(T,) int64 keys."""
    sinks: np.ndarray
    """(T,) int64 keys."""
    weights: np.ndarray
    """(T,) float64."""
    keys: np.ndarray
    """(N, S) int64: keys of the nodes in order, outputs first."""
    bias: np.ndarray
    """(N, S) float64."""
    response: np.ndarray
    """(N, S) float64."""
    activations: np.ndarray
    """(N, S) int64: numbers of the activation functions, as in `agents.neat.activations`."""

    def slots(self, owners: np.ndarray, keys: np.ndarray) -> np.ndarray:
        """Return the indices (k,) of nodes with the given keys within their owners' nodes."""
        genomes, nodes = self.keys.shape
        known = (self.keys + (np.arange(genomes) << 32)[:, None]).ravel()
        return np.searchsorted(known, keys + (owners << 32)) - owners * nodes


Rows = Sequence[np.ndarray]
"""Arrays of equal length, with an item for every gene. The first is the index of the genome."""


def packed_chunks(
    genomes: Sequence[neat.DefaultGenome], outputs: int, size: int = CHUNK
) -> Iterator[tuple[list[int], PackedGenes]]:
    """Yield chunks of genomes with the same number of live nodes.

    A hidden node is live if enabled connections lead from it to an output.

    Args:
        genomes: distinct feed-forward genomes.
        outputs: number of their output nodes.
        size: largest number of genomes in a chunk.

    Yields:
        Indices of the genomes, and their genes.
    """
    if not len(genomes):
        return
    links, nodes = _without_dead_ends(*_rows(genomes), outputs)
    counts, node_counts = (np.bincount(rows[0], minlength=len(genomes)) for rows in (links, nodes))
    order = np.argsort(node_counts, kind="stable")
    if (order[1:] < order[:-1]).any():
        links, nodes = _reordered(links, order), _reordered(nodes, order)
        counts, node_counts = counts[order], node_counts[order]
    ends, node_ends = np.cumsum(counts), np.cumsum(node_counts)
    starts = np.flatnonzero(np.diff(node_counts, prepend=-1)).tolist()
    for start, stop in pairwise([*starts, len(genomes)]):
        for first in range(start, stop, size):
            last = min(first + size, stop)
            part = slice(ends[first] - counts[first], ends[last - 1])
            chosen = slice(node_ends[first] - node_counts[first], node_ends[last - 1])
            owners = np.repeat(np.arange(last - first), counts[first:last])
            tables = [row[chosen].reshape(last - first, -1) for row in nodes[1:]]
            columns = [owners, *(row[part] for row in links[1:]), *tables]
            yield order[first:last].tolist(), PackedGenes(*columns)


def _rows(genomes: Sequence[neat.DefaultGenome]) -> tuple[Rows, Rows]:
    """Return the enabled connections and the nodes of genomes, with the fields of `PackedGenes`."""
    enabled = [[gene for gene in genome.connections.values() if gene.enabled] for genome in genomes]
    links = list(chain.from_iterable(enabled))
    ends = np.fromiter(chain.from_iterable(gene.key for gene in links), dtype=np.int64, count=2 * len(links))
    weights = np.array([gene.weight for gene in links], dtype=np.float64)
    owners = np.repeat(np.arange(len(genomes)), [len(genes) for genes in enabled])
    nodes = [gene for genome in genomes for gene in genome.nodes.values()]
    node_owners = np.repeat(np.arange(len(genomes)), [len(genome.nodes) for genome in genomes])
    keys, activations = [gene.key for gene in nodes], [NUMBERS[gene.activation] for gene in nodes]
    values = [gene.bias for gene in nodes], [gene.response for gene in nodes]
    return (owners, ends[0::2], ends[1::2], weights), (node_owners, *map(np.array, (keys, *values, activations)))


def _without_dead_ends(links: Rows, nodes: Rows, outputs: int) -> tuple[Rows, Rows]:
    """Return connections and nodes, sorted by genome and key, without the nodes that lead to no output."""
    codes = (nodes[0] << 32) + nodes[1]
    if (codes[1:] <= codes[:-1]).any():
        order = np.argsort(codes)
        codes, nodes = codes[order], [row[order] for row in nodes]
    alive = nodes[1] < outputs
    if alive.all():
        return links, nodes
    owners, sources, sinks, _ = links
    inner = np.flatnonzero(sources >= 0)
    starts, ends = (np.searchsorted(codes, (owners[inner] << 32) + keys[inner]) for keys in (sources, sinks))
    while not alive[lead := starts[alive[ends]]].all():
        alive[lead] = True
    kept = np.ones(len(owners), dtype=bool)
    hidden = np.flatnonzero(sinks >= outputs)
    kept[hidden] = alive[np.searchsorted(codes, (owners[hidden] << 32) + sinks[hidden])]
    return [row[kept] for row in links], [row[alive] for row in nodes]


def _reordered(rows: Rows, order: np.ndarray) -> Rows:
    """Return the genes with the genomes reordered."""
    moved = np.argsort(np.argsort(order)[rows[0]], kind="stable")
    return [row[moved] for row in rows]

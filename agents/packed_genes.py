"""Genomes in chunks that are computed together: the genes that a network is made of, as arrays.

Conventions: node keys are neat-python's: inputs below 0, outputs from 0, hidden nodes above.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

import neat
import numpy as np

from agents.gene_arrays import (
    ACTIVATION,
    BIAS,
    INNOVATION,
    KEY,
    RESPONSE,
    gather,
    name_number,
    number_name,
)

CHUNK = 128
"""Genomes evaluated at once: bounds the memory, changes no result."""


@dataclass(frozen=True, slots=True)
class PackedGenes:
    """Genes of N genomes with S nodes each: all enabled connections, T of them, one genome after the other."""

    owners: np.ndarray
    """(T,) int64: index of the genome."""
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
    """(N, S) int64: numbers of the activation functions."""

    def __reduce__(self):
        # numbers of functions mean something in this process only: another one is told the names
        numbers, places = np.unique(self.activations, return_inverse=True)
        names = [number_name(number) for number in numbers.tolist()]
        arrays = (self.owners, self.sources, self.sinks, self.weights, self.keys, self.bias, self.response)
        return _unpack_genes, (*arrays, names, places.reshape(self.activations.shape))

    def slots(self, owners: np.ndarray, keys: np.ndarray) -> np.ndarray:
        """Return the places (k,) of nodes in the order of their genomes' nodes."""
        genomes, nodes = self.keys.shape
        known = (self.keys + (np.arange(genomes) << 32)[:, None]).ravel()
        return np.searchsorted(known, keys + (owners << 32)) - owners * nodes


def _unpack_genes(*parts) -> PackedGenes:
    """Rebuild genes that come from another process."""
    *arrays, names, places = parts
    return PackedGenes(*arrays, np.array([name_number(name) for name in names])[places])


def _flat_arrays(genomes: Sequence[neat.DefaultGenome]) -> tuple[tuple, ...]:
    """Return connections and nodes, as `packed_chunks` takes them, of genomes that keep their genes as arrays."""
    genes = gather(genome.stored() for genome in genomes)
    enabled = np.flatnonzero(genes.enabled)
    owners = np.repeat(np.arange(len(genomes)), genes.link_counts())[enabled]
    links = (*np.take(genes.links[:INNOVATION], enabled, axis=1), genes.weights[enabled])
    nodes = (genes.nodes[KEY], genes.values[BIAS], genes.values[RESPONSE], genes.nodes[ACTIVATION])
    return np.bincount(owners, minlength=len(genomes)), links, genes.node_counts(), nodes


def _flat_objects(genomes: Sequence[neat.DefaultGenome]) -> tuple[tuple, ...]:
    """Return connections and nodes, as `packed_chunks` takes them, of genomes that keep their genes as objects."""
    enabled = [[gene for gene in genome.connections.values() if gene.enabled] for genome in genomes]
    links = list(chain.from_iterable(enabled))
    ends = np.fromiter(chain.from_iterable(gene.key for gene in links), dtype=np.int64, count=2 * len(links))
    weights = np.array([gene.weight for gene in links], dtype=np.float64)
    nodes = [gene for genome in genomes for gene in genome.nodes.values()]
    keys, activations = [gene.key for gene in nodes], [name_number(gene.activation) for gene in nodes]
    values = [gene.bias for gene in nodes], [gene.response for gene in nodes]
    return (
        np.array([len(genes) for genes in enabled]),
        (ends[0::2], ends[1::2], weights),
        np.array([len(genome.nodes) for genome in genomes]),
        tuple(np.array(row) for row in (keys, *values, activations)),
    )


def packed_chunks(genomes: Sequence[neat.DefaultGenome], size: int = CHUNK) -> Iterator[tuple[list[int], PackedGenes]]:
    """Yield indices and genes of up to `size` genomes with the same number of nodes; every genome occurs once."""
    if not len(genomes):
        return
    flat = _flat_arrays if all(hasattr(genome, "stored") for genome in genomes) else _flat_objects
    counts, links, node_counts, nodes = flat(genomes)
    order = np.argsort(node_counts, kind="stable")
    if (order[1:] < order[:-1]).any():
        links = _reordered(links, counts, order)
        nodes = _reordered(nodes, node_counts, order)
        counts, node_counts = counts[order], node_counts[order]
    ends, node_ends = np.cumsum(counts), np.cumsum(node_counts)
    starts = np.flatnonzero(np.diff(node_counts, prepend=-1)).tolist()
    for start, stop in pairwise([*starts, len(genomes)]):
        for first in range(start, stop, size):
            last = min(first + size, stop)
            part = slice(ends[first] - counts[first], ends[last - 1])
            rows = slice(node_ends[first] - node_counts[first], node_ends[last - 1])
            tables = [array[rows].reshape(last - first, -1) for array in nodes]
            if (tables[0][:, 1:] <= tables[0][:, :-1]).any():
                by_key = np.argsort(tables[0], axis=1)
                tables = [np.take_along_axis(table, by_key, axis=1) for table in tables]
            owners = np.repeat(np.arange(last - first), counts[first:last])
            yield order[first:last].tolist(), PackedGenes(owners, *(array[part] for array in links), *tables)


def _reordered(arrays: Sequence[np.ndarray], counts: np.ndarray, order: np.ndarray) -> list[np.ndarray]:
    """Return arrays of the genes of all genomes, `counts` each, with the genomes in another order."""
    first = np.cumsum(counts) - counts
    moved = counts[order]
    places = np.repeat(first[order] - (np.cumsum(moved) - moved), moved) + np.arange(counts.sum())
    return [array[places] for array in arrays]

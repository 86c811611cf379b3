"""neat-python's genetic distance from one genome to many, to the bit.

A distance is a sum over the genes of the first genome, in the order of its dictionaries; the sums here add in
that order. A gene that does not differ adds 0, which changes no sum.

Source: neat-python 2.0.0, `distance` in `genome.py` and `genes.py`.
"""

from collections.abc import Sequence

import numpy as np
from neat.genome import DefaultGenomeConfig

from agents.gene_arrays import ACTIVATION, AGGREGATION, BIAS, KEY, RESPONSE, SINK, SOURCE, TIME_CONSTANT, GeneArrays


class Population:
    """Genomes to which distances are measured: their genes, sorted by what they match."""

    def __init__(self, genomes: Sequence[GeneArrays], config: DefaultGenomeConfig):
        self.config = config
        self.count = len(genomes)
        self._link_counts = np.array([len(one.weights) for one in genomes])
        self._links = _Genes(_link_codes(np.concatenate([one.links for one in genomes], axis=1)), self._link_counts)
        self._weights = self._links.sort(np.concatenate([one.weights for one in genomes]))
        self._enabled = self._links.sort(np.concatenate([one.enabled for one in genomes]))
        self._node_counts = np.array([one.nodes.shape[1] for one in genomes])
        nodes = np.concatenate([one.nodes for one in genomes], axis=1)
        self._nodes = _Genes(nodes[KEY], self._node_counts)
        self._names = self._nodes.sort(nodes)
        self._values = self._nodes.sort(np.concatenate([one.values for one in genomes], axis=1))

    def distances(self, genome: GeneArrays) -> np.ndarray:
        """Return `genome.distance(other)` for every other genome, (N,) float64."""
        return self._node_distances(genome) + self._link_distances(genome)

    def _node_distances(self, genome: GeneArrays) -> np.ndarray:
        own, others = self._nodes.match(genome.nodes[KEY])
        values, other_values = genome.values[:, own], self._values[:, others]
        terms = abs(values[BIAS] - other_values[BIAS]) + abs(values[RESPONSE] - other_values[RESPONSE])
        terms += abs(values[TIME_CONSTANT] - other_values[TIME_CONSTANT])
        for row in (ACTIVATION, AGGREGATION):
            terms += genome.nodes[row, own] != self._names[row, others]
        return self._mean(self._nodes, others, terms, genome.nodes.shape[1], self._node_counts)

    def _link_distances(self, genome: GeneArrays) -> np.ndarray:
        own, others = self._links.match(_link_codes(genome.links))
        terms = abs(genome.weights[own] - self._weights[others])
        terms += genome.enabled[own] != self._enabled[others]
        return self._mean(self._links, others, terms, len(genome.weights), self._link_counts)

    def _mean(self, genes: "_Genes", matches: np.ndarray, terms: np.ndarray, size: int, sizes: np.ndarray) -> np.ndarray:
        """Return the distance that matching genes and genes without a match amount to, for each genome."""
        owners = genes.owners[matches]
        terms *= self.config.compatibility_weight_coefficient
        # bincount adds one term after the other, in the order given; other sums of NumPy do not
        sums = np.bincount(owners, weights=terms, minlength=self.count)
        disjoint = size + sizes - 2 * np.bincount(owners, minlength=self.count)
        apart = sums + self.config.compatibility_disjoint_coefficient * disjoint
        return apart / np.maximum(np.maximum(size, sizes), 1)


class _Genes:
    """Genes of many genomes, sorted by a code that is equal for matching genes."""

    def __init__(self, codes: np.ndarray, counts: np.ndarray):
        self._order = np.argsort(codes)
        self._codes = codes[self._order]
        self.owners = np.repeat(np.arange(len(counts)), counts)[self._order]

    def sort(self, values: np.ndarray) -> np.ndarray:
        """Return values of the genes, (..., T), in the sorted order."""
        return values[..., self._order]

    def match(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return all pairs of a gene with one of these codes and a sorted gene, ordered by the former; (k,) int64."""
        first = np.searchsorted(self._codes, codes)
        counts = np.searchsorted(self._codes, codes, side="right") - first
        own = np.repeat(np.arange(len(codes)), counts)
        return own, np.arange(len(own)) + np.repeat(first - (np.cumsum(counts) - counts), counts)


def _link_codes(links: np.ndarray) -> np.ndarray:
    """Return a number for every connection that tells its source and sink."""
    return (links[SOURCE] << 32) + links[SINK]

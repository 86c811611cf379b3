"""neat-python's genetic distance from one genome to another, or to many, to the bit.

A distance is a sum over the genes of the first genome, in the order of its dictionaries; the sums here add in
that order. A gene that does not differ adds 0, which changes no sum.

Source: neat-python 2.0.0, `distance` in `genome.py` and `genes.py`.
"""

import numpy as np
from neat.genome import DefaultGenomeConfig

from agents.networks.gene_arrays import (
    ACTIVATION,
    AGGREGATION,
    BIAS,
    KEY,
    RESPONSE,
    TIME_CONSTANT,
    GeneArrays,
    Ranks,
    link_codes,
    links_by_innovation,
)


class Lookup:
    """The genes of one genome by what they match: what distances between two genomes are computed from."""

    def __init__(self, genes: GeneArrays):
        functions = genes.nodes[[ACTIVATION, AGGREGATION]].tolist()
        rows = zip(*genes.values.tolist(), *functions, strict=True)
        self.nodes = dict(zip(genes.nodes[KEY].tolist(), rows, strict=True))
        links = zip(genes.weights.tolist(), genes.enabled.tolist(), strict=True)
        self.links = dict(zip(link_codes(genes.links).tolist(), links, strict=True))

    def distance(self, other: "Lookup", config: DefaultGenomeConfig) -> float:
        """Return the distance to another genome."""
        nodes, weight = 0.0, config.compatibility_weight_coefficient
        matching_nodes = 0
        for key, (bias, response, time_constant, activation, aggregation) in self.nodes.items():
            if gene := other.nodes.get(key):
                apart = abs(bias - gene[0]) + abs(response - gene[1])
                apart += abs(time_constant - gene[2])
                nodes += (apart + (activation != gene[3]) + (aggregation != gene[4])) * weight
                matching_nodes += 1
        links, matching_links = 0.0, 0
        for code, (value, enabled) in self.links.items():
            if gene := other.links.get(code):
                links += (abs(value - gene[0]) + (enabled != gene[1])) * weight
                matching_links += 1
        coefficient = config.compatibility_disjoint_coefficient
        return _per_gene(nodes, matching_nodes, len(self.nodes), len(other.nodes), coefficient) + _per_gene(
            links, matching_links, len(self.links), len(other.links), coefficient
        )


def _per_gene(total: float, matching: int, size: int, other_size: int, coefficient: float) -> float:
    """Return the distance that matching genes and genes without a match amount to."""
    return (total + coefficient * (size + other_size - 2 * matching)) / max(size, other_size, 1)


class Genomes:
    """Genomes to which distances are measured: their genes, sorted by what they match."""

    def __init__(self, genes: GeneArrays, config: DefaultGenomeConfig):
        self.config = config
        self.count = len(genes)
        self._link_counts, self._node_counts = genes.link_counts(), genes.node_counts()
        self._links = _Genes(*_ranked_links(genes.links), self._link_counts)
        self._weights, self._enabled = self._links.sort(genes.weights), self._links.sort(genes.enabled)
        keys = Ranks(genes.nodes[KEY])
        self._nodes = _Genes(keys.different, keys.rank(genes.nodes[KEY]), self._node_counts)
        self._names, self._values = self._nodes.sort(genes.nodes), self._nodes.sort(genes.values)

    def distances(self, genome: GeneArrays) -> np.ndarray:
        """Return `genome.distance(other)` for every other genome, (N,) float64."""
        return self._node_distances(genome) + self._link_distances(genome)

    def _node_distances(self, genome: GeneArrays) -> np.ndarray:
        own, others = self._nodes.match(genome.nodes[KEY])
        values, other_values = np.take(genome.values, own, axis=1), np.take(self._values, others, axis=1)
        terms = abs(values[BIAS] - other_values[BIAS]) + abs(values[RESPONSE] - other_values[RESPONSE])
        terms += abs(values[TIME_CONSTANT] - other_values[TIME_CONSTANT])
        for row in (ACTIVATION, AGGREGATION):
            terms += genome.nodes[row, own] != self._names[row, others]
        return self._mean(self._nodes.owners[others], terms, genome.nodes.shape[1], self._node_counts)

    def _link_distances(self, genome: GeneArrays) -> np.ndarray:
        own, others = self._links.match(link_codes(genome.links))
        terms = abs(genome.weights[own] - self._weights[others])
        terms += genome.enabled[own] != self._enabled[others]
        return self._mean(self._links.owners[others], terms, len(genome.weights), self._link_counts)

    def _mean(self, owners: np.ndarray, terms: np.ndarray, size: int, sizes: np.ndarray) -> np.ndarray:
        """Return the distance that matching genes and genes without a match amount to, for each genome."""
        terms *= self.config.compatibility_weight_coefficient
        # bincount adds one term after the other, in the order given; other sums of NumPy do not
        sums = np.bincount(owners, weights=terms, minlength=self.count)
        disjoint = size + sizes - 2 * np.bincount(owners, minlength=self.count)
        apart = sums + self.config.compatibility_disjoint_coefficient * disjoint
        return apart / np.maximum(np.maximum(size, sizes), 1)


class _Genes:
    """Genes of many genomes, sorted by a code that is equal for matching genes."""

    def __init__(self, codes: np.ndarray, ranks: np.ndarray, counts: np.ndarray):
        """
        Args:
            codes: (K,) int64, the different codes in order.
            ranks: (T,) int64, where the code of each gene stands among them.
            counts: (N,) int64, number of genes of each genome.
        """
        # NumPy sorts 16-bit numbers in linear time
        self._order = np.argsort(ranks.astype(np.uint16) if len(codes) <= 2**16 else ranks, kind="stable")
        self._codes = codes
        self._counts = np.bincount(ranks, minlength=len(codes))
        self._first = np.cumsum(self._counts) - self._counts
        self.owners = np.repeat(np.arange(len(counts)), counts)[self._order]

    def sort(self, values: np.ndarray) -> np.ndarray:
        """Return values of the genes, (..., T), in the sorted order."""
        return np.take(values, self._order, axis=-1)

    def match(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return all pairs of a gene with one of these codes and a sorted gene, ordered by the former; (k,) int64."""
        if not len(self._codes):
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        places = np.minimum(np.searchsorted(self._codes, codes), len(self._codes) - 1)
        counts = np.where(self._codes[places] == codes, self._counts[places], 0)
        own = np.repeat(np.arange(len(codes)), counts)
        return own, np.arange(len(own)) + np.repeat(self._first[places] - (np.cumsum(counts) - counts), counts)


def _ranked_links(links: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the different link codes in order, (K,), and where that of each connection stands among them, (T,)."""
    by_innovation = links_by_innovation(links)
    if by_innovation is None:
        return np.unique(link_codes(links), return_inverse=True)
    # there are far fewer innovation numbers than connections
    codes, ranks = np.unique(by_innovation[1], return_inverse=True)
    return codes, ranks[by_innovation[0]]

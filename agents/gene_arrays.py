"""One genome's genes as arrays, to and from neat-python's gene objects.

Conventions:
    n connections and m nodes, in the order of the genome's dictionaries.
    Names of activation and aggregation functions are kept as numbers, which mean the same for as long as
    the process lives: arrays are never stored, gene objects are.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import neat
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
    """The genes of one genome. Arrays are never changed: relatives may look at the same ones."""

    links: np.ndarray
    """(3, n) int64: source, sink, innovation number."""
    weights: np.ndarray
    """(n,) float64."""
    enabled: np.ndarray
    """(n,) bool."""
    nodes: np.ndarray
    """(3, m) int64: key, number of the activation, number of the aggregation."""
    values: np.ndarray
    """(3, m) float64: bias, response, time constant."""
    acyclic: bool = False
    """Whether the connections are known to run in no circle."""

    def copy(self) -> "GeneArrays":
        """Return arrays of their own memory: views of a generation's arrays keep the whole generation alive."""
        arrays = (self.links, self.weights, self.enabled, self.nodes, self.values)
        return GeneArrays(*(array.copy() for array in arrays), self.acyclic)


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


def unpack(arrays: GeneArrays) -> tuple[dict, dict]:
    """Return new connection genes by key and new node genes by key."""
    connections, nodes = {}, {}
    for (*key, innovation), weight, enabled in zip(
        arrays.links.T.tolist(), arrays.weights.tolist(), arrays.enabled.tolist(), strict=True
    ):
        gene = DefaultConnectionGene(tuple(key), innovation=innovation)
        gene.weight, gene.enabled = weight, enabled
        connections[gene.key] = gene
    for (key, activation, aggregation), values in zip(arrays.nodes.T.tolist(), arrays.values.T.tolist(), strict=True):
        gene = DefaultNodeGene(key)
        gene.bias, gene.response, gene.time_constant = values
        gene.activation, gene.aggregation = _NAMES[activation], _NAMES[aggregation]
        nodes[key] = gene
    return connections, nodes


def gene_arrays(genome: neat.DefaultGenome) -> GeneArrays:
    """Return the genes of any neat-python genome with default genes as arrays."""
    arrays = getattr(genome, "arrays", None)
    if arrays is None:
        arrays = GeneArrays(*pack_links(genome.connections.values()), *pack_nodes(genome.nodes.values()))
    return arrays

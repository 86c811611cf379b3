"""Phenotypes: genomes as arrays, so that a few matrix products evaluate a whole population on all cases.

A neat-python genome becomes a matrix of weights into its outputs and hidden nodes. Inputs are multiplied once. Hidden
nodes, if any, take as many further products as the network is deep. `agents/neat/genome.py` keeps weights on a grid of
1/1024, so for networks without hidden nodes all sums of 0/1 inputs are exact in any order: bit-identical on every
machine and to neat-python's own network.

Conventions:
    Node keys are neat-python's: inputs -1, -2, ..., outputs 0, 1, ..., hidden nodes above.
    N genomes, I inputs, O outputs, H hidden nodes, C cases.
    Outputs are returned before their activation function. An output is on where it is above 0.
"""

from collections.abc import Iterable, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

import neat
import numpy as np

from agents.neat.activations import ACTIVATIONS, NAMES, OUTPUT_ACTIVATIONS
from agents.neat.packed_genes import PackedGenes


class Layout:
    """The inputs without those that are 0 in every case, which have no effect."""

    def __init__(self, inputs: np.ndarray, outputs: int):
        """
        Args:
            inputs: (I, C) float32.
            outputs: number of output nodes.
        """
        used = inputs.any(axis=1)
        self.inputs = np.ascontiguousarray(inputs[used])
        self.outputs = outputs
        # row of the input -1 - i; unused inputs share an extra last row, which is dropped
        self.rows = np.where(used, np.cumsum(used) - 1, used.sum())
        self.used = int(used.sum())


def hidden_nodes(genome: neat.DefaultGenome, outputs: int) -> list[int]:
    """Return the sorted keys of the hidden nodes."""
    return sorted(key for key in genome.nodes if key >= outputs) if len(genome.nodes) > outputs else []


def check_supported(genome: neat.DefaultGenome, outputs: int) -> None:
    """Raise ValueError if a node uses a function that the batched network does not support."""
    for key, node in genome.nodes.items():
        known = OUTPUT_ACTIVATIONS if key < outputs else tuple(ACTIVATIONS)
        if node.activation not in known:
            kind = "an output" if key < outputs else "a hidden node"
            raise ValueError(f"activation {node.activation!r} at {kind}: choose one of {', '.join(known)}")
        if node.aggregation != "sum":
            raise ValueError(f"aggregation {node.aggregation!r}: only sum is supported")


def _input_weights(genes: PackedGenes, layout: Layout, dtype) -> np.ndarray:
    """Return the weights from inputs, (N, S, used)."""
    owners, sources = genes.owners, genes.sources
    genomes, nodes = genes.keys.shape
    sinks = genes.slots(owners, genes.sinks) if nodes > layout.outputs else genes.sinks
    outside = np.flatnonzero(sources < 0)
    columns = layout.rows[-1 - sources[outside]]
    outside, columns = outside[columns < layout.used], columns[columns < layout.used]
    weights = np.zeros((genomes, nodes, layout.used), dtype=dtype)
    weights[owners[outside], sinks[outside], columns] = genes.weights[outside]
    return weights


def hidden_weights(genes: PackedGenes, outputs: int, dtype) -> tuple[np.ndarray, int]:
    """Return the weights from hidden nodes, (N, S, H), and the depth of the hidden nodes.

    Raises:
        ValueError: a network is recurrent, or a connection starts at an output.
    """
    genomes, nodes = genes.keys.shape
    hidden = nodes - outputs
    between = np.zeros((genomes, nodes, hidden), dtype=dtype)
    inner = np.flatnonzero(genes.sources >= 0)
    if not len(inner):
        return between, 1
    owners = genes.owners[inner]
    sinks = genes.slots(owners, genes.sinks[inner]) if hidden else genes.sinks[inner]
    slots = genes.slots(owners, genes.sources[inner]) - outputs
    if slots.min() < 0:
        raise ValueError("the network is recurrent, or a connection starts at an output: batches support neither")
    between[owners, sinks, slots] = genes.weights[inner]
    deeper = sinks >= outputs
    sources, sinks = (owners * hidden)[deeper] + np.stack([slots, sinks - outputs])[:, deeper]
    return between, _depth(sources, sinks, genomes * hidden, hidden)


def _depth(sources: np.ndarray, sinks: np.ndarray, nodes: int, longest: int) -> int:
    """Return the number of nodes on the longest path; raises ValueError if it is above `longest`."""
    levels = np.ones(nodes, dtype=np.int64)
    for _ in range(longest):
        raised = levels.copy()
        np.maximum.at(raised, sinks, levels[sources] + 1)
        if (raised == levels).all():
            return int(levels.max())
        levels = raised
    raise ValueError("the network is recurrent: its connections form a cycle")


def _activate(activations: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Apply the activation functions with the given numbers (N, H) to `z` (N, H, C)."""
    kinds = np.unique(activations).tolist()
    if len(kinds) == 1:
        return ACTIVATIONS[NAMES[kinds[0]]](z)
    values = np.empty_like(z)
    for kind in kinds:
        values[activations == kind] = ACTIVATIONS[NAMES[kind]](z[activations == kind])
    return values


def packed_outputs(genes: PackedGenes, layout: Layout, dtype=np.float32) -> np.ndarray:
    """Return the outputs (N, O, C) of genomes."""
    sums = _input_weights(genes, layout, dtype) @ layout.inputs.astype(dtype, copy=False)
    return settled(genes, sums, *hidden_weights(genes, layout.outputs, dtype))


def settled(genes: PackedGenes, sums: np.ndarray, between: np.ndarray, depth: int) -> np.ndarray:
    """Return the outputs (N, O, C) of genomes.

    Args:
        genes: of N genomes with S nodes.
        sums: (N, S, C), sum of each node's weighted inputs; may be modified.
        between, depth: from `hidden_weights`, in the dtype of `sums`.
    """
    dtype = sums.dtype
    bias, response = genes.bias.astype(dtype)[:, :, None], genes.response.astype(dtype)[:, :, None]
    outputs = between.shape[1] - between.shape[2]
    out, hidden = slice(outputs), slice(outputs, None)
    if between.size:
        values = _activate(genes.activations[:, hidden], bias[:, hidden] + response[:, hidden] * sums[:, hidden])
        for _ in range(depth - 1):
            z = bias[:, hidden] + response[:, hidden] * (sums[:, hidden] + between[:, hidden] @ values)
            values = _activate(genes.activations[:, hidden], z)
        sums = sums[:, out] + between[:, out] @ values
    sums *= response[:, out]
    sums += bias[:, out]
    return sums


class Network:
    """One genome, compiled for repeated calls: a sparse network in double precision."""

    def __init__(self, genome: neat.DefaultGenome, outputs: int):
        """
        Args:
            genome: a feed-forward neat-python genome.
            outputs: number of its output nodes.

        Raises:
            ValueError: it is recurrent, or uses a function that is not supported.
        """
        check_supported(genome, outputs)
        self.outputs = outputs
        enabled = [gene for gene in genome.connections.values() if gene.enabled]
        levels = node_levels([gene.key for gene in enabled], genome.nodes)
        # values are stored in one array: the inputs, then the nodes by level
        self._order = sorted(genome.nodes, key=lambda key: (levels[key], key))
        index_of = {key: index for index, key in enumerate(self._order)}
        nodes = [genome.nodes[key] for key in self._order]
        self._bias = np.array([node.bias for node in nodes])
        self._response = np.array([node.response for node in nodes])
        self._outputs = np.array([index_of[key] for key in range(outputs)])
        # sums are rounded, so the order of the terms must not depend on that of the genes
        enabled.sort(key=lambda gene: (index_of[gene.key[1]], gene.key[0]))
        self._weights = np.array([gene.weight for gene in enabled], dtype=np.float64)
        self._sinks = np.array([index_of[gene.key[1]] for gene in enabled], dtype=np.int64)
        # a source is the index of a node, or -1 - i for input i
        self._sources = np.array([k if k < 0 else index_of[k] for k in (g.key[0] for g in enabled)], dtype=np.int64)
        starts = [i for i, key in enumerate(self._order) if i == 0 or levels[key] != levels[self._order[i - 1]]]
        activations = np.array([node.activation for node in nodes])
        self._levels = [self._level(slice(*ends), activations) for ends in pairwise([*starts, len(nodes)])]

    def _level(self, nodes: slice, activations: np.ndarray) -> tuple[slice, slice, np.ndarray, np.ndarray, dict]:
        """Describe a level for `__call__`.

        Returns:
            The nodes, their connections, the first connection of each fed node, these nodes, and the nodes by
            activation function.
        """
        links = slice(*np.searchsorted(self._sinks, (nodes.start, nodes.stop)).tolist())
        sinks = self._sinks[links]
        heads = np.flatnonzero(np.diff(sinks, prepend=-1))
        of_kind = {
            name: nodes.start + np.flatnonzero(activations[nodes] == name) for name in set(activations[nodes].tolist())
        }
        return nodes, links, heads, sinks[heads], of_kind

    def start(self, episodes: int) -> None:
        """Begin episodes; does nothing, as the network has no state."""

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """Return the outputs (O, B), before their activation, for inputs (I, B)."""
        inputs = np.asarray(inputs, dtype=np.float64)
        count, batch = len(inputs), inputs.shape[1]
        values = np.concatenate([inputs, np.zeros((len(self._order), batch))])
        rows = np.where(self._sources < 0, -1 - self._sources, count + self._sources)
        z = np.zeros((len(self._order), batch))
        for level, links, heads, fed, of_kind in self._levels:
            if len(heads):
                z[fed] = np.add.reduceat(self._weights[links, None] * values[rows[links]], heads, axis=0)
            z[level] = self._bias[level, None] + self._response[level, None] * z[level]
            for name, chosen in of_kind.items():
                values[count + chosen] = ACTIVATIONS[name](z[chosen])
        return z[self._outputs]


def node_levels(links: Sequence[tuple[int, int]], nodes: Iterable[int]) -> dict[int, int]:
    """Return the number of links on the longest path to every node; raises ValueError if there is a cycle."""
    sources: dict[int, list[int]] = {node: [] for node in nodes}
    for source, sink in links:
        if source >= 0:
            sources[sink].append(source)
    levels: dict[int, int] = {}
    try:
        for node in TopologicalSorter(sources).static_order():
            levels[node] = 1 + max((levels[source] for source in sources[node]), default=-1)
    except CycleError:
        raise ValueError("the network is recurrent: its connections form a cycle") from None
    return levels

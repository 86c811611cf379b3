"""Phenotypes: genomes as arrays, so that a whole population answers all cases in a few products.

A neat-python genome becomes a matrix of weights into its outputs and hidden nodes. Inputs are multiplied
once; hidden nodes, if there are any, are settled by as many further products as the network is deep.
`agents/genome.py` keeps weights on a grid of 1/1024, so for networks without hidden nodes all sums of
0/1 inputs are exact in any order: the same bits on every machine and in neat-python's own network.

Conventions:
    Node keys are neat-python's: inputs -1, -2, ..., outputs 0, 1, ..., hidden nodes above.
    N genomes, I inputs, O outputs, H hidden nodes, C cases.
    Outputs are returned before their activation function. An output is on where it is above 0, which
    `OUTPUT_ACTIVATIONS` agree on: tanh above 0, sigmoid above 1/2.
Source: activation formulas of neat-python 2.0.0, `activations.py`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

import neat
import numpy as np

CHUNK = 128
"""Genomes evaluated at once: bounds the memory, changes no result."""


def _sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(5 * z, -60, 60)))


def _tanh(z: np.ndarray) -> np.ndarray:
    return np.tanh(np.clip(2.5 * z, -60, 60))


ACTIVATIONS = {
    "sigmoid": _sigmoid,
    "tanh": _tanh,
    "identity": lambda z: z,
    "relu": lambda z: np.maximum(z, 0),
    "clamped": lambda z: np.clip(z, -1, 1),
    "sin": lambda z: np.sin(np.clip(5 * z, -60, 60)),
    "gauss": lambda z: np.exp(-5 * np.clip(z, -3.4, 3.4) ** 2),
    "abs": np.abs,
}
OUTPUT_ACTIVATIONS = ("tanh", "sigmoid", "identity", "relu", "clamped")


class Layout:
    """Where the inputs that matter stand. An input that is 0 in every case cannot matter."""

    def __init__(self, inputs: np.ndarray, outputs: int):
        """
        Args:
            inputs: (I, C) float32.
            outputs: number of output nodes.
        """
        used = inputs.any(axis=1)
        self.inputs = np.ascontiguousarray(inputs[used])
        self.outputs = outputs
        # row of the input -1 - i; unused inputs share one row behind the others, which is dropped
        self.rows = np.where(used, np.cumsum(used) - 1, used.sum())
        self.used = int(used.sum())


def hidden_nodes(genome: neat.DefaultGenome, outputs: int) -> list[int]:
    """Return the keys of the hidden nodes in order."""
    return sorted(key for key in genome.nodes if key >= outputs) if len(genome.nodes) > outputs else []


def check_supported(genome: neat.DefaultGenome, outputs: int) -> None:
    """Raise ValueError if a node uses a function that the batched network does not know."""
    for key, node in genome.nodes.items():
        known = OUTPUT_ACTIVATIONS if key < outputs else tuple(ACTIVATIONS)
        if node.activation not in known:
            place = "an output" if key < outputs else "a hidden node"
            raise ValueError(f"activation {node.activation!r} at {place}: supported there are {', '.join(known)}")
        if node.aggregation != "sum":
            raise ValueError(f"aggregation {node.aggregation!r}: only sum is supported")


def _weight_matrices(genomes: Sequence[neat.DefaultGenome], layout: Layout, hidden: int, dtype) -> tuple:
    """Return weights (N, O + H, used + 1 + H), bias and response (N, O + H, 1), and the greatest depth."""
    outputs, rows, spare = layout.outputs, layout.rows, layout.used + 1
    weights = np.zeros((len(genomes), outputs + hidden, spare + hidden), dtype=dtype)
    bias = np.zeros((len(genomes), outputs + hidden, 1), dtype=dtype)
    response = np.ones_like(bias)
    deepest = 0
    for n, genome in enumerate(genomes):
        connections = genome.connections
        enabled = [(key, gene.weight) for key, gene in connections.items() if gene.enabled]
        if enabled:
            ends = np.array([key for key, _ in enabled])
            values = [weight for _, weight in enabled]
            sources, sinks = ends[:, 0], ends[:, 1]
            if hidden:
                keys = hidden_nodes(genome, outputs)
                slot = {key: place for place, key in enumerate(keys)}
                sinks = np.array([k if k < outputs else outputs + slot[k] for k in sinks.tolist()])
                columns = [rows[-1 - k] if k < 0 else spare + slot[k] for k in sources.tolist()]
                between = [key for key, _ in enabled if key[1] >= outputs]
                deepest = max(deepest, 1 + max(_levels(between, keys).values()))
            else:
                columns = rows[-1 - sources]
            weights[n, sinks, columns] = values
        nodes = genome.nodes
        order = list(range(outputs)) + (hidden_nodes(genome, outputs) if hidden else [])
        bias[n, :, 0] = [nodes[key].bias for key in order]
        response[n, :, 0] = [nodes[key].response for key in order]
    weights[:, :, layout.used] = 0
    return weights, bias, response, deepest


def _activate(genomes: Sequence[neat.DefaultGenome], outputs: int, z: np.ndarray) -> np.ndarray:
    """Apply the activation of every hidden node to `z` (N, H, C)."""
    names = [[genome.nodes[key].activation for key in hidden_nodes(genome, outputs)] for genome in genomes]
    kinds = {name for row in names for name in row}
    if len(kinds) == 1:
        return ACTIVATIONS[kinds.pop()](z)
    values, names = np.empty_like(z), np.array(names)
    for name in kinds:
        values[names == name] = ACTIVATIONS[name](z[names == name])
    return values


def _outputs(genomes: Sequence[neat.DefaultGenome], layout: Layout, hidden: int, dtype) -> np.ndarray:
    """Return the outputs (N, O, C) of genomes that all have `hidden` hidden nodes."""
    weights, bias, response, deepest = _weight_matrices(genomes, layout, hidden, dtype)
    outputs, spare = layout.outputs, layout.used + 1
    from_inputs = weights[:, :, : layout.used] @ layout.inputs.astype(dtype, copy=False)
    if not hidden:
        return bias + response * from_inputs
    between = np.ascontiguousarray(weights[:, :, spare:])
    z = bias + response * from_inputs
    for _ in range(deepest):
        values = _activate(genomes, outputs, z[:, outputs:])
        z = bias + response * (from_inputs + between @ values)
    return z[:, :outputs]


def outputs_in_chunks(
    genomes: Sequence[neat.DefaultGenome], layout: Layout, dtype=np.float32
) -> Iterator[tuple[list[int], np.ndarray]]:
    """Evaluate a population.

    Genomes are grouped by their number of hidden nodes and every product has the shape of one network, so
    a network's result does not depend on its company.

    Yields:
        Indices of some genomes and their outputs (N, O, C); every genome occurs once.
    """
    groups: dict[int, list[int]] = defaultdict(list)
    for index, genome in enumerate(genomes):
        groups[len(genome.nodes) - layout.outputs].append(index)
    for hidden, members in sorted(groups.items()):
        for first in range(0, len(members), CHUNK):
            chunk = members[first : first + CHUNK]
            yield chunk, _outputs([genomes[i] for i in chunk], layout, hidden, dtype)


class Network:
    """One genome, compiled to be asked again and again: a sparse network in double precision."""

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
        levels = _levels([gene.key for gene in enabled], genome.nodes)
        # values are kept in one array: the nodes by level, behind the inputs
        self._order = sorted(genome.nodes, key=lambda key: (levels[key], key))
        place = {key: index for index, key in enumerate(self._order)}
        nodes = [genome.nodes[key] for key in self._order]
        self._bias = np.array([node.bias for node in nodes])
        self._response = np.array([node.response for node in nodes])
        self._places = np.array([place[key] for key in range(outputs)])
        enabled.sort(key=lambda gene: place[gene.key[1]])
        self._weights = np.array([gene.weight for gene in enabled], dtype=np.float64)
        self._sinks = np.array([place[gene.key[1]] for gene in enabled], dtype=np.int64)
        # a source is a node's place, or minus one minus the number of an input
        self._sources = np.array([k if k < 0 else place[k] for k in (g.key[0] for g in enabled)], dtype=np.int64)
        self._activations = np.array([node.activation for node in nodes])
        starts = [i for i, key in enumerate(self._order) if i == 0 or levels[key] != levels[self._order[i - 1]]]
        self._levels = [*pairwise([*starts, len(nodes)])]

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """Return the outputs (O, B), before their activation, for inputs (I, B)."""
        inputs = np.asarray(inputs, dtype=np.float64)
        count, batch = len(inputs), inputs.shape[1]
        values = np.concatenate([inputs, np.zeros((len(self._order), batch))])
        rows = np.where(self._sources < 0, -1 - self._sources, count + self._sources)
        z = np.zeros((len(self._order), batch))
        for first, last in self._levels:
            begin, end = np.searchsorted(self._sinks, (first, last))
            sinks, terms = self._sinks[begin:end], self._weights[begin:end, None] * values[rows[begin:end]]
            if len(sinks):
                heads = np.flatnonzero(np.diff(sinks, prepend=-1))
                z[sinks[heads]] = np.add.reduceat(terms, heads, axis=0)
            level = slice(first, last)
            z[level] = self._bias[level, None] + self._response[level, None] * z[level]
            for name in set(self._activations[level].tolist()):
                chosen = first + np.flatnonzero(self._activations[level] == name)
                values[count + chosen] = ACTIVATIONS[name](z[chosen])
        return z[self._places]


def _levels(links: Sequence[tuple[int, int]], nodes: Iterable[int]) -> dict[int, int]:
    """Return for every node how many links the longest path to it has; raises ValueError for a circle."""
    sources: dict[int, list[int]] = {node: [] for node in nodes}
    for source, sink in links:
        if source >= 0:
            sources[sink].append(source)
    levels: dict[int, int] = {}
    try:
        for node in TopologicalSorter(sources).static_order():
            levels[node] = 1 + max((levels[source] for source in sources[node]), default=-1)
    except CycleError:
        raise ValueError("the network is recurrent: its connections run in a circle") from None
    return levels

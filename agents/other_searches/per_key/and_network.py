"""Networks of AND nodes and threshold units: their genomes, and a fast performer.

In a genome, an AND node is a hidden node with the activation relu, weights of 1 and -1, and a bias of 1 minus the
number of inputs that must be on. For inputs of 0 and 1 its value is 1 or 0.

Conventions: I inputs, O outputs, H nodes; literals as in `per_key.and_nodes`. Node keys are neat-python's:
inputs -1, -2, ..., outputs 0, 1, ..., hidden nodes from O on.
"""

from collections.abc import Sequence

import numpy as np

from agents.neat.genome import Genome
from agents.neat.linear_network import make_genome
from songs.keyboard import KEYS


def and_genome(weights: np.ndarray, bias: np.ndarray, literals: Sequence[tuple[int, ...]], into: np.ndarray) -> Genome:
    """Return the genome of a network; weights of 0 are left out.

    Args:
        weights: (I, O), from inputs into outputs.
        bias: (O,), of the outputs.
        literals: of each of H nodes.
        into: (H, O), from nodes into outputs.
    """
    outputs = len(bias)
    biases = dict(enumerate(bias.tolist()))
    connections = {(-1 - i, o): float(weights[i, o]) for i, o in np.argwhere(weights).tolist()}
    for node, inputs in enumerate(literals, start=outputs):
        biases[node] = 1.0 - sum(literal >= 0 for literal in inputs)
        for literal in inputs:
            connections[-1 - literal if literal >= 0 else literal, node] = 1.0 if literal >= 0 else -1.0
    connections |= {(outputs + h, o): float(into[h, o]) for h, o in np.argwhere(into).tolist()}
    hidden = range(outputs, outputs + len(literals))
    return make_genome(biases, connections, dict.fromkeys(hidden, "relu"))


class AndPlayer:
    """A player equivalent to `NetworkPlayer` for genomes of `and_genome`, but many times faster."""

    def __init__(self, genome: Genome, memory: int, keys: int = KEYS):
        hidden = sorted(key for key in genome.nodes if key >= keys)
        row_of = {key: memory * keys + index for index, key in enumerate(hidden)}
        self._bias = np.array([genome.nodes[key].bias for key in range(keys)], dtype=np.float32)
        self._weights = np.zeros((memory * keys + len(hidden), keys), dtype=np.float32)
        literals: dict[int, list[int]] = {key: [] for key in hidden}
        for (source, sink), gene in genome.connections.items():
            if sink < keys:
                self._weights[~source if source < 0 else row_of[source], sink] = gene.weight
            else:
                literals[sink].append(~source if gene.weight > 0 else source)
        flat = np.array([literal for node in literals.values() for literal in node], dtype=np.int64)
        self._negated = np.where(flat < 0, np.uint8(255), np.uint8(0))[:, None]
        self._sources = np.where(flat < 0, ~flat, flat)
        self._heads = np.cumsum([0, *map(len, literals.values())])[:-1]

    def reset(self, episodes: int) -> None:
        pass

    def press(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        inputs = memory.reshape(len(memory), -1).T  # (I, B)
        if len(self._heads):
            literals = np.packbits(inputs, axis=1)[self._sources] ^ self._negated
            nodes = np.bitwise_and.reduceat(literals, self._heads)
            inputs = np.concatenate([inputs, np.unpackbits(nodes, axis=1, count=len(memory)).view(bool)])
        return (self._weights.T @ inputs.astype(np.float32)).T + self._bias > 0

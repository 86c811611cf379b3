"""A performer for networks of AND nodes: one word of 64 bits holds the value of a node for 64 players.

It plays the same as `NetworkPlayer` with the same genome, many times faster, and no other kind of network.

Conventions: B players, I inputs, H nodes, O outputs; bits are packed with the first player in the lowest bit.
"""

from collections import defaultdict

import numpy as np

from agents.neat.genome import Genome, NodeGene
from agents.other_searches.per_key.sparse_cases import WORD_BITS, set_bits
from agents.performer import Performer
from songs.keyboard import KEYS


class AndPlayer:
    """Plays the answers of a genome of AND nodes and threshold units."""

    def __init__(self, genome: Genome, memory: int, outputs: int = KEYS):
        """
        Args:
            genome: as made by `per_key.and_genome`.
            memory: steps remembered.
            outputs: number of outputs.

        Raises:
            ValueError: a hidden node is not an AND of inputs.
        """
        nodes = sorted(key for key in genome.nodes if key >= outputs)
        index_of = {key: index for index, key in enumerate(nodes)}
        self._bias = np.array([genome.nodes[key].bias for key in range(outputs)], dtype=np.float32)
        weights = np.zeros((memory * KEYS, outputs), dtype=np.float32)
        self._into = np.zeros((len(nodes), outputs), dtype=np.float32)
        literals: dict[int, list[tuple[int, float]]] = defaultdict(list)
        for (source, sink), gene in genome.connections.items():
            if not gene.enabled:
                continue
            if sink >= outputs:
                literals[sink].append((source, gene.weight))
            elif source < 0:
                weights[-1 - source, sink] = gene.weight
            else:
                self._into[index_of[source], sink] = gene.weight
        self._used = np.flatnonzero(weights.any(axis=1))
        self._weights = weights[self._used]
        for key in nodes:
            _check_and(key, genome.nodes[key], literals[key])
        self._heads = np.cumsum([0, *(len(literals[key]) for key in nodes)])[:-1]
        flat = [literal for key in nodes for literal in literals[key]]
        self._sources = np.array([-1 - source for source, _ in flat], dtype=np.int64)
        self._negated = np.array([weight < 0 for _, weight in flat], dtype=bool)

    def reset(self, episodes: int) -> None:
        pass

    def press(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        inputs = memory.reshape(len(memory), -1)
        sums = inputs[:, self._used].astype(np.float32) @ self._weights
        return sums + self._sums_of_nodes(inputs) + self._bias > 0

    def _sums_of_nodes(self, inputs: np.ndarray) -> np.ndarray:
        """Return the sums of the nodes at the outputs, (B, O) float32, for inputs (B, I) bool."""
        sums = np.zeros((len(inputs), len(self._bias)), dtype=np.float32)
        player, node = self._nodes_on(inputs)
        order = np.argsort(player, kind="stable")
        player, node = player[order], node[order]
        heads = np.flatnonzero(np.diff(player, prepend=-1))
        if len(heads):
            sums[player[heads]] = np.add.reduceat(self._into[node], heads, axis=0)
        return sums

    def _nodes_on(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the players and nodes of all nodes that are 1, for inputs (B, I) bool."""
        if not len(self._heads):
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        bits = np.packbits(inputs, axis=0, bitorder="little")
        packed = np.zeros((inputs.shape[1], -(-len(inputs) // WORD_BITS) * 8), dtype=np.uint8)
        packed[:, : len(bits)] = bits.T
        words = packed.view(np.uint64)[self._sources]
        words[self._negated] ^= ~np.uint64(0)
        node, player = set_bits(np.bitwise_and.reduceat(words, self._heads, axis=0))
        # the bits after the last player are padding
        real = player < len(inputs)
        return player[real], node[real]


def _check_and(key: int, node: NodeGene, literals: list[tuple[int, float]]) -> None:
    """Raise ValueError if a hidden node is not an AND of its literals, pairs of a source and a weight."""
    on = sum(weight == 1 for _, weight in literals)
    exact = all(source < 0 and weight in (1, -1) for source, weight in literals)
    if not (exact and literals and node.activation == "relu" and node.bias == 1 - on and node.response == 1):
        raise ValueError(f"the hidden node {key} is not an AND of inputs")


def play_together(performer: Performer, prompts: np.ndarray, steps: int, memory: int) -> np.ndarray:
    """Let a performer continue many prompts at once, in a free run.

    Args:
        performer: plays every episode.
        prompts: (B, P, K) bool, the steps that are given.
        steps: length of the whole rolls, at least P.
        memory: steps it remembers.

    Returns:
        (B, steps, K) bool, the prompts and what followed.
    """
    players, given, keys = prompts.shape
    history = np.zeros((players, memory + steps, keys), dtype=bool)
    history[:, memory : memory + given] = prompts
    performer.reset(players)
    for step in range(given, steps):
        history[:, memory + step] = performer.press(history[:, step : step + memory])
    return history[:, memory:]

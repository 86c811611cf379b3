"""A performer for networks of AND nodes: one word of 64 bits answers a node for 64 players at once.

It plays what `NetworkPlayer` plays with the same genome, many times faster, and knows no other kind of network.

Conventions: B players, I inputs, H nodes, O outputs; bits are packed with the first player in the lowest bit.
"""

from collections import defaultdict

import neat
import numpy as np

from songs.keyboard import KEYS


class AndPlayer:
    """Plays what a genome of AND nodes and threshold units answers."""

    def __init__(self, genome: neat.DefaultGenome, memory: int, outputs: int = KEYS):
        """
        Args:
            genome: as `per_key.and_genome` makes them.
            memory: steps it sees.
            outputs: number of outputs.

        Raises:
            ValueError: a hidden node is not an AND of inputs.
        """
        self.memory = memory
        nodes = sorted(key for key in genome.nodes if key >= outputs)
        place = {key: index for index, key in enumerate(nodes)}
        self._bias = np.array([genome.nodes[key].bias for key in range(outputs)], dtype=np.float32)
        self._weights = np.zeros((memory * KEYS, outputs), dtype=np.float32)
        self._into = np.zeros((len(nodes), outputs), dtype=np.float32)
        asked: dict[int, list[tuple[int, float]]] = defaultdict(list)
        for (source, sink), gene in genome.connections.items():
            if not gene.enabled:
                continue
            if sink >= outputs:
                asked[sink].append((source, gene.weight))
            elif source < 0:
                self._weights[-1 - source, sink] = gene.weight
            else:
                self._into[place[source], sink] = gene.weight
        self._used = np.flatnonzero(self._weights.any(axis=1))
        for key in nodes:
            _check_and(key, genome.nodes[key], asked[key])
        literals = [asked[key] for key in nodes]
        self._heads = np.cumsum([0, *map(len, literals)])[:-1]
        flat = [literal for own in literals for literal in own]
        self._sources = np.array([-1 - source for source, _ in flat], dtype=np.int64)
        self._negated = np.array([weight < 0 for _, weight in flat], dtype=bool)

    def reset(self, episodes: int) -> None:
        pass

    def press(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        inputs = memory.reshape(len(memory), -1)
        sums = inputs[:, self._used].astype(np.float32) @ self._weights[self._used]
        return sums + self._from_nodes(inputs) + self._bias > 0

    def _from_nodes(self, inputs: np.ndarray) -> np.ndarray:
        """Return what the nodes add to the outputs, (B, O), for inputs (B, I) bool."""
        sums = np.zeros((len(inputs), len(self._bias)), dtype=np.float32)
        if not len(self._heads):
            return sums
        bits = np.packbits(inputs, axis=0, bitorder="little")
        packed = np.zeros((inputs.shape[1], -(-len(inputs) // 64) * 8), dtype=np.uint8)
        packed[:, : len(bits)] = bits.T
        words = packed.view(np.uint64)[self._sources]
        words[self._negated] ^= ~np.uint64(0)
        on = np.bitwise_and.reduceat(words, self._heads, axis=0)
        node, word = np.nonzero(on)
        parts = on[node, word].view(np.uint8).reshape(-1, 8)
        at, bit = np.nonzero(np.unpackbits(parts, axis=1, bitorder="little"))
        player, node = word[at] * 64 + bit, node[at]
        # the bits behind the last player are padding
        real = player < len(inputs)
        player, node = player[real], node[real]
        order = np.argsort(player, kind="stable")
        player, node = player[order], node[order]
        heads = np.flatnonzero(np.diff(player, prepend=-1))
        if len(heads):
            sums[player[heads]] = np.add.reduceat(self._into[node], heads, axis=0)
        return sums


def _check_and(key: int, node: neat.genes.DefaultNodeGene, asked: list[tuple[int, float]]) -> None:
    on = sum(weight == 1 for _, weight in asked)
    exact = all(source < 0 and weight in (1, -1) for source, weight in asked)
    if not (exact and asked and node.activation == "relu" and node.bias == 1 - on and node.response == 1):
        raise ValueError(f"the hidden node {key} is not an AND of inputs")


def play_together(performer, prompts: np.ndarray, steps: int, memory: int) -> np.ndarray:
    """Let a performer go on from many prompts at once, hearing only itself.

    Args:
        performer: decides each step of every player.
        prompts: (B, P, 13) bool, the steps that are given.
        steps: length of the whole rolls, at least P.
        memory: steps it remembers.

    Returns:
        (B, steps, 13) bool, the prompts and what followed.
    """
    players, given, keys = prompts.shape
    heard = np.zeros((players, memory + steps, keys), dtype=bool)
    heard[:, memory : memory + given] = prompts
    performer.reset(players)
    for step in range(given, steps):
        heard[:, memory + step] = performer.press(heard[:, step : step + memory])
    return heard[:, memory:]

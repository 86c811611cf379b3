"""The layout of a network picture: the position of every node, and the weights as tables.

Conventions:
    Node keys are neat-python's: inputs -1, -2, ..., outputs 0, 1, ..., hidden nodes above. Input -1 - i is
    key i % K of remembered step i // K, oldest step first, with K keys; one more input is the mode bit.
    Positions are (x, y): the memory lies between x = 0 and 1, outputs at `OUTPUT_X`; y is the key.
"""

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter

import neat
import numpy as np

from agents.neat.network import hidden_nodes
from songs.keyboard import KEYS

OUTPUT_X = 1.75
MODE_BIT_Y = -1.4
_HIDDEN_X = (1.15, OUTPUT_X - 0.15)

Position = tuple[float, float]


def enabled_weights(genome: neat.DefaultGenome) -> dict[tuple[int, int], float]:
    """Return the weights of the enabled connections by source and sink, weakest first."""
    weights = {key: gene.weight for key, gene in genome.connections.items() if gene.enabled}
    return dict(sorted(weights.items(), key=lambda item: (abs(item[1]), item[0])))


def memory_steps(inputs: int, outputs: int, keys: int = KEYS) -> int:
    """Return the number of steps remembered by a network for `keys` keys; 0 for any other network."""
    memory, rest = divmod(inputs, keys)
    return memory if outputs == keys and rest in (0, 1) else 0


def layers(hidden: Iterable[int], links: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Return the layer of every hidden node: 0, or one more than the highest layer among its sources.

    Raises:
        ValueError: The links contain a cycle.
    """
    sources: dict[int, list[int]] = {node: [] for node in hidden}
    for source, sink in links:
        if source in sources and sink in sources:
            sources[sink].append(source)
    layer: dict[int, int] = {}
    try:
        for node in TopologicalSorter(sources).static_order():
            layer[node] = max((layer[source] + 1 for source in sources[node]), default=0)
    except CycleError:
        raise ValueError("the network is recurrent: its connections contain a cycle") from None
    return layer


def positions(genome: neat.DefaultGenome, inputs: int, outputs: int, keys: int = KEYS) -> dict[int, Position]:
    """Return the position of every node."""
    memory = memory_steps(inputs, outputs, keys)
    if memory:
        cells = {-1 - i: ((i // keys + 0.5) / memory, float(i % keys)) for i in range(memory * keys)}
        nodes = cells | {key: (OUTPUT_X, float(key)) for key in range(outputs)}
        if inputs > len(cells):
            nodes[-inputs] = (1.0, MODE_BIT_Y)
    else:
        nodes = _column([-1 - i for i in range(inputs)], 1.0, keys) | _column(list(range(outputs)), OUTPUT_X, keys)
    layer = layers(hidden_nodes(genome, outputs), enabled_weights(genome))
    columns = [[node for node in sorted(layer) if layer[node] == n] for n in sorted(set(layer.values()))]
    for n, column in enumerate(columns):
        nodes |= _column(column, _HIDDEN_X[0] + (n + 0.5) / len(columns) * (_HIDDEN_X[1] - _HIDDEN_X[0]), keys)
    return nodes


def _column(nodes: list[int], x: float, keys: int) -> dict[int, Position]:
    """Spread nodes over the height of the keyboard, the first at the top."""
    gap = keys / max(len(nodes), 1)
    return {node: (x, keys - 0.5 - gap * (n + 0.5)) for n, node in enumerate(nodes)}


def direct_weights(weights: dict[tuple[int, int], float], memory: int, output: int, keys: int = KEYS) -> np.ndarray:
    """Return the direct weights (K, memory) from the memory to an output, NaN where there is no connection."""
    table = np.full(memory * keys, np.nan)
    for (source, sink), weight in weights.items():
        if sink == output and -memory * keys <= source < 0:
            table[-1 - source] = weight
    return table.reshape(memory, keys).T

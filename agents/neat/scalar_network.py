"""One genome in plain Python numbers, for one case at a time.

Networks that act in an environment have a handful of connections and see a new case after every step, so arrays would
cost more than they save. The outputs of a network do not depend on a batch, so neither do the bits of a run.

`ScalarNetwork` needs only the standard library: `kuznechik export --to python` copies it into its file.

Conventions: I inputs, then K nodes: by level in a feed-forward network, else outputs first. A *source* is an index into
both, 0 to I + K - 1. Outputs are returned before their activation.
Source: formulas and order of neat-python 2.0.0, `nn/feed_forward.py`, `nn/recurrent.py`, `activations.py`.
"""

import math

import neat

from agents.neat.network import check_supported, hidden_nodes, node_levels


class ScalarNetwork:
    """A network whose nodes are plain data: (bias, response, activation, [(source, weight), ...])."""

    ACTIVATIONS: dict = {
        "sigmoid": lambda z: 1 / (1 + math.exp(-max(-60, min(60, 5 * z)))),
        "tanh": lambda z: math.tanh(max(-60, min(60, 2.5 * z))),
        "identity": lambda z: z,
        "relu": lambda z: max(z, 0.0),
        "clamped": lambda z: max(-1.0, min(1.0, z)),
        "sin": lambda z: math.sin(max(-60, min(60, 5 * z))),
        "gauss": lambda z: math.exp(-5 * max(-3.4, min(3.4, z)) ** 2),
        "abs": abs,
    }

    def __init__(self, inputs: int, nodes: list, outputs: list[int], recurrent: bool = False):
        """Take the number of inputs, the nodes, the indices of the outputs, and whether there are cycles."""
        self.inputs, self.outputs, self.recurrent = inputs, outputs, recurrent
        self._nodes = [
            (inputs + index, bias, response, self.ACTIVATIONS[activation], links)
            for index, (bias, response, activation, links) in enumerate(nodes)
        ]
        self.start()

    def start(self) -> None:
        """Begin an episode: reset the state of a recurrent network."""
        self._values = [0.0] * (self.inputs + len(self._nodes))

    def __call__(self, inputs: list[float]) -> list[float]:
        """Return the outputs, before their activation, for a list of inputs."""
        values: list = [*inputs, *self._values[self.inputs :]]
        sums: dict = {}
        before = list(values) if self.recurrent else values
        for node, bias, response, activation, links in self._nodes:
            total = 0.0
            for source, weight in links:
                total += before[source] * weight
            sums[node] = bias + response * total
            values[node] = activation(sums[node])
        self._values = values
        return [sums[node] for node in self.outputs]


Node = tuple[float, float, str, list[tuple[int, float]]]


def plain_nodes(
    genome: neat.DefaultGenome, inputs: int, outputs: int, recurrent: bool = False
) -> tuple[list[Node], list[int]]:
    """Return the nodes of a genome and the indices of its outputs, for `ScalarNetwork`.

    Raises:
        ValueError: it has cycles although `recurrent` is False, or uses a function that is not supported.
    """
    check_supported(genome, outputs)
    enabled = sorted((gene.key, gene.weight) for gene in genome.connections.values() if gene.enabled)
    if recurrent:
        order = [*range(outputs), *hidden_nodes(genome, outputs)]
    else:
        levels = node_levels([key for key, _ in enabled], genome.nodes)
        order = sorted(genome.nodes, key=lambda key: (levels[key], key))
    sources = {key: inputs + index for index, key in enumerate(order)}
    sources |= {-1 - number: number for number in range(inputs)}
    links: dict[int, list[tuple[int, float]]] = {key: [] for key in order}
    for (source, sink), weight in enabled:
        links[sink].append((sources[source], weight))
    nodes: list[Node] = []
    for key in order:
        gene = genome.nodes[key]
        if recurrent and not links[key]:  # a node without inputs stays 0, whatever its bias, as in neat-python
            nodes.append((0.0, 1.0, "identity", []))
        else:
            nodes.append((gene.bias, gene.response, gene.activation, links[key]))
    return nodes, [sources[key] for key in range(outputs)]


def scalar_network(genome: neat.DefaultGenome, inputs: int, outputs: int, recurrent: bool = False) -> ScalarNetwork:
    """Return a genome as a `ScalarNetwork`; raises ValueError as `plain_nodes` does."""
    nodes, output_indices = plain_nodes(genome, inputs, outputs, recurrent)
    return ScalarNetwork(inputs, nodes, output_indices, recurrent)

"""Linear networks: weights straight from inputs to outputs, and the genome that keeps them.

Searches that work on arrays hand their champion over as such a genome, so that it is saved, drawn and
played like every other.

Conventions: O outputs, I inputs, C cases; `weights` (O, I) and `bias` (O,) are float64. An output is on
where weights @ inputs + bias is above 0. Node keys are neat-python's: inputs -1, -2, ..., outputs 0, 1, ...
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from agents.cases import Cases
from agents.fitness import right_cases, squared_hinge
from agents.neat.genome import WEIGHT_GRID, ConnectionGene, Genome, NodeGene
from agents.neat.network import Network

SCALES = (1, 2, 4, 8, 16, 32, 64)


def on_grid(weights: np.ndarray, bias: np.ndarray, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Round weights and biases to the grid of 1/1024 without changing what is on for these inputs.

    Where rounding would change an output, all that feeds it is doubled first, as often as needed and up to
    64 times the size: the sign of a sum does not depend on its size. An output that even this would change
    is left as it is.

    Args:
        weights: (O, I).
        bias: (O,).
        inputs: (I, C).

    Returns:
        Weights (O, I) and bias (O,), float64.
    """
    wanted = weights @ inputs + bias[:, None] > 0
    weights, bias = weights.astype(np.float64), bias.astype(np.float64)
    left = np.ones(len(bias), dtype=bool)
    for scale in SCALES:
        rounded = np.round(weights * (scale * WEIGHT_GRID)) / WEIGHT_GRID
        rounded_bias = np.round(bias * (scale * WEIGHT_GRID)) / WEIGHT_GRID
        same = ((rounded @ inputs + rounded_bias[:, None] > 0) == wanted).all(axis=1)
        taken = left & same
        weights[taken], bias[taken] = rounded[taken], rounded_bias[taken]
        left &= ~same
    return weights, bias


def linear_genome(weights: np.ndarray, bias: np.ndarray) -> Genome:
    """Return the genome of a linear network; weights of 0 are left out."""
    ends = np.argwhere(weights).tolist()
    connections = {(-1 - source, sink): float(weights[sink, source]) for sink, source in ends}
    return make_genome(dict(enumerate(bias.tolist())), connections)


def make_genome(
    biases: Mapping[int, float],
    weights: Mapping[tuple[int, int], float],
    activations: Mapping[int, str] = MappingProxyType({}),
) -> Genome:
    """Return a genome of nodes that sum.

    Args:
        biases: of every output and hidden node, by its key.
        weights: of every connection, by the keys of its source and its sink.
        activations: of nodes that do not take the tanh, by key.
    """
    connections = {
        ends: ConnectionGene(ends, innovation, weight)
        for innovation, (ends, weight) in enumerate(weights.items(), start=1)
    }
    nodes = {key: NodeGene(key, bias, activation=activations.get(key, "tanh")) for key, bias in biases.items()}
    return Genome(0, nodes, connections)


def judge(genome: Genome, cases: Cases) -> Genome:
    """Set `right`, `loss` (squared hinge) and `fitness` of a genome and return it."""
    outputs = Network(genome, len(cases.targets))(cases.inputs)[None]
    genome.right = int(right_cases(outputs, cases.targets).sum())
    genome.loss = float(squared_hinge(outputs, cases.targets, np.ones(cases.targets.shape)).sum())
    genome.fitness = -genome.loss
    return genome

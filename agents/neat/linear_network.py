"""Linear networks: weights directly from inputs to outputs, stored as a genome.

Searches that work on arrays return their champion as such a genome, so that it is saved, drawn and played like
any other.

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
    """Round weights and biases to the grid of 1/1024 without changing which outputs are on for these inputs.

    Where rounding would change an output, its weights and bias are scaled up first, by a power of two up to 64:
    scaling does not change the sign of a sum. An output that would still change is not rounded.

    Args:
        weights: (O, I).
        bias: (O,).
        inputs: (I, C).

    Returns:
        Weights (O, I) and bias (O,), float64.
    """
    on = weights @ inputs + bias[:, None] > 0
    weights, bias = weights.astype(np.float64), bias.astype(np.float64)
    remaining = np.ones(len(bias), dtype=bool)
    for scale in SCALES:
        rounded = np.round(weights * (scale * WEIGHT_GRID)) / WEIGHT_GRID
        rounded_bias = np.round(bias * (scale * WEIGHT_GRID)) / WEIGHT_GRID
        same = ((rounded @ inputs + rounded_bias[:, None] > 0) == on).all(axis=1)
        chosen = remaining & same
        weights[chosen], bias[chosen] = rounded[chosen], rounded_bias[chosen]
        remaining &= ~same
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
    """Return a genome.

    Args:
        biases: of every output and hidden node, by its key.
        weights: of every connection, by the keys of its source and its sink.
        activations: of nodes whose activation is not tanh, by key.
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

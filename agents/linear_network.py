"""Linear networks: weights straight from inputs to outputs, and the genome that keeps them.

Searches that work on arrays hand their champion over as such a genome, so that it is saved, drawn and
played like every other.

Conventions: O outputs, I inputs, C cases; `weights` (O, I) and `bias` (O,) are float64. An output is on
where weights @ inputs + bias is above 0.
"""

import neat
import numpy as np
from neat.genes import DefaultConnectionGene, DefaultNodeGene

from agents.cases import Cases
from agents.fitness import right_cases, squared_hinge
from agents.genome import WEIGHT_GRID

_SCALES = (1, 2, 4, 8, 16, 32, 64)


def linear_outputs(weights: np.ndarray, bias: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """Return the outputs (O, C) float64 for inputs (I, C)."""
    return weights @ inputs.astype(np.float64, copy=False) + bias[:, None]


def on_grid(weights: np.ndarray, bias: np.ndarray, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Round weights and biases to the grid of 1/1024 without changing what is on for these inputs.

    Where rounding would change an output, all that feeds it is doubled first, as often as needed and up to
    64 times the size: the sign of a sum does not depend on its size. An output that even this would change
    is left as it is.

    Returns:
        Weights (O, I) and bias (O,), float64.
    """
    wanted = linear_outputs(weights, bias, inputs) > 0
    weights, bias = weights.astype(np.float64), bias.astype(np.float64)
    left = np.ones(len(bias), dtype=bool)
    for scale in _SCALES:
        rounded = np.round(weights * (scale * WEIGHT_GRID)) / WEIGHT_GRID
        rounded_bias = np.round(bias * (scale * WEIGHT_GRID)) / WEIGHT_GRID
        same = ((linear_outputs(rounded, rounded_bias, inputs) > 0) == wanted).all(axis=1)
        taken = left & same
        weights[taken], bias[taken] = rounded[taken], rounded_bias[taken]
        left &= ~same
        if not left.any():
            break
    return weights, bias


def linear_genome(weights: np.ndarray, bias: np.ndarray, cases: Cases) -> neat.DefaultGenome:
    """Return the network as a genome with `right`, `loss` and `fitness` on these cases; weights of 0 are left out."""
    genome = neat.DefaultGenome(0)
    for key, value in enumerate(bias.tolist()):
        gene = DefaultNodeGene(key)
        gene.bias, gene.response, gene.activation, gene.aggregation, gene.time_constant = value, 1.0, "tanh", "sum", 1.0
        genome.nodes[key] = gene
    for innovation, (sink, source) in enumerate(np.argwhere(weights).tolist(), start=1):
        gene = DefaultConnectionGene((-1 - source, sink), innovation=innovation)
        gene.weight, gene.enabled = float(weights[sink, source]), True
        genome.connections[gene.key] = gene
    genome.right, genome.loss = scores(weights, bias, cases)
    genome.fitness = -genome.loss
    return genome


def scores(weights: np.ndarray, bias: np.ndarray, cases: Cases) -> tuple[int, float]:
    """Return how many cases a network gets right in all outputs, and its squared hinge loss."""
    outputs = linear_outputs(weights, bias, cases.inputs)[None]
    losses = squared_hinge(outputs, cases.targets, np.ones(cases.targets.shape))
    return int(right_cases(outputs, cases.targets).sum()), float(losses.sum())

"""Genomes of AND nodes and threshold units, for neat-python and everything else that takes a genome.

An AND node is a hidden node with the activation relu, the bias 1 minus its inputs that must be on, and weights of 1
and -1: for inputs of 0 and 1 it is 1 or 0.

Conventions: I inputs, O outputs, H nodes; literals as in `per_key.and_nodes`. Node keys are neat-python's:
inputs -1, -2, ..., outputs 0, 1, ..., hidden nodes from O on.
"""

from collections.abc import Sequence

import numpy as np

from agents.neat.genome import Genome
from agents.neat.linear_network import make_genome


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

"""A network in plain Python numbers has the same outputs as the array networks."""

import math
import random

import neat
import numpy as np
import pytest
from neat.genes import DefaultConnectionGene, DefaultNodeGene

from agents.neat.activations import ACTIVATIONS, OUTPUT_ACTIVATIONS
from agents.neat.network import Network
from agents.neat.recurrent_network import RecurrentNetwork
from agents.neat.scalar_network import ScalarNetwork, scalar_network

INPUTS, OUTPUTS = 4, 3


def random_genome(seed: int, circles: bool) -> neat.DefaultGenome:
    """Draw a genome with all kinds of activations, some connections off and some outputs without any."""
    draw = random.Random(seed)
    hidden = [OUTPUTS + 3 * number for number in range(draw.randrange(5))]
    genome = neat.DefaultGenome(1)
    for key in [*range(OUTPUTS), *hidden]:
        node = genome.nodes[key] = DefaultNodeGene(key)
        node.bias, node.response, node.aggregation = draw.uniform(-1, 1), draw.choice((1.0, 0.5)), "sum"
        node.activation = draw.choice(OUTPUT_ACTIVATIONS if key < OUTPUTS else [*ACTIVATIONS])
    inside = list(genome.nodes) if circles else hidden
    ends = [(source, sink) for source in [*range(-INPUTS, 0), *inside] for sink in genome.nodes]
    for source, sink in ends:
        if draw.random() < 0.4 and (circles or source < 0 or sink < OUTPUTS or source < sink):
            gene = genome.connections[source, sink] = DefaultConnectionGene((source, sink), innovation=len(ends))
            gene.weight, gene.enabled = draw.uniform(-2, 2), draw.random() < 0.8
    return genome


@pytest.mark.parametrize("seed", range(20))
def test_a_feed_forward_network_answers_like_the_one_in_arrays(seed):
    genome, cases = random_genome(seed, circles=False), np.random.default_rng(seed).normal(size=(INPUTS, 6))
    network = scalar_network(genome, INPUTS, OUTPUTS)
    answers = np.array([network(case) for case in cases.T.tolist()]).T
    np.testing.assert_allclose(answers, Network(genome, OUTPUTS)(cases), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_a_recurrent_network_answers_step_by_step_and_forgets_at_the_start_of_an_episode(seed):
    genome, steps = random_genome(seed, circles=True), np.random.default_rng(seed).normal(size=(6, INPUTS))
    network, other = (
        scalar_network(genome, INPUTS, OUTPUTS, recurrent=True),
        RecurrentNetwork(genome, INPUTS, OUTPUTS),
    )
    for _ in range(2):
        network.start()
        other.start(1)
        for step in steps:
            np.testing.assert_allclose(network(step.tolist()), other(step[:, None])[:, 0], rtol=1e-9, atol=1e-12)


def test_a_network_of_plain_data():
    nodes = [(0.5, 2.0, "relu", [(0, 1.0), (1, -1.0)]), (0.0, 1.0, "tanh", [(2, 3.0)])]
    assert ScalarNetwork(2, nodes, [3])([2.0, 1.0]) == [7.5]
    assert ScalarNetwork(2, nodes, [2, 3])([0.0, 1.0]) == [-1.5, 0.0]
    assert ScalarNetwork.ACTIVATIONS["tanh"](1.0) == math.tanh(2.5)


def test_a_cycle_is_refused_where_the_network_is_not_to_be_recurrent():
    genome = random_genome(0, circles=True)
    with pytest.raises(ValueError, match="recurrent: its connections form a cycle"):
        scalar_network(genome, INPUTS, OUTPUTS)

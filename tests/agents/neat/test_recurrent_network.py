"""Recurrent networks agree with neat-python's own recurrent network at every step."""

import random

import neat
import numpy as np
import pytest
from neat.genes import DefaultConnectionGene, DefaultNodeGene

from agents.cases import Cases
from agents.neat.network_player import NetworkPlayer
from agents.neat.recurrent_network import RecurrentNetwork

INPUTS, OUTPUTS = 4, 2


class NeatConfig:
    """What neat-python's network reads of a configuration."""

    class genome_config:
        input_keys = tuple(range(-1, -1 - INPUTS, -1))
        output_keys = tuple(range(OUTPUTS))
        aggregation_function_defs = neat.aggregations.AggregationFunctionSet()
        activation_defs = neat.activations.ActivationFunctionSet()


def make_genome(nodes, connections):
    genome = neat.DefaultGenome(1)
    for key, (bias, activation) in nodes.items():
        node = genome.nodes[key] = DefaultNodeGene(key)
        node.bias, node.response, node.activation, node.aggregation = bias, 1.0, activation, "sum"
    for number, (source, sink, weight, enabled) in enumerate(connections):
        gene = genome.connections[source, sink] = DefaultConnectionGene((source, sink), innovation=number)
        gene.weight, gene.enabled = weight, enabled
    return genome


def random_genome(seed):
    """Draw a genome with hidden nodes in cycles, including self-loops; outputs have the identity activation."""
    draw = random.Random(seed)
    hidden = list(range(OUTPUTS, OUTPUTS + draw.randrange(1, 5)))
    nodes = {key: (draw.uniform(-2, 2), "identity") for key in range(OUTPUTS)}
    nodes |= {key: (draw.uniform(-2, 2), draw.choice(["tanh", "sigmoid", "relu"])) for key in hidden}
    ends = [(s, t) for t in nodes for s in [*range(-INPUTS, 0), *hidden]]
    chosen = draw.sample(ends, draw.randrange(1, len(ends)))
    return make_genome(nodes, [(s, t, draw.uniform(-2, 2), draw.random() < 0.8) for s, t in chosen])


@pytest.mark.parametrize("seed", range(25))
def test_songs_side_by_side_equal_neat_pythons_network_on_each(seed):
    genome, lengths = random_genome(seed), (7, 3, 5)
    inputs = np.random.default_rng(seed).integers(0, 2, (INPUTS, sum(lengths))).astype(np.float32)
    cases = Cases(inputs, np.zeros((OUTPUTS, sum(lengths)), dtype=bool), lengths)
    answers = RecurrentNetwork(genome, INPUTS, OUTPUTS).answers(cases)
    network = neat.nn.RecurrentNetwork.create(genome, NeatConfig)
    first = 0
    for length in lengths:
        network.reset()
        for case in range(first, first + length):
            expected = network.activate([float(x) for x in inputs[:, case]])
            np.testing.assert_allclose(answers[:, case], expected, rtol=0, atol=1e-10)
        first += length


def test_a_node_that_nothing_feeds_stays_zero():
    genome = make_genome({0: (3.0, "tanh"), 1: (-1.0, "identity"), 2: (9.0, "tanh")}, [(2, 1, 1.0, True)])
    network = RecurrentNetwork(genome, INPUTS, OUTPUTS)
    assert [network(np.zeros((INPUTS, 1))).ravel().tolist() for _ in range(2)] == [[0.0, -1.0]] * 2


def test_a_loop_remembers_and_reset_forgets():
    # output 0 is on from the step after input 0 was on once
    genome = make_genome(
        {key: (0.0, "tanh") for key in range(13)} | {13: (0.0, "tanh")},
        [(-1, 13, 4.0, True), (13, 13, 4.0, True), (13, 0, 1.0, True)],
    )
    player = NetworkPlayer(RecurrentNetwork(genome, 13, 13))
    heard = np.zeros((5, 1, 1, 13), dtype=bool)
    heard[1, 0, 0, 0] = True
    for _ in range(2):
        player.reset(1)
        assert [bool(player.press(memory)[0, 0]) for memory in heard] == [False, False, True, True, True]

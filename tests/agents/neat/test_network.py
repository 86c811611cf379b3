"""The batched networks answer what neat-python's own network answers."""

import random

import neat
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from neat.genes import DefaultConnectionGene, DefaultNodeGene

from agents.neat.activations import ACTIVATIONS
from agents.neat.network import Layout, Network, packed_outputs
from agents.neat.packed_genes import packed_chunks

INPUTS, OUTPUTS = 5, 3


class NeatConfig:
    """What neat-python's network reads of a configuration."""

    class genome_config:
        input_keys = tuple(range(-1, -1 - INPUTS, -1))
        output_keys = tuple(range(OUTPUTS))
        aggregation_function_defs = neat.aggregations.AggregationFunctionSet()
        activation_defs = neat.activations.ActivationFunctionSet()


def make_genome(biases, connections, activations=()):
    """Build a genome: biases by node, (source, sink, weight[, enabled]) tuples, activations by node."""
    genome = neat.DefaultGenome(1)
    for key, bias in biases.items():
        node = DefaultNodeGene(key)
        node.bias, node.response, node.aggregation, node.time_constant = bias, 1.0, "sum", 1.0
        node.activation = dict(activations).get(key, "identity" if key < OUTPUTS else "tanh")
        genome.nodes[key] = node
    for number, (source, sink, weight, *enabled) in enumerate(connections):
        gene = DefaultConnectionGene((source, sink), innovation=number)
        gene.weight, gene.enabled = weight, enabled[0] if enabled else True
        genome.connections[source, sink] = gene
    return genome


def random_genome(seed, grid=False):
    """Draw a genome with up to four hidden nodes in random order and all kinds of activations."""
    draw = random.Random(seed)
    hidden = [OUTPUTS + 10 * i for i in range(draw.randrange(5))]
    draw.shuffle(hidden)
    value = (lambda: draw.randrange(-4096, 4096) / 1024) if grid else (lambda: draw.uniform(-3, 3))
    ends = [(s, t) for i, t in enumerate(hidden) for s in [*range(-INPUTS, 0), *hidden[:i]]]
    ends += [(s, t) for t in range(OUTPUTS) for s in [*range(-INPUTS, 0), *hidden]]
    chosen = draw.sample(ends, draw.randrange(len(ends)))
    names = {key: draw.choice(sorted(ACTIVATIONS)) for key in hidden}
    biases = {key: value() for key in [*range(OUTPUTS), *hidden]}
    return make_genome(biases, [(s, t, value(), draw.random() < 0.8) for s, t in chosen], names)


def by_neat_python(genome, inputs):
    network = neat.nn.FeedForwardNetwork.create(genome, NeatConfig)
    return np.array([network.activate([float(x) for x in case]) for case in inputs.T]).T


def batched(genomes, inputs, dtype=np.float64):
    answers = {}
    for members, genes in packed_chunks(genomes, OUTPUTS):
        answers.update(zip(members, packed_outputs(genes, Layout(inputs, OUTPUTS), dtype), strict=True))
    return [answers[i] for i in range(len(genomes))]


ALL_CASES = np.array([[(case >> i) & 1 for case in range(2**INPUTS)] for i in range(INPUTS)], dtype=np.float32)


@given(st.integers(0, 2**32))
def test_batch_and_single_network_equal_neat_python(seed):
    genomes = [random_genome(seed + i) for i in range(6)]
    for genome, together in zip(genomes, batched(genomes, ALL_CASES), strict=True):
        expected = by_neat_python(genome, ALL_CASES)
        np.testing.assert_allclose(together, expected, rtol=0, atol=1e-10)
        np.testing.assert_allclose(Network(genome, OUTPUTS)(ALL_CASES), expected, rtol=0, atol=1e-10)


@given(st.integers(0, 2**32))
def test_weights_on_the_grid_without_hidden_nodes_give_the_same_bits_as_neat_python_even_in_single_precision(seed):
    draw = random.Random(seed)
    value = lambda: draw.randrange(-30 * 1024, 30 * 1024) / 1024  # noqa: E731
    genome = make_genome(
        {key: value() for key in range(OUTPUTS)},
        [(-1 - i, o, value()) for i in range(INPUTS) for o in range(OUTPUTS) if draw.random() < 0.7],
    )
    (together,) = batched([genome], ALL_CASES, np.float32)
    assert together.dtype == np.float32
    assert (together == by_neat_python(genome, ALL_CASES)).all()


def test_a_network_is_evaluated_the_same_in_any_batch():
    genomes = [random_genome(seed) for seed in range(300)]
    together = batched(genomes, ALL_CASES, np.float32)
    alone = [batched([genome], ALL_CASES, np.float32)[0] for genome in genomes]
    assert all((one == other).all() for one, other in zip(together, alone, strict=True))


def test_literal_network_with_a_hidden_node():
    # output 0 = 2 x0 - 1 + relu(x0 + x1 - 1); output 1 = its bias; output 2 has a disabled connection only
    genome = make_genome(
        {0: -1.0, 1: 0.5, 2: 0.25, 7: -1.0},
        [(-1, 0, 2.0), (-1, 7, 1.0), (-2, 7, 1.0), (7, 0, 1.0), (-1, 2, 9.0, False)],
        {7: "relu"},
    )
    inputs = np.array([[0, 1, 1], [1, 0, 1], [0, 0, 0], [0, 0, 0], [0, 0, 0]])
    expected = [[-1, 1, 2], [0.5, 0.5, 0.5], [0.25, 0.25, 0.25]]
    assert Network(genome, OUTPUTS)(inputs).tolist() == expected
    assert batched([genome], inputs.astype(np.float32))[0].tolist() == expected


def test_the_response_of_a_node_is_a_factor_of_its_sum():
    genome = make_genome({0: 0.25, 1: 0.0, 2: 0.0, 3: 0.5}, [(-1, 3, 1.0), (3, 0, 2.0)], {3: "identity"})
    genome.nodes[0].response, genome.nodes[3].response = 3.0, 0.5
    inputs = np.array([[0.0, 1.0]] + [[0.0, 0.0]] * (INPUTS - 1))
    expected = [0.25 + 3 * 2 * (0.5 + 0.5 * x) for x in (0, 1)]
    assert batched([genome], inputs)[0][0].tolist() == by_neat_python(genome, inputs)[0].tolist() == expected


def test_hidden_nodes_that_lead_to_no_output_are_left_out_and_change_nothing():
    # 7 -> 8 -> nothing; 9 -> output 1 through a disabled connection only; 10 -> output 2; 11 without any input -> 10
    links = [(-1, 7, 1.0), (7, 8, 2.0), (8, 7, 1.0, False), (-2, 9, 1.0), (9, 1, 3.0, False), (-3, 10, 2.0)]
    links += [(10, 2, 1.5), (11, 10, 0.5), (-1, 0, 1.0)]
    genome = make_genome({0: 0.1, 1: 0.2, 2: 0.3, 10: 0.6, 9: 0.5, 8: 0.4, 7: 0.9, 11: 0.7}, links)
    ((_, genes),) = packed_chunks([genome], OUTPUTS)
    assert genes.keys.tolist() == [[0, 1, 2, 10, 11]]
    assert genes.sinks.tolist() == [10, 2, 10, 0]
    np.testing.assert_allclose(batched([genome], ALL_CASES)[0], by_neat_python(genome, ALL_CASES), rtol=0, atol=1e-12)


def test_inputs_that_are_never_on_are_left_out_and_change_nothing():
    inputs = ALL_CASES.copy()
    inputs[[1, 3]] = 0
    assert Layout(inputs, OUTPUTS).inputs.shape == (3, 32)
    genome = random_genome(5)
    np.testing.assert_allclose(batched([genome], inputs)[0], by_neat_python(genome, inputs), atol=1e-10)


def test_a_recurrent_genome_is_refused():
    genome = make_genome({0: 0.0, 1: 0.0, 2: 0.0, 5: 0.0, 6: 0.0}, [(5, 6, 1.0), (6, 5, 1.0), (6, 0, 1.0)])
    with pytest.raises(ValueError, match="recurrent"):
        Network(genome, OUTPUTS)
    with pytest.raises(ValueError, match="recurrent"):
        batched([genome], ALL_CASES)


def test_a_connection_that_starts_at_an_output_is_refused_in_batches():
    genome = make_genome({0: 0.0, 1: 0.0, 2: 0.0}, [(0, 1, 1.0)])
    with pytest.raises(ValueError, match="^the network is recurrent, or a connection starts at an output: batches"):
        batched([genome], ALL_CASES)


def test_unsupported_functions_are_named():
    genome = make_genome({0: 0.0, 1: 0.0, 2: 0.0, 3: 0.0}, [(-1, 3, 1.0), (3, 0, 1.0)], {3: "square"})
    names = ", ".join(ACTIVATIONS)
    with pytest.raises(ValueError, match=f"^activation 'square' at a hidden node: choose one of {names}$"):
        Network(genome, OUTPUTS)
    genome = make_genome({0: 0.0, 1: 0.0, 2: 0.0}, [], {1: "gauss"})
    with pytest.raises(ValueError, match="activation 'gauss' at an output: choose one of tanh"):
        Network(genome, OUTPUTS)
    genome = make_genome({0: 0.0, 1: 0.0, 2: 0.0}, [])
    genome.nodes[2].aggregation = "product"
    with pytest.raises(ValueError, match="aggregation 'product': only sum"):
        Network(genome, OUTPUTS)

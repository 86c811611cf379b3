"""Networks without hidden nodes become genomes that answer the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.cases import Cases
from agents.neat.genome import Genome
from agents.neat.linear_network import judge, linear_genome, make_genome, on_grid
from agents.neat.network import Layout, Network, packed_outputs
from agents.neat.packed_genes import packed_chunks


def test_weights_are_rounded_to_1024ths():
    weights, bias = on_grid(np.array([[0.30005, -2.0]]), np.array([0.5001]), np.eye(2))
    assert weights.tolist() == [[307 / 1024, -2.0]]
    assert bias.tolist() == [512 / 1024]


def test_an_output_that_rounding_would_change_is_doubled_until_it_is_not_changed():
    # 0.0003 rounds to 0, which is off; twice as much is 1/1024 (0.6 of it)
    weights, bias = on_grid(np.array([[0.0003], [1.0]]), np.array([0.0, -0.25]), np.ones((1, 1)))
    assert weights.tolist() == [[1 / 1024], [1.0]]
    assert bias.tolist() == [0.0, -0.25]


def test_an_output_that_the_grid_cannot_hold_is_left_as_it_is():
    weights, bias = on_grid(np.array([[1e-9]]), np.array([0.0]), np.ones((1, 1)))
    assert (weights.item(), bias.item()) == (1e-9, 0.0)


@given(st.integers(0, 2**32 - 1))
def test_rounding_never_changes_what_is_on(seed):
    random = np.random.default_rng(seed)
    inputs = random.integers(0, 2, (6, 20)).astype(float)
    weights, bias = random.normal(size=(3, 6)) * 10.0 ** random.integers(-4, 2, (3, 1)), np.zeros(3)
    rounded, rounded_bias = on_grid(weights, bias, inputs)
    assert ((rounded @ inputs + rounded_bias[:, None] > 0) == (weights @ inputs + bias[:, None] > 0)).all()


def test_a_linear_genome_has_a_connection_for_every_weight_that_is_not_0():
    genome = linear_genome(np.array([[0.5, 0.0, -1.0], [0.0, 0.0, 0.25]]), np.array([-0.5, 1.0]))
    assert {key: gene.weight for key, gene in genome.connections.items()} == {
        (-1, 0): 0.5,
        (-3, 0): -1.0,
        (-3, 1): 0.25,
    }
    assert {key: (node.bias, node.activation) for key, node in genome.nodes.items()} == {
        0: (-0.5, "tanh"),
        1: (1.0, "tanh"),
    }


def test_genomes_answer_alike_one_at_a_time_and_in_batches():
    inputs = np.array([[0, 0, 1, 1], [0, 1, 0, 1]], dtype=np.float32)
    weights = {(-1, 1): -8.0, (-2, 1): -8.0, (-1, 2): 16.0 / 3, (-2, 2): 16.0 / 3, (1, 0): -1.0, (2, 0): -1.0}
    xor = make_genome({0: -1.0, 1: 4.0, 2: -8.0}, weights)
    one = Network(xor, 1)(inputs)
    ((_, genes),) = packed_chunks([xor], 1)
    batch = packed_outputs(genes, Layout(inputs, 1), np.float64)
    assert (one[0] > 0).tolist() == [False, True, True, False]
    np.testing.assert_allclose(batch[0], one, rtol=1e-12)


def test_a_judged_genome_knows_its_right_cases_and_its_loss():
    genome = linear_genome(np.array([[2.0]]), np.array([-0.5]))
    cases = Cases(np.array([[0, 1, 1]], dtype=np.float32), np.array([[False, True, False]]))
    # outputs -0.5, 1.5, 1.5: short of 1 on the right side by 0.5, 0 and 2.5
    assert judge(genome, cases) is genome
    assert genome.right == 2
    assert genome.loss == pytest.approx(0.25 + 6.25)
    assert genome.fitness == -genome.loss
    assert isinstance(genome, Genome)

"""AND nodes: the rows in which they are on, growth, pruning, and genomes of them, which are exact."""

import json

import neat
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.neat.network import Network
from agents.neat.network_player import NetworkPlayer
from agents.other_searches.per_key.and_evolution import AndEvolution
from agents.other_searches.per_key.and_network import AndPlayer, and_genome
from agents.other_searches.per_key.and_nodes import AndNodes, literals_of
from agents.other_searches.per_key.margins import ThresholdUnits
from agents.other_searches.per_key.sparse_cases import SparseCases
from agents.rollout import continue_prompts

MEMORY, PROMPT = 4, 2


def make_cases(seed=0, songs=4, steps=40):
    random = np.random.default_rng(seed)
    rolls = [random.random((steps, 13)) < 0.1 for _ in range(songs)]
    return SparseCases.from_rolls(rolls, rolls, MEMORY, PROMPT)


def dense(cases):
    return np.unpackbits(cases.bits, axis=1, bitorder="little")[:, : cases.rows].T.astype(bool)


def grown(cases, seed=1):
    evolution, random = AndEvolution(cases), np.random.default_rng(seed)
    for _ in range(60):
        if not evolution.solved:
            evolution.step(random)
    return evolution, random


def genome_of(evolution):
    cases, nodes = evolution.units.cases, evolution.nodes
    nothing = np.zeros((cases.inputs, cases.outputs), dtype=np.float32)
    return and_genome(nothing, evolution.units.bias, nodes.literals, nodes.weights)


class NeatConfig:
    """The part of a configuration that neat-python's network reads."""

    class genome_config:
        input_keys = tuple(range(-1, -1 - MEMORY * 13, -1))
        output_keys = tuple(range(13))
        aggregation_function_defs = neat.aggregations.AggregationFunctionSet()
        activation_defs = neat.activations.ActivationFunctionSet()


@given(st.sets(st.integers(0, 51), max_size=4), st.sets(st.integers(0, 51), max_size=4))
def test_a_node_is_on_where_all_its_literals_hold(on, off):
    cases = make_cases()
    literals = literals_of([*on, *(~source for source in off - on)])
    inputs_of_rows = dense(cases)
    expected = inputs_of_rows[:, sorted(on)].all(axis=1) & ~inputs_of_rows[:, sorted(off - on)].any(axis=1)
    np.testing.assert_array_equal(cases.rows_with(literals), np.flatnonzero(expected))


def test_literals_are_sorted_and_occur_once():
    assert literals_of([3, np.int64(~2), 3]) == (-3, 3)


def test_a_node_moves_the_margins_of_its_rows_alone():
    cases = make_cases()
    units = ThresholdUnits(cases)
    nodes, before = AndNodes(units), units.margins.copy()
    source = int(np.flatnonzero(np.diff(cases.column_starts))[0])
    weights = np.zeros(13, dtype=np.float32)
    weights[5] = 2
    rows = cases.rows_with((source,))
    nodes.add(((source,), rows), weights)
    moved = np.zeros_like(before)
    moved[rows, 5] = 2 * cases.signs[rows, 5]
    np.testing.assert_array_equal(units.margins, before + moved)
    assert (source,) in nodes
    assert nodes.connections == 2
    np.testing.assert_array_equal(nodes.sums()[rows], np.tile(weights, (len(rows), 1)))


def test_nodes_grow_until_every_row_is_right_and_margins_stay_exact():
    evolution, _ = grown(make_cases())
    assert evolution.solved
    assert len(evolution.nodes)
    exact = evolution.units.cases.signs * (evolution.units.bias + evolution.nodes.sums())
    np.testing.assert_array_equal(evolution.units.margins, exact)


def test_pruning_deletes_and_keeps_every_row_right():
    evolution, random = grown(make_cases())
    before = evolution.nodes.connections
    evolution.prune(random)
    assert evolution.nodes.connections < before
    assert evolution.solved
    exact = evolution.units.cases.signs * (evolution.units.bias + evolution.nodes.sums())
    np.testing.assert_array_equal(evolution.units.margins, exact)
    for node, literals in enumerate(evolution.nodes.literals):
        rows = evolution.nodes.rows_of(node)
        np.testing.assert_array_equal(rows, evolution.units.cases.rows_with(literals))


def test_a_row_without_any_input_can_be_learned():
    roll = np.zeros((6, 13), dtype=bool)
    roll[[1, 2, 4], [3, 5, 3]] = True
    cases = SparseCases.from_rolls([roll], [roll], 3, 1)
    assert cases.targets[0, 3]
    assert cases.row_starts[1] == 0
    evolution, _ = grown(cases)
    assert evolution.solved


@pytest.mark.parametrize("seed", [0, 1])
def test_a_genome_answers_as_the_rows_in_every_network(seed):
    """The rows, the batched network, neat-python's and the player of AND nodes agree."""
    evolution, random = grown(make_cases(seed))
    evolution.prune(random)
    genome, cases = genome_of(evolution), evolution.units.cases
    expected = evolution.units.margins * cases.signs
    inputs_of_rows = dense(cases)
    np.testing.assert_array_equal(Network(genome, 13)(inputs_of_rows.T).T, expected)
    neats = neat.nn.FeedForwardNetwork.create(genome, NeatConfig)
    for row in random.choice(cases.rows, 25, replace=False):
        outputs = np.array(neats.activate(inputs_of_rows[row].astype(float).tolist()))
        np.testing.assert_array_equal(outputs > 0, expected[row] > 0)
    memory = random.random((70, MEMORY, 13)) < 0.15
    wanted = NetworkPlayer(Network(genome, 13)).press(memory)
    np.testing.assert_array_equal(AndPlayer(genome, MEMORY).press(memory), wanted)
    assert wanted.any()


def test_the_player_continues_each_prompt_in_a_free_run():
    evolution, _ = grown(make_cases())
    player = AndPlayer(genome_of(evolution), MEMORY)
    prompts = np.random.default_rng(7).random((5, 3, 13)) < 0.2
    played = continue_prompts(player, prompts, 12, MEMORY)
    np.testing.assert_array_equal(played[:, :3], prompts)
    padded = np.concatenate([np.zeros((5, MEMORY, 13), dtype=bool), played], axis=1)
    for step in range(3, 12):
        np.testing.assert_array_equal(played[:, step], player.press(padded[:, step : step + MEMORY]))


def test_a_restored_evolution_continues_bit_identically():
    cases = make_cases()
    evolution, other, random = AndEvolution(cases), AndEvolution(cases), np.random.default_rng(1)
    for _ in range(2):
        evolution.step(random)
    arrays, data = evolution.state()
    other.restore({name: array.copy() for name, array in arrays.items()}, json.loads(json.dumps(data)))
    twin = np.random.default_rng()
    twin.bit_generator.state = random.bit_generator.state
    for _ in range(3):
        evolution.step(random)
        other.step(twin)
    assert evolution.state()[1] == other.state()[1]
    for name, array in evolution.state()[0].items():
        np.testing.assert_array_equal(other.state()[0][name], array, err_msg=name)
    np.testing.assert_array_equal(evolution.units.margins, other.units.margins)

"""The smallest network is right in all cases, as small as can be without hidden nodes, and smaller with them."""

import json
from itertools import product

import numpy as np
import pytest

from agents.cases import Cases, memory_cases, xor_cases
from agents.networks.genome_json import genome_to_json
from agents.networks.network_player import NetworkPlayer
from agents.networks.phenotype import Layout, Network, outputs_in_chunks
from agents.rollout import play_episode
from agents.smallest.smallest_network import SmallestNetwork, SmallestOptions
from envs.keyboard_env import KeyboardEnv
from songs.catalog import find_song
from songs.keyboard import KEYS
from songs.song import Song

MELODY = [0, 4, 7, 4, 0, 4, 7, 12, None, 7, 4, 0, None, 2, 5, 9, 5, 2, None, 0]
ALL_FIVE = np.array(list(product((0, 1), repeat=5)), dtype=np.float32).T


@pytest.fixture
def song():
    roll = np.zeros((len(MELODY), KEYS), dtype=bool)
    for step, key in enumerate(MELODY):
        if key is not None:
            roll[step, key] = True
    return Song("melody", roll)


def finish(search):
    while not search.solved:
        assert search.generation < 2000
        row = search.step()
    return row


def connections(search):
    return {key: gene.weight for key, gene in search.champion.connections.items()}


def test_plays_a_melody_with_proof_that_it_needs_its_connections(song):
    cases = memory_cases([song], memory=6, prompt=3)
    search = SmallestNetwork(cases, SmallestOptions(share=False), seed=1)
    assert search.fewest_without_hidden is None
    row = finish(search)
    assert row.best_right == search.champion.right == len(cases)
    assert row.connections == len(search.champion.connections) == search.fewest_without_hidden
    assert row.hidden == 0
    assert all((gene.weight * 1024).is_integer() for gene in search.champion.connections.values())
    other = SmallestNetwork(cases, SmallestOptions(share=False), seed=2)
    assert finish(other).connections == row.connections
    player = NetworkPlayer(Network(search.champion, KEYS), 6)
    assert play_episode(KeyboardEnv([song], memory=6, prompt=3), player).right_steps == len(cases)


def test_a_song_that_is_learned_gets_smaller_and_never_worse(song):
    search = SmallestNetwork(memory_cases([song], memory=6, prompt=3), SmallestOptions(effort=1), seed=1)
    rows = []
    while not search.solved:
        rows.append(search.step())
    sizes = [row.connections for row in rows]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > sizes[-1]
    assert {row.best_right for row in rows} == {len(search.cases)}
    evaluations = [row.evaluations for row in rows]
    assert evaluations == sorted(evaluations)


def test_outputs_that_never_change_need_no_connection():
    cases = Cases(np.array([[0, 1]], dtype=np.float32), np.array([[True, True], [False, False], [False, True]]))
    search = SmallestNetwork(cases, SmallestOptions(), seed=1)
    finish(search)
    assert list(connections(search)) == [(-1, 2)]
    assert search.champion.right == 2


def test_what_one_output_computes_is_shared_with_another_if_that_pays():
    # all of a, b, c; and that or d: alone 3 and 4 connections, shared 3 + 1 and 2
    a, b, c, d, _ = ALL_FIVE > 0
    cases = Cases(ALL_FIVE, np.array([a & b & c | d, a & b & c]))
    alone = SmallestNetwork(cases, SmallestOptions(share=False), seed=1)
    assert finish(alone).connections == alone.fewest_without_hidden == 7
    shared = SmallestNetwork(cases, SmallestOptions(), seed=1)
    row = finish(shared)
    assert (row.connections, row.hidden, shared.fewest_without_hidden) == (6, 1, 7)
    assert set(connections(shared)) == {(-1, 2), (-2, 2), (-3, 2), (2, 1), (2, 0), (-4, 0)}
    assert shared.champion.right == 32
    ((_, outputs),) = outputs_in_chunks([shared.champion], Layout(cases.inputs, 2))
    assert ((outputs[0] > 0) == cases.targets).all()


def test_sharing_goes_over_several_steps_without_circles():
    # each output is the one before it and one more input
    a, b, c, d, e = ALL_FIVE > 0
    first = a & b | c
    cases = Cases(ALL_FIVE, np.array([first, first & d, (first & d) | e]))
    search = SmallestNetwork(cases, SmallestOptions(), seed=1)
    row = finish(search)
    # 3 + 4 + 5 alone; 3 + 1, 2 and, through the second hidden node, 1 and 2
    assert search.fewest_without_hidden == 12
    assert row.connections == 9
    assert row.best_right == 32
    assert all(source < sink for source, sink in connections(search) if source >= 3 and sink >= 3)


def test_exclusive_or_is_refused():
    search = SmallestNetwork(xor_cases(), SmallestOptions(), seed=1)
    with pytest.raises(ValueError, match="no network without hidden nodes gets all cases right"):
        search.step()


def test_a_case_that_others_contradict_is_left_out():
    cases = Cases(np.array([[0, 0, 0, 1]], dtype=np.float32), np.array([[False, False, True, True]]))
    search = SmallestNetwork(cases, SmallestOptions(), seed=1)
    finish(search)
    assert search.champion.right == 3


@pytest.mark.parametrize("stop", [1, 4, 12, 20])
def test_goes_on_from_a_state_to_the_same_bits(stop):
    a, b, c, d, e = ALL_FIVE > 0
    cases = Cases(ALL_FIVE, np.array([a & b & c | d, a & b & c, a.astype(int) + b + c + d + e >= 3]))
    options = SmallestOptions(effort=1)
    whole, first, second = (SmallestNetwork(cases, options, seed=3) for _ in range(3))
    for _ in range(stop):
        whole.step()
        first.step()
    assert not whole.solved
    second.step()
    second.restore(json.loads(json.dumps(first.state(), allow_nan=False)))
    assert second.evaluations == whole.evaluations
    while not whole.solved:
        assert second.step() == whole.step()
    assert second.solved
    assert second.state() == whole.state()
    assert genome_to_json(second.champion, 5, 3) == genome_to_json(whole.champion, 5, 3)


def test_a_restored_state_must_belong_to_the_search():
    cases = Cases(np.array([[0, 1]], dtype=np.float32), np.array([[False, True]]))
    search = SmallestNetwork(cases, SmallestOptions(), seed=1)
    with pytest.raises(ValueError, match="the state has options"):
        search.restore(SmallestNetwork(cases, SmallestOptions(share=False), seed=1).state())
    with pytest.raises(ValueError, match="the state has shape"):
        search.restore(SmallestNetwork(xor_cases(), SmallestOptions(), seed=1).state())


def test_wrong_options_are_named():
    with pytest.raises(ValueError, match="effort is 0: it must be at least 1"):
        SmallestOptions(effort=0)


@pytest.mark.slow
def test_the_grasshopper_needs_30_connections_and_29_with_a_hidden_node():
    song = find_song("grasshopper")
    cases = memory_cases([song], memory=32, prompt=8)
    search = SmallestNetwork(cases, SmallestOptions(), seed=0)
    row = finish(search)
    assert search.fewest_without_hidden == 30
    assert (row.connections, row.hidden, row.best_right) == (29, 1, 120)
    player = NetworkPlayer(Network(search.champion, KEYS), 32)
    assert play_episode(KeyboardEnv([song], memory=32), player).right_steps == 120

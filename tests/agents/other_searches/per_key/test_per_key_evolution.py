"""Cooperative per-key evolution as a search: it solves songs, and resumes from a state bit-identically."""

import json

import numpy as np
import pytest

from agents.cases import memory_cases, xor_cases
from agents.neat.genome_json import genome_from_json, genome_to_json
from agents.neat.network import Network
from agents.other_searches.per_key.options import PerKeyOptions
from agents.other_searches.per_key.per_key_evolution import PerKeyEvolution
from agents.other_searches.per_key.sparse_cases import SparseCases
from songs.song import Song

MEMORY, PROMPT = 6, 3
MODES = {
    "linear": PerKeyOptions(hidden="never"),
    "unguided": PerKeyOptions(hidden="never", target_guided=0.0),
    "switching": PerKeyOptions(patience=1, mutations=1, proposals=8),
    "nodes": PerKeyOptions(hidden="always"),
    "parsimony": PerKeyOptions(hidden="never", cost=1.0),
    "unpruned": PerKeyOptions(prune=False),
}


@pytest.fixture(scope="module")
def songs():
    random = np.random.default_rng(2)
    return [Song(str(number), random.random((24, 13)) < 0.1) for number in range(3)]


@pytest.fixture(scope="module")
def cases(songs):
    return memory_cases(songs, MEMORY, PROMPT)


def make(cases, options, seed=1):
    return PerKeyEvolution(SparseCases.from_cases(cases), options, seed)


def finish(search, generations=400):
    while not search.solved and search.generation < generations:
        search.step()
    return search


def text(search, cases):
    return genome_to_json(search.champion, len(cases.inputs), len(cases.targets))


@pytest.mark.parametrize("mode", MODES)
def test_the_champion_as_a_file_answers_every_case(cases, mode):
    search = finish(make(cases, MODES[mode]))
    assert search.solved
    genome, _, outputs = genome_from_json(text(search, cases))
    np.testing.assert_array_equal(Network(genome, outputs)(cases.inputs) > 0, cases.targets)
    assert search.champion.right == len(cases)
    assert search.champion.size() == (outputs + search.hidden, search.connections)
    assert (search.hidden > 0) == (mode in ("switching", "nodes"))
    assert search.evaluations > 0


@pytest.mark.parametrize("mode", ["linear", "switching", "nodes"])
@pytest.mark.parametrize("stop", [1, 4])
def test_a_restored_search_continues_bit_identically(cases, mode, stop):
    search, other = make(cases, MODES[mode]), make(cases, MODES[mode], seed=99)
    for _ in range(stop):
        search.step()
    arrays, data = search.state()
    other.restore({name: array.copy() for name, array in arrays.items()}, json.loads(json.dumps(data)))
    assert text(other, cases) == text(search, cases)
    for _ in range(5):
        assert search.step() == other.step()
    assert text(other, cases) == text(search, cases)
    assert other.state()[1] == search.state()[1]
    for name, array in search.state()[0].items():
        np.testing.assert_array_equal(other.state()[0][name], array, err_msg=name)


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(cases):
    first, second, other = (finish(make(cases, MODES["nodes"], seed)) for seed in (1, 1, 2))
    assert text(first, cases) == text(second, cases)
    assert text(first, cases) != text(other, cases)


def test_a_row_reports_the_network_as_it_is(cases):
    search = make(cases, MODES["linear"])
    assert search.champion is None
    row = search.step()
    outputs = Network(search.champion, 13)(cases.inputs)
    assert row.best_right == ((outputs > 0) == cases.targets).all(axis=0).sum()
    assert row.best_fitness == search.champion.fitness
    loss = np.square(np.maximum(1 - np.where(cases.targets, outputs, -outputs), 0)).sum()
    assert search.champion.loss == pytest.approx(loss, rel=1e-5)
    assert (row.generation, search.generation) == (0, 1)
    assert (row.connections, row.hidden) == (search.connections, 0)


def test_only_and_nodes_solve_exclusive_or():
    linear = finish(make(xor_cases(), PerKeyOptions(hidden="never")), 80)
    assert not linear.solved
    assert linear.champion.right <= 3
    search = finish(make(xor_cases(), PerKeyOptions(patience=5)))
    assert search.solved
    assert search.hidden >= 1
    assert search.champion.right == 4


def test_a_search_is_solved_when_all_is_right_that_one_network_can_get_right():
    """Two songs begin alike and go on differently: one step cannot be right, and the search is done without it."""
    roll = np.zeros((8, 13), dtype=bool)
    roll[[0, 2, 5], [1, 4, 9]] = True
    other = roll.copy()
    other[4, 7] = True
    cases = memory_cases([Song("a", roll), Song("b", other)], 8, 3)
    search = finish(make(cases, PerKeyOptions()))
    assert search.solved
    assert search.champion.right == cases.most_right == len(cases) - 1


def test_pruning_is_a_step_of_its_own(cases):
    pruned, unpruned = finish(make(cases, PerKeyOptions())), finish(make(cases, MODES["unpruned"]))
    assert pruned.generation == unpruned.generation + 1
    assert 0 < pruned.connections < unpruned.connections
    assert pruned.champion.right == unpruned.champion.right == len(cases)


def test_only_reported_cases_count(cases):
    search = PerKeyEvolution(SparseCases.from_cases(cases), PerKeyOptions(), 1, reported=10)
    assert finish(search).champion.right == 10


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"search": "Evolution"}, "the state has search 'Evolution', this search has 'PerKeyEvolution'"),
        ({"shape": [1, 2, 3, 4]}, r"the state has shape \[1, 2, 3, 4\]"),
        ({"options": {}}, "the state has options"),
    ],
)
def test_the_state_of_another_search_is_refused(cases, change, message):
    search = make(cases, PerKeyOptions())
    with pytest.raises(ValueError, match=message):
        search.restore(search.state()[0], search.state()[1] | change)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden": "some"}, "hidden = 'some': choose one of auto, never, always"),
        ({"target_guided": 1.5}, "target_guided = 1.5: it must be 0 to 1"),
        ({"prompt_noise": -0.1}, "prompt_noise = -0.1: it must be 0 to 1"),
        ({"cost": float("nan")}, "cost = nan: it must be finite"),
        ({"proposals": 0}, "proposals = 0: it must be 1 to"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        PerKeyOptions(**options)

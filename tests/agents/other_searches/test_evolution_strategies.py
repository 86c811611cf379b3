"""Evolution strategies learn dense networks, and resume from a state bit-identically."""

import json
import sys

import numpy as np
import pytest

from agents.cases import Cases, memory_cases, xor_cases
from agents.neat.genome_json import genome_to_json
from agents.neat.network import Network
from agents.neat.network_player import NetworkPlayer
from agents.other_searches.evolution_strategies import (
    CMAESOptions,
    OpenAIES,
    OpenAIOptions,
    SeparableCMAES,
    centred_ranks,
)
from agents.rollout import play_episode
from envs.keyboard_env import KeyboardEnv
from songs.keyboard import KEYS
from songs.song import Song

MELODY = [0, 4, 7, 4, 0, 4, 7, 12, None, 7, 4, 0, None, 2, 5, 9, 5, 2, None, 0]
SEARCHES = [
    (OpenAIES, OpenAIOptions(pairs=10)),
    (OpenAIES, OpenAIOptions(pairs=10, modular=True)),
    (SeparableCMAES, CMAESOptions()),
    (SeparableCMAES, CMAESOptions(population=8, modular=True)),
]
every_search = pytest.mark.parametrize(("kind", "options"), SEARCHES)


@pytest.fixture(autouse=True)
def _needs_cmaes(request):
    if "SeparableCMAES" in request.node.name:
        pytest.importorskip("cmaes", reason="the package cmaes is not installed")


@pytest.fixture
def song():
    roll = np.zeros((len(MELODY), KEYS), dtype=bool)
    for step, key in enumerate(MELODY):
        if key is not None:
            roll[step, key] = True
    return Song("melody", roll)


@pytest.fixture
def cases(song):
    return memory_cases([song], memory=6, prompt=3)


def run(search, steps):
    return [search.step() for _ in range(steps)]


def text(search, cases):
    return genome_to_json(search.champion, len(cases.inputs), len(cases.targets))


@every_search
def test_learns_a_melody_and_plays_it_alone(kind, options, song, cases):
    search = kind(cases, options, seed=1)
    assert search.champion is None
    while not search.solved:
        assert search.generation < 500
        row = search.step()
    assert row.best_right == search.champion.right == len(cases)
    assert row.evaluations == search.evaluations
    assert row.connections == search.champion.size()[1]
    assert all((gene.weight * 1024).is_integer() for gene in search.champion.connections.values())
    player = NetworkPlayer(Network(search.champion, KEYS))
    assert play_episode(KeyboardEnv([song], memory=6, prompt=3), player).right_steps == len(cases)


@every_search
def test_a_restored_search_continues_bit_identically(kind, options, cases):
    whole, first, second = (kind(cases, options, seed=5) for _ in range(3))
    rows = run(whole, 9)
    run(first, 4)
    arrays, data = first.state()
    run(second, 2)  # forgotten
    second.restore(
        {name: array.copy() for name, array in arrays.items()}, json.loads(json.dumps(data, allow_nan=False))
    )
    assert second.evaluations == first.evaluations
    assert text(second, cases) == text(first, cases)
    assert run(second, 5) == rows[4:]
    assert second.state()[1] == whole.state()[1]
    for name, array in whole.state()[0].items():
        np.testing.assert_array_equal(second.state()[0][name], array, err_msg=name)
    assert text(second, cases) == text(whole, cases)


@every_search
def test_the_seed_decides_the_run(kind, options, cases):
    rows = [run(kind(cases, options, seed), 3) for seed in (1, 1, 2)]
    assert rows[0] == rows[1]
    assert rows[0] != rows[2]


@every_search
def test_the_champion_is_the_best_network_evaluated(kind, options, cases):
    search = kind(cases, options, seed=3)
    best = max((row.best_right, row.generation) for row in run(search, 12))
    assert search.champion.right >= best[0]
    signs = np.where(cases.targets, 1, -1)
    outputs = Network(search.champion, KEYS)(cases.inputs)
    assert search.champion.right == int((signs * outputs > 0).all(axis=0).sum())
    assert search.champion.loss == pytest.approx(float(np.square(np.maximum(1 - signs * outputs, 0)).sum()))


def test_a_restored_state_must_belong_to_the_search(cases):
    search = OpenAIES(cases, OpenAIOptions(), seed=1)
    with pytest.raises(ValueError, match=r"the state has shape \[2, 1, 4, 3\], this search has \[78, 13, 17, \d+\]"):
        search.restore(*OpenAIES(xor_cases(), OpenAIOptions(), seed=1).state())
    with pytest.raises(ValueError, match="the state has options"):
        search.restore(*OpenAIES(cases, OpenAIOptions(sigma=0.1), seed=1).state())


def test_a_generation_of_openai_es_evaluates_the_pairs_and_the_centre(cases):
    search = OpenAIES(cases, OpenAIOptions(pairs=7), seed=1)
    run(search, 3)
    assert search.evaluations == 3 * (2 * 7 + 1)


def test_the_first_step_of_adam_has_the_learning_rate_in_every_weight(cases):
    search = OpenAIES(cases, OpenAIOptions(pairs=3, learning_rate=0.25), seed=1)
    search.step()
    np.testing.assert_allclose(np.abs(search.state()[0]["mean"]), 0.25, rtol=1e-5)


def test_one_pair_moves_the_centre_to_its_better_half():
    # one input that is always on, to be answered by on: the more weight, the smaller the loss
    cases = Cases(np.ones((1, 1), dtype=np.float32), np.ones((1, 1), dtype=bool))
    for seed in range(5):
        search = OpenAIES(cases, OpenAIOptions(pairs=1, sigma=0.01), seed)
        search.step()
        assert sum(search.state()[0]["mean"][0]) >= 0


def test_modular_search_ranks_each_output_by_its_own_loss():
    # two outputs want opposite things of the same input
    cases = Cases(np.ones((1, 1), dtype=np.float32), np.array([[True], [False]]))
    search = OpenAIES(cases, OpenAIOptions(pairs=1, sigma=0.01, modular=True), seed=2)
    search.step()
    up, down = np.array(search.state()[0]["mean"]).sum(axis=1)
    assert up >= 0 >= down


def test_ranks_are_centred_and_ties_keep_their_order():
    ranks = centred_ranks(np.array([[3.0, 1.0], [9.0, 1.0], [-4.0, 0.0]]))
    assert ranks.tolist() == [[0.0, 0.0], [0.5, 0.5], [-0.5, -0.5]]


def test_a_case_that_others_contradict_counts_for_nothing():
    inputs = np.array([[0, 0, 0, 1]], dtype=np.float32)
    cases = Cases(inputs, np.array([[False, False, True, True]]))
    search = OpenAIES(cases, OpenAIOptions(), seed=1)
    while not search.solved:
        assert search.generation < 200
        search.step()
    assert search.champion.right == 3
    for _ in range(100):
        row = search.step()
    assert row.best_fitness == 0.0


def test_without_its_package_cma_es_says_what_to_install(cases, monkeypatch):
    monkeypatch.setitem(sys.modules, "cmaes", None)
    with pytest.raises(ValueError, match=r"CMA-ES needs the package cmaes: pip install 'kuznechik\[es\]'"):
        SeparableCMAES(cases, CMAESOptions(), seed=1)


def test_cma_es_takes_the_population_of_its_package_by_default_SeparableCMAES(cases):
    free = SeparableCMAES(cases, CMAESOptions(), seed=1)
    free.step()
    used = int(cases.inputs.any(axis=1).sum())
    assert free.evaluations == 4 + int(3 * np.log(13 * (used + 1))) + 1
    fixed = SeparableCMAES(cases, CMAESOptions(population=6), seed=1)
    fixed.step()
    assert fixed.evaluations == 7


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: OpenAIOptions(pairs=0), "pairs = 0: it must be 1 to"),
        (lambda: OpenAIOptions(sigma=0.0), "sigma = 0.0: it must be 1e-09 to"),
        (lambda: OpenAIOptions(learning_rate=-1.0), "learning_rate = -1.0: it must be 1e-09 to"),
        (lambda: OpenAIOptions(momentum=1.0), "momentum = 1.0: it must be 0 to 0.999999"),
        (lambda: OpenAIOptions(scaling=-0.1), "scaling = -0.1: it must be 0 to 0.999999"),
        (lambda: CMAESOptions(population=1), "population = 1: it must be 0 or at least 2"),
        (lambda: CMAESOptions(sigma=-1.0), "sigma = -1.0: it must be 1e-09 to"),
    ],
)
def test_wrong_options_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()

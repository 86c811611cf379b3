"""Improvisation: a population that plays alone, side by side, plays what each network plays in the environment."""

import json
import random
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.cases import memory_cases
from agents.neat.crossover import crossover
from agents.neat.genome import Genome
from agents.neat.genome_json import genome_to_json
from agents.neat.improvisation import Improvisation, ImprovisationEvaluator, PlayedInputGuide, play_together
from agents.neat.linear_network import make_genome
from agents.neat.network import Network
from agents.neat.network_player import NetworkPlayer
from agents.rollout import continue_prompts, play_episode
from envs.keyboard_env import KeyboardEnv
from listener.rules import MusicTheory
from songs.keyboard import KEYS
from songs.plan import EXACT, RHYTHM, PlanFollower, PlanInputs, Plans, input_count, relation
from songs.song import Song

THEORY = MusicTheory()
PLAIN = {
    "evolve": {"population_size": 12, "selection": "truncation"},
    "species": {"target_species": 3, "fitness_sharing": "normalized"},
    "operators": {"modular_crossover": 0.0, "loss_weighted_output": 0.0, "error_reweighting": 0.0},
    "genome": {"node_add_prob": 0.3, "node_delete_prob": 0.05},
}
"""What a listener can pay: nothing that needs a loss of every output."""


class LikesA:
    """Pays 1 for every A, and 2 for a rest."""

    def rewards(self, rolls, targets=None):
        return rolls[:, :, 9].astype(np.float32) + 2 * ~rolls.any(axis=2)


def network(connections: dict, biases: dict, hidden: tuple[int, ...] = ()) -> Genome:
    """Return a genome; an output without a bias of its own is never on by itself."""
    return make_genome({key: biases.get(key, -0.5) for key in (*range(KEYS), *hidden)}, connections)


@st.composite
def networks(draw, memory: int) -> Genome:
    """Return a network with connections in all directions forward, inputs of the mode included."""
    hidden = tuple(range(KEYS, KEYS + draw(st.integers(0, 3))))
    grid = st.integers(-2048, 2048).map(lambda weight: weight / 1024)
    inputs = memory * KEYS + 1
    sources = st.one_of(st.integers(-inputs, -1), st.sampled_from(hidden)) if hidden else st.integers(-inputs, -1)
    links = draw(st.dictionaries(st.tuples(sources, st.sampled_from((*range(KEYS), *hidden))), grid, max_size=40))
    forward = {key: weight for key, weight in links.items() if key[1] < KEYS or key[0] < key[1]}
    return network(forward, draw(st.dictionaries(st.integers(0, KEYS + len(hidden) - 1), grid)), hidden)


def without_mode(genome, memory: int) -> dict:
    """Return the connections of a genome but those from the mode."""
    return {key: gene for key, gene in genome.connections.items() if key[0] >= -memory * KEYS}


@given(st.data())
def test_a_population_plays_what_each_network_plays_in_the_environment(data):
    memory, prompt, mode_bit = data.draw(st.integers(1, 4)), data.draw(st.integers(0, 3)), data.draw(st.booleans())
    genomes = data.draw(st.lists(networks(memory), min_size=1, max_size=4))
    if not mode_bit:
        genomes = [Genome(genome.key, genome.nodes, without_mode(genome, memory)) for genome in genomes]
    seed = data.draw(st.integers(0, 1000))
    songs = [Song(str(i), np.random.default_rng([seed, i]).random((10, KEYS)) < 0.2) for i in range(3)]
    prompts = np.array([song.roll[:prompt] for song in songs])
    played = play_together(genomes, prompts, 10, memory)
    env = KeyboardEnv(songs, memory=memory, prompt=prompt, mode_bit=mode_bit, improvise=True)
    for genome, rolls in zip(genomes, played, strict=True):
        player = NetworkPlayer(Network(genome, KEYS), mode_bit)
        for song, roll in enumerate(rolls):
            assert (play_episode(env, player, options={"song": song}).roll == roll).all()


def test_an_echo_repeats_the_prompt_for_ever():
    echo = network({(-1 - key, key): 1.0 for key in range(KEYS)}, {})  # each key from itself, two steps before
    prompt = np.zeros((1, 2, KEYS), dtype=bool)
    prompt[0, 0, 4] = True
    (roll,) = play_together([echo], prompt, 7, memory=2)[0]
    assert [place.tolist() for place in roll.nonzero()] == [[0, 2, 4, 6], [4, 4, 4, 4]]


@pytest.fixture
def cases():
    return memory_cases([Song("s", np.zeros((6, KEYS), dtype=bool))], 2, 1)


def test_fitness_is_the_reward_behind_the_prompt_averaged_over_the_prompts(cases):
    prompts = np.zeros((2, 1, KEYS), dtype=bool)
    prompts[1, 0, 3] = True
    after_three = network({(-1 - KEYS - 3, 9): 1.0}, {})  # plays A once if it has just heard key 3, and then rests
    evaluator = ImprovisationEvaluator(cases, LikesA().rewards, prompts, 6, 2, parsimony=0.25)
    evaluator.evaluate([after_three], 0)
    assert after_three.loss == -((5 * 2) + (1 + 4 * 2)) / 2
    assert after_three.fitness == 9.5 - 0.25
    assert (after_three.right, evaluator.evaluations) == (0, 1)


def test_every_network_is_rewarded_once(cases):
    evaluator = ImprovisationEvaluator(cases, LikesA().rewards, np.zeros((1, 1, KEYS), dtype=bool), 6, 2)
    genome = network({}, {9: 1.0})
    for generation in range(3):
        evaluator.evaluate([genome], generation)
    assert (genome.fitness, evaluator.evaluations) == (5.0, 1)


def test_a_reward_does_not_depend_on_the_company_even_where_several_play_the_same(cases):
    prompts = np.zeros((2, 1, KEYS), dtype=bool)
    prompts[1, 0, 3] = True
    evaluator = ImprovisationEvaluator(cases, LikesA().rewards, prompts, 6, 2)
    genomes = [network({}, {key: 1.0}) for key in (9, 2, 9, 2)]
    genomes += [network({(-1 - KEYS - key, 9): 1.0}, {}) for key in (3, 9, 3)]
    together = evaluator.rewards(evaluator.play(genomes)).tolist()
    assert together == [evaluator.rewards(evaluator.play([genome]))[0] for genome in genomes]
    assert together == [5.0, 0.0, 5.0, 0.0, 9.5, 10.0, 9.5]
    assert evaluator.rewards(evaluator.play([])).shape == (0,)


@pytest.mark.parametrize("prompts", [np.zeros((0, 1, KEYS)), np.zeros((1, 6, KEYS))])
def test_there_must_be_something_to_play(cases, prompts):
    with pytest.raises(ValueError, match="there is nothing to play"):
        ImprovisationEvaluator(cases, LikesA().rewards, prompts.astype(bool), 6, 2)


# The operator that looks at what was heard


@pytest.mark.parametrize("memory", [3, 6, 20])
def test_what_is_proposed_was_on_at_a_step_behind_the_prompt(memory):
    prompt, roll = 2, np.random.default_rng(0).random((8, KEYS)) < 0.15
    genome = network({}, {})
    genome.played = roll[None]
    padded = np.concatenate((np.zeros((memory, KEYS), dtype=bool), roll))
    seen = {-1 - place for step in range(prompt, 8) for place in np.flatnonzero(padded[step : step + memory])}
    random.seed(1)
    proposals = [PlayedInputGuide(prompt, memory).propose(genome, 0) for _ in range(3000)]
    assert {proposal[0] for proposal in proposals if proposal} == seen
    assert {proposal[1] for proposal in proposals if proposal} == {1.0, -1.0}


def test_nothing_is_proposed_where_nothing_was_played():
    genome = network({}, {})
    assert PlayedInputGuide(0, 4).propose(genome, 0) is None
    genome.played = np.zeros((2, 8, KEYS), dtype=bool)
    assert PlayedInputGuide(0, 4).propose(genome, 0) is None


def test_a_genome_has_heard_what_it_played_and_its_child_what_the_better_parent_did(cases):
    evaluator = ImprovisationEvaluator(cases, LikesA().rewards, np.zeros((1, 1, KEYS), dtype=bool), 6, 2)
    better, worse = network({}, {9: 1.0, 3: 1.0}), network({}, {})
    evaluator.evaluate([worse, better], 0)
    assert better.played[0, 1:].nonzero()[1].tolist() == [3, 9] * 5
    assert not worse.played.any()
    worse.fitness, better.fitness = 0.0, 1.0
    child = crossover(worse, better, SimpleNamespace(modular_crossover=0.0)).finish(2)
    assert child.played is better.played
    # one that lived on when a run was stopped plays again
    better.played = None
    evaluator.evaluate([better], 1)
    assert better.played[0, 1:].nonzero()[1].tolist() == [3, 9] * 5
    assert evaluator.evaluations == 2


# A whole run


@pytest.fixture
def start(make_config):
    """Return a function that begins a run."""
    prompts = np.zeros((2, 2, KEYS), dtype=bool)
    prompts[1, 0, 4] = True
    cases = memory_cases([Song("s", np.zeros((24, KEYS), dtype=bool))], 4, 2)

    def start(pays=THEORY.rewards) -> Improvisation:
        config = make_config(len(cases.inputs), KEYS, None, **PLAIN)
        return Improvisation(config, ImprovisationEvaluator(cases, pays, prompts, 24, 4), 3)

    return start


def text(run: Improvisation) -> str:
    return genome_to_json(run.champion, 4 * KEYS, KEYS)


def test_it_resumes_from_a_state_bit_identically(start):
    run = start()
    rows = [run.step() for _ in range(4)]
    arrays, data = run.state()
    rows += [run.step() for _ in range(4)]
    again = start()
    again.restore(arrays, json.loads(json.dumps(data)))
    assert [again.step() for _ in range(4)] == rows[4:]
    assert text(again) == text(run)


def test_it_gets_better_and_never_counts_as_solved(start):
    run = start(LikesA().rewards)
    rows = [run.step() for _ in range(15)]
    assert rows[-1].best_fitness > rows[0].mean_fitness
    assert -run.champion.loss == max(row.best_fitness for row in rows)
    assert not run.solved


@pytest.mark.parametrize("seed", range(3))
def test_with_plans_networks_play_together_what_each_plays_alone(seed):
    random_ = np.random.default_rng(seed)
    bars = random_.integers(0, (81, 9, 9, 13), (2, 4, 4))
    bars[:, :, 0] = [0, relation(EXACT, 1), relation(RHYTHM, 2), relation(EXACT, 2)]
    inputs = PlanInputs(Plans(bars, np.array([[0, 0, 12, 0, 0, 0, 0, 0]] * 2), np.zeros(2, dtype=np.int64)), KEYS)
    prompts = random_.random((2, 8, KEYS)) < 0.2
    count, genomes = 8 * KEYS + input_count(KEYS), []
    for _ in range(3):
        ends = zip(random_.integers(0, count, 60).tolist(), random_.integers(0, KEYS, 60).tolist(), strict=True)
        genomes.append(network({(-1 - source, sink): float(random_.integers(-2, 3)) for source, sink in ends}, {}))
    together = play_together(genomes, prompts, 32, 8, plans=inputs)
    for genome, rolls in zip(genomes, together, strict=True):
        player = NetworkPlayer(Network(genome, KEYS), planned=PlanFollower(inputs, 8))
        np.testing.assert_array_equal(continue_prompts(player, prompts, 32, 8), rolls)


def test_the_guide_proposes_what_plans_say_as_well():
    bars = np.zeros((1, 4, 4), dtype=np.int64)
    plans = Plans(bars, np.array([[0, 0, 12, 0, 0, 0, 0, 0]]), np.zeros(1, dtype=np.int64))
    inputs, genome = PlanInputs(plans, KEYS), network({}, {})
    genome.played = np.zeros((1, 32, KEYS), dtype=bool)
    random.seed(0)
    proposed = [PlayedInputGuide(8, 5, inputs).propose(genome, 0) for _ in range(100)]
    sources = {-1 - each[0] - 5 * KEYS for each in proposed if each}
    assert sources
    on = np.flatnonzero(inputs.fixed[0, 8:].any(axis=0)) + KEYS  # nothing is echoed
    assert sources <= set(on.tolist())
    assert None in proposed  # nothing was played

"""The evaluator agrees with neat-python's own network, evaluated step by step."""

import json
import random
from copy import copy
from dataclasses import replace

import neat
import numpy as np
import pytest

from agents.cases import Cases, memory_cases, xor_cases
from agents.fitness import KINDS
from agents.neat.editor import GenomeEditor
from agents.neat.evaluator import ErrorReweighting, Evaluator
from agents.neat.genome import Genome, new_genome
from agents.neat.network import Network
from agents.neat.network_player import NetworkPlayer
from agents.neat.operators import mutate, split_connection
from agents.rollout import play_episode
from envs.keyboard_env import KeyboardEnv
from songs.keyboard import KEYS
from songs.song import Song

MEMORY, PROMPT = 2, 2
_random = np.random.default_rng(8)
_roll = np.eye(KEYS, dtype=bool)[_random.integers(4, size=30)] & (_random.random((30, 1)) < 0.6)
_roll[1:8] = False
SONG = Song("tune", _roll)
CASES = memory_cases([SONG], MEMORY, PROMPT)
INPUTS = MEMORY * KEYS


def breed(options, count: int, key: int = 1, hidden: bool = False) -> list[Genome]:
    """Return genomes that rest at first and were mutated often, most of them with hidden nodes if asked for."""
    random.seed(count + key)
    genomes = []
    for number in range(count):
        editor = GenomeEditor(new_genome(key + number, options), options)
        for output in editor.nodes:
            editor.nodes[output] = replace(editor.nodes[output], bias=-0.75)
        for _ in range(random.randrange(25)):
            mutate(editor)
            for _ in range(hidden * random.randrange(2)):
                editor.config = copy(options)
                editor.config.node_add_prob = 1.0
                split_connection(editor)
                editor.config = options
        genomes.append(editor.finish(key + number))
    return genomes


@pytest.fixture(scope="module")
def config(make_config) -> neat.Config:
    return make_config(INPUTS, KEYS, genome={"connections_added": 4.0, "node_add_prob": 0.0})


def by_neat_python(genome: Genome, config: neat.Config, cases: Cases) -> np.ndarray:
    """Return the outputs (O, C) before their activation, one case after the other."""
    outputs = {key: replace(genome.nodes[key], activation="identity") for key in range(len(cases.targets))}
    linear = Genome(0, {**genome.nodes, **outputs}, genome.connections)
    network = neat.nn.FeedForwardNetwork.create(linear, config)
    return np.array([network.activate(case.tolist()) for case in cases.inputs.T]).T


def expected(kind: str, outputs: np.ndarray, cases: Cases, weights: np.ndarray | float = 1.0) -> list[float]:
    """Return the loss of each output of one genome; a case that cannot be right does not count."""
    return KINDS[kind](outputs[None], cases.targets, np.broadcast_to(weights * cases.possible, outputs.shape))[0]


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("hidden", [False, True])
def test_fitness_is_minus_the_loss_of_neat_pythons_network(config, kind, hidden):
    genomes = breed(config.genome_config, 25, hidden=hidden)
    Evaluator(CASES, kind).evaluate(genomes, 0)
    assert any(len(genome.nodes) > KEYS for genome in genomes) == hidden
    for genome in genomes:
        outputs = by_neat_python(genome, config, CASES)
        losses = expected(kind, outputs, CASES)
        assert genome.losses == pytest.approx(losses, rel=1e-5, abs=1e-5)
        assert genome.loss == pytest.approx(sum(losses), rel=1e-5)
        assert genome.fitness == -sum(genome.losses)
        assert genome.right == ((outputs > 0) == CASES.targets).all(axis=0).sum()
    assert len({genome.fitness for genome in genomes}) >= 2


@pytest.mark.parametrize("mode_bit", [False, True])
def test_right_cases_are_the_right_steps_of_the_environment(make_config, mode_bit):
    cases = memory_cases([SONG], MEMORY, PROMPT, mode_bit)
    config = make_config(INPUTS + mode_bit, KEYS, genome={"connections_added": 4.0, "node_add_prob": 0.2})
    genomes = breed(config.genome_config, 25)
    Evaluator(cases).evaluate(genomes, 0)
    env = KeyboardEnv([SONG], memory=MEMORY, prompt=PROMPT, mode_bit=mode_bit, teacher_forcing=True)
    for genome in genomes:
        played = play_episode(env, NetworkPlayer(Network(genome, KEYS), mode_bit))
        assert genome.right == played.right_steps
    assert len({genome.right for genome in genomes}) > 3


def test_several_songs_are_evaluated_together(config):
    songs = [SONG, Song("other", SONG.roll[::-1])]
    genomes = breed(config.genome_config, 10)
    Evaluator(memory_cases(songs, MEMORY, PROMPT)).evaluate(genomes, 0)
    for genome in genomes:
        player = NetworkPlayer(Network(genome, KEYS))
        env = KeyboardEnv(songs, memory=MEMORY, prompt=PROMPT, teacher_forcing=True)
        played = [play_episode(env, player, options={"song": number}).right_steps for number in range(2)]
        assert genome.right == sum(played)


def test_a_genome_is_worth_the_same_in_any_batch(config):
    results = []
    for size in (200, 1):
        genomes = breed(config.genome_config, 200)
        for first in range(0, 200, size):
            Evaluator(CASES).evaluate(genomes[first : first + size], 0)
        results.append([(genome.fitness, genome.losses, genome.right) for genome in genomes])
    assert results[0] == results[1]


def test_contradictions_cost_nothing(config):
    # two C are followed by a C# and by a C
    cases = memory_cases([Song("riddle", np.eye(KEYS, dtype=bool)[[0, 0, 1, 0, 0, 0]])], MEMORY, PROMPT)
    assert (len(cases), cases.most_right) == (4, 3)
    (genome,) = breed(config.genome_config, 1)
    Evaluator(cases).evaluate([genome], 0)
    assert genome.losses == pytest.approx(expected("squared_hinge", by_neat_python(genome, config, cases), cases))


def test_parsimony_costs_fitness_for_every_enabled_connection(config):
    plain, dear = (breed(config.genome_config, 10, hidden=True) for _ in range(2))
    Evaluator(CASES).evaluate(plain, 0)
    Evaluator(CASES, parsimony=0.5).evaluate(dear, 0)
    for cheap, same in zip(plain, dear, strict=True):
        enabled = sum(gene.enabled for gene in same.connections.values())
        assert same.fitness == pytest.approx(cheap.fitness - 0.5 * enabled)
        sinks = [gene.key[1] for gene in same.connections.values() if gene.enabled]
        costs = [0.5 * sinks.count(output) for output in range(KEYS)]
        assert np.subtract(same.losses, cheap.losses) == pytest.approx(costs)
        assert (same.loss, same.right) == (cheap.loss, cheap.right)
    assert any(not gene.enabled for genome in dear for gene in genome.connections.values())


# What is evaluated, and how often


def test_elites_are_evaluated_once(config):
    evaluator = Evaluator(CASES)
    genomes = breed(config.genome_config, 30)
    evaluator.evaluate(genomes, 0)
    assert evaluator.evaluations == 30
    elites = genomes[:4]
    results = [(genome.fitness, genome.losses, genome.loss, genome.right) for genome in elites]
    evaluator.evaluate([*elites, *breed(config.genome_config, 6, key=100)], 1)
    assert evaluator.evaluations == 36
    assert [(genome.fitness, genome.losses, genome.loss, genome.right) for genome in elites] == results
    evaluator.evaluate(elites, 2)
    assert evaluator.evaluations == 36


def test_reweighting_is_no_new_evaluation(config):
    evaluator = Evaluator(CASES, reweighting=ErrorReweighting(0.5, every=1))
    genomes = breed(config.genome_config, 10)
    for generation in range(4):
        evaluator.evaluate(genomes, generation)
    assert evaluator.evaluations == 10


# Error reweighting


def reweighted(config, kind="squared_hinge", generations=(0, 5), gain=0.5):
    """Return genomes after these generations, and each one's outputs."""
    genomes = breed(config.genome_config, 20)
    evaluator = Evaluator(CASES, kind, ErrorReweighting(gain, every=5))
    for generation in generations:
        evaluator.evaluate(genomes, generation)
    return genomes, [by_neat_python(genome, config, CASES) for genome in genomes]


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize(("generations", "times"), [((0, 3, 4), 0), ((0, 5, 6), 1), ((0, 5, 10), 2)])
def test_cells_that_the_champion_gets_wrong_weigh_more_from_then_on(config, kind, generations, times):
    genomes, outputs = reweighted(config, kind, generations)
    champion = max(range(20), key=lambda n: (genomes[n].right, genomes[n].key))
    wrong = (outputs[champion] > 0) != CASES.targets
    assert wrong.any()
    weights = np.where(wrong, 1.5**times, 1.0)
    for genome, answers in zip(genomes, outputs, strict=True):
        losses = expected(kind, answers, CASES, weights)
        assert genome.losses == pytest.approx(losses, rel=1e-5, abs=1e-5)
        assert genome.fitness == pytest.approx(-sum(losses), rel=1e-5)
        # reported values do not depend on the weights
        assert genome.loss == pytest.approx(sum(expected(kind, answers, CASES)), rel=1e-5)


def test_weights_stay_finite_however_often_they_are_raised(config):
    genomes, _ = reweighted(config, generations=range(0, 400, 5), gain=100.0)
    losses = np.array([genome.losses for genome in genomes])
    assert np.isfinite(losses).all()
    assert losses.max() > 1e11


def test_a_gain_of_0_reweights_nothing(config):
    genomes, outputs = reweighted(config, generations=(0, 5, 10), gain=0.0)
    for genome, answers in zip(genomes, outputs, strict=True):
        assert genome.losses == pytest.approx(expected("squared_hinge", answers, CASES), rel=1e-5, abs=1e-5)


# State


def test_it_continues_from_a_state_as_if_nothing_had_happened(config):
    genomes = breed(config.genome_config, 20)
    evaluator = Evaluator(CASES, reweighting=ErrorReweighting(0.3, every=2))
    for generation in range(5):
        evaluator.evaluate(genomes, generation)
    arrays, data = evaluator.state()
    again = Evaluator(CASES, reweighting=ErrorReweighting(0.3, every=2))
    again.restore(arrays, json.loads(json.dumps(data)))
    assert again.evaluations == evaluator.evaluations == 20
    results = []
    for one in (evaluator, again):
        newcomers = breed(config.genome_config, 5, key=50)
        one.evaluate(newcomers, 5)
        results.append([(genome.fitness, genome.losses, genome.loss, genome.right) for genome in newcomers])
    assert results[0] == results[1]
    assert again.evaluations == 25


def test_a_state_of_other_cases_is_refused():
    state = Evaluator(CASES).state()
    with pytest.raises(ValueError, match=r"cell_weights has the shape \(13, 28\), this run needs \(1, 4\)"):
        Evaluator(xor_cases()).restore(*state)


def test_an_unknown_kind_is_named():
    with pytest.raises(ValueError, match="fitness 'luck': choose one of squared_hinge, right_keys"):
        Evaluator(CASES, "luck")


def test_a_genome_that_cannot_be_evaluated_is_named(config):
    evaluator = Evaluator(CASES)
    (genome,) = breed(config.genome_config, 1)
    evaluator.check(genome)
    changed = Genome(2, {**genome.nodes, 3: replace(genome.nodes[3], activation="gauss")}, genome.connections)
    with pytest.raises(ValueError, match="activation 'gauss' at an output"):
        evaluator.check(changed)

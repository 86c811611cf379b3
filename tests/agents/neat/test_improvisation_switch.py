"""The switch of one network: with mode 1 nothing of the song changes, with mode 0 both parts play together."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.cases import memory_cases
from agents.neat.evaluator import Evaluator
from agents.neat.genome import ConnectionGene, Genome, NodeGene
from agents.neat.genome_json import genome_from_json, genome_to_json
from agents.neat.improvisation import Improvisation, ImprovisationEvaluator, play_together
from agents.neat.improvisation_switch import SwitchEvolution, played_together, switched
from agents.neat.network import Network
from agents.neat.population import Evolution
from songs.keyboard import KEYS
from songs.song import Song

MEMORY = 3
INPUTS = MEMORY * KEYS
GRID = st.integers(-2048, 2048).map(lambda weight: weight / 1024)


@st.composite
def networks(draw, inputs: int, most_hidden: int) -> Genome:
    """Return a network with some of its connections disabled."""
    hidden = range(KEYS, KEYS + draw(st.integers(0, most_hidden)))
    nodes = {key: NodeGene(key, draw(GRID)) for key in (*range(KEYS), *hidden)}
    ends = st.tuples(st.sampled_from([*range(-inputs, 0), *hidden]), st.sampled_from([*range(KEYS), *hidden]))
    connections = {}
    for number, (key, weight) in enumerate(draw(st.dictionaries(ends, GRID, max_size=30)).items()):
        if key[0] < key[1] or key[1] < KEYS:
            connections[key] = ConnectionGene(key, number, weight, draw(st.booleans()))
    return Genome(1, nodes, connections)


def inputs_of(seed: int, mode: float) -> np.ndarray:
    seen = (np.random.default_rng(seed).random((INPUTS, 20)) < 0.3).astype(float)
    return np.concatenate([seen, np.full((1, 20), mode)])


@given(networks(INPUTS + 1, 2), networks(INPUTS, 0), st.integers(0, 100))
def test_with_mode_1_the_song_is_played_as_before_to_the_bit(song, own, seed):
    seen = inputs_of(seed, 1.0)
    both = switched(song, own, MEMORY)
    assert (Network(both, KEYS)(seen) == Network(song, KEYS)(seen)).all()


@given(networks(INPUTS + 1, 2), networks(INPUTS, 0), st.integers(0, 100))
def test_with_mode_0_it_answers_the_sum_of_both(song, own, seed):
    seen = inputs_of(seed, 0.0)
    total = Network(song, KEYS)(seen) + Network(own, KEYS)(seen[:-1])
    for both in (switched(song, own, MEMORY), played_together(song, own)):
        np.testing.assert_allclose(Network(both, KEYS)(seen), total, atol=1e-9)


@pytest.mark.parametrize(("enabled", "weight"), [(True, 1.5), (False, 0.5)])
def test_a_connection_of_both_has_the_sum_of_their_weights_if_both_are_enabled(enabled, weight):
    nodes = {key: NodeGene(key, 0.25) for key in range(KEYS)}
    song, own = (
        Genome(1, nodes, {(-1, 0): ConnectionGene((-1, 0), 1, value, on)})
        for value, on in ((1.0, enabled), (0.5, True))
    )
    both = played_together(song, own)
    assert (both.connections[-1, 0].weight, both.connections[-1, 0].enabled) == (weight, True)
    assert both.nodes[0].bias == 0.5
    assert (song.connections[-1, 0].weight, song.nodes[0].bias) == (1.0, 0.25)


@given(networks(INPUTS + 1, 0), networks(INPUTS, 0))
def test_what_was_judged_is_what_the_network_with_gates_plays(song, own):
    prompts = np.random.default_rng(0).random((2, 2, KEYS)) < 0.2
    judged, gated = play_together([played_together(song, own)], prompts, 9, MEMORY), switched(song, own, MEMORY)
    assert (play_together([gated], prompts, 9, MEMORY) == judged).all()


@settings(deadline=None, max_examples=20)
@given(networks(INPUTS + 1, 2), networks(INPUTS, 0))
def test_it_is_a_genome_like_every_other(song, own):
    text = genome_to_json(switched(song, own, MEMORY), INPUTS + 1, KEYS)
    assert genome_to_json(genome_from_json(text)[0], INPUTS + 1, KEYS) == text


# A whole run


SONG = Song("s", np.eye(KEYS, dtype=bool)[[0, 4, 7, 4] * 3])


def rewards(rolls: np.ndarray) -> np.ndarray:
    """Pay 1 for every A."""
    return rolls[:, :, 9].astype(np.float32)


@pytest.fixture
def start(make_config):
    """Return a function that begins a run."""
    cases = memory_cases([SONG], MEMORY, 2, mode_bit=True)
    plain = {
        "evolve": {"population_size": 12, "selection": "truncation"},
        "species": {"target_species": 2, "fitness_sharing": "normalized"},
        "operators": {"modular_crossover": 0.0, "loss_weighted_output": 0.0, "error_reweighting": 0.0},
        "genome": {"node_add_prob": 0.0},
    }

    def improvise(song: Genome) -> Improvisation:
        evaluator = ImprovisationEvaluator(
            cases, rewards, SONG.roll[None, :2], 12, MEMORY, phenotype=lambda own: played_together(song, own)
        )
        return Improvisation(make_config(INPUTS, KEYS, None, **plain), evaluator, 1)

    def start() -> SwitchEvolution:
        learning = {"evolve": {"population_size": 30}}
        config = make_config(INPUTS + 1, KEYS, None, **learning)
        return SwitchEvolution(Evolution(config, Evaluator(cases), 0), improvise, MEMORY)

    return start


def test_the_song_is_learned_and_kept_while_improvising_gets_better(start):
    run = start()
    rows = [run.step() for _ in range(60)]
    learned = run.song.generation
    assert learned < 60
    assert [row.generation for row in rows] == list(range(60))
    assert {row.best_right for row in rows[learned:]} == {10}
    assert [row.evaluations for row in rows] == sorted(row.evaluations for row in rows)
    assert rows[-1].best_fitness > rows[learned].mean_fitness
    assert -run.champion.loss == max(row.best_fitness for row in rows[learned:])
    cases = run.song.evaluator.cases
    assert ((Network(run.champion, KEYS)(cases.inputs) > 0) == cases.targets).all()
    (roll,) = play_together([run.champion], SONG.roll[None, :2], 12, MEMORY)[0]
    assert rewards(roll[None])[:, 2:].sum() == -run.champion.loss
    assert (roll != SONG.roll).any()


@pytest.mark.parametrize("cut", [3, 50])
def test_it_resumes_from_a_state_bit_identically(start, cut):
    run, again = start(), start()
    rows = [run.step() for _ in range(cut)]
    arrays, data = run.state()
    again.restore(arrays, json.loads(json.dumps(data)))
    assert (again.improvisation is None) == (cut == 3)
    rows = [run.step() for _ in range(60 - cut)]
    assert [again.step() for _ in range(60 - cut)] == rows
    assert genome_to_json(again.champion, INPUTS + 1, KEYS) == genome_to_json(run.champion, INPUTS + 1, KEYS)


def test_a_state_of_another_search_is_refused(start):
    with pytest.raises(ValueError, match="song is missing"):
        start().restore({}, {"random": []})

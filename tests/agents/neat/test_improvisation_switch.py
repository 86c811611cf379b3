"""The switch of one network: with mode 1 it plays the song as before, with mode 0 the improvisation as before."""

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
from agents.neat.improvisation_switch import SwitchEvolution, switched
from agents.neat.network import Network
from agents.neat.network_player import NetworkPlayer
from agents.neat.population import Evolution
from agents.rollout import continue_prompts
from songs.keyboard import KEYS
from songs.plan import PlanFollower, PlanInputs, Plans, input_count
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


@given(networks(INPUTS + 1, 2), networks(INPUTS + 1, 0), st.integers(0, 100))
def test_with_mode_1_the_song_is_played_as_before_to_the_bit(song, own, seed):
    seen = inputs_of(seed, 1.0)
    both = switched(song, own, MEMORY)
    assert (Network(both, KEYS)(seen) == Network(song, KEYS)(seen)).all()


@given(networks(INPUTS + 1, 2), networks(INPUTS + 1, 0), st.integers(0, 100))
def test_with_mode_0_it_improvises_as_before_to_the_bit(song, own, seed):
    seen = inputs_of(seed, 0.0)
    assert (Network(switched(song, own, MEMORY), KEYS)(seen) == Network(own, KEYS)(seen)).all()


PLANNED = PlanInputs(
    Plans(np.array([[[0, 2, 4, 0], [1, 2, 4, 0]]]), np.zeros((1, 8), dtype=np.int64), np.zeros(1, dtype=np.int64)), KEYS
)


@pytest.mark.parametrize("plans", [None, PLANNED])
@settings(deadline=None)
@given(data=st.data())
def test_what_was_judged_is_what_the_network_with_gates_plays(plans, data):
    planned = input_count(KEYS) if plans else 0
    song, own = data.draw(networks(INPUTS + 1, 2)), data.draw(networks(INPUTS + 1 + planned, 0))
    prompts = np.random.default_rng(0).random((1, 2, KEYS)) < 0.2
    gated = switched(song, own, MEMORY)
    judged, played = play_together([own, gated], prompts, 16, MEMORY, plans=plans, mode_bit=True)
    assert (played == judged).all()
    player = NetworkPlayer(Network(gated, KEYS), True, PlanFollower(plans, 2) if plans else None)
    assert (continue_prompts(player, prompts, 16, MEMORY, improvise=True) == judged).all()


@settings(deadline=None, max_examples=20)
@given(networks(INPUTS + 1, 2), networks(INPUTS + 1, 0))
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

    def improvise() -> Improvisation:
        evaluator = ImprovisationEvaluator(cases, rewards, SONG.roll[None, :2], 12, MEMORY)
        return Improvisation(make_config(INPUTS + 1, KEYS, None, **plain), evaluator, 1)

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

"""Breeding by ear: first networks play, children resemble their parents, the same choices give the same networks."""

import numpy as np
import pytest

from agents.neat.breeding import SHOWN, Breeding, Machine, apart, distance, from_parents
from agents.neat.genome_json import genome_to_columns
from agents.neat.melody_networks import metric_weight
from agents.neat.metre_player import MelodyTask, MetrePlayer, metre_inputs
from agents.neat.network import Network
from agents.rollout import play_on
from experiments.config.breed import BreedConfig
from experiments.config.neat_ini import neat_ini, read_neat_config
from songs.catalog import find_song

SMALL = BreedConfig().change("melody", bars=2)


@pytest.fixture
def breeding(tmp_path):
    """Return a function that makes breedings."""

    def make(seed=0, config=SMALL, machine=None) -> Breeding:
        task = config.melody.task
        (tmp_path / "neat.ini").write_text(neat_ini(config.as_evolution, task.inputs, task.keyboard.keys))
        return Breeding(read_neat_config(tmp_path / "neat.ini"), task, seed, machine)

    return make


def genomes(bred: Breeding) -> list:
    return [[genome_to_columns(one, bred.task.inputs, 13) for one in each] for each in bred.generations]


def test_distance_is_the_share_of_steps_that_differ():
    one, other = np.zeros((8, 3), dtype=bool), np.zeros((8, 3), dtype=bool)
    assert distance(one, other) == 0
    one[[0, 2, 4], 1] = True
    other[[0, 2, 6], [1, 2, 1]] = True
    assert distance(one, other) == 3 / 4


@pytest.mark.parametrize("seed", range(3))
def test_first_networks_play_and_differ(breeding, seed):
    bred = breeding(seed, BreedConfig())
    bred.begin()
    (rolls,) = bred.rolls
    assert rolls.shape == (SHOWN, 64, 13)
    sounding = rolls.any(axis=2).mean(axis=1)
    assert ((sounding >= 0.25) & (sounding <= 0.75)).all()
    assert (rolls.sum(axis=2) <= 1).all()
    assert (rolls.any(axis=1).sum(axis=1) >= 4).all()
    assert apart(rolls) > 0.85


def test_children_resemble_their_parents_and_differ(breeding):
    bred, near = breeding(1, BreedConfig()), []
    bred.begin()
    for generation, chosen in enumerate([[0], [3, 5], [8, 1, 2], [4]]):
        bred.breed(generation, chosen, keep=False)
        rolls = bred.rolls[-1]
        near.append(from_parents(rolls, bred.rolls[generation][chosen]))
        assert len({roll.tobytes() for roll in rolls}) == SHOWN
        assert rolls.any(axis=(1, 2)).all()
    assert np.mean(near) < apart(bred.rolls[0]) / 2


def test_the_first_one_chosen_is_kept(breeding):
    bred = breeding()
    bred.begin()
    bred.breed(0, [6, 2], keep=True)
    assert bred.generations[1][0] is bred.generations[0][6]
    np.testing.assert_array_equal(bred.rolls[1][0], bred.rolls[0][6])


def test_the_same_choices_give_the_same_networks_also_after_a_state(breeding):
    choices = [(0, [1], False), (0, [2, 3], True), (1, [0, 4, 8], False), (3, [5, 1], True)]
    whole, broken = breeding(7), breeding(7)
    for one in (whole, broken):
        one.begin()
    for each in choices:
        whole.breed(*each)
    for each in choices[:2]:
        broken.breed(*each)
    resumed = breeding(7)
    resumed.restore(*broken.state())
    for each in choices[2:]:
        resumed.breed(*each)
    assert genomes(resumed) == genomes(whole)
    for one, other in zip(resumed.rolls, whole.rolls, strict=True):
        np.testing.assert_array_equal(one, other)
    other = breeding(8)
    other.begin()
    assert genomes(other)[0] != genomes(whole)[0]


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"generations": np.full((1, SHOWN), 99)}, "generations holds values"),
        ({"rolls": np.zeros((2, SHOWN, 16, 2), dtype=np.uint8)}, "rolls has the shape"),
    ],
)
def test_a_state_of_something_else_is_refused(breeding, change, match):
    bred = breeding()
    bred.begin()
    arrays, data = bred.state()
    with pytest.raises(ValueError, match=match):
        breeding().restore(arrays | change, data)


@pytest.mark.parametrize("name", ["grasshopper", "korobeiniki", "twinkle_twinkle"])
def test_networks_imitate_songs(breeding, name):
    bred = breeding(0, BreedConfig())
    roll = find_song(name).roll[:64]
    bred.begin(melodies=[roll])
    np.testing.assert_array_equal(bred.rolls[0][0], roll)
    assert from_parents(bred.rolls[0][1:], bred.rolls[0][:1]) < 0.5


def test_a_listener_breeds_towards_its_reward(breeding):
    machine = Machine(lambda rolls: rolls[:, :, 9:].any(axis=2).astype(np.float32), generations=12)
    helped, alone = breeding(3, machine=machine), breeding(3)
    for one in (helped, alone):
        one.begin()
        one.breed(0, [0, 1, 2], keep=False)
    reward = [machine.reward_fn(one.rolls[1]).mean() for one in (helped, alone)]
    assert reward[0] > reward[1] + 0.2


def test_the_player_goes_on_from_a_prompt_as_from_itself(breeding):
    bred = breeding(5)
    bred.begin()
    task: MelodyTask = bred.task
    for genome, roll in zip(bred.generations[0], bred.rolls[0], strict=True):
        player = MetrePlayer(Network(genome, 13), task.bar, task.bar_bits, prompt=5)
        np.testing.assert_array_equal(play_on(player, roll[:5], task.steps, task.lags), roll)


def test_metre_inputs_are_the_step_of_the_bar_and_the_bar_in_binary():
    inputs = metre_inputs(bar=3, bits=3)
    assert inputs.shape == (6, 24)
    assert inputs[:, [0, 5, 11]].tolist() == [[1, 0, 0], [0, 0, 0], [0, 1, 1], [0, 1, 1], [0, 0, 1], [0, 0, 0]]


def test_strong_steps_of_a_bar():
    assert [metric_weight(step, 8) for step in range(8)] == [1, 0.25, 0.5, 0.25, 0.75, 0.25, 0.5, 0.25]
    assert [round(metric_weight(step, 6), 2) for step in range(6)] == [1, 0.25, 0.5, 0.75, 0.5, 0.25]

"""NEAT in Gymnasium environments: what networks observe and do, their returns, and the choice of the champion."""

from functools import partial

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete, MultiBinary, Tuple

from agents.neat.env_evolution import (
    TEST,
    TRAINING,
    EnvEvolution,
    EpisodeEvaluator,
    env_cases,
    episode_seeds,
    lend_players,
)
from agents.neat.env_player import FixedPolicy, RandomPolicy, action_writer, input_reader, play_episode
from agents.neat.genome_json import genome_to_json

MAKE = partial(gymnasium.make, "CartPole-v1", disable_env_checker=True, max_episode_steps=60)


def test_a_box_is_observed_as_it_is_and_a_discrete_value_as_one_of_many():
    count, read = input_reader(Box(-1, 1, (2, 2), np.float32))
    assert (count, read(np.array([[0.5, -1], [0, 1]], np.float32))) == (4, [0.5, -1.0, 0.0, 1.0])
    count, read = input_reader(Discrete(3, start=-1))
    assert (count, read(np.int64(-1)), read(1)) == (3, [1.0, 0.0, 0.0], [0.0, 0.0, 1.0])


def test_the_greatest_output_is_the_action_and_the_first_of_equals():
    count, act = action_writer(Discrete(3, start=5))
    assert (count, act([0.1, 0.3, -2.0]), act([0.0, 0.0, 0.0])) == (3, 6, 5)


def test_outputs_lie_between_the_bounds_of_a_box_where_it_has_any():
    count, act = action_writer(Box(np.array([0, -np.inf], np.float32), np.array([4, np.inf], np.float32)))
    assert count == 2
    for outputs, expected in (([0.0, 7.5], [2, 7.5]), ([50.0, -9.0], [4, -9]), ([-50.0, 0.0], [0, 0])):
        action = act(outputs)
        assert (action.dtype, action.tolist()) == (np.float32, expected)


@pytest.mark.parametrize("space", [MultiBinary(3), Tuple([Discrete(2)])])
def test_other_spaces_are_refused_by_name(space):
    with pytest.raises(ValueError, match=r"(MultiBinary|Tuple).*a Box or Discrete"):
        input_reader(space)
    with pytest.raises(ValueError, match=r"(MultiBinary|Tuple).*a Box or Discrete"):
        action_writer(space)


def test_an_episode_depends_on_its_seed_alone():
    env = MAKE()
    first = play_episode(FixedPolicy(1), env, seed=3)
    play_episode(RandomPolicy(env.action_space, 0), env, seed=8)
    assert play_episode(FixedPolicy(1), env, seed=3) == first
    assert first[0] == first[1] > 0


def test_uses_and_generations_have_episodes_of_their_own():
    drawn = [episode_seeds(7, use, 20, generation) for use in range(TRAINING, TEST + 1) for generation in range(3)]
    assert len(np.unique(drawn)) == 9 * 20
    assert drawn[0] == episode_seeds(7, TRAINING, 20, 0)


@pytest.fixture
def begin(make_config):
    """Return a function that begins a small evolution with a seed."""
    cases = env_cases(MAKE())

    def begin(players, seed=0, solved_at=None, **operators):
        config = make_config(4, 2, "CartPole-v1", evolve={"population_size": 16, "seed": seed}, operators=operators)
        evaluator = EpisodeEvaluator(players, cases, seed, episodes=2, validation=4, **operators)
        return EnvEvolution(config, evaluator, seed, solved_at)

    with lend_players(MAKE, recurrent=False, workers=0) as players:
        yield partial(begin, players)


def result(search):
    return genome_to_json(search.champion, 4, 2), search.champion_return, search.evaluator.env_steps


def test_a_run_resumes_from_its_state_bit_identically(begin):
    whole, part = begin(seed=1), begin(seed=1)
    rows = [whole.step() for _ in range(6)]
    for _ in range(3):
        part.step()
    other = begin(seed=1)
    other.restore(*part.state())
    assert [other.step() for _ in range(3)] == rows[3:]
    assert result(other) == result(whole)


def test_the_champion_never_gets_worse_on_the_validation_episodes(begin):
    search, returns = begin(seed=2), []
    for _ in range(6):
        search.step()
        returns.append(search.champion_return)
        assert search.evaluator.validate(search.champion) == search.champion_return
    assert returns == sorted(returns)
    assert returns[-1] > returns[0]


def test_every_generation_plays_other_episodes_and_counts_all_of_them(begin):
    search = begin(seed=3)
    row = search.step()
    elite = max(search.population.population.values(), key=lambda genome: genome.fitness or 0)
    before, steps = elite.fitness, search.evaluator.env_steps
    assert search.step().evaluations == 2 * row.evaluations == 32
    assert elite.fitness != before
    assert search.evaluator.env_steps > steps > 16 * 2 * 8  # no pole falls before its eighth step


def test_it_is_solved_at_a_mean_return_of_the_champion(begin):
    search = begin(seed=2, solved_at=30.0)
    while not search.solved:
        assert search.champion_return is None or search.champion_return < 30
        search.step()
    assert search.champion_return >= 30
    search = begin(seed=2)
    search.step()
    assert not search.solved


def test_connections_cost_where_parsimony_says_so(begin):
    search = begin(seed=0, parsimony=0.01)
    for _ in range(8):
        search.step()
    genomes = [one for one in search.population.population.values() if hasattr(one, "version") and one.size()[1]]
    assert genomes
    assert all(one.fitness == pytest.approx(-one.loss - 0.01 * one.size()[1]) for one in genomes)


def test_a_return_that_is_not_finite_is_an_error():
    class Endless(gymnasium.Env):
        observation_space, action_space = Box(0, 1, (1,)), Discrete(2)

        def reset(self, **options):
            return np.zeros(1, np.float32), {}

        def step(self, action):
            return np.zeros(1, np.float32), float("inf"), True, False, {}

    with pytest.raises(ValueError, match="a return of inf: rewards must be finite"):
        play_episode(FixedPolicy(0), Endless(), 0)

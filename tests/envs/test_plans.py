"""Plans in the game: they are observed, one for each song, and change nothing else."""

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import SyncVectorEnv

from envs.keyboard_env import KeyboardEnv
from envs.registration import BENCHMARK, register_all
from envs.vector_keyboard_env import KeyboardVectorEnv
from listener.rules import MusicTheory
from songs.plan import EXACT, PlanInputs, Plans, input_count, relation
from songs.song import Song

BARS = 4


@pytest.fixture
def plans() -> Plans:
    """Two plans: the second bar is a copy of the first, or all are new."""
    new = [[0, 3, 4, 0]] * BARS
    echo = [new[0], [relation(EXACT, 1), 3, 4, 0], *new[2:]]
    return Plans(np.array([echo, new]), np.array([[0, 0, 12, 0, 0, 0, 0, 0]] * 2), np.zeros(2, dtype=np.int64))


def songs() -> list[Song]:
    roll = np.zeros((8 * BARS, 13), dtype=bool)
    roll[::4, 5] = True
    return [Song("one", roll), Song("other", roll)]


def keyboard(plans: Plans | None, **options) -> KeyboardEnv:
    return KeyboardEnv(songs(), MusicTheory(), memory=4, improvise=True, plans=plans, **options)


def test_what_is_observed_is_what_the_plan_says_of_the_next_step(plans):
    env, inputs = keyboard(plans), PlanInputs(plans, 13)
    random = np.random.default_rng(0)
    for song in (0, 1):
        observation, _ = env.reset(options={"song": song})
        roll = np.zeros((1, 8 * BARS, 13), dtype=bool)
        roll[0, :8] = songs()[0].roll[:8]
        for step in range(8, 8 * BARS):
            assert observation in env.observation_space
            said = inputs.at(np.array([song]), np.array([step]), roll)[0]
            np.testing.assert_array_equal(observation[4 * 13 :], said)
            roll[0, step] = random.random(13) < 0.2
            observation, *_ = env.step(roll[0, step].astype(np.int8))


def test_plans_change_no_reward_and_nothing_that_is_remembered(plans):
    with_plan, without = keyboard(plans), keyboard(None)
    one, other = (env.reset(seed=3)[0] for env in (with_plan, without))
    keys = np.eye(13, dtype=np.int8)
    for step in range(24):
        np.testing.assert_array_equal(one[: 4 * 13], other)
        (one, *results, _), (other, *expected, _) = (env.step(keys[step % 13]) for env in (with_plan, without))
        assert results == expected


def test_a_vector_environment_equals_single_ones(plans):
    many = KeyboardVectorEnv(keyboard(plans), 3)
    alone = SyncVectorEnv([lambda: keyboard(plans)] * 3)
    random = np.random.default_rng(0)
    np.testing.assert_array_equal(many.reset(seed=1)[0], alone.reset(seed=1)[0])
    for _ in range(60):
        actions = (random.random((3, 13)) < 0.2).astype(np.int8)
        for mine, others in zip(many.step(actions)[:4], alone.step(actions)[:4], strict=True):
            np.testing.assert_array_equal(mine, others)
    state = many.state()
    again = KeyboardVectorEnv(keyboard(plans), 3)
    np.testing.assert_array_equal(again.restore(*state)[0], many.restore(*state)[0])


def test_every_song_needs_a_plan_as_long_as_it(plans):
    with pytest.raises(ValueError, match="got 1 plans of 32 steps for 2 songs of 32"):
        keyboard(plans[:1])
    with pytest.raises(ValueError, match="give each song a plan of its own length"):
        keyboard(Plans(plans.bars[:, :3], plans.character, plans.lowest))


def test_the_benchmark_improvises_by_plan_if_asked():
    pytest.importorskip("torch")
    register_all()
    env = gymnasium.make(BENCHMARK["improvise"], plans=2)
    observation, _ = env.reset(seed=0, options={"song": 1})
    assert observation.shape == (128 * 13 + input_count(13),)
    with pytest.raises(ValueError, match="not for the task 'round'"):
        gymnasium.make(BENCHMARK["round"], plans=2)

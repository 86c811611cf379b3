"""The keyboard played with one finger."""

import gymnasium
import numpy as np
import pytest

from envs.keyboard_env import KeyboardEnv
from envs.one_key_action import OneKeyAction
from songs.song import Song

LADDER = Song("ladder", np.vstack([np.zeros((1, 13)), np.eye(13)]))
"""A rest, and then every key in turn."""


@pytest.fixture
def env():
    return OneKeyAction(KeyboardEnv([LADDER], memory=1, prompt=0))


def test_there_are_fourteen_actions(env):
    assert env.action_space == gymnasium.spaces.Discrete(14)
    assert env.observation_space == gymnasium.spaces.MultiBinary(13)


def test_action_0_presses_nothing_and_action_k_presses_key_k_less_1(env):
    env.reset()
    rewards = [env.step(action)[1] for action in range(14)]
    assert rewards == [1.0] * 14
    np.testing.assert_array_equal(env.unwrapped.played, LADDER.roll)


def test_an_action_that_was_sampled_is_played(env):
    env.reset()
    env.action_space.seed(1)
    action = env.action_space.sample()
    assert isinstance(action, np.int64)
    observation, *_ = env.step(action)
    assert observation.tolist() == [int(key == action - 1) for key in range(13)]


@pytest.mark.parametrize("action", [-1, 14, 1.0, None, np.zeros(13, dtype=np.int8)])
def test_another_action_is_refused(env, action):
    env.reset()
    with pytest.raises(ValueError, match="an action is 0 for nothing or 1 to 13 for a key"):
        env.step(action)

"""Environments of any keyboard, grid and lags: what they observe, and that the vector form does the same."""

import gymnasium
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.keyboard_env import KeyboardEnv
from envs.one_key_action import OneKeyAction
from envs.vector_keyboard_env import KeyboardVectorEnv
from songs.keyboard import BEATS, STEPS_IN_A_BEAT, Grid, Keyboard
from songs.song import Song

GRIDS = [
    Grid(steps, beats, beat) for steps in STEPS_IN_A_BEAT for beats in (1, 3, 4) for beat in BEATS if not steps % beat
]


@st.composite
def keyboards(draw) -> KeyboardEnv:
    keys, grid = draw(st.integers(1, 88)), draw(st.sampled_from(GRIDS))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    steps = draw(st.lists(st.integers(2, 40), min_size=1, max_size=3))
    songs = [
        Song(f"tune {number}", random.random((count, keys)) < 0.2, keyboard=Keyboard(keys, 20), grid=grid)
        for number, count in enumerate(steps)
    ]
    return KeyboardEnv(
        songs,
        lags=draw(st.lists(st.integers(1, 50), max_size=5)),
        teacher_forcing=draw(st.booleans()),
        stop_at_error=draw(st.booleans()),
        mode_bit=draw(st.booleans()),
        random_start=draw(st.sampled_from([0.0, 0.5])),
    )


def expected(rules, song: Song, played: np.ndarray, step: int, mode: bool = True) -> list[int]:
    """Return the observation before a step, looked up cell by cell."""
    history = song.roll if rules.teacher_forcing else played
    lags = rules.lags or range(rules.memory, 0, -1)
    rows = [history[step - lag] if lag <= step else np.zeros(rules.keys, dtype=bool) for lag in lags]
    return [*np.concatenate(rows).astype(int).tolist(), *([int(mode)] if rules.mode_bit else [])]


@given(keyboard=keyboards(), seed=st.integers(0, 1000))
def test_an_environment_equals_its_vector_form_on_any_keyboard_and_grid_with_any_lags(keyboard, seed):
    many = KeyboardVectorEnv(keyboard, 2)
    rules, random = keyboard.rules, np.random.default_rng(seed)
    observations, info = many.reset(seed=seed)
    alone, own = keyboard.reset(seed=seed)
    assert observations.shape == (2, rules.rows * rules.keys + rules.mode_bit)
    over = False
    while not over:
        song = next(song for song in rules.songs if song.name == own["song"])
        assert alone.tolist() == expected(rules, song, keyboard.played, own["step"])
        np.testing.assert_array_equal(observations[0], alone)
        assert (info["song"][0], info["step"][0]) == (own["song"], own["step"])
        keys = song.roll[own["step"]] if random.random() < 0.9 else random.random(rules.keys) < 0.3
        actions = np.stack([keys, random.random(rules.keys) < 0.3]).astype(np.int8)
        observations, rewards, ended, _, info = many.step(actions)
        alone, reward, over, _, own = keyboard.step(actions[0])
        assert (rewards[0], ended[0], info["right"][0]) == (reward, over, own["right"])
    np.testing.assert_array_equal(observations[0], alone)


def test_lags_are_ordered_and_reach_as_far_back_as_the_largest():
    env = gymnasium.make("kuznechik/Memorize-v0", song="grasshopper", lags=[1, 4, 2, 4]).unwrapped
    assert (env.rules.lags, env.rules.memory, env.rules.rows) == ((4, 2, 1), 4, 3)
    assert env.observation_space.shape == (3 * env.rules.keys,)
    one_key = OneKeyAction(env)
    observation, _ = one_key.reset()
    roll = env.rules.songs[0].roll
    np.testing.assert_array_equal(observation, roll[[4, 6, 7]].ravel())


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"lags": [0]}, "write steps back, 1 to 4096"),
        ({"lags": [5000]}, "write steps back, 1 to 4096"),
        ({"lags": [1.5]}, "write steps back, 1 to 4096"),
        ({"lags": [1, 8], "memory": 4}, "leave one out"),
    ],
)
def test_invalid_lags_are_refused(options, reason):
    with pytest.raises(ValueError, match=reason):
        gymnasium.make("kuznechik/Memorize-v0", **options)

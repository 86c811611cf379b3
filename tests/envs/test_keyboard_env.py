"""The keyboard environment: observations, rewards, the end of an episode, and what is refused."""

import gymnasium
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import envs
from envs.keyboard_env import KeyboardEnv, memorize
from envs.registration import MEMORIZE, register_all
from listener.listener import WeightedSum
from listener.memorization import ExactSteps, RightKeys
from listener.rules import MusicTheory
from songs.song import Song, SongError


def keys(*pressed: int) -> np.ndarray:
    """Return the action that presses these keys."""
    return np.isin(np.arange(13), pressed).astype(np.int8)


def song_of(name: str, *steps: tuple[int, ...]) -> Song:
    """Return a song, given the keys that each step presses."""
    return Song(name, np.array([keys(*step) for step in steps]))


SONG = song_of("tune", (0,), (2, 4), (), (12,), (), (7,))
"""Six steps: C4, D4 with E4, a rest, C5, a rest, G4."""

WRONG = keys(1)


def play(env: gymnasium.Env, actions) -> tuple[list[float], list[bool]]:
    """Play actions; return the rewards, and whether each action ended the episode."""
    rewards, ends = [], []
    for action in actions:
        _, reward, terminated, truncated, _ = env.step(action)
        assert not truncated
        rewards.append(reward)
        ends.append(terminated)
    return rewards, ends


def remembered(observation: np.ndarray) -> list[tuple[int, ...]]:
    """Return the keys of every remembered step, oldest first."""
    return [tuple(np.flatnonzero(step).tolist()) for step in observation[: len(observation) // 13 * 13].reshape(-1, 13)]


class Recorder:
    """A listener that records its inputs, and rewards the number of keys of each step."""

    def __init__(self):
        self.asked = []

    def rewards(self, rolls, targets=None):
        self.asked.append((rolls.copy(), None if targets is None else targets.copy()))
        return rolls.sum(axis=2, dtype=np.float32)


# What Gymnasium asks for


@pytest.fixture
def path(tmp_path) -> str:
    """Return the path of a song of 16 steps."""
    steps = [(0,), (), (4,), (), (7,), (), (12,), (), (12,), (), (7,), (), (0, 4), (), (), (0,)]
    song_of("scale", *steps).write(tmp_path / "scale.mid")
    return str(tmp_path / "scale.mid")


def test_registering_again_changes_nothing():
    before = gymnasium.registry[MEMORIZE]
    register_all()
    assert gymnasium.registry[MEMORIZE] is before
    assert envs.register_all is register_all


def test_memorize_finds_the_song_by_its_name_in_a_folder(path, tmp_path):
    assert memorize("scale", folder=str(tmp_path)).rules.songs[0].name == "scale"
    with pytest.raises(SongError, match="no song 'scales' in .*; did you mean scale"):
        memorize("scales", folder=str(tmp_path))


def test_memorize_plays_the_grasshopper_by_default():
    assert memorize().rules.songs[0].name == "grasshopper"


def test_memorize_rewards_exact_steps_or_right_keys(path):
    assert isinstance(memorize(path).rules.listener, ExactSteps)
    assert isinstance(memorize(path, per_key=True).rules.listener, RightKeys)
    env = gymnasium.make(MEMORIZE, song=path, per_key=True)
    env.reset()
    assert env.step(keys(12, 0))[1] == pytest.approx(12 / 13)


# Observations


def test_the_observation_holds_the_last_steps_oldest_first():
    env = KeyboardEnv([SONG], memory=3, prompt=2)
    observation, information = env.reset()
    assert observation.tolist() == [
        *[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],  # before the song there is silence
        *[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        *[0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
    ]
    assert observation.dtype == np.int8
    assert observation in env.observation_space
    assert information == {"song": "tune", "step": 2}
    observation, *_, information = env.step(keys(5, 6))
    assert remembered(observation) == [(0,), (2, 4), (5, 6)]
    assert information == {"song": "tune", "step": 3, "right": False}
    observation, *_, information = env.step(keys(12))
    assert remembered(observation) == [(2, 4), (5, 6), (12,)]
    assert information == {"song": "tune", "step": 4, "right": True}


def test_the_mode_is_the_last_bit():
    env = KeyboardEnv([SONG], memory=2, prompt=1, mode_bit=True)
    assert env.observation_space == gymnasium.spaces.MultiBinary(27)
    playing, _ = env.reset()
    improvising, _ = env.reset(options={"improvise": True})
    assert (playing[-1], improvising[-1]) == (1, 0)
    np.testing.assert_array_equal(playing[:-1], improvising[:-1])
    assert env.step(keys())[0][-1] == 0
    assert playing.dtype == np.int8


def test_without_a_prompt_an_episode_begins_in_silence():
    env = KeyboardEnv([SONG], memory=2, prompt=0)
    observation, information = env.reset()
    assert not observation.any()
    assert information["step"] == 0
    rewards, ends = play(env, SONG.roll)
    assert rewards == [1.0] * 6
    assert ends == [False] * 5 + [True]


def test_a_memory_longer_than_the_song_is_filled_up_with_silence():
    env = KeyboardEnv([SONG], memory=9, prompt=2)
    observation, _ = env.reset()
    assert remembered(observation) == [()] * 7 + [(0,), (2, 4)]
    play(env, SONG.roll[2:5])
    observation, _, terminated, *_ = env.step(keys(7))
    assert remembered(observation) == [(), (), (), (0,), (2, 4), (), (12,), (), (7,)]
    assert terminated


def test_free_running_remembers_what_was_played():
    env = KeyboardEnv([SONG], memory=3, prompt=1)
    env.reset()
    env.step(keys(1, 3))
    assert remembered(env.step(keys(11))[0]) == [(0,), (1, 3), (11,)]


def test_teacher_forcing_remembers_the_song():
    env = KeyboardEnv([SONG], memory=3, prompt=1, teacher_forcing=True)
    env.reset()
    _, reward, _, _, information = env.step(keys(1, 3))
    assert (reward, information["right"]) == (0.0, False)
    assert remembered(env.step(keys(11))[0]) == [(0,), (2, 4), ()]
    np.testing.assert_array_equal(env.played, [keys(0), keys(1, 3), keys(11)])


def test_observations_are_copies():
    for mode_bit in (False, True):
        env = KeyboardEnv([SONG], memory=3, prompt=2, mode_bit=mode_bit)
        env.reset()[0][:] = 1
        observation = env.step(keys(5))[0]
        assert remembered(observation) == [(0,), (2, 4), (5,)]
        observation[:] = 1
        env.played[:] = True
        assert remembered(env.step(keys())[0]) == [(2, 4), (5,), ()]
        np.testing.assert_array_equal(env.played, [keys(0), keys(2, 4), keys(5), keys()])


def test_the_song_is_not_changed_by_playing():
    env = KeyboardEnv([SONG], memory=1, prompt=1)
    before = SONG.roll.copy()
    env.reset()
    play(env, [WRONG] * 5)
    np.testing.assert_array_equal(SONG.roll, before)


# Rewards, and the end of an episode


@pytest.mark.parametrize("teacher_forcing", [False, True])
def test_a_perfect_player_earns_every_step_after_the_prompt(teacher_forcing):
    env = KeyboardEnv([SONG], prompt=2, teacher_forcing=teacher_forcing, stop_at_error=True)
    env.reset()
    rewards, ends = play(env, SONG.roll[2:])
    assert rewards == [1.0, 1.0, 1.0, 1.0]
    assert ends == [False, False, False, True]
    np.testing.assert_array_equal(env.played, SONG.roll)


def test_a_silent_player_earns_the_rests():
    env = KeyboardEnv([SONG], prompt=1)
    env.reset()
    rewards, ends = play(env, [keys()] * 5)
    assert rewards == [0.0, 1.0, 0.0, 1.0, 0.0]
    assert ends == [False, False, False, False, True]


def test_a_chord_is_right_only_with_all_its_keys():
    env = KeyboardEnv([SONG], prompt=1)
    for action, reward in [(keys(2, 4), 1.0), (keys(2), 0.0), (keys(2, 4, 5), 0.0)]:
        env.reset()
        assert env.step(action)[1] == reward


def test_stop_at_error_ends_with_the_first_wrong_step():
    env = KeyboardEnv([SONG], prompt=1, stop_at_error=True)
    env.reset()
    rewards, ends = play(env, [keys(2, 4), keys(), keys(11)])
    assert rewards == [1.0, 1.0, 0.0]
    assert ends == [False, False, True]
    with pytest.raises(RuntimeError, match=r"the episode is over: call reset\(\)"):
        env.step(keys())


@settings(deadline=None)
@given(
    words=st.lists(st.integers(0, 8191), min_size=1, max_size=9),
    memory=st.integers(1, 12),
    prompt=st.integers(0, 8),
    data=st.data(),
)
def test_any_free_running_episode_adds_up(words, memory, prompt, data):
    roll = np.array([[word >> key & 1 for key in range(13)] for word in words])
    prompt = min(prompt, len(roll) - 1)
    env = KeyboardEnv([Song("any", roll)], memory=memory, prompt=prompt)
    observation, _ = env.reset()
    played, right = list(roll[:prompt]), 0
    for step in range(prompt, len(roll)):
        remembered_steps = ([np.zeros(13)] * memory + played)[-memory:]
        np.testing.assert_array_equal(observation, np.concatenate(remembered_steps))
        action = roll[step] if data.draw(st.booleans()) else keys(data.draw(st.integers(0, 12)))
        observation, reward, terminated, _, information = env.step(action)
        played.append(action)
        assert information["right"] == (list(action) == list(roll[step])) == (reward == 1.0)
        assert terminated == (step == len(roll) - 1)
        right += reward
    assert right == sum(list(a) == list(b) for a, b in zip(played[prompt:], roll[prompt:], strict=True))


# The listener


def test_the_listener_is_asked_for_the_newest_step_after_what_was_remembered():
    recorder = Recorder()
    env = KeyboardEnv([SONG], recorder, prompt=2)
    env.reset()
    rewards, _ = play(env, [keys(5, 6, 7), keys(12)])
    assert rewards == [3.0, 1.0]
    assert [type(reward) for reward in rewards] == [float, float]
    (first, first_target), (second, second_target) = recorder.asked
    assert first.dtype == first_target.dtype == bool
    np.testing.assert_array_equal(first, [[keys(0), keys(2, 4), keys(5, 6, 7)]])
    np.testing.assert_array_equal(first_target, [[keys(0), keys(2, 4), keys()]])
    np.testing.assert_array_equal(second, [[keys(0), keys(2, 4), keys(5, 6, 7), keys(12)]])
    np.testing.assert_array_equal(second_target, SONG.roll[None, :4])


def test_with_teacher_forcing_the_listener_gets_the_song_and_then_the_newest_step():
    recorder = Recorder()
    env = KeyboardEnv([SONG], recorder, prompt=1, teacher_forcing=True)
    env.reset()
    rewards, _ = play(env, [keys(9), keys(5, 6, 7)])
    assert rewards == [1.0, 3.0]
    np.testing.assert_array_equal(recorder.asked[1][0], [[keys(0), keys(2, 4), keys(5, 6, 7)]])


@pytest.mark.parametrize("teacher_forcing", [False, True])
def test_rewards_of_single_steps_are_those_of_the_whole_roll(teacher_forcing):
    listener = WeightedSum([ExactSteps(), RightKeys()], [1.0, 0.5])
    env = KeyboardEnv([SONG], listener, prompt=1, teacher_forcing=teacher_forcing)
    env.reset()
    rewards, _ = play(env, [keys(2, 4), keys(5), keys(12), keys(1, 2, 3), keys()])
    np.testing.assert_allclose(rewards, listener.rewards(env.played[None], SONG.roll[None])[0, 1:], rtol=1e-6)


# Improvising


@pytest.mark.parametrize("how", ["always", "this episode"])
def test_improvising_expects_no_song(how):
    recorder = Recorder()
    env = KeyboardEnv(
        [SONG], recorder, memory=3, prompt=1, teacher_forcing=True, stop_at_error=True, improvise=how == "always"
    )
    env.reset(options={"improvise": True} if how == "this episode" else None)
    information = []
    for step, action in enumerate([keys(11), keys(2, 4), keys(3), keys(), keys(7)]):
        observation, _, terminated, _, info = env.step(action)
        assert terminated == (step == 4)
        information.append(info["right"])
    assert information == [False] * 5  # the last step is G4, as in the song
    assert remembered(observation) == [(3,), (), (7,)]  # what was played, in spite of teacher forcing
    assert [targets for _, targets in recorder.asked] == [None] * 5
    np.testing.assert_array_equal(recorder.asked[-1][0], env.played[None])


def test_an_improvising_environment_plays_the_song_when_asked_to():
    env = KeyboardEnv([SONG], prompt=1, improvise=True)
    env.reset(options={"improvise": False})
    _, reward, _, _, information = env.step(keys(2, 4))
    assert (reward, information["right"]) == (1.0, True)


# Which song


SONGS = [song_of(name, (key,), (key,), (key,)) for key, name in enumerate("abcde")]


def draws(env: KeyboardEnv, seed: int) -> str:
    first = env.reset(seed=seed)[1]["song"]
    return first + "".join(env.reset()[1]["song"] for _ in range(29))


def test_the_same_seed_draws_the_same_songs():
    one, other = KeyboardEnv(SONGS, prompt=1), KeyboardEnv(SONGS, prompt=1)
    assert draws(one, 7) == draws(other, 7) == draws(one, 7)
    assert draws(one, 7) != draws(one, 8)
    assert set(draws(one, 7)) == set("abcde")


def test_the_song_can_be_chosen():
    env = KeyboardEnv(SONGS, memory=1, prompt=1)
    for index, name in enumerate("abcde"):
        observation, information = env.reset(options={"song": index})
        assert information["song"] == name
        assert remembered(observation) == [(index,)]


def test_songs_of_different_length_end_each_with_its_last_step():
    env = KeyboardEnv([SONG, SONGS[0]], memory=4, prompt=1)
    for index, steps in [(0, 5), (1, 2), (0, 5)]:
        env.reset(options={"song": index})
        assert play(env, [WRONG] * steps)[1] == [False] * (steps - 1) + [True]


# Where an episode begins


def test_an_episode_may_begin_later_in_the_song():
    env = KeyboardEnv([SONG], memory=3, prompt=1)
    observation, information = env.reset(options={"start": 4})
    assert remembered(observation) == [(2, 4), (), (12,)]
    assert information == {"song": "tune", "step": 4}
    np.testing.assert_array_equal(env.played, SONG.roll[:4])
    assert play(env, [keys(), keys(7)]) == ([1.0, 1.0], [False, True])
    assert env.reset()[1]["step"] == 1


def test_an_episode_begins_after_the_prompt_unless_a_random_start_is_asked_for():
    env = KeyboardEnv([SONG], prompt=2)
    assert {env.reset(seed=seed)[1]["step"] for seed in range(30)} == {2}


# What is refused


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"songs": []}, "at least one song"),
        ({"memory": 0}, "memory is 0 steps: it must be at least 1"),
        ({"random_start": 1.5}, "random_start is 1.5: it is a probability, 0 to 1"),
        ({"random_start": -0.5}, "random_start is -0.5"),
        ({"prompt": -1}, "the prompt is -1 steps: it must be at least 0"),
        ({"prompt": 3, "songs": [SONG, SONGS[1]]}, "prompt is 3 .* shorter than the shortest song, 'b' with 3 steps"),
        ({"render_mode": "video"}, r"render_mode 'video': choose one of \['human', 'ansi', 'rgb_array'\]"),
    ],
)
def test_bad_arguments_are_refused(arguments, match):
    with pytest.raises(ValueError, match=match):
        KeyboardEnv(**{"songs": [SONG], "prompt": 1, **arguments})


# Pictures


def test_ansi_draws_what_was_played_beside_the_song():
    env = KeyboardEnv([SONG], prompt=1, render_mode="ansi")
    env.reset()
    env.step(keys(2, 5))
    lines = env.render().split("\n")
    assert lines[12] == " C4 #.......|........|........|........"
    assert lines[10] == " D4 .#......|........|........|........"
    assert lines[8] == " E4 .o......|........|........|........"
    assert lines[7] == " F4 .x......|........|........|........"
    assert lines[0] == " C5 ...o....|........|........|........"
    assert lines[13] == "      ^ step 2"


def test_ansi_draws_no_song_while_improvising():
    env = KeyboardEnv([SONG], prompt=1, improvise=True, render_mode="ansi")
    env.reset()
    env.step(keys(5))
    lines = env.render().split("\n")
    assert lines[7] == " F4 .#......|........|........|........"
    assert not any("o" in line or "x" in line for line in lines[:13])


def test_an_image_follows_what_is_played():
    env = KeyboardEnv([SONG], prompt=1, render_mode="rgb_array")
    env.reset()
    before = env.render()
    env.step(keys(2, 4))
    after = env.render()
    assert after.shape == (156, 384, 3)
    assert after.dtype == np.uint8
    assert (before != after).any()


def test_human_prints_every_step(capsys):
    env = KeyboardEnv([SONG], prompt=4, render_mode="human")
    env.reset()
    assert capsys.readouterr().out.endswith("^ step 4\n")
    env.step(keys())
    env.step(keys(7))
    printed = capsys.readouterr().out
    assert printed.count("\n") == 28
    assert printed.endswith("^ step 6\n")
    assert env.render() is None


@pytest.mark.parametrize("vector", [False, True])
def test_a_listener_may_be_given_by_its_name(vector):
    make = gymnasium.make_vec if vector else gymnasium.make
    named = make(MEMORIZE, song="twinkle_twinkle", listener="theory")
    same = make(MEMORIZE, song="twinkle_twinkle", listener=MusicTheory())
    rewards = []
    for env in (named, same):
        env.reset(seed=0)
        keys = np.zeros(env.action_space.shape, np.int8)
        keys[..., 11] = 1  # B is far from the end of the prompt
        rewards.append([env.step(keys)[1] for _ in range(3)])
    np.testing.assert_array_equal(rewards[0], rewards[1])
    assert np.any(rewards[0])


@pytest.mark.parametrize(
    ("listener", "message"), [("theroy", "no listener 'theroy'"), (3, "listener is 3: it must be")]
)
def test_invalid_listeners_are_refused(listener, message):
    with pytest.raises(ValueError, match=message):
        memorize(listener=listener)

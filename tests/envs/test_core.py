"""What holds for the core of the game through both of its faces, `KeyboardEnv` and `KeyboardVectorEnv`."""

import copy
import json
import pickle

import numpy as np
import pytest
from gymnasium.utils import seeding

from envs.keyboard_env import KeyboardEnv
from envs.vector_keyboard_env import KeyboardVectorEnv
from listener.memorization import ExactSteps
from listener.rules import MusicTheory
from songs.keyboard import Grid
from songs.song import Song

TUNE = Song("tune", np.eye(13)[[0, 4, 7, 12, 7, 4, 0, 0, 2, 5, 9, 12]])
OTHER = Song("other", np.eye(13)[[1, 3, 6, 8, 10, 8]])


class One:
    """A single environment, used as a vector of one."""

    def __init__(self, keyboard: KeyboardEnv):
        self.keyboard = keyboard

    def reset(self, **arguments):
        observation, information = self.keyboard.reset(**arguments)
        return observation[None], {name: np.array([value]) for name, value in information.items()}

    def step(self, actions):
        observation, reward, terminated, _, information = self.keyboard.step(actions[0])
        information = {name: np.array([value]) for name, value in information.items()}
        return observation[None], np.array([reward]), np.array([terminated]), information

    def render(self):
        return self.keyboard.render()


class Vector:
    """A vector of one environment, without the truncations."""

    def __init__(self, keyboard: KeyboardEnv):
        self.vector = KeyboardVectorEnv(keyboard, 1, autoreset_mode="Disabled")

    def reset(self, **arguments):
        return self.vector.reset(**arguments)

    def step(self, actions):
        observations, rewards, terminated, _, information = self.vector.step(actions)
        return observations, rewards, terminated, information

    def render(self):
        drawings = self.vector.render()
        return drawings and drawings[0]


@pytest.fixture(params=[One, Vector])
def face(request):
    """Return a factory of one-episode environments: the single environment, or a vector of one."""
    return request.param


REST = np.zeros((1, 13), dtype=np.int8)

# The mode of an episode


@pytest.mark.parametrize("default", [False, True])
def test_improvise_none_is_the_default_of_the_environment(face, default):
    env = face(KeyboardEnv([TUNE], memory=1, prompt=1, mode_bit=True, improvise=default))
    modes = [env.reset(options={"improvise": mode})[0][0, -1] for mode in (None, True, False, np.True_)]
    assert modes == [not default, 0, 1, 0]
    assert env.reset()[0][0, -1] == (not default)


def test_improvising_ends_with_the_episode(face):
    env = face(KeyboardEnv([OTHER], memory=1, prompt=5, mode_bit=True))
    assert env.reset(options={"improvise": True})[0][0, -1] == 0
    _, rewards, terminated, information = env.step(OTHER.roll[5, None])
    assert (rewards.tolist(), terminated.tolist(), information["right"].tolist()) == ([0.0], [True], [False])
    assert env.reset()[0][0, -1] == 1
    assert env.step(OTHER.roll[5, None])[1].tolist() == [1.0]


@pytest.mark.parametrize("mode", [0, 1, "yes", 0.5, np.nan])
def test_improvise_is_nothing_but_a_bool_or_none(face, mode):
    env = face(KeyboardEnv([TUNE], prompt=1))
    with pytest.raises(ValueError, match="the reset option 'improvise' must be True, False or None; got "):
        env.reset(options={"improvise": mode})


def test_a_single_environment_takes_no_list_of_values():
    with pytest.raises(ValueError, match=r"the reset option 'song' takes one value; got shape \(1,\)"):
        KeyboardEnv([TUNE], prompt=1).reset(options={"song": [0]})


# The listener


class BarLines:
    """A listener that rewards every fourth step with the number of keys so far, and records the lengths it is given."""

    pays_every = 4

    def __init__(self):
        self.asked = []

    def rewards(self, rolls, targets=None):
        self.asked.append(rolls.shape[1])
        steps = np.arange(rolls.shape[1])
        return np.where(steps % 4 == 3, rolls.sum(axis=2).cumsum(axis=1), 0).astype(np.float32)


def test_a_listener_that_rewards_bar_lines_alone_is_asked_only_there(face):
    listener = BarLines()
    env = face(KeyboardEnv([TUNE], listener, memory=1, prompt=1))
    env.reset()
    rewards = [env.step(TUNE.roll[step, None])[1][0] for step in range(1, 12)]
    assert rewards == [0, 0, 4, 0, 0, 0, 8, 0, 0, 0, 12]
    assert listener.asked == [4, 8, 12]


class Wrong:
    """A listener that always returns the value it was made with."""

    def __init__(self, rewards, pointwise=False):
        self.pointwise = pointwise
        self.rewards = self.step_rewards = lambda *_: rewards


class Infinite:
    """A pointwise listener whose every reward is infinite."""

    pointwise = True

    def rewards(self, rolls, targets=None):
        return np.full(rolls.shape[:-1], np.inf)

    def step_rewards(self, keys, targets=None, wrong=None):
        return self.rewards(keys)


@pytest.mark.parametrize(
    ("listener", "match"),
    [
        (Wrong(np.zeros(2)), r"the listener Wrong returned rewards of shape \(2,\); it must be \(1, 2\)"),
        (Wrong(np.zeros((1, 3))), r"the listener Wrong returned rewards of shape \(1, 3\); it must be \(1, 2\)"),
        (Wrong(0.5), r"the listener Wrong returned rewards of shape \(\); it must be \(1, 2\)"),
        (
            Wrong(np.zeros((1, 3)), True),
            r"the listener Wrong returned rewards of shape \(1, 3\); it must be \(1,",
        ),
        (Wrong(np.full((1, 2), np.nan)), "the listener Wrong returned nan as the reward of step 1; it must be finite"),
        (Wrong(np.full((1, 2), -np.inf)), "the listener Wrong returned -inf as the reward of step 1"),
        (Infinite(), "the listener Infinite returned inf as the reward of step 1; it must be finite"),
    ],
)
@pytest.mark.parametrize("improvise", [False, True])
def test_rewards_of_another_shape_or_not_finite_name_the_listener(face, listener, match, improvise):
    env = face(KeyboardEnv([TUNE], listener, prompt=1, improvise=improvise))
    env.reset()
    with pytest.raises(ValueError, match=match):
        env.step(REST)


@pytest.mark.parametrize(
    ("rewards", "match"),
    [
        (np.zeros((1, 2)), r"the listener WrongKeys returned rewards of shape \(1, 2\); it must be \(1, 2, 13\)"),
        (np.full((1, 2, 13), np.inf), "the listener WrongKeys returned inf as the reward of step 1"),
    ],
)
def test_rewards_of_keys_are_checked_as_well(face, rewards, match):
    class WrongKeys(BarLines):
        pays_every = 1

        def key_rewards(self, rolls, targets=None):
            return rewards

    env = face(KeyboardEnv([TUNE], WrongKeys(), prompt=1, key_rewards=True))
    env.reset()
    with pytest.raises(ValueError, match=match):
        env.step(REST)


def test_after_an_error_of_the_listener_the_step_can_be_played_again(face):
    listener = Wrong(np.full((1, 2), np.nan))
    env = face(KeyboardEnv([TUNE], listener, memory=2, prompt=1))
    env.reset()
    with pytest.raises(ValueError, match="must be finite"):
        env.step(REST)
    listener.rewards = lambda *_: np.full((1, 2), 0.25)
    observations, rewards, _, information = env.step(np.eye(13, dtype=np.int8)[3, None])
    assert observations.reshape(2, 13).nonzero()[1].tolist() == [0, 3]
    assert (rewards.tolist(), information["step"].tolist()) == ([0.25], [2])


def test_a_listener_is_not_asked_where_the_episode_is_over():
    class Counter(BarLines):
        pays_every = 1

        def rewards(self, rolls, targets=None):
            self.asked.append(len(rolls))
            return np.zeros(rolls.shape[:2], dtype=np.float32)

    listener = Counter()
    env = KeyboardVectorEnv(KeyboardEnv([TUNE], listener, memory=1, prompt=1), 2)
    env.reset(options={"start": [11, 3]})
    for _ in range(3):
        env.step(np.zeros((2, 13)))
    assert listener.asked == [2, 1, 2]  # the second step begins the first episode anew


# Actions, options and copies


@pytest.mark.parametrize("kind", [list, bool, np.int8, np.uint8, np.int64, np.float32])
def test_an_action_is_of_any_type_that_holds_0_and_1_and_is_not_kept(face, kind):
    env = face(KeyboardEnv([TUNE], memory=2, prompt=1))
    env.reset()
    actions = np.eye(13, dtype=np.int8)[4, None]
    actions = actions.tolist() if kind is list else actions.astype(kind)
    observations, rewards, *_ = env.step(actions)
    assert observations[0].nonzero()[0].tolist() == [0, 17]
    assert (observations.dtype, rewards.tolist()) == (np.int8, [1.0])
    actions[0][4] = 0
    assert env.step(actions)[0][0].nonzero()[0].tolist() == [4]


@pytest.mark.parametrize(
    "action",
    [
        None,
        3,
        [],
        np.zeros(12),
        np.zeros((1, 13)),
        np.full(13, 2, dtype=np.int8),
        np.full(13, -1),
        np.full(13, 255, dtype=np.uint8),
        np.full(13, 0.5),
        np.full(13, np.nan),
        np.full(13, "1"),
        np.zeros(13, dtype=object),
    ],
)
def test_any_other_action_is_refused_and_the_episode_goes_on(face, action):
    env = face(KeyboardEnv([TUNE], memory=1, prompt=1))
    env.reset()
    with pytest.raises(ValueError, match="13 values of 0 or 1, one per key; got"):
        env.step([action])
    _, rewards, _, information = env.step(TUNE.roll[1, None])
    assert (rewards.tolist(), information["step"].tolist()) == ([1.0], [2])


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"song": 2}, "song 2: choose a song from 0 to 1"),
        ({"song": -1}, "song -1: choose a song from 0 to 1"),
        ({"song": "a"}, "the reset option 'song' takes an integer"),
        ({"start": 1.5}, "the reset option 'start' takes an integer"),
        ({"start": 0}, "start 0: 'other' can begin at steps 1 to 5"),
        ({"start": 6}, "start 6: 'other' can begin at steps 1 to 5"),
        ({"tempo": 90, "key": "C"}, r"unknown .* \['key', 'tempo'\]: choose from 'song', 'start', 'improvise'"),
    ],
)
def test_any_other_reset_option_is_refused(face, options, match):
    env = face(KeyboardEnv([TUNE, OTHER], prompt=1))
    with pytest.raises(ValueError, match=match):
        env.reset(options={"song": 1, **options})


def test_a_step_before_the_first_reset_or_after_the_end_is_refused(face):
    env = face(KeyboardEnv([OTHER], prompt=5))
    with pytest.raises(RuntimeError, match=r"call reset\(\) before step\(\)"):
        env.step(REST)
    env.reset()
    assert env.step(OTHER.roll[5, None])[2].tolist() == [True]
    with pytest.raises(RuntimeError, match=r"the episode is over.*: call reset\("):
        env.step(REST)
    env.reset()
    assert env.step(OTHER.roll[5, None])[1].tolist() == [1.0]


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
def test_a_copy_goes_on_from_the_same_step_by_itself(face, duplicate):
    env = face(KeyboardEnv([TUNE, OTHER], BarLines(), memory=2, prompt=1, random_start=0.5))
    env.reset(seed=5, options={"song": 0, "start": 2})
    env.step(TUNE.roll[3, None])
    twin = duplicate(env)
    twin.step(REST)
    twin.step(REST)  # the original does not notice
    for each in (env, duplicate(env)):
        observations, rewards, *_ = each.step(TUNE.roll[2, None])
        assert (observations[0].nonzero()[0].tolist(), rewards.tolist()) == ([12, 20], [4.0])
    ends = [[each.reset()[1][name].item() for name in ("song", "step")] for each in (env, twin) for _ in range(8)]
    assert ends[:8] == ends[8:]


# Pictures


def test_an_improvisation_is_drawn_without_the_song(face):
    env = face(KeyboardEnv([TUNE], prompt=1, render_mode="ansi"))
    env.reset()
    assert "o" in env.render()
    env.reset(options={"improvise": True})
    assert "o" not in env.render()


def test_there_is_nothing_to_draw_before_a_reset_or_without_a_render_mode(face):
    with pytest.raises(RuntimeError, match=r"nothing to draw yet: call reset\(\) first"):
        face(KeyboardEnv([TUNE], prompt=1, render_mode="ansi")).render()
    with pytest.warns(UserWarning, match=r"render\(\) does nothing: make the environment with a render_mode"):
        assert face(KeyboardEnv([TUNE], prompt=1)).render() is None


# The state of many environments


def make_vector(listener=None, **options):
    """Return three environments in the middle of their episodes; one of them has just ended."""
    keyboard = KeyboardEnv([TUNE, OTHER], listener or BarLines(), prompt=1, memory=3, random_start=0.5, **options)
    vector = KeyboardVectorEnv(keyboard, 3)
    vector.reset(seed=5, options={"song": [0, 1, 0], "start": [3, 5, 1], "improvise": [False, True, True]})
    vector.step(np.eye(13, dtype=np.int8)[[1, 2, 3]])
    return vector


@pytest.mark.parametrize("listener", [BarLines(), ExactSteps()], ids=["rolls", "pointwise"])
@pytest.mark.parametrize("options", [{}, {"teacher_forcing": True, "render_mode": "ansi"}, {"mode_bit": True}])
def test_from_a_state_all_environments_continue_alike(listener, options):
    vector, other = make_vector(listener, **options), make_vector(listener, **options)
    arrays, data = vector.state()
    assert data == json.loads(json.dumps(data))
    other.reset(seed=99)
    observations, information = other.restore(arrays, data)
    np.testing.assert_array_equal(
        observations[:, 26:39],
        np.eye(13)[[1, 2, 3]] if not options.get("teacher_forcing") else [TUNE.roll[3], np.eye(13)[2], np.eye(13)[3]],
    )
    assert information["step"].tolist() == [4, 6, 2]
    random = np.random.default_rng(0)
    for _ in range(40):
        actions = (random.random((3, 13)) < 0.1).astype(np.int8)
        ours, theirs = other.step(actions), vector.step(actions)
        for our, their in zip(ours[:4], theirs[:4], strict=True):
            np.testing.assert_array_equal(our, their)
        assert ours[4]["song"].tolist() == theirs[4]["song"].tolist()
        if options.get("render_mode"):
            assert other.render() == vector.render()


def with_item(array: np.ndarray, item) -> np.ndarray:
    array = array.copy()
    array.flat[0] = item
    return array


@pytest.mark.parametrize(
    ("name", "change", "match"),
    [
        ("song", lambda a: with_item(a, 2), "song holds values that are not from 0 to 1"),
        ("song", lambda a: a.astype(np.int8), "song is int8, this run needs int64"),
        ("step", lambda a: with_item(a, 12), "step holds steps that the songs do not have"),
        ("step", lambda a: with_item(a, -1), "step holds steps that the songs do not have"),
        ("history", lambda a: a[:, 1:], r"history has the shape \(3, 11, 13\), this run needs \(3, 12, 13\)"),
        ("history", lambda a: with_item(a, 2), "history holds values that are not from 0 to 1"),
        ("over", lambda a: a[:2], r"over has the shape \(2,\), this run needs \(3,\)"),
        ("drawn", lambda a: with_item(a, 1.0), "drawn holds values that are not from 0 to 1"),
        ("used", lambda a: with_item(a, 33), "used holds values that are not from 0 to 32"),
        ("improvise", lambda a: a.astype(np.int8), "improvise is int8, this run needs bool"),
    ],
)
def test_a_damaged_state_is_refused(name, change, match):
    vector = make_vector()
    arrays, data = vector.state()
    with pytest.raises(ValueError, match=match):
        vector.restore({**arrays, name: change(arrays[name])}, data)
    del arrays[name]
    with pytest.raises(ValueError, match=f"{name} is missing"):
        vector.restore(arrays, data)


GENERATOR = dict(seeding.np_random(0)[0].bit_generator.state)


@pytest.mark.parametrize(
    ("generators", "match"),
    [
        ([None], r"generators has 1 values, not 3"),
        ([None, None, 3], r"generators\[2\] is 3"),
        ([GENERATOR | {"state": {"state": 1}}] * 3, r"generators\[0\].state.inc is missing"),
        ([GENERATOR | {"bit_generator": "MT19937"}] * 3, "MT19937|PCG64"),
        ([GENERATOR | {"state": {"state": 2**200, "inc": 1}}] * 3, "the state of a random generator is invalid"),
    ],
)
def test_damaged_generators_are_refused(generators, match):
    vector = make_vector()
    arrays, _ = vector.state()
    with pytest.raises(ValueError, match=match):
        vector.restore(arrays, {"generators": generators})


def test_there_is_no_state_before_a_reset_or_of_episodes_that_are_truncated():
    with pytest.raises(RuntimeError, match="no episode has begun"):
        KeyboardVectorEnv(KeyboardEnv([TUNE], prompt=1), 2).state()
    vector = KeyboardVectorEnv(KeyboardEnv([TUNE], prompt=1), 2, max_episode_steps=4)
    vector.reset()
    with pytest.raises(ValueError, match="leave max_episode_steps out"):
        vector.state()


def test_a_listener_of_eighths_hears_a_song_of_sixteenths():
    finer = np.zeros((2 * TUNE.steps, 13), dtype=bool)
    finer[::2] = TUNE.roll
    rewards = []
    for song in (TUNE, Song("finer", finer, grid=Grid(4))):
        environment = KeyboardEnv([song], "theory", prompt=1, improvise=True)
        environment.reset()
        rewards.append(sum(environment.step(keys.astype(np.int8))[1] for keys in song.roll[1:]))
    assert rewards[1] - MusicTheory().rewards(TUNE.roll[None])[0, 0] == pytest.approx(rewards[0], rel=1e-4)


def test_a_listener_does_not_hear_songs_of_two_grids_at_once():
    with pytest.raises(ValueError, match="'tune' is on sixteenths, 'other' on eighths: a listener needs songs on one"):
        KeyboardEnv([Song("tune", TUNE.roll, grid=Grid(4)), OTHER], "theory", prompt=1)

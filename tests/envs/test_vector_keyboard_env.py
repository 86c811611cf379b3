"""The native vector environment: it does what Gymnasium's own does with as many plain environments.

Both kinds of environment share one core, so its rules stand here once more, as plainly as possible, as an oracle.
"""

import copy

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.keyboard_env import KeyboardEnv
from envs.registration import MEMORIZE, MEMORIZE_ONE_KEY
from envs.vector_keyboard_env import KeyboardVectorEnv, memorize_many
from listener.listener import WeightedSum, key_rewards
from listener.memorization import ExactSteps, RightKeys
from songs.song import Song


def keys(*pressed: int) -> np.ndarray:
    """Return the action that presses these keys."""
    return np.isin(np.arange(13), pressed).astype(np.int8)


def drawn_song(name: str, steps: int, seed: int) -> Song:
    """Return a song with keys at random."""
    return Song(name, np.random.default_rng(seed).random((steps, 13)) < 0.1)


TUNE = Song("tune", np.array([keys(0), keys(2, 4), keys(), keys(12)]))
"""Four steps: C4, D4 with E4, a rest, C5."""

SONGS = [drawn_song("long", 40, 1), drawn_song("short", 9, 2), drawn_song("middle", 17, 3)]
ROLLS = {song.name: song.roll for song in SONGS}


class Mood:
    """A listener of whole episodes: the mean number of keys, less what was wrong so far."""

    def rewards(self, rolls, targets=None):
        steps = np.arange(1, rolls.shape[1] + 1, dtype=np.float32)
        mood = np.cumsum(rolls.sum(axis=2), axis=1) / steps
        if targets is not None:
            mood -= np.cumsum((rolls != targets).sum(axis=2), axis=1)
        return mood.astype(np.float32)


class Seldom(Mood):
    """A listener that rewards only every fourth step, says so, and counts the steps it is asked for."""

    pays_every = 4
    asked = 0

    def rewards(self, rolls, targets=None):
        self.asked += len(rolls)
        return super().rewards(rolls, targets) * (np.arange(rolls.shape[1]) % 4 == 3)


class Oracle(gymnasium.Env):
    """The rules of the keyboard written with lists, one episode at a time, for a listener asked for whole rolls."""

    def __init__(self, songs, listener, memory, prompt, random_start, **flags):
        self.songs, self.listener, self.memory, self.prompt, self.random_start = (
            songs,
            listener,
            memory,
            prompt,
            random_start,
        )
        self.flags = flags
        self.action_space = gymnasium.spaces.MultiBinary(13)
        self.observation_space = gymnasium.spaces.MultiBinary(13 * memory + flags["mode_bit"])

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        asked = {name: value for name, value in (options or {}).items() if value is not None}
        which, where = self.np_random.random(2)
        self.song = self.songs[asked.get("song", int(which * len(self.songs)))]
        start = self.prompt
        if where < self.random_start:
            start += int(where / self.random_start * (self.song.steps - self.prompt))
        start = asked.get("start", start)
        self.improvise = asked.get("improvise", self.flags["improvise"])
        self.remembered = [step.tolist() for step in self.song.roll[:start]]
        return self.observation(), {"song": self.song.name, "step": start}

    def observation(self):
        silence = [[False] * 13] * self.memory
        seen = [key for step in (silence + self.remembered)[-self.memory :] for key in step]
        return np.array(seen + [not self.improvise] * self.flags["mode_bit"], dtype=np.int8)

    def step(self, action):
        now, keys = len(self.remembered), [bool(key) for key in action]
        target = self.song.roll[now].tolist()
        rolls = np.array([[*self.remembered, keys]])
        targets = None if self.improvise else self.song.roll[None, : now + 1]
        right = not self.improvise and keys == target
        self.remembered.append(target if self.flags["teacher_forcing"] and not self.improvise else keys)
        over = now + 1 == self.song.steps or (self.flags["stop_at_error"] and not right and not self.improvise)
        information = {"song": self.song.name, "step": now + 1, "right": right}
        if self.flags["key_rewards"]:
            information["key_rewards"] = key_rewards(self.listener, rolls, targets)[0, -1]
        return self.observation(), float(self.listener.rewards(rolls, targets)[0, -1]), over, False, information


FLAGS = ("teacher_forcing", "stop_at_error", "mode_bit", "improvise", "key_rewards")

LISTENERS = {
    "ExactSteps": ExactSteps(),
    "RightKeys": RightKeys(),
    "pointwise sum": WeightedSum([ExactSteps(), RightKeys()], [1, 0.5]),
    "Mood": Mood(),
    "sum": WeightedSum([ExactSteps(), Mood()], [1, 0.25]),
    "Seldom": Seldom(),
}


def assert_same(ours, theirs, where: str = "") -> None:
    """Check that two results are equal in values, types and shapes."""
    if isinstance(theirs, dict):
        assert set(ours) == set(theirs), where
        for name in theirs:
            assert_same(ours[name], theirs[name], f"{where}/{name}")
    elif isinstance(theirs, tuple):
        assert len(ours) == len(theirs)
        for index, (our, their) in enumerate(zip(ours, theirs, strict=True)):
            assert_same(our, their, f"{where}[{index}]")
    elif isinstance(theirs, np.ndarray):
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape), where
        if theirs.dtype == object:
            assert_same(tuple(ours), tuple(theirs), where)
        else:
            np.testing.assert_array_equal(ours, theirs, err_msg=where)
    else:
        assert type(ours) is type(theirs), where
        assert ours == theirs, where


def actions_for(information: dict, random: np.random.Generator, right: float) -> np.ndarray:
    """Return an action for each environment: the one in its song with probability `right`, else a random one."""
    actions = (random.random((len(information["song"]), 13)) < 0.1).astype(np.int8)
    for action, name, step in zip(actions, information["song"], information["step"], strict=True):
        if random.random() < right and step < len(ROLLS[name]):
            action[:] = ROLLS[name][step]
    return actions


def play_both(native: VectorEnv, reference: VectorEnv, seed, right: float = 0.6, steps: int = 60) -> None:
    """Play the same actions in both, resetting some environments now and then, and compare everything."""
    random = np.random.default_rng(7)

    def reset(**arguments):
        theirs = reference.reset(**copy.deepcopy(arguments))
        assert_same(native.reset(**arguments), theirs, "reset")
        return theirs[1]

    information = reset(seed=seed)
    for step in range(steps):
        theirs = reference.step(actions := actions_for(information, random, right))
        assert_same(native.step(actions), theirs, f"step {step}")
        information = theirs[4]
        mask = theirs[2] | theirs[3]
        if native.metadata["autoreset_mode"] is not AutoresetMode.DISABLED:
            mask = (random.random(native.num_envs) < 0.5) & (random.random() < 0.05)
        if mask.any():
            options = {"reset_mask": mask}
            if random.random() < 0.5:
                options |= {"song": int(random.integers(3)), "improvise": (None, True, False)[random.integers(3)]}
            seeds = [None, int(random.integers(1000)), random.integers(1000, size=native.num_envs).tolist()]
            info = reset(seed=seeds[random.integers(3)], options=options)
            information = {name: np.where(mask, info[name], information[name]) for name in ("song", "step")}


# The same as Gymnasium's own vector environments


OPTIONS = st.fixed_dictionaries(
    {
        "memory": st.integers(1, 40),
        "prompt": st.integers(0, 8),
        "random_start": st.sampled_from([0.0, 0.3, 1.0]),
        **{name: st.booleans() for name in FLAGS},
    }
)


@pytest.mark.parametrize("mode", AutoresetMode)
@pytest.mark.parametrize("listener", LISTENERS.values(), ids=LISTENERS.keys())
@settings(deadline=None, max_examples=8)
@given(
    options=OPTIONS,
    count=st.integers(1, 4),
    seed=st.integers(0, 1000),
    copied=st.booleans(),
    right=st.sampled_from([0.6, 0.98]),
)
def test_it_does_what_sync_vector_env_does_with_as_many_oracles(mode, listener, options, count, seed, copied, right):
    native = KeyboardVectorEnv(KeyboardEnv(SONGS, listener, **options), count, autoreset_mode=mode, copy=copied)
    oracles = SyncVectorEnv([lambda: Oracle(SONGS, listener, **options)] * count, autoreset_mode=mode)
    play_both(native, oracles, seed, right)


@pytest.mark.parametrize("listener", LISTENERS.values(), ids=LISTENERS.keys())
@settings(deadline=None, max_examples=8)
@given(options=OPTIONS, seed=st.integers(0, 1000), right=st.sampled_from([0.6, 0.98]))
def test_a_single_environment_does_what_the_oracle_does(listener, options, seed, right):
    ours, oracle = (
        SyncVectorEnv([lambda kind=kind: kind(SONGS, listener, **options)]) for kind in (KeyboardEnv, Oracle)
    )
    play_both(ours, oracle, seed, right)


@pytest.mark.parametrize("mode", AutoresetMode)
@settings(deadline=None, max_examples=6)
@given(data=st.data())
def test_with_one_key_it_does_what_sync_vector_env_does(mode, data, tmp_path_factory):
    path = tmp_path_factory.mktemp("songs") / "short.mid"
    SONGS[1].write(path)
    flags = {name: data.draw(st.booleans()) for name in (*FLAGS, "per_key")}
    options = {"song": str(path), "memory": data.draw(st.integers(1, 20)), "prompt": 2, "random_start": 0.5, **flags}
    count = data.draw(st.integers(1, 3))
    native = gymnasium.make_vec(MEMORIZE_ONE_KEY, count, autoreset_mode=mode, **options)
    reference = gymnasium.make_vec(
        MEMORIZE_ONE_KEY, count, vectorization_mode="sync", vector_kwargs={"autoreset_mode": mode}, **options
    )
    assert isinstance(native.unwrapped, KeyboardVectorEnv)
    for space in ("single_action_space", "action_space", "single_observation_space", "observation_space"):
        assert getattr(native, space) == getattr(reference, space)
    assert_same(native.reset(seed=3), reference.reset(seed=3))
    random, over = np.random.default_rng(1), np.zeros(count, dtype=bool)
    for step in range(40):
        if over.any() and mode is AutoresetMode.DISABLED:
            reset = {"reset_mask": over, "start": 4, "improvise": [None, True, False][step % 3]}
            assert_same(native.reset(options=dict(reset)), reference.reset(options=dict(reset)), "reset")
        theirs = reference.step(actions := random.integers(14, size=count) * (random.random(count) < 0.3))
        assert_same(native.step(actions), theirs, f"step {step}")
        over = theirs[2] | theirs[3]


@pytest.mark.parametrize(
    ("actions", "match"),
    [
        ([0, 14], "an action is 0 for nothing or 1 to 13 for a key; got"),
        ([-1, 0], "an action is 0 for nothing or 1 to 13 for a key; got"),
        ([1.0, 2.0], "2 environments take 2 integers; got"),
        (3, "2 environments take 2 integers; got 3"),
        ([1, 2, 3], "2 environments take 2 integers; got"),
    ],
)
def test_with_one_key_any_other_action_is_refused(actions, match):
    vector = gymnasium.make_vec(MEMORIZE_ONE_KEY, 2)
    vector.reset()
    with pytest.raises(ValueError, match=match):
        vector.step(actions)


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_it_does_what_async_vector_env_does(mode):
    def make():
        return KeyboardEnv(SONGS, memory=3, stop_at_error=True, random_start=0.5)

    workers = AsyncVectorEnv([make] * 2, autoreset_mode=mode, context="spawn")
    try:
        workers_options = workers.reset(seed=11)
        native = KeyboardVectorEnv(make(), 2, autoreset_mode=mode)
        assert_same(native.reset(seed=11), workers_options)
        random, information = np.random.default_rng(1), workers_options[1]
        for _ in range(40):
            theirs = workers.step(actions := actions_for(information, random, 0.8))
            assert_same(native.step(actions), theirs)
            information = theirs[4]
    finally:
        workers.close()


def test_it_draws_songs_and_starts_as_plain_environments_of_those_seeds_do():
    options = {"random_start": 0.5, "stop_at_error": True, "memory": 2}
    native = KeyboardVectorEnv(KeyboardEnv(SONGS, **options), 5)
    reference = SyncVectorEnv([lambda: KeyboardEnv(SONGS, **options)] * 5)
    play_both(native, reference, seed=[3, 1, 4, 1, 5], right=0.1, steps=200)
    songs, starts = set(), set()
    for seed in range(0, 400, 5):
        _, information = native.reset(seed=seed)
        songs |= set(information["song"])
        starts |= set(information["step"].tolist())
        assert_same(reference.reset(seed=seed)[1], information)
    assert songs == {"long", "short", "middle"}
    assert len(starts) > 20


@pytest.mark.parametrize("most_steps", [1, 7, 121])
@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_episodes_are_truncated_as_a_time_limit_does(most_steps, mode):
    native = gymnasium.make_vec(MEMORIZE, 2, max_episode_steps=most_steps, autoreset_mode=mode)
    limited = gymnasium.make_vec(
        MEMORIZE,
        2,
        vectorization_mode="sync",
        max_episode_steps=most_steps,
        vector_kwargs={"autoreset_mode": mode},
    )
    assert_same(native.reset(seed=1), limited.reset(seed=1))
    for _ in range(130):
        actions = np.tile(keys(), (2, 1))
        assert_same(native.step(actions), limited.step(actions))


def test_rewards_do_not_depend_on_whether_a_listener_says_that_it_is_pointwise():
    class Anonymous:
        def __init__(self, listener):
            self.rewards = listener.rewards

    for listener in (ExactSteps(), RightKeys()):
        for teacher_forcing in (False, True):
            options = {"teacher_forcing": teacher_forcing, "random_start": 0.5}
            said = KeyboardVectorEnv(KeyboardEnv(SONGS, listener, **options), 4)
            unsaid = KeyboardVectorEnv(KeyboardEnv(SONGS, Anonymous(listener), **options), 4)
            play_both(unsaid, said, seed=2)


@pytest.mark.parametrize("teacher_forcing", [False, True])
def test_the_listener_gets_the_rolls_it_gets_in_plain_environments(teacher_forcing):
    class Recorder(Mood):
        def rewards(self, rolls, targets=None):
            self.rolls = rolls.copy()
            return super().rewards(rolls, targets)

    together, alone = Recorder(), [Recorder() for _ in range(3)]
    options = {"teacher_forcing": teacher_forcing, "memory": 1}
    vector = KeyboardVectorEnv(KeyboardEnv(SONGS[:1], together, **options), 3)
    envs = [KeyboardEnv(SONGS[:1], listener, **options) for listener in alone]
    starts = [8, 20, 11]
    vector.reset(options={"start": starts})
    for env, start in zip(envs, starts, strict=True):
        env.reset(options={"start": start})
    for step in range(10):
        vector.step(np.tile(keys(step), (3, 1)))
        for row, env in enumerate(envs):
            env.step(keys(step))
            until = starts[row] + step + 1
            np.testing.assert_array_equal(together.rolls[row, :until], alone[row].rolls[0])
            if not teacher_forcing:
                assert not together.rolls[row, until:].any()


def test_a_listener_is_asked_for_those_episodes_alone_that_it_rewards():
    listener = Seldom()
    env = KeyboardVectorEnv(KeyboardEnv(SONGS[:1], listener, memory=1, prompt=8), 3)
    env.reset(options={"start": [8, 9, 11]})
    for _ in range(8):
        env.step(np.tile(keys(), (3, 1)))
    assert listener.asked == 6


# What it does, by itself


def test_every_environment_goes_on_in_its_own_song():
    vector = KeyboardVectorEnv(KeyboardEnv([TUNE, Song("low", TUNE.roll[:3])], memory=2, prompt=1), 2)
    observations, information = vector.reset(options={"song": [0, 1]})
    assert observations.tolist() == [[0] * 13 + keys(0).tolist()] * 2
    assert information["song"].tolist() == ["tune", "low"]
    assert information["step"].tolist() == [1, 1]
    observations, rewards, terminated, truncated, information = vector.step([keys(2, 4), keys(5)])
    assert observations.tolist() == [
        keys(0).tolist() + keys(2, 4).tolist(),
        keys(0).tolist() + keys(5).tolist(),
    ]
    assert rewards.tolist() == [1.0, 0.0]
    assert terminated.tolist() == truncated.tolist() == [False, False]
    assert information["right"].tolist() == [True, False]
    _, rewards, terminated, *_ = vector.step([keys(), keys()])
    assert rewards.tolist() == [1.0, 1.0]
    assert terminated.tolist() == [False, True]
    observations, rewards, terminated, _, information = vector.step([keys(12), keys(9)])
    assert rewards.tolist() == [1.0, 0.0]  # the second has begun again, and its action was not played
    assert terminated.tolist() == [True, False]
    assert observations[1].tolist() == [0] * 13 + keys(0).tolist()
    assert information["step"].tolist() == [4, 1]
    assert information["right"].tolist() == [True, False]
    assert information["_right"].tolist() == [True, False]


def test_options_may_differ_from_one_environment_to_the_next():
    keyboard = KeyboardEnv(SONGS, memory=5, prompt=2, mode_bit=True, teacher_forcing=True, stop_at_error=True)
    vector = KeyboardVectorEnv(keyboard, 4)
    options = {"song": [2, 0, 0, 1], "start": [16, 2, 30, 5], "improvise": [False, True, False, True]}
    observations, information = vector.reset(seed=0, options={name: np.array(each) for name, each in options.items()})
    alone = [copy.deepcopy(keyboard) for _ in range(4)]
    for index, env in enumerate(alone):
        observation, info = env.reset(options={name: each[index] for name, each in options.items()})
        np.testing.assert_array_equal(observations[index], observation)
        assert (information["song"][index], information["step"][index]) == (info["song"], info["step"])
    assert observations[:, -1].tolist() == [1, 0, 1, 0]
    actions = np.array([SONGS[2].roll[16], keys(3), SONGS[0].roll[30], keys(4)], dtype=np.int8)
    results = vector.step(actions)
    for index, env in enumerate(alone):
        observation, *values = env.step(actions[index])
        np.testing.assert_array_equal(results[0][index], observation)
        assert [result[index] for result in results[1:4]] == values[:3]
    assert results[1].tolist() == [1.0, 0.0, 1.0, 0.0]
    assert results[2].tolist() == [True, False, False, False]


def test_with_same_step_the_end_stands_beside_the_new_beginning():
    vector = KeyboardVectorEnv(KeyboardEnv([TUNE], memory=1, prompt=3), 2, autoreset_mode="SameStep")
    vector.reset(options={"start": [3, 3]})
    observations, rewards, terminated, _, information = vector.step([keys(12), keys(1)])
    assert rewards.tolist() == [1.0, 0.0]
    assert terminated.tolist() == [True, True]
    assert observations.tolist() == [keys().tolist()] * 2
    assert [each.tolist() for each in information["final_obs"]] == [keys(12).tolist(), keys(1).tolist()]
    assert information["final_info"]["right"].tolist() == [True, False]
    assert information["final_info"]["step"].tolist() == [4, 4]
    assert information["step"].tolist() == [3, 3]
    assert "right" not in information


def test_many_thousand_environments_are_played():
    count, options = 16_384, {"memory": 32, "random_start": 1.0}
    vector = KeyboardVectorEnv(KeyboardEnv(SONGS, **options), count)
    observations, _ = vector.reset(seed=0)
    assert observations.shape == (count, 416)
    alone = {seed: KeyboardEnv(SONGS, **options) for seed in (0, 1, 9_999, count - 1)}
    for seed, env in alone.items():
        np.testing.assert_array_equal(env.reset(seed=seed)[0], observations[seed])
    playing, random = set(alone), np.random.default_rng(0)
    for _ in range(40):
        actions = (random.random((count, 13)) < 0.05).astype(np.int8)
        observations, rewards, terminated, *_ = vector.step(actions)
        for seed in sorted(playing):
            observation, reward, over, *_ = alone[seed].step(actions[seed])
            np.testing.assert_array_equal(observations[seed], observation)
            assert (rewards[seed], terminated[seed]) == (reward, over)
            playing -= {seed} if over else set()
    assert not playing


# What it hands out


def test_observations_stay_as_they_are():
    vector = KeyboardVectorEnv(KeyboardEnv([TUNE], memory=2, prompt=1), 3)
    observations, _ = vector.reset()
    before = observations.copy()
    later, *_ = vector.step(np.ones((3, 13)))
    vector.step(np.zeros((3, 13)))
    np.testing.assert_array_equal(observations, before)
    assert later[:, 13:].all()


def test_without_copies_the_observations_are_a_window_of_the_memory_itself():
    vector = KeyboardVectorEnv(KeyboardEnv([TUNE], memory=2, prompt=1), 3, copy=False)
    first, _ = vector.reset()
    second, *_ = vector.step(np.ones((3, 13)))
    assert np.shares_memory(first, second)
    np.testing.assert_array_equal(first[:, 13:], second[:, :13])
    copied, _ = KeyboardVectorEnv(KeyboardEnv([TUNE], memory=2, prompt=1), 3).reset()
    np.testing.assert_array_equal(first, copied)


@pytest.mark.parametrize("mode", AutoresetMode)
def test_what_is_returned_can_be_written_to(mode):
    def make():
        return KeyboardVectorEnv(KeyboardEnv(SONGS, stop_at_error=True, mode_bit=True), 3, autoreset_mode=mode)

    def spoil(values):
        for value in values:
            if isinstance(value, dict):
                spoil(value.values())
            else:
                value[:] = None if value.dtype == object else 1

    spoiled, kept = make(), make()
    results = spoiled.reset(seed=1), kept.reset(seed=1)
    for step in range(30):
        spoil(results[0])
        actions = np.tile(keys(step % 13), (3, 1))
        if mode is AutoresetMode.DISABLED and step and results[1][2].any():
            mask = results[1][2].copy()
            assert_same(*(env.reset(options={"reset_mask": mask.copy()}) for env in (spoiled, kept)))
        results = spoiled.step(actions), kept.step(actions)
        assert_same(*results)


@pytest.mark.parametrize("mode", ["ansi", "rgb_array"])
def test_every_environment_is_drawn_as_it_is_alone(mode):
    keyboard = KeyboardEnv(SONGS, render_mode=mode, teacher_forcing=True)
    vector = KeyboardVectorEnv(keyboard, 3)
    alone = SyncVectorEnv([lambda: copy.deepcopy(keyboard)] * 3)
    for env in (vector, alone):
        env.reset(seed=8)
    for _ in range(25):
        actions = np.tile(keys(2), (3, 1))
        vector.step(actions)
        alone.step(actions)
        for ours, theirs in zip(vector.render(), alone.render(), strict=True):
            assert_same(ours, theirs)


def test_spaces_and_metadata_say_what_it_is():
    vector = KeyboardVectorEnv(KeyboardEnv([TUNE], memory=2, prompt=1, mode_bit=True), 4, autoreset_mode="Disabled")
    assert isinstance(vector, VectorEnv)
    assert vector.num_envs == 4
    assert vector.metadata["autoreset_mode"] is AutoresetMode.DISABLED
    assert KeyboardVectorEnv.metadata["render_modes"] == ["ansi", "rgb_array"]
    assert vector.single_observation_space == gymnasium.spaces.MultiBinary(27)
    assert vector.single_action_space == gymnasium.spaces.MultiBinary(13)
    assert vector.observation_space == gymnasium.spaces.Box(0, 1, (4, 27), np.int8)
    assert vector.action_space == gymnasium.spaces.Box(0, 1, (4, 13), np.int8)
    vector.action_space.seed(0)
    assert vector.reset(seed=1)[0] in vector.observation_space
    assert vector.step(vector.action_space.sample())[0] in vector.observation_space


# What it refuses


@pytest.fixture
def pair():
    """Return two environments at the beginning of a song."""
    vector = KeyboardVectorEnv(KeyboardEnv([TUNE], memory=1, prompt=1), 2)
    vector.reset()
    return vector


@pytest.mark.parametrize(
    ("actions", "match"),
    [
        (
            keys(),
            r"2 environments take 2 actions, each 13 values of 0 or 1, one per key; got an array of shape \(13,\)",
        ),
        (np.zeros((3, 13), dtype=np.int8), r"got an array of shape \(3, 13\)"),
        (None, "2 environments take 2 actions"),
        (np.array([keys(), -keys(3)]), "an action is 13 values of 0 or 1"),
    ],
)
def test_a_bad_action_is_refused_and_the_episodes_go_on(pair, actions, match):
    with pytest.raises(ValueError, match=match):
        pair.step(actions)
    *_, information = pair.step([keys(2, 4), keys()])
    assert information["step"].tolist() == [2, 2]


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        (
            {"tempo": 1},
            ValueError,
            r"unknown reset options \['tempo'\]: choose from 'song', .*'improvise', 'reset_mask'",
        ),
        ({"song": [0, -1]}, ValueError, "song -1: choose a song from 0 to 0"),
        ({"song": [0, 0, 0]}, ValueError, r"'song' takes one value or 2 values; got shape \(3,\)"),
        ({"start": [1, 4]}, ValueError, "start 4: 'tune' can begin at steps 1 to 3"),
        ({"reset_mask": [True, False]}, TypeError, "'reset_mask' must be a NumPy array of bool"),
        ({"reset_mask": np.array([1, 0])}, TypeError, "'reset_mask' must be a NumPy array of bool"),
        ({"reset_mask": np.array([True])}, ValueError, r"'reset_mask' needs shape \(2,\) and at least one True"),
        ({"reset_mask": np.array([False, False])}, ValueError, "at least one True"),
    ],
)
def test_bad_reset_options_are_refused(pair, options, error, match):
    with pytest.raises(error, match=match):
        pair.reset(options=options)


def test_the_options_of_a_reset_are_left_as_they_are(pair):
    options = {"reset_mask": np.array([True, False]), "start": 2}
    pair.reset(options=options)
    assert set(options) == {"reset_mask", "start"}


def test_there_is_one_seed_or_one_for_each(pair):
    with pytest.raises(ValueError, match="got 3 seeds for 2 environments"):
        pair.reset(seed=[1, 2, 3])


def test_a_step_before_the_first_reset_is_refused():
    vector = KeyboardVectorEnv(KeyboardEnv([TUNE], prompt=1), 2)
    with pytest.raises(RuntimeError, match="no episode has begun: call reset"):
        vector.step(np.zeros((2, 13)))
    with pytest.raises(ValueError, match="the first reset must reset every environment"):
        vector.reset(options={"reset_mask": np.array([True, False])})


def test_without_autoreset_a_step_after_the_end_is_refused():
    vector = KeyboardVectorEnv(KeyboardEnv([TUNE], prompt=1), 3, autoreset_mode="Disabled")
    vector.reset(options={"start": [3, 1, 3]})
    vector.step(np.zeros((3, 13)))
    for _ in range(2):
        with pytest.raises(RuntimeError, match=r"the episode is over in environments \[0, 2\]: call reset"):
            vector.step(np.zeros((3, 13)))
    vector.reset(options={"reset_mask": np.array([True, False, False])})
    with pytest.raises(RuntimeError, match=r"the episode is over in environments \[2\]: call reset"):
        vector.step(np.zeros((3, 13)))
    vector.reset(options={"reset_mask": np.array([False, False, True])})
    *_, information = vector.step(np.zeros((3, 13)))
    assert information["step"].tolist() == [2, 3, 2]


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"num_envs": 0}, "num_envs is 0: it must be at least 1"),
        ({"autoreset_mode": "Sometimes"}, "'Sometimes' is not a valid AutoresetMode"),
        ({"max_episode_steps": 0}, "max_episode_steps is 0: it must be at least 1, or None"),
        ({"render_mode": "human"}, r"render_mode 'human': choose one of \['ansi', 'rgb_array'\]"),
    ],
)
def test_bad_arguments_are_refused(arguments, match):
    with pytest.raises(ValueError, match=match):
        memorize_many(**arguments)

"""The tools of the field take the environments as they are."""

import json

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env
from gymnasium.wrappers import RecordEpisodeStatistics, RecordVideo
from gymnasium.wrappers import vector as vector_wrappers

import envs
from envs.keyboard_env import KeyboardEnv
from envs.one_key_action import OneKeyAction
from envs.registration import MEMORIZE, MEMORIZE_ONE_KEY
from envs.vector_keyboard_env import KeyboardVectorEnv
from songs.song import Song, SongError

assert envs.registration  # importing the package has registered the environments

SCALE = Song("scale", np.eye(13)[[0, 2, 4, 5, 7, 9, 11, 12, 11, 9, 7, 5, 4, 2, 0, 0]])
"""Sixteen steps up and down the white keys."""


@pytest.fixture
def path(tmp_path) -> str:
    """Return the path of the scale."""
    SCALE.write(tmp_path / "scale.mid")
    return str(tmp_path / "scale.mid")


def greedy_score(env: gymnasium.Env, choose) -> float:
    """Return the reward of an episode whose actions are a function of the observation."""
    observation, _ = env.reset()
    score, over = 0.0, False
    while not over:
        observation, reward, over, *_ = env.step(choose(observation))
        score += reward
    return score


# Gymnasium


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"random_start": 0.5, "stop_at_error": True},
        {"mode_bit": True, "improvise": True},
        {"per_key": True, "memory": 3},
    ],
)
@pytest.mark.parametrize("name", [MEMORIZE, MEMORIZE_ONE_KEY])
def test_gymnasium_checks_the_environments_without_a_warning(arguments, name):
    env = gymnasium.make(name, render_mode="rgb_array", **arguments)
    env.reset(seed=1)  # what `make` returns checks its first calls, wrappers included
    env.step(env.action_space.sample())
    env.render()
    check_env(env.unwrapped)


@pytest.mark.parametrize("name", [MEMORIZE, MEMORIZE_ONE_KEY])
def test_an_environment_is_made_again_from_its_spec_as_json(name):
    env = gymnasium.make(name, memory=5, random_start=0.5)
    again = gymnasium.make(EnvSpec.from_json(env.spec.to_json()))
    assert again.observation_space == env.observation_space
    assert again.action_space == env.action_space
    np.testing.assert_array_equal(again.reset(seed=3)[0], env.reset(seed=3)[0])
    assert again.unwrapped.rules.random_start == 0.5


def test_a_wrapped_environment_is_made_again_from_its_spec():
    env = OneKeyAction(gymnasium.make(MEMORIZE, memory=5))
    assert gymnasium.make(EnvSpec.from_json(env.spec.to_json())).action_space == gymnasium.spaces.Discrete(14)


@pytest.mark.parametrize("name", [MEMORIZE, MEMORIZE_ONE_KEY])
def test_a_vector_environment_is_made_again_from_its_spec_as_json(name):
    vector = gymnasium.make_vec(name, 3, memory=5, autoreset_mode="SameStep", max_episode_steps=9)
    text = vector.spec.to_json()
    assert json.loads(text)["kwargs"]["num_envs"] == 3
    again = gymnasium.make_vec(EnvSpec.from_json(text))
    assert isinstance(again.unwrapped, KeyboardVectorEnv)
    assert again.metadata["autoreset_mode"] is gymnasium.vector.AutoresetMode.SAME_STEP
    assert again.observation_space == vector.observation_space
    assert again.unwrapped.max_episode_steps == 9


def test_a_name_with_the_package_before_it_needs_no_import(path):
    assert gymnasium.make(f"envs:{MEMORIZE}", song=path).unwrapped.rules.songs[0].name == "scale"


def test_make_vec_takes_the_native_environment_by_default(path):
    native = gymnasium.make_vec(MEMORIZE, 2, song=path)
    assert isinstance(native, KeyboardVectorEnv)
    actions = np.zeros((2, 13), dtype=np.int8)
    native.reset(seed=1)
    expected = native.step(actions)
    for mode, arguments in (("vector_entry_point", {}), ("sync", {}), ("async", {"context": "spawn"})):
        vector = gymnasium.make_vec(MEMORIZE, 2, vectorization_mode=mode, song=path, vector_kwargs=arguments)
        try:
            vector.reset(seed=1)
            observations, rewards, *_, information = vector.step(actions)
        finally:
            vector.close()
        np.testing.assert_array_equal(observations, expected[0])
        np.testing.assert_array_equal(rewards, expected[1])
        assert information["song"].tolist() == ["scale", "scale"]


def test_episode_statistics_are_recorded_alike():
    def make():
        return KeyboardEnv([SCALE], prompt=8, stop_at_error=True, random_start=0.5)

    single = RecordEpisodeStatistics(make())
    native = vector_wrappers.RecordEpisodeStatistics(KeyboardVectorEnv(make(), 2))
    reference = vector_wrappers.RecordEpisodeStatistics(gymnasium.vector.SyncVectorEnv([make] * 2))
    for env in (native, reference):
        env.reset(seed=4)
    random = np.random.default_rng(0)
    for _ in range(60):
        actions = (random.random((2, 13)) < 0.02).astype(np.int8)
        ours, theirs = native.step(actions)[4], reference.step(actions)[4]
        for statistic in ("r", "l"):
            assert ("episode" in ours) == ("episode" in theirs)
            if "episode" in ours:
                np.testing.assert_array_equal(ours["episode"][statistic], theirs["episode"][statistic])
    assert list(native.return_queue) == list(reference.return_queue)
    assert list(native.length_queue) == list(reference.length_queue)
    assert len(native.length_queue) > 20
    single.reset(seed=4)
    steps = 1
    while not (result := single.step(np.zeros(13, dtype=np.int8)))[2]:
        steps += 1
    assert result[4]["episode"]["l"] == steps


def test_statistics_go_on_where_one_environment_is_reset_by_hand():
    keyboard = KeyboardEnv([SCALE], prompt=8)
    vector = vector_wrappers.RecordEpisodeStatistics(KeyboardVectorEnv(keyboard, 2, autoreset_mode="Disabled"))
    vector.reset(options={"start": [15, 14]})
    vector.step(np.stack([SCALE.roll[15], SCALE.roll[14]]))
    vector.reset(options={"reset_mask": np.array([True, False]), "start": 15})
    *_, information = vector.step(np.stack([SCALE.roll[15], SCALE.roll[15]]))
    assert information["episode"]["l"].tolist() == [1, 2]
    assert information["episode"]["r"].tolist() == [1.0, 2.0]


def test_other_vector_wrappers_take_the_native_environment(path):
    vector = gymnasium.make_vec(MEMORIZE, 3, song=path)
    vector = vector_wrappers.NormalizeReward(vector_wrappers.NormalizeObservation(vector))
    vector = vector_wrappers.DictInfoToList(vector_wrappers.ClipReward(vector, -1, 1))
    vector.reset(seed=1)
    observations, rewards, *_, information = vector.step(np.zeros((3, 13), dtype=np.int8))
    assert np.isfinite(observations).all()
    assert rewards.shape == (3,)
    assert [each["step"] for each in information] == [9, 9, 9]


def test_frames_are_collected(path):
    env = gymnasium.make(MEMORIZE, song=path, render_mode="rgb_array_list")
    env.reset(seed=1)
    for _ in range(3):
        env.step(np.zeros(13, dtype=np.int8))
    frames = env.render()
    assert len(frames) == 4
    assert all(frame.shape == (156, 384, 3) for frame in frames)


def test_an_episode_is_recorded_as_a_video(path, tmp_path):
    pytest.importorskip("moviepy", reason="RecordVideo needs moviepy: pip install '.[video]'")
    folder = tmp_path / "videos"
    env = RecordVideo(gymnasium.make(MEMORIZE, song=path, render_mode="rgb_array"), str(folder))
    greedy_score(env, lambda _: np.zeros(13, dtype=np.int8))
    env.close()
    (video,) = folder.glob("*.mp4")
    assert video.read_bytes()[4:8] == b"ftyp"


# What is refused


@pytest.mark.parametrize("make", [gymnasium.make, gymnasium.make_vec])
@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"memory": 0}, ValueError, "memory is 0 steps: it must be at least 1"),
        ({"prompt": 16}, ValueError, "the prompt is 16 steps: .* shorter than the shortest song, 'scale' with 16"),
        ({"prompt": -1}, ValueError, "the prompt is -1 steps: it must be at least 0"),
        ({"random_start": -0.1}, ValueError, "random_start is -0.1: it is a probability, 0 to 1"),
        ({"song": "scale", "folder": "nowhere"}, SongError, "nowhere: no such folder"),
        ({"memorise": 3}, TypeError, "unexpected keyword argument 'memorise'"),
    ],
)
def test_bad_arguments_are_refused(make, arguments, error, match, path):
    with pytest.raises(error, match=match):
        make(MEMORIZE, **({"song": path} | arguments))


@pytest.mark.parametrize("make", [gymnasium.make, gymnasium.make_vec])
def test_an_empty_folder_is_refused(make, tmp_path):
    with pytest.raises(SongError, match="holds no .mid or .midi file"):
        make(MEMORIZE, song="scale", folder=str(tmp_path))


# Learners


@pytest.fixture
def torch():
    """Return torch on one thread: for networks this small, more of them only wait for each other."""
    torch = pytest.importorskip("torch", reason="needs torch: pip install '.[torch]'")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield torch
    torch.set_num_threads(threads)


def test_a_plain_q_network_learns_from_the_observations_as_they_are(path, torch):
    """A deep Q-learner as for a control task: a flat float observation, discrete actions, autoreset vectors."""
    torch.manual_seed(1)
    random = np.random.default_rng(1)
    vector = gymnasium.make_vec(MEMORIZE_ONE_KEY, 4, song=path, memory=8)
    size, actions = vector.single_observation_space.shape[0], int(vector.single_action_space.n)
    network = torch.nn.Sequential(torch.nn.Linear(size, 64), torch.nn.ReLU(), torch.nn.Linear(64, actions))
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    replay = []
    observations, _ = vector.reset(seed=1)
    begun = np.zeros(4, dtype=bool)
    for step in range(900):
        with torch.no_grad():
            chosen = network(torch.as_tensor(observations)).argmax(dim=1).numpy()
        chosen = np.where(random.random(4) < max(0.05, 1 - step / 400), random.integers(actions, size=4), chosen)
        following, rewards, terminated, *_ = vector.step(chosen)
        replay += [
            transition
            for transition, new in zip(zip(observations, chosen, rewards, strict=True), begun, strict=True)
            if not new
        ]
        observations, begun = following, terminated
        if step > 50:
            batch = [replay[index] for index in random.integers(len(replay), size=64)]
            states, chosen_actions, rewards_earned = (
                torch.as_tensor(np.array(column)) for column in zip(*batch, strict=True)
            )
            predicted = network(states).gather(1, chosen_actions[:, None]).squeeze(1)
            loss = torch.nn.functional.mse_loss(predicted, rewards_earned.float())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    env = gymnasium.make(MEMORIZE_ONE_KEY, song=path, memory=8)
    score = greedy_score(env, lambda seen: int(network(torch.as_tensor(seen)).argmax()))
    assert score == 8.0


@pytest.mark.sb3
def test_stable_baselines_checks_the_environments():
    pytest.importorskip("stable_baselines3", reason="needs Stable-Baselines3: pip install '.[sb3]'")
    from stable_baselines3.common.env_checker import check_env as check

    for name in (MEMORIZE, MEMORIZE_ONE_KEY):
        check(gymnasium.make(name))


@pytest.mark.sb3
@pytest.mark.parametrize("algorithm", ["PPO", "DQN"])
@pytest.mark.usefixtures("torch")
def test_stable_baselines_learns(algorithm, path):
    baselines = pytest.importorskip("stable_baselines3", reason="needs Stable-Baselines3: pip install '.[sb3]'")
    options = {"song": path, "memory": 8, "teacher_forcing": True}
    if algorithm == "PPO":
        env = gymnasium.make(MEMORIZE, per_key=True, **options)
        settings = {"n_steps": 256, "learning_rate": 3e-3, "gamma": 0.0, "gae_lambda": 0.0}
    else:
        env = OneKeyAction(gymnasium.make(MEMORIZE, **options))
        settings = {"learning_starts": 100, "learning_rate": 3e-3, "gamma": 0.0, "exploration_final_eps": 0.05}
    model = getattr(baselines, algorithm)("MlpPolicy", env, seed=0, device="cpu", **settings)
    evaluation = gymnasium.make(MEMORIZE, **options)
    evaluation = evaluation if algorithm == "PPO" else OneKeyAction(evaluation)

    def right_steps():
        return greedy_score(evaluation, lambda seen: model.predict(seen, deterministic=True)[0])

    assert right_steps() <= 2
    model.learn(4000)
    assert right_steps() >= 7


def test_the_options_of_how_a_file_becomes_a_song_are_arguments(path):
    cut = gymnasium.make(MEMORIZE, song=path, bars="2", prompt=4).unwrapped.rules.songs[0]
    np.testing.assert_array_equal(cut.roll, SCALE.roll[8:])
    assert cut.changes == ("bar 2 of 2",)
    with pytest.raises(ValueError, match=r"scale\.mid: has no track 'Lead'; its tracks are: 1 scale"):
        gymnasium.make(MEMORIZE, song=path, track="Lead")

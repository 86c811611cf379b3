"""The agent with a prior: its archive is filled, returned to and imitated, and it continues from a state."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from agents.dqn.episode_archive import EpisodeArchiveOptions  # noqa: E402
from agents.dqn.exploration import ExplorationOptions  # noqa: E402
from agents.dqn.learner import QLearner  # noqa: E402
from agents.dqn.loop import DqnLoop  # noqa: E402
from agents.dqn.network import QNetwork  # noqa: E402
from agents.dqn.options import LearningOptions, NetworkOptions  # noqa: E402
from agents.dqn.prior import PriorOptions  # noqa: E402
from agents.dqn.prior_agent import PriorAgent  # noqa: E402
from agents.dqn.replay import ReplayOptions  # noqa: E402
from envs.keyboard_env import KeyboardEnv  # noqa: E402
from envs.vector_keyboard_env import KeyboardVectorEnv  # noqa: E402
from songs.song import Song  # noqa: E402

MEMORY, PROMPT, STEPS, ENVS = 4, 2, 8, 3
TUNE = Song("tune", np.eye(13, dtype=bool)[:STEPS])


class UniformPrior:
    """A prior that gives every choice the same probability."""

    def begin(self, envs, rolls, steps):
        pass

    def add(self, keys):
        pass

    def log_probabilities(self):
        return np.full((ENVS, 14), -np.log(14), dtype=np.float32)

    def state(self):
        return {}, {}

    def restore(self, arrays, data):
        pass


class HighKeys:
    """Rewards a step by its highest key."""

    def rewards(self, rolls, targets=None):
        return (rolls * np.arange(13)).max(axis=2).astype(np.float32) / 12


def make_loop(size: int, form: str = "g", n_step: int = 0, seed: int = 0) -> DqnLoop:
    learning = LearningOptions("step", gamma=1.0, batch_size=8, learning_starts=8, soft=0.0 if form == "q" else 1.0)
    network = QNetwork(13 * MEMORY, NetworkOptions("one_key", hidden=8), seed)
    learner = QLearner(
        network, MEMORY, learning, ReplayOptions(200, n_step), seed, next_prior=form == "g" and n_step > 0
    )
    archive = EpisodeArchiveOptions(size, return_probability=1.0)
    options = PriorOptions("melody", form, temperature=0.5)
    agent = PriorAgent(learner, ENVS, STEPS, ExplorationOptions(), UniformPrior(), options, archive)
    env = KeyboardEnv([TUNE], HighKeys(), MEMORY, PROMPT, improvise=True)
    return DqnLoop(KeyboardVectorEnv(env, ENVS), agent, seed)


def test_the_best_episodes_are_kept_returned_to_and_imitated():
    loop = make_loop(size=4)
    agent, returned = loop.agent, 0
    assert agent._imitation_loss() == 0.0
    for _ in range(60):
        loop.step()
        returned += agent._returning.sum()
    assert agent.archive.kept == 4
    assert returned > 0
    best = agent.archive.total.max()
    assert best >= agent.episodes.rewards.sum(axis=1).max()
    assert agent._imitation_loss().item() > 0


def test_without_an_archive_nothing_is_replayed():
    loop = make_loop(size=0)
    for _ in range(30):
        loop.step()
        assert not loop.agent._returning.any()
    assert loop.agent.learner.updates > 0


@pytest.mark.parametrize("form", ["q", "psi", "g"])
@pytest.mark.parametrize("n_step", [0, 2])
def test_a_restored_loop_continues_bit_identically(form, n_step):
    one, other = make_loop(3, form, n_step), make_loop(3, form, n_step, seed=7)
    for _ in range(25):
        one.step()
    arrays, data = one.state()
    other.restore({name: array.copy() for name, array in arrays.items()}, json.loads(json.dumps(data)))
    for _ in range(20):
        one.step()
        other.step()
    assert one.state()[1] == other.state()[1]
    for name, array in one.state()[0].items():
        np.testing.assert_array_equal(other.state()[0][name], array, err_msg=name)
    assert one.agent.archive.kept == 3


def test_archived_episodes_that_end_before_they_begin_are_refused():
    loop = make_loop(3)
    for _ in range(25):
        loop.step()
    arrays, data = loop.state()
    arrays = {**arrays, "agent.archive.length": np.zeros(3, dtype=np.int64)}
    with pytest.raises(ValueError, match="agent.archive.first: an episode ends before it begins"):
        loop.restore(arrays, data)

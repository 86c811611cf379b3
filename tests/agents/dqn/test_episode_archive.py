"""Recorded episodes, and the archive of the best, to which an agent returns and which it imitates."""

import numpy as np
import pytest

from agents.dqn.episode_archive import EpisodeArchive, EpisodeArchiveOptions
from agents.dqn.episodes import Episodes, discounted_returns, observed

MEMORY, STEPS = 4, 10


def roll(*keys: int) -> np.ndarray:
    """Return a roll of STEPS steps that begins with these keys, -1 for none."""
    roll = np.zeros((STEPS, 13), dtype=bool)
    for step, key in enumerate(keys):
        roll[step, key] = key >= 0
    return roll


def make_archive(size: int = 2, **options) -> EpisodeArchive:
    return EpisodeArchive(EpisodeArchiveOptions(size=size, **options), envs=3, steps=STEPS, memory=MEMORY, gamma=0.5)


# Episodes


def test_returns_are_discounted_sums_to_the_end():
    assert discounted_returns(np.array([1.0, 0.0, 4.0]), 0.5).tolist() == [2.0, 2.0, 4.0]


def test_memories_are_those_an_environment_would_show():
    windows = observed(roll(0, 1, 2, 3, 4, 5), np.array([0, 2, 6]), MEMORY).reshape(3, MEMORY, 13)
    assert not windows[0].any()
    assert windows[1].argmax(axis=1).tolist() == [0, 0, 0, 1]
    assert windows[1].any(axis=1).tolist() == [0, 0, 1, 1]
    assert windows[2].argmax(axis=1).tolist() == [2, 3, 4, 5]


def test_an_episode_is_recorded_from_the_memory_at_its_beginning():
    episodes = Episodes(2, STEPS, MEMORY)
    song = roll(3, 5, 7)
    episodes.begin(np.array([1]), observed(song, np.array([3]), MEMORY), np.array([3]))
    for key, reward in ((2, 0.5), (4, 2.0)):
        keys = np.zeros((2, 13))
        keys[1, key] = 1
        episodes.add(np.array([False, True]), keys, np.array([9.0, reward]))
    np.testing.assert_array_equal(episodes.rolls[1], roll(3, 5, 7, 2, 4))
    assert episodes.now.tolist() == [0, 5]
    assert episodes.first.tolist() == [0, 3]
    observations, keys, totals = episodes.returns_to_end(1, 4, 0.5)
    np.testing.assert_array_equal(observations, observed(song | roll(3, 5, 7, 2), np.array([4]), MEMORY))
    assert keys.argmax(axis=1).tolist() == [4]
    assert totals.tolist() == [[2.0]]
    assert episodes.returns_to_end(1, 3, 0.5)[2].tolist() == [[1.5], [2.0]]
    assert [len(part) for part in episodes.returns_to_end(1, 5, 0.5)] == [0] * 3


# The archive


def test_the_best_are_kept_and_none_twice():
    archive = make_archive()
    for key, reward in ((1, 1.0), (2, 3.0), (2, 3.5), (3, 2.0), (4, 0.5)):
        archive.consider(roll(0, key), np.eye(STEPS)[1] * reward, 1, STEPS)
    assert sorted(archive.total.tolist()) == [2.0, 3.0]
    assert archive.kept == 2


def test_a_gain_that_is_rounding_replaces_nothing():
    archive = make_archive(size=1)
    archive.consider(roll(0, 1), np.zeros(STEPS), 1, STEPS)
    archive.consider(roll(0, 2), np.full(STEPS, 1e-6), 1, STEPS)
    np.testing.assert_array_equal(archive.rolls[0], roll(0, 1))


def test_episodes_return_along_one_of_the_best_and_then_let_the_prior_draw():
    archive = make_archive(return_probability=1.0, explore_steps=2.0)
    random = np.random.default_rng(0)
    archive.begin(np.arange(3), random)
    assert not archive.returning(np.full(3, 2))[0].any()  # none is known yet
    song = roll(0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
    archive.consider(song, np.ones(STEPS), 2, STEPS)
    untils = []
    for _ in range(200):
        archive.begin(np.arange(3), random)
        on_the_way = [archive.returning(np.full(3, step)) for step in range(STEPS)]
        for step, (returning, keys) in enumerate(on_the_way):
            assert (keys[returning] == song[step]).all()
            assert not (returning & archive.exploring(np.full(3, step))).any()
        until = np.sum([returning for returning, _ in on_the_way], axis=0)
        assert archive.exploring(until).all()
        untils += until.tolist()
    assert set(untils) == set(range(2, STEPS))


def test_returns_are_sampled_with_the_memories_before_them():
    archive = make_archive()
    song, rewards = roll(0, 1, 2, 3, 4), np.array([0, 0, 1, 0, 4, 0, 0, 0, 0, 0], dtype=np.float32)
    archive.consider(song, rewards, 2, 5)
    observations, keys, totals = archive.sample(100, np.random.default_rng(0))
    assert {(int(key.argmax()), float(worth)) for key, worth in zip(keys, totals, strict=True)} == {
        (2, 2.0),
        (3, 2.0),
        (4, 4.0),
    }
    for observation, key in zip(observations, keys, strict=True):
        np.testing.assert_array_equal(observation, observed(song, key.argmax()[None], MEMORY)[0])


def test_a_restored_archive_is_the_same_and_another_shape_is_refused():
    one, other = make_archive(return_probability=1.0), make_archive(return_probability=1.0)
    one.consider(roll(0, 1), np.ones(STEPS), 1, STEPS)
    one.begin(np.arange(3), np.random.default_rng(0))
    other.restore({name: array.copy() for name, array in one.state()[0].items()}, {})
    for name, array in one.state()[0].items():
        np.testing.assert_array_equal(other.state()[0][name], array)
    with pytest.raises(ValueError, match=r"rolls has the shape \(2, 10, 13\), this run needs \(5,"):
        make_archive(size=5).restore(*one.state())

"""Which song an episode plays and where it begins."""

import numpy as np
import pytest
from gymnasium.utils import seeding

from envs.episode_start import EpisodeDraws, EpisodeStart
from songs.song import Song

SONGS = [Song("five", np.zeros((5, 13))), Song("twelve", np.zeros((12, 13)))]


def grid(count: int) -> np.ndarray:
    """Return (count, 2) draws whose second number goes evenly from 0 to just below 1, for the second song."""
    return np.stack([np.full(count, 0.5), np.arange(count) / count], axis=1)


def test_every_song_is_equally_likely():
    draws = np.stack([np.arange(100) / 100, np.zeros(100)], axis=1)
    songs, steps = EpisodeStart(SONGS, 2, 0.0).choose(draws)
    assert songs.tolist() == [0] * 50 + [1] * 50
    assert steps.tolist() == [2] * 100


def test_a_random_start_is_every_later_step_equally_often():
    songs, steps = EpisodeStart(SONGS, 2, 1.0).choose(grid(100))
    assert songs.tolist() == [1] * 100
    assert np.bincount(steps).tolist() == [0, 0] + [10] * 10


def test_a_random_start_comes_with_its_probability():
    _, steps = EpisodeStart(SONGS, 2, 0.25).choose(grid(400))
    assert np.bincount(steps).tolist() == [0, 0, 310] + [10] * 9
    _, steps = EpisodeStart(SONGS, 2, 1e-300).choose(grid(400))
    assert steps.tolist() == [2] * 400


def test_the_largest_draw_is_the_last_song_and_the_last_step():
    largest = np.full((1, 2), np.nextafter(1, 0))
    for steps in range(3, 200):
        songs = [SONGS[0], Song("any", np.zeros((steps, 13)))]
        (song,), (start,) = EpisodeStart(songs, 2, 1.0).choose(largest)
        assert (song, start) == (1, steps - 1)


@pytest.mark.parametrize(
    ("songs", "random_start", "drawn"), [(1, 0.0, False), (2, 0.0, True), (1, 0.1, True), (2, 1.0, True)]
)
def test_it_is_known_whether_there_is_anything_to_draw(songs, random_start, drawn):
    assert EpisodeStart(SONGS[:songs], 2, random_start).needs_draws is drawn


def test_what_was_asked_for_is_not_drawn():
    start = EpisodeStart(SONGS, 2, 1.0)
    draws = np.full((2, 2), 0.99)
    songs, steps = start.choose(draws, song=np.array([0, 1]))
    assert (songs.tolist(), steps.tolist()) == ([0, 1], [4, 11])
    songs, steps = start.choose(draws, start=np.array([2, 7]))
    assert (songs.tolist(), steps.tolist()) == ([1, 1], [2, 7])
    with pytest.raises(ValueError, match="start 5: 'five' can begin at steps 2 to 4"):
        start.choose(draws, song=np.array([1, 0]), start=np.array([5, 5]))


def test_environments_draw_what_their_generators_give():
    draws = EpisodeDraws(3)
    for env, seed in enumerate((5, 6, 7)):
        draws.seed(env, seed)
    expected = [seeding.np_random(seed)[0].random((200, 2)) for seed in (5, 6, 7)]
    taken = [0, 0, 0]
    random = np.random.default_rng(0)
    for _ in range(150):
        envs = np.flatnonzero(random.random(3) < (0.9, 0.5, 0.1))
        for env, draw in zip(envs, draws.next(envs), strict=True):
            np.testing.assert_array_equal(draw, expected[env][taken[env]])
            taken[env] += 1
    assert min(taken) > 5
    draws.seed(0, 6)
    np.testing.assert_array_equal(draws.next(np.array([0])), expected[1][:1])


def test_environments_without_a_seed_draw_something_else_each():
    draws = EpisodeDraws(4).next(np.arange(4))
    assert len(np.unique(draws)) == 8
    assert ((draws >= 0) & (draws < 1)).all()

"""The tasks of the benchmark: what is asked for, and how a player's result is scored."""

import gymnasium
import numpy as np
import pytest

from agents.performer import PerfectPlayer, SilentPlayer
from envs.benchmark import LATER, TASKS
from envs.registration import BENCHMARK
from experiments.studies.benchmark import Score, keyboard_of, make_task, player_of, result, score
from songs.song import Song

MEMORISE = ("teacher-forced", "first-error", "all-songs", "round")


def test_every_task_is_an_environment_with_a_name():
    assert list(TASKS) == list(BENCHMARK)
    assert all(name in gymnasium.registry for name in BENCHMARK.values())


@pytest.mark.parametrize("task", MEMORISE)
def test_tasks_can_be_made_alone_and_many_at_once_and_with_one_key(task):
    env, many = gymnasium.make(BENCHMARK[task]), gymnasium.make_vec(BENCHMARK[task], 3)
    size = env.observation_space.shape[0]
    assert (env.reset(seed=0)[0].shape, many.reset(seed=0)[0].shape) == ((size,), (3, size))
    one = gymnasium.make(BENCHMARK[task], one_key=True)
    assert (one.action_space.n, one.observation_space.dtype) == (14, np.float32)
    assert gymnasium.make_vec(BENCHMARK[task], 3, one_key=True).single_action_space.n == 14


def test_the_songs_are_those_that_the_page_names():
    assert len(TASKS["all-songs"].songs()) == 31
    (canon,) = TASKS["round"].songs()
    assert int((canon.roll.sum(axis=1) > 1).sum()) == 36
    alone = canon.roll[:LATER]
    assert (canon.roll[LATER : 2 * LATER] & alone == alone).all()


def test_the_round_survives_its_midi_file(tmp_path):
    (canon,) = TASKS["round"].songs()
    canon.write(tmp_path / "round.mid")
    assert (Song.read(tmp_path / "round.mid", chords=True, keys=13).roll == canon.roll).all()


def test_a_perfect_player_reaches_the_ceiling_and_a_silent_one_what_rests():
    env = make_task("first-error")
    perfect = PerfectPlayer(TASKS["first-error"].songs()[0].roll, 8)
    reached = score("first-error", player_of(perfect, env))
    assert (reached.result, reached.ceiling, reached.score) == (120, 120, 1)
    silent = score("teacher-forced", player_of(SilentPlayer(), make_task("teacher-forced")))
    assert (silent.result, round(silent.random)) == (64, 41)
    assert score("teacher-forced", lambda observation: 0, one_key=True) == silent


def test_a_score_is_0_for_a_random_player_and_1_for_the_ceiling():
    assert [Score(result, 20, 120).score for result in (20, 70, 120, 10)] == [0, 0.5, 1, -0.1]


def test_all_songs_are_played_once_each():
    env = make_task("all-songs")
    rests = sum(int((~song.roll[8:].any(axis=1)).sum()) for song in keyboard_of(env).rules.songs)
    assert result(env, player_of(SilentPlayer(), env)) == rests


def test_an_unknown_task_names_the_known_ones():
    with pytest.raises(ValueError, match="no task 'rounds': the tasks are teacher-forced, first-error"):
        make_task("rounds")

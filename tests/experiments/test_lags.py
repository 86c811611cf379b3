"""Songs are learned from the steps at chosen lags, by every search and by deep Q-learning."""

import json

import numpy as np
import pytest

from experiments.config.evolve import EvolveConfig
from experiments.config.settings import ConfigError
from experiments.runs.champion import open_run
from songs.catalog import find_song
from songs.keyboard import KEYS
from songs.piano_roll import roll_from_onsets
from songs.song import Song

LAGS = (8, 4, 2, 1)


@pytest.fixture
def tune(tmp_path):
    onsets = [
        [0, 60],
        [2, 64],
        [4, 67],
        [8, 72],
        [10, 67],
        [13, 64],
        [16, 60],
        [18, 62],
        [20, 64],
        [23, 65],
        [6, 69],
        [12, 71],
    ]
    Song("tune", roll_from_onsets(np.array(onsets), 24)).write(tmp_path / "tune.mid")
    return tmp_path / "tune.mid"


def check_whole(kuznechik, run) -> None:
    scores = json.loads(kuznechik("score", run, "--json").out)
    assert (scores["prefix"], scores["steps"], scores["ceiling"]) == (16, 16, 16)
    task = open_run(run).task
    assert (task.lags, task.memory, task.remembered) == ("1,2,4,8", 8, LAGS)
    called = kuznechik("duet", run)
    assert called.status == 0, called.err
    assert '"lags": [8, 4, 2, 1]' in (run / "duet.html").read_text()


@pytest.mark.parametrize("algorithm", ["neat", "per_key", "verified_prefix", "openai_es"])
def test_every_search_learns_from_lags(kuznechik, tmp_path, tune, algorithm):
    run = tmp_path / "run"
    options = ("--set", "task.lags=[1, 2, 4, 8]", "--set", f"evolve.algorithm={algorithm}")
    called = kuznechik("evolve", tune, *options, "--set", "evolve.generations=2", "--out", run)
    assert called.status == 0, called.err
    called = kuznechik("evolve", "--resume", run, "--set", "evolve.generations=500")
    assert called.status == 0, called.err
    check_whole(kuznechik, run)


@pytest.mark.parametrize("options", [(), ("--config", "episodic", "--set", "replay.n_step=3")])
def test_deep_q_learning_learns_from_lags(kuznechik, tmp_path, tune, options):
    pytest.importorskip("torch")
    run, steps = tmp_path / "run", ("--set", "dqn.steps=200")
    called = kuznechik("dqn", tune, *options, "--set", "task.lags=1,2,4,8", *steps, "--out", run)
    assert called.status == 0, called.err
    called = kuznechik("dqn", "--resume", run, "--set", f"dqn.steps={400 if options else 6000}")
    assert called.status == 0, called.err
    if not options:
        check_whole(kuznechik, run)


def test_replay_keeps_both_observations_with_lags():
    pytest.importorskip("torch")
    from agents.dqn.n_step import EnvStep, NStep
    from agents.dqn.replay import ReplayBuffer, ReplayOptions

    random = np.random.default_rng(0)
    roll = random.random((20, KEYS)) < 0.3
    replay = ReplayBuffer((4, 1), ReplayOptions(capacity=32, n_step=2))
    recent = NStep(1, 2 * KEYS, 2, 1, 2, 1.0, KEYS, lags=True)
    none = np.zeros(1, dtype=bool)
    for step in range(4, 12):
        before, after = (roll[[at - 4, at - 1]].reshape(1, -1) for at in (step, step + 1))
        *transitions, _ = recent.add(EnvStep(before, roll[step][None], np.ones((1, 1)), after, none, none, none), ~none)
        replay.add(*transitions)
    sample = replay._transitions(np.arange(7), np.ones(7))
    for index, step in enumerate(range(4, 11)):
        np.testing.assert_array_equal(sample.observations[index], roll[[step - 4, step - 1]].ravel())
        np.testing.assert_array_equal(sample.next_observations[index], roll[[step - 2, step + 1]].ravel())


def test_songs_says_whether_lags_decide_the_next_step(kuznechik):
    entries = json.loads(kuznechik("songs", "--lags", "1,2,4,8,16,32", "--json").out)
    undecided = {entry["name"]: entry["undecided_by_lags"] for entry in entries}
    song = find_song("twinkle_twinkle")
    before = {}
    for step in range(8, song.steps):
        key = tuple(song.roll[step - lag].tobytes() if lag <= step else bytes(KEYS) for lag in (1, 2, 4, 8, 16, 32))
        before.setdefault(key, []).append(song.roll[step].tobytes())
    wrong = sum(len(steps) - max(steps.count(one) for one in steps) for steps in before.values())
    assert undecided["twinkle_twinkle"] == wrong
    called = kuznechik("songs", "twinkle_twinkle", "--lags", "32")
    assert "lags decide: not" in called.out
    called = kuznechik("songs", "--lags", "1,x")
    assert (called.status, "write steps back, 1 to 4096, between commas" in called.err) == (2, True)


def test_lags_and_memory_do_not_contradict_each_other(kuznechik, tmp_path, tune):
    with pytest.raises(ConfigError, match=r"task.lags = '0': write steps back"):
        EvolveConfig().change("task", lags="0")
    called = kuznechik("evolve", tune, "--memory", 4, "--set", "task.lags=1,8", "--out", tmp_path / "run")
    assert (called.status, "task.memory = 4: task.lags = 1,8 determines the memory" in called.err) == (2, True)

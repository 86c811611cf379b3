"""Deep Q-learning with a mode bit: one run learns the song and then to improvise, and its player does both."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="learns by deep Q-learning: pip install 'kuznechik[torch]'")

from experiments.cli import main  # noqa: E402
from experiments.pages.report import run_view  # noqa: E402
from experiments.runs.champion import open_run  # noqa: E402
from experiments.runs.folder import RunFolder  # noqa: E402
from experiments.runs.source import Playing  # noqa: E402
from experiments.runs.sources import read_source  # noqa: E402
from tests.experiments.runs.results import metrics, summary  # noqa: E402

SMALL = ("network.hidden=16", "dqn.batch_size=8", "dqn.learning_starts=40", "dqn.evaluate_every=80", "task.memory=8")
SMALL = tuple(part for setting in (*SMALL, "environment.environments=4") for part in ("--set", setting))
SAME = ("best/model.safetensors", "best/song.safetensors", "best/roll.npy", "best/improvised/roll.npy")


@pytest.fixture(scope="module")
def pulse(tmp_path_factory, write_song) -> Path:
    return write_song(tmp_path_factory.mktemp("switch") / "pulse.mid", "C...C...C...C...")


def learn(pulse: Path, name: str, steps: int, *more: str) -> Path:
    folder = pulse.parent / name
    call = ["dqn", str(pulse), "--preset", "prior", "--listener", "theory", "--mode-bit", *SMALL, *more]
    assert main([*call, "--set", f"dqn.steps={steps}", "--out", str(folder), "--json"]) == 0
    return folder


@pytest.fixture(scope="module")
def run(pulse) -> Path:
    return learn(pulse, "run", 400)


def test_the_song_comes_first_and_stays(run):
    told, rows = summary(run), metrics(run)
    assert told["regime"] == "bandit for the song, then improvisation beside a prior, form g"
    assert told["right_free_running"] == told["ceiling"] == told["cases"]
    rewards = np.array([float(row["greedy_reward"]) for row in rows])
    first = np.flatnonzero(np.isfinite(rewards))[0]
    assert first > 0
    assert np.isfinite(rewards[first:]).all()
    right = [int(row["right_teacher_forced"]) for row in rows]
    assert set(right[first:]) == {told["ceiling"]}
    steps = [int(row["step"]) for row in rows]
    assert steps == sorted(set(steps))


def test_each_mode_plays_its_own(run):
    opened = open_run(run)
    song = read_source(str(run), Playing(improvise=False)).songs[0].roll
    assert (song == opened.songs[0].roll).all()
    assert (song == np.load(run / "best" / "roll.npy")).all()
    own = read_source(str(run)).songs[0].roll
    assert (own == np.load(run / "best" / "improvised" / "roll.npy")).all()
    heard = np.repeat(opened.songs[0].roll[None, :8], 3, axis=0)
    opened.performer.reset(3)
    keys = opened.performer.press(heard, np.array([True, False, True]))
    assert (keys[1] == song[8]).all()
    assert (keys[[0, 2]] == own[8]).all()


def test_both_modes_sample(run):
    for improvise in (False, True):
        drawn = {
            read_source(str(run), Playing(improvise=improvise, temperature=9.0, seed=seed)).songs[0].roll.tobytes()
            for seed in range(3)
        }
        assert len(drawn) == 3
    opened = open_run(run)
    with pytest.raises(ValueError, match="values of both modes"):
        opened.performer.values(np.zeros((2, 8, 13), dtype=bool), np.array([True, False]))


def test_a_resumed_run_ends_with_the_same_bytes(pulse, run, kuznechik):
    stopped = learn(pulse, "stopped", 160)
    assert kuznechik("dqn", "--resume", stopped, "--set", "dqn.steps=400").status == 0
    for name in SAME:
        assert (stopped / name).read_bytes() == (run / name).read_bytes()
    left, right = ([{**row, "cpu_seconds": 0} for row in metrics(folder)] for folder in (stopped, run))
    assert left == right


def test_the_report_has_both_melodies(run):
    view = run_view(RunFolder.open(run))
    assert [group["title"].partition(":")[0] for group in view["groups"]] == ["Listen", "Listen"]
    assert view["groups"][1]["title"] == "Listen: the improvisation"
    assert not view["missing"]


@pytest.mark.parametrize(
    ("more", "message"),
    [(("--preset", "improvisation"), "needs a prior"), (("pulse2.mid", "--preset", "prior"), "it needs a single song")],
)
def test_what_has_no_two_modes_is_refused(pulse, kuznechik, tmp_path, monkeypatch, write_song, more, message):
    monkeypatch.chdir(tmp_path)
    write_song(tmp_path / "pulse2.mid", "C...D...C...D...")
    told = kuznechik("dqn", pulse, *more, "--listener", "theory", "--mode-bit", "--set", "dqn.steps=100000")
    assert told.status == 2
    assert message in told.err

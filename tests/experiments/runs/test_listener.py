"""Runs that train listeners: what they leave behind, how they go on after a stop, and what is said of other music."""

import json
import os
import shutil
import signal
from pathlib import Path

import pytest

pytest.importorskip("torch")

from experiments.cli import main
from experiments.config.listener import ListenerConfig
from experiments.runs.folder import RunFolder
from experiments.runs.lifecycle import Supervision, begin
from experiments.runs.listener.kind import KIND, resolve_listener
from experiments.runs.repeat import compare
from tests.experiments.runs.results import metrics, summary

FILES = {"config.toml", "meta.json", "data.json", "metrics.csv", "summary.json", ".lock"}
MODEL = {f"best/listener{suffix}" for suffix in (".safetensors", ".json", ".md")}
SETTINGS = {
    "ngram": [],
    "melody": ["melody.steps=50", "melody.batch_steps=256"],
    "judge": ["judge.steps=10", "judge.batch=4"],
    "learned": [
        *("learned.steps=5", "learned.paired_steps=20", "learned.batch=2", "learned.rounds=1"),
        *("learned.form_steps=20", "learned.round_steps=3", "learned.attack_generations=4", "learned.attack_islands=2"),
    ],
}
STEPS = {"ngram": 1, "melody": 5, "judge": 49, "learned": 42}
"""Steps of these trainings."""


def options(kind: str) -> list[str]:
    settings = [part for setting in SETTINGS[kind] for part in ("--set", setting)]
    return ["--kind", kind, "--seed", "5", *settings]


@pytest.fixture(scope="module")
def trained(music, tmp_path_factory):
    """Return a function that returns the run folder of an uninterrupted training; nobody changes it."""
    folder = tmp_path_factory.mktemp("trained")

    def train(kind: str) -> Path:
        run = folder / kind
        if not run.exists():
            arguments = ["--midi", str(music), *options(kind), "--checkpoint-every", "7", "--out", str(run)]
            assert main(["listener", "train", *arguments, "--json"]) == 0
        return run

    return train


@pytest.fixture
def copied(trained, tmp_path):
    """Return a function that returns a copy of such a folder, as if the run had been killed before its end."""

    def copy(kind: str) -> Path:
        run = Path(shutil.copytree(trained(kind), tmp_path / "run"))
        shutil.rmtree(run / "best")
        (run / "summary.json").unlink()
        return run

    return copy


def check_same(run: Path, other: Path) -> None:
    """Check that two runs came to the same listener on the same way, to the bit."""
    assert metrics(run) == metrics(other)
    assert summary(run) == summary(other)
    assert compare(RunFolder(run), RunFolder(other)) == dict.fromkeys(
        ("best/listener.json", "best/listener.md", "best/listener.safetensors"), True
    )


# What a run leaves behind


@pytest.mark.parametrize("kind", SETTINGS)
def test_the_files_of_a_run_are_those_of_every_run(trained, kind):
    run = trained(kind)
    files = {str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()}
    assert {name for name in files if not name.startswith("checkpoints/")} == FILES | MODEL
    assert summary(run) == {
        "stopped": "finished",
        "kind": kind,
        "pieces": 24,
        "excerpts": 4 if kind == "judge" else 85,
        "seed": 5,
        "steps": STEPS[kind],
        "progress": 1.0,
        "rounds": summary(run)["rounds"],
    }
    assert len(summary(run)["rounds"]) == (kind == "learned")
    table = RunFolder(run).read_table("metrics.csv")
    assert list(table) == ["step", "stage", "progress", "loss", "score", "cpu_seconds"]
    assert table["step"].tolist() == list(range(1, STEPS[kind] + 1))
    assert table["progress"][-1] == 1
    about = json.loads((run / "best" / "listener.json").read_text())
    assert about["kind"] == kind
    assert about["command"].startswith(f"kuznechik listener train --midi {about['data']['folders'][0]} --kind {kind}")
    assert all(f"--set {setting}" in about["command"] for setting in SETTINGS[kind])
    assert f"- trained by `{about['command']}`" in (run / "best" / "listener.md").read_text()


def test_minutes_scale_the_steps_of_the_kind():
    config = ListenerConfig().change("listener", kind="melody", minutes=1.0)
    assert config.training.steps == 1125
    assert config.change("melody", steps=400).training.steps == 100
    assert ListenerConfig().training == ListenerConfig().learned
    assert ListenerConfig().change("listener", kind="ngram").training is None


def test_a_run_is_taken_for_its_listener(kuznechik, trained, music):
    run, song = trained("melody"), music / "3.mid"
    by_run, by_file = (
        json.loads(kuznechik("listener", "score", song, "--listener", path, "--json").out)
        for path in (run, run / "best" / "listener.safetensors")
    )
    assert by_run == by_file
    assert kuznechik("listener", "judge", song, "--judge", trained("judge")).status == 0
    refused = kuznechik("listener", "score", song, "--listener", trained("judge"))
    assert "is the held-out judge, not a listener" in refused.err


@pytest.mark.parametrize("verb", ["play", "score"])
def test_what_does_not_apply_to_a_listener_says_what_does(kuznechik, trained, verb):
    called = kuznechik(verb, trained("ngram"))
    assert (called.status, called.err.count("\n")) == (2, 1)
    assert "this run trained a listener, which plays nothing: see kuznechik listener score FILE.mid" in called.err


def test_a_run_is_drawn_and_shown_in_a_report(kuznechik, trained, tmp_path):
    run = shutil.copytree(trained("judge"), tmp_path / "run")
    called = kuznechik("plot", run)
    assert (called.status, called.err) == (0, "")
    assert [Path(path).name for path in called.out.split()] == ["training.png", "training.svg"]
    called = kuznechik("report", run, trained("ngram"), "--out", tmp_path / "report.html")
    assert (called.status, called.err) == (0, "")
    page = (tmp_path / "report.html").read_text()
    assert all(
        text in page for text in ("Held-out judge", "Listener, kind ngram", "no losses, because an n-gram is counted")
    )


# Runs that go on


class Stop:
    """A callback that presses Ctrl-C at a step."""

    def __init__(self, step: int):
        self.step = step

    def on_metrics(self, step, values):
        if step == self.step:
            os.kill(os.getpid(), signal.SIGINT)

    def on_melody(self, *melody, memorised=True):
        raise AssertionError("a listener plays nothing")


@pytest.mark.parametrize("kind", ["melody", "learned"])
def test_a_run_after_ctrl_c_goes_on_to_the_same_bits(kuznechik, trained, music, tmp_path, kind):
    config = ListenerConfig.from_toml((trained(kind) / "config.toml").read_text())
    config, read = resolve_listener(config, lambda done, of: None)
    run, step = RunFolder.create(tmp_path / "run"), STEPS[kind] // 2
    supervision = Supervision(callbacks=[Stop(step)], resources={"music": read})
    stopped = begin(KIND, config, run, read.identity, [], supervision)
    assert (stopped["stopped"], stopped["steps"]) == ("interrupted", step)
    assert not (run.path / "best").exists()
    called = kuznechik("listener", "train", "--resume", run.path)
    assert (called.status, called.err) == (0, "")
    next_ = f"Next: kuznechik listener score FILE.mid --listener {run.path}/best/listener.safetensors"
    assert called.out.splitlines()[-1] == next_
    check_same(run.path, trained(kind))


@pytest.mark.parametrize("lost", ["the last checkpoint", "all checkpoints"])
def test_a_killed_run_goes_on_to_the_same_bits(kuznechik, copied, trained, tmp_path, lost):
    run = copied("judge")
    if lost == "all checkpoints":
        shutil.rmtree(run / "checkpoints")
    else:
        max((run / "checkpoints").iterdir()).unlink()
    with (run / "metrics.csv").open("a") as table:
        table.write("32,7")
    called = kuznechik("listener", "train", "--resume", run, "--out", tmp_path / "mine.safetensors")
    assert (called.status, called.err) == (0, "")
    assert called.out.endswith(f"Next: kuznechik listener judge FILE.mid --judge {tmp_path / 'mine.safetensors'}\n")
    check_same(run, trained("judge"))
    for suffix in (".safetensors", ".json"):
        ours, theirs = (tmp_path / f"mine{suffix}").read_bytes(), (run / "best" / f"listener{suffix}").read_bytes()
        assert ours == theirs


def test_a_repeated_run_is_the_same(kuznechik, trained, tmp_path):
    called = kuznechik("repeat", trained("melody"), "--out", tmp_path / "again", "--json")
    assert called.status == 0, called.err
    assert json.loads(called.out)["same"]
    check_same(tmp_path / "again", trained("melody"))


# What is refused


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda music: (music / "3.mid").unlink(),
            "the music has changed since the run started: 24 pieces then and 23",
        ),
        (lambda music: shutil.copy(music / "4.mid", music / "3.mid"), "24 pieces then and 24 now in"),
        (shutil.rmtree, "the music of the run cannot be read: "),
    ],
    ids=["one less", "another", "gone"],
)
def test_other_music_is_refused(kuznechik, copied, trained, music, tmp_path, change, says):
    run, moved = copied("ngram"), tmp_path / "moved"
    shutil.copytree(music, moved)
    text = (run / "config.toml").read_text()
    (run / "config.toml").write_text(text.replace(str(music), str(moved)))
    change(moved)
    for arguments in (("listener", "train", "--resume", run), ("repeat", run, "--out", tmp_path / "again")):
        called = kuznechik(*arguments)
        assert (called.status, called.err.count("\n")) == (2, 1)
        assert says in called.err
        shutil.copy(trained("ngram") / "summary.json", run)  # a run that has not ended is not repeated


def test_music_may_move(kuznechik, copied, trained, music, tmp_path):
    run = copied("melody")
    shutil.copytree(music, tmp_path / music.name)
    text = (run / "config.toml").read_text()
    (run / "config.toml").write_text(text.replace(str(music), str(tmp_path / music.name)))
    assert kuznechik("listener", "train", "--resume", run).status == 0
    check_same(run, trained("melody"))


def test_the_checkpoint_of_another_run_is_refused(kuznechik, copied, trained):
    run = copied("judge")
    shutil.rmtree(run / "checkpoints")
    shutil.copytree(trained("learned") / "checkpoints", run / "checkpoints")
    called = kuznechik("listener", "train", "--resume", run)
    assert (called.status, called.err.count("\n")) == (2, 1)
    assert "the checkpoint does not fit the run: " in called.err


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--seed", "1"), "--seed does not go with --resume"),
        (("--midi", "."), "--midi does not go with --resume"),
        (("--kind", "ngram"), "--kind does not go with --resume"),
        (("--minutes", "1"), "--minutes does not go with --resume"),
        (("--set", "melody.steps=9"), "--set melody.steps=9: a resumed run keeps its settings\n"),
    ],
)
def test_what_a_resumed_run_would_ignore_is_refused(kuznechik, trained, more, says):
    called = kuznechik("listener", "train", "--resume", trained("melody"), *more)
    assert called.status == 2
    assert says in called.err


@pytest.mark.parametrize("text", ["{}", '{"folders": [], "pieces": -1, "melodies_sha256": ""}', "["])
def test_a_broken_description_of_the_music_is_one_line(kuznechik, copied, text):
    run = copied("ngram")
    (run / "data.json").write_text(text)
    called = kuznechik("listener", "train", "--resume", run)
    assert (called.status, called.err.count("\n")) == (2, 1)
    assert "data.json is broken" in called.err

"""A run for a listener of the user's own, from an empty file to its report."""

import importlib.util
import json
from pathlib import Path

import pytest

import kuznechik
from experiments.cli import main


@pytest.fixture(autouse=True)
def new_listener(tmp_path, monkeypatch):
    """Write a listener with `kuznechik new`, in a process that has been told of none."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("listener.registry._own", {})
    assert main(["new", "listener", "likes_steps"]) == 0


def test_a_new_listener_is_not_written_twice(capsys):
    assert main(["new", "listener", "likes_steps"]) == 2
    assert "likes_steps.py already exists" in capsys.readouterr().err
    assert main(["new", "listener", "3x"]) == 2
    assert "a name has only letters" in capsys.readouterr().err


def test_a_run_for_it_goes_on_and_is_scored_when_it_is_named_again(monkeypatch, capsys):
    named = ["--listener", "likes_steps.py:LikesSteps"]
    capsys.readouterr()
    assert main(["evolve", "grasshopper", *named, "--out", "run", "--set", "evolve.generations=3"]) == 0
    assert "duet run; score and report with --listener likes_steps.py:LikesSteps" in capsys.readouterr().out
    reward = json.loads((Path("run") / "summary.json").read_text())["reward_a_step"]
    monkeypatch.setattr("listener.registry._own", {})
    for call in (["score", "run"], ["evolve", "--resume", "run"], ["report", "run"], ["repeat", "run"]):
        assert main(call) == 2
        assert (
            "runs only if this command names it: add --listener 'likes_steps.py:LikesSteps'" in capsys.readouterr().err
        )
    assert main(["play", "run", "--wav", "run.wav"]) == 0
    assert main(["evolve", "--resume", "run", *named]) == 0
    capsys.readouterr()
    assert main(["score", "run", *named, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["improvisation"]["reward_a_step"] == reward
    assert main(["report", "run", *named]) == 0


def test_an_object_is_a_listener_from_python():
    spec = importlib.util.spec_from_file_location("likes_steps", "likes_steps.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    run = kuznechik.evolve(listener=module.LikesSteps(widest=4), out="own", evolve={"generations": 2})
    assert run.improvisation().options.listener == "likes_steps:LikesSteps"
    assert kuznechik.score(run)["baselines_a_step"]["silence"] == 0

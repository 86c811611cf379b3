"""Deep Q-learning for a listener, by the command."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from experiments.assembly import open_run  # noqa: E402
from experiments.cli import main  # noqa: E402
from experiments.deep_q.config import DqnConfig  # noqa: E402
from experiments.deep_q.train import DqnRun, resolve_dqn  # noqa: E402
from experiments.run_folder import RunFolder  # noqa: E402

SMALL = ["--memory", "6", "--prompt", "4"]
for setting in ("network.hidden=16", "dqn.batch_size=8", "dqn.learning_starts=20", "dqn.evaluate_every=40"):
    SMALL += ["--set", setting]


def rows(run: Path) -> list[dict]:
    with (run / "metrics.csv").open() as file:
        return [{name: row[name] for name in row if name != "cpu_seconds"} for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def improvised(tune) -> Path:
    folder = tune.parent / "improvised"
    call = ["dqn", str(tune), "--listener", "theory", *SMALL, "--set", "dqn.steps=320", "--out", str(folder), "--json"]
    assert main([*call, "--checkpoint-every", "0"]) == 0
    return folder


def test_what_is_kept_is_the_player_that_the_listener_paid_most(improvised):
    summary = json.loads((improvised / "summary.json").read_text())
    assert (summary["regime"], summary["solved"]) == ("improvisation", False)
    assert summary["greedy_reward"] == max(float(row["greedy_reward"]) for row in rows(improvised))
    run = open_run(improvised)
    rolls = run.improvising.play(run.player())
    assert (rolls[0] == np.load(improvised / "best" / "roll.npy")).all()
    assert run.improvising.reward(rolls) == pytest.approx(summary["greedy_reward"], rel=1e-6)


def test_the_keyboards_expect_no_song(tune):
    options = {"task": {"song": str(tune), "memory": 6, "prompt": 4}, "environment": {"listener": "theory"}}
    config = DqnConfig.load("improvisation")
    for section, values in options.items():
        config = config.change(section, **values)
    config, songs = resolve_dqn(config)
    run = DqnRun(RunFolder("nowhere"), config, songs, clock=None)
    assert run.loop.env.keyboard.improvise
    assert not run.champion.solved


@pytest.mark.parametrize("soft", [0, 1])
def test_it_goes_on_from_a_checkpoint_to_the_same_bits(kuznechik, tune, tmp_path, soft):
    call = ("dqn", tune, "--listener", "theory", *SMALL, "--set", f"dqn.soft={soft}", "--checkpoint-every", "80")
    assert kuznechik(*call, "--set", "dqn.steps=320", "--out", tmp_path / "whole").status == 0
    assert kuznechik(*call, "--set", "dqn.steps=160", "--out", tmp_path / "parts").status == 0
    assert kuznechik("dqn", "--resume", tmp_path / "parts", "--set", "dqn.steps=320").status == 0
    assert rows(tmp_path / "whole") == rows(tmp_path / "parts")
    for name in ("best/model.safetensors", "best/roll.npy"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes()


def test_score_and_plot_take_such_a_run(improvised, kuznechik):
    called = kuznechik("score", improvised, "--json")
    told = json.loads(called.out)["improvisation"]
    assert set(told["baselines_a_step"]) == {"silence", "random", "the_song"}
    assert "notes_a_bar" in told["statistics"]
    called = kuznechik("plot", improvised)
    assert (called.status, called.err) == (0, "")
    assert (improvised / "plots" / "roll.png").exists()

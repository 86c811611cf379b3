"""Deep Q-learning for a listener, by the command."""

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from experiments.cli import main  # noqa: E402
from experiments.config.dqn import DqnConfig  # noqa: E402
from experiments.runs.champion import open_run  # noqa: E402
from experiments.runs.dqn.kind import Learning, resolve_dqn  # noqa: E402
from tests.experiments.runs.results import metrics  # noqa: E402

SMALL = ["--memory", "6", "--prompt", "4"]
for setting in ("network.hidden=16", "dqn.batch_size=8", "dqn.learning_starts=20", "dqn.evaluate_every=40"):
    SMALL += ["--set", setting]


@pytest.fixture(scope="module")
def improvised(tune) -> Path:
    folder = tune.parent / "improvised"
    call = ["dqn", str(tune), "--listener", "theory", *SMALL, "--set", "dqn.steps=320", "--out", str(folder), "--json"]
    assert main([*call, "--checkpoint-every", "0"]) == 0
    return folder


def test_what_is_kept_is_the_player_that_the_listener_paid_most(improvised):
    summary = json.loads((improvised / "summary.json").read_text())
    assert (summary["regime"], summary["solved"]) == ("improvisation", False)
    assert summary["greedy_reward"] == max(float(row["greedy_reward"]) for row in metrics(improvised))
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
    run = Learning(config, songs)
    assert run.loop.env.keyboard.rules.improvise
    assert not run.best.solved


@pytest.mark.parametrize("soft", [0, 1])
def test_it_goes_on_from_a_checkpoint_to_the_same_bits(kuznechik, tune, tmp_path, soft):
    call = ("dqn", tune, "--listener", "theory", *SMALL, "--set", f"dqn.soft={soft}", "--checkpoint-every", "80")
    assert kuznechik(*call, "--set", "dqn.steps=320", "--out", tmp_path / "whole").status == 0
    assert kuznechik(*call, "--set", "dqn.steps=160", "--out", tmp_path / "parts").status == 0
    assert kuznechik("dqn", "--resume", tmp_path / "parts", "--set", "dqn.steps=320").status == 0
    assert metrics(tmp_path / "whole") == metrics(tmp_path / "parts")
    for name in ("best/model.safetensors", "best/roll.npy"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes()


def test_score_and_plot_take_such_a_run(improvised, kuznechik):
    called = kuznechik("score", improvised, "--json")
    told = json.loads(called.out)["improvisation"]
    assert set(told["baselines_a_step"]) == {"silence", "random", "the_song"}
    assert "notes a bar" in told["statistics"]
    called = kuznechik("plot", improvised)
    assert (called.status, called.err) == (0, "")
    assert (improvised / "plots" / "roll.png").exists()


# Beside a prior

PRIOR = [*SMALL, "--preset", "prior", "--set", "environment.environments=4", "--set", "episode_archive.size=3"]


@pytest.mark.parametrize("form", ["q", "psi", "g"])
@pytest.mark.parametrize("n_step", [0, 2])
def test_an_agent_beside_a_prior_goes_on_from_a_checkpoint_to_the_same_bits(kuznechik, tune, tmp_path, form, n_step):
    call = ("dqn", tune, "--listener", "theory", *PRIOR, "--set", f"prior.form={form}", "--set", "dqn.gamma=0.9")
    call = (*call, "--set", f"replay.n_step={n_step}", "--set", "dqn.steps=200")
    assert kuznechik(*call, "--out", tmp_path / "whole", "--checkpoint-every", "0").status == 0
    half = ("--out", tmp_path / "half", "--checkpoint-every", "50", "--set", "dqn.steps=120")
    assert kuznechik(*call, *half).status == 0
    on = ("--checkpoint-every", "50", "--set", "dqn.steps=200")
    assert kuznechik("dqn", "--resume", tmp_path / "half", *on).status == 0
    for name in ("model.safetensors", "roll.npy"):
        assert (tmp_path / "whole/best" / name).read_bytes() == (tmp_path / "half/best" / name).read_bytes()
    assert metrics(tmp_path / "whole") == metrics(tmp_path / "half")


def test_the_champion_of_the_form_g_plays_beside_the_prior_wherever_it_plays(tune, tmp_path, capsys):
    folder = tmp_path / "run"
    call = ["dqn", str(tune), "--listener", "theory", *PRIOR, "--set", "dqn.steps=160", "--out", str(folder), "--json"]
    assert main(call) == 0
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["regime"] == "improvisation beside a prior, form g"
    run = open_run(folder)
    rolls = run.improvising.play(run.player())
    assert (rolls[0] == np.load(folder / "best" / "roll.npy")).all()
    assert run.improvising.reward(rolls) == pytest.approx(summary["greedy_reward"], rel=1e-5)
    assert main(["duet", str(folder)]) == 2
    assert "plays with a prior" in capsys.readouterr().err


@pytest.mark.parametrize(("form", "verbs"), [("g", "score|plot|play|report"), ("psi", "score|plot|play|report|duet")])
def test_learned_is_paid_for_with_the_preset_prior(tune, tmp_path, capsys, form, verbs):
    folder = tmp_path / "run"
    quick = ("steps=40", "evaluate_every=40", "learning_starts=20")
    settings = [part for each in quick for part in ("--set", f"dqn.{each}")]
    settings += ["--set", "environment.environments=2", "--set", "network.hidden=8"]
    settings += ["--set", f"prior.form={form}"]
    assert main(["dqn", str(tune), "--listener", "learned", *settings, "--out", str(folder)]) == 0
    assert 'model = "melody"' in (folder / "config.toml").read_text()
    assert capsys.readouterr().out.splitlines()[-1] == f"Next: kuznechik {verbs} {folder}"
    assert main(["duet", str(folder)]) == (0 if "duet" in verbs else 2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["network.head=branching"], "network.head = 'branching': a prior plays one key of 13"),
        (["dqn.soft=1"], "dqn.soft = 1.0: with a prior its temperature takes this role"),
        (["exploration.bonus=1"], "exploration.bonus = 1.0: the prior already explores: leave the bonus at 0"),
        (["prior.model=ngram"], "prior.model = 'ngram': it is not a melody model"),
        (["prior.model=nowhere"], "prior.model = 'nowhere': no listener 'nowhere'"),
        (["prior.model="], "episode_archive.size = 16: it needs a prior"),
        (["prior.model=", "episode_archive.size=0"], "replay.n_step = 0: it needs a prior"),
        (["environment.listener=right_keys"], "environment.listener = 'right_keys': a prior is for improvising"),
        (["task.together=true"], "episode_archive.size = 16: the archive holds episodes of one song"),
    ],
)
def test_parts_that_do_not_go_together_are_refused(settings, message, capsys):
    given = [part for setting in settings for part in ("--set", setting)]
    assert main(["dqn", "grasshopper", "--preset", "prior", *given]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.strip().splitlines()) == 1

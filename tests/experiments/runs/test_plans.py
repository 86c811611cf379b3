"""Runs that improvise by plan: plans are drawn once, observed and followed, and champions play others, too."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from agents.prior import play_prior  # noqa: E402
from experiments.cli import main  # noqa: E402
from experiments.runs.champion import open_run  # noqa: E402
from experiments.runs.draft import write_draft  # noqa: E402
from experiments.runs.folder import RunFolder  # noqa: E402
from experiments.runs.improvise import with_draft  # noqa: E402
from experiments.runs.source import Playing  # noqa: E402
from experiments.runs.sources import read_source  # noqa: E402
from experiments.runs.stages import at_generation  # noqa: E402
from songs.plan import EXACT, kinds_and_lags  # noqa: E402

EVOLVE = ("--set", "evolve.population_size=6", "--set", "improvise.starts=1", "--set", "species.target_species=1")
EVOLVE += ("--set", "improvise.draws=4")
DQN = ("--set", "environment.environments=2", "--set", "network.hidden=8", "--set", "dqn.batch_size=8")
DQN += ("--set", "dqn.learning_starts=20", "--set", "dqn.evaluate_every=80", "--set", "episode_archive.size=2")
DQN += ("--set", "prior.draws=4")
SMALL = {"evolve": EVOLVE, "dqn": DQN}
LENGTH = {
    "evolve": ("--set", "evolve.generations={}"),
    "dqn": ("--set", "dqn.steps={}"),
}
STEPS = {"evolve": (2, 4), "dqn": (80, 160)}
CHAMPION = {"evolve": "best/genome.json", "dqn": "best/model.safetensors"}


@pytest.fixture(scope="module")
def four_bars(tmp_path_factory, write_song) -> Path:
    return write_song(tmp_path_factory.mktemp("plans") / "tune.mid", "CDE.G.E.C.......FGA.F...E.D.C...")


def call(kind: str, song: Path, out: Path, steps: int) -> list[str]:
    budget = [part.format(steps) for part in LENGTH[kind]]
    listener = ["--listener", "theory", "--config", "form", "--memory", "16"]
    return [kind, str(song), *listener, *SMALL[kind], *budget, "--out", str(out), "--checkpoint-every", "0"]


@pytest.fixture(scope="module", params=["evolve", "dqn"])
def run(request, four_bars) -> Path:
    folder = four_bars.parent / request.param
    assert main(call(request.param, four_bars, folder, STEPS[request.param][1])) == 0
    return folder


def test_the_champion_plays_what_was_written_and_echoes_as_planned(run):
    opened = open_run(run)
    rolls = opened.improvising.play(opened.player())
    np.testing.assert_array_equal(rolls[0], np.load(run / "best" / "roll.npy"))
    kind, lag = kinds_and_lags(opened.improvising.plans.bars[0, :, 0])
    assert EXACT in kind
    bars = rolls[0].reshape(4, 8, -1)
    for bar in np.flatnonzero(kind == EXACT):
        np.testing.assert_array_equal(bars[bar], bars[bar - lag[bar]])


def test_it_goes_on_from_a_checkpoint_to_the_same_bits(kuznechik, run, four_bars, tmp_path):
    kind = run.name
    assert main(call(kind, four_bars, tmp_path / "parts", STEPS[kind][0])) == 0
    resumed = kuznechik(kind, "--resume", tmp_path / "parts", *(part.format(STEPS[kind][1]) for part in LENGTH[kind]))
    assert resumed.status == 0, resumed.err
    for name in (CHAMPION[kind], "best/roll.npy", "plans.json", "draft.json"):
        assert (tmp_path / "parts" / name).read_bytes() == (run / name).read_bytes()


def test_with_a_temperature_it_plays_as_many_plans_as_one_likes(run):
    one, again, other = (
        read_source(str(run), Playing(melodies=2, seed=seed, temperature=1.0)).songs for seed in (1, 1, 2)
    )
    assert len(one) == 2
    assert len({song.roll.tobytes() for song in (*one, *other)}) == 4
    assert [song.roll.tobytes() for song in one] == [song.roll.tobytes() for song in again]


def test_without_a_prior_too_it_is_refused_by_the_duet_page(kuznechik, four_bars, tmp_path):
    options = ("--listener", "theory", "--set", "task.plan=true", "--set", "evolve.generations=1")
    evolved = kuznechik("evolve", four_bars, *options, "--out", tmp_path / "run")
    assert evolved.status == 0
    assert "duet" not in evolved.out  # the next commands that it names
    called = kuznechik("duet", tmp_path / "run")
    assert (called.status, called.err.count("\n")) == (2, 1)
    assert "it plays by a plan, which the page does not support" in called.err


def test_the_draft_is_the_best_draw_for_the_listener(run):
    task = open_run(run).improvising
    rewards = []
    for draws in (1, 8, 32):
        folder = RunFolder.create(run.parent / f"{run.name}-{draws}")
        write_draft(folder, replace(task, plans=None, seeds=None), draws, 3, planned=True)
        draft = with_draft(replace(task, folder=folder), planned=True, draws=draws)
        rewards.append(draft.reward(play_prior(draft.prior, draft.starts.prompts, 32)))
    assert rewards[0] < rewards[1] <= rewards[2]


def test_learning_never_ends_below_its_draft(run):
    opened = open_run(run)
    task = opened.improvising
    draft = play_prior(task.prior, task.starts.prompts, task.starts.steps)
    assert task.reward(task.play(opened.player())) >= task.reward(draft)
    if run.name == "dqn":
        first = at_generation(opened, 0)
        np.testing.assert_array_equal(first.improvising.play(first.performer), draft)


def test_the_champion_of_the_first_step_is_played_by_its_plan(run):
    first = at_generation(open_run(run), 0 if run.name == "evolve" else STEPS["dqn"][0])
    rolls = first.improvising.play(first.performer)
    assert rolls.shape == (1, 32, 13)


@pytest.mark.parametrize("kind", ["evolve", "dqn"])
def test_with_a_mode_bit_it_plays_the_song_and_improvises_by_plan(four_bars, tmp_path, kind):
    assert main([*call(kind, four_bars, tmp_path / "run", STEPS[kind][1]), "--mode-bit"]) == 0
    run = open_run(tmp_path / "run")
    song = read_source(str(tmp_path / "run"), Playing(improvise=False)).songs[0]
    np.testing.assert_array_equal(song.roll, run.songs[0].roll)
    played = run.improvising.play(run.player())
    np.testing.assert_array_equal(played[0], np.load(tmp_path / "run" / "best" / "improvised" / "roll.npy"))
    draft = play_prior(run.improvising.prior, run.improvising.starts.prompts, run.improvising.starts.steps)
    assert run.improvising.reward(played) >= run.improvising.reward(draft)


@pytest.mark.parametrize(
    ("name", "change"), [("plans.json", lambda file: file["bars"][0][0].__setitem__(1, 99)), ("draft.json", dict.clear)]
)
def test_a_broken_plan_or_draft_is_refused_in_a_line(kuznechik, run, name, change):
    whole = (run / name).read_text()
    content = json.loads(whole)
    change(content)
    (run / name).write_text(json.dumps(content))
    played = kuznechik("score", run)
    (run / name).write_text(whole)
    assert played.status == 2
    assert f"{name} is broken" in played.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["evolve", "--set", "task.plan=true"], "a plan is for improvising"),
        (["evolve", "--listener", "theory", "--set", "improvise.prior=form"], "follows a plan"),
        (["evolve", "--listener", "theory", "--set", "task.plan=true", "--set", "task.lags=1,2"], "the last steps"),
        (
            ["evolve", "--listener", "theory", "--set", "improvise.draws=9"],
            "draws need a prior: add improvise.prior=melody",
        ),
        (["dqn", "--listener", "theory", "--set", "prior.draws=9"], "prior.draws = 9: it needs a prior"),
        (["evolve", "--config", "form", "--set", "task.steps=100"], "a plan has 4 to 32 whole bars"),
        (["dqn", "--listener", "theory", "--set", "task.plan=true"], "a plan needs a single song, a prior"),
        (["dqn", "--listener", "theory", "--config", "prior", "--set", "prior.model=form"], "follows a plan"),
    ],
)
def test_what_does_not_go_with_a_plan_is_refused(kuznechik, tmp_path, options, message):
    verb, *rest = options
    refused = kuznechik(verb, "grasshopper", *rest, "--out", tmp_path / "run")
    assert refused.status == 2
    assert message in refused.err
    assert not (tmp_path / "run").exists()

"""Evolution in any Gymnasium environment, from the command line: runs, reports, episodes, and what is refused."""

import json
import re
import sys
from importlib.util import find_spec

import gymnasium
import numpy as np
import pytest

from experiments.cli import main
from experiments.comparison.curves import compare
from experiments.comparison.run_list import list_runs
from experiments.plots.curves import curves_figure
from experiments.tables import significant

SMALL = ("evolve.population_size=12", "environment.episodes=1", "environment.validation=3", "environment.test=3")
SMALL = [part for setting in SMALL for part in ("--set", setting)]


@pytest.fixture(scope="module")
def pole(tmp_path_factory):
    """Return a run of three generations in CartPole-v1; nobody changes it."""
    folder = tmp_path_factory.mktemp("pole") / "run"
    assert main(["evolve", "--env", "CartPole-v1", *SMALL, "--set", "evolve.generations=3", "--out", str(folder)]) == 0
    return folder


def test_a_run_says_what_its_champion_gets_beside_what_needs_no_learning(pole):
    summary = json.loads((pole / "summary.json").read_text())
    assert (summary["environment"], summary["test_episodes"], summary["solved_at"]) == ("CartPole-v1", 3, 490)
    assert set(summary["baselines"]) == {"random", "always 0", "always 1"}
    assert 8 <= summary["baselines"]["always 0"] <= 11
    assert summary["least_return"] <= summary["mean_return"] <= summary["greatest_return"]
    header, *rows = (pole / "metrics.csv").read_text().splitlines()
    assert len(rows) == 3
    assert int(dict(zip(header.split(","), rows[-1].split(","), strict=True))["env_steps"]) == summary["env_steps"]


@pytest.mark.parametrize(("initial", "connections"), [("none", 0), ("full", 4 * 2)])
def test_the_first_generation_is_connected_as_asked(kuznechik, tmp_path, initial, connections):
    options = (*SMALL, "--set", "evolve.generations=1", "--set", f"genome.initial_connections={initial}")
    assert kuznechik("evolve", "--env", "CartPole-v1", *options, "--out", tmp_path / "run").status == 0
    genome = json.loads((tmp_path / "run" / "best" / "genome.json").read_text())
    ends = {(gene["from"], gene["to"]) for gene in genome["connections"]}
    assert ends == {(source, sink) for source in (-1, -2, -3, -4) for sink in (0, 1)} if connections else ends == set()


def test_an_interrupted_run_goes_on_and_workers_change_nothing(kuznechik, tmp_path, pole):
    options = ("--env", "CartPole-v1", *SMALL, "--workers", "2")
    again = tmp_path / "again"
    assert kuznechik("evolve", *options, "--set", "evolve.generations=1", "--out", again).status == 0
    assert kuznechik("evolve", "--resume", again, "--set", "evolve.generations=3").status == 0
    for name in ("best/genome.json", "history/champions.jsonl", "species.csv"):
        assert (again / name).read_bytes() == (pole / name).read_bytes()


def test_repeating_a_run_gives_the_same_bytes(kuznechik, tmp_path, pole):
    called = kuznechik("repeat", pole, "--out", tmp_path / "again", "--json")
    assert (called.status, json.loads(called.out)["same"]) == (0, True)


def test_play_prints_the_return_of_each_episode(kuznechik, pole):
    called = kuznechik("play", pole, "--episodes", "2", "--seed", "5")
    *episodes, mean = called.out.splitlines()
    returns = [float(re.fullmatch(rf"episode {n}: return (\d+) in (\d+) steps", line)[1])
               for n, line in enumerate(episodes, start=1)]  # fmt: skip
    assert mean.startswith(f"CartPole-v1: mean return {sum(returns) / 2:.4g}, ")
    assert kuznechik("play", pole, "--episodes", "2", "--seed", "5") == called
    assert kuznechik("play", pole, "--episodes", "2", "--seed", "6") != called
    first = kuznechik("play", pole, "--generation", "0", "--episodes", "1").out
    assert float(re.search(r"mean return (\d+)", first)[1]) < 12  # a network without connections


@pytest.mark.parametrize(("value", "text"), [(0.014, "0.014"), (-187.34, "-187.3"), (12345.6, "12346"), (0.0, "0")])
def test_returns_of_any_size_have_their_digits(value, text):
    assert significant(value) == text


def test_an_episode_is_filmed(kuznechik, tmp_path, pole, monkeypatch):
    pytest.importorskip("pygame")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    called = kuznechik("play", pole, "--generation", "0", "--episodes", "1", "--out", tmp_path / "pole.gif")
    steps = int(re.search(r"in (\d+) steps", called.out)[1])
    assert f"{steps + 1} pictures" in called.out
    assert (tmp_path / "pole.gif").read_bytes()[:6] == b"GIF89a"


@pytest.mark.skipif(find_spec("pygame") is not None, reason="pygame is installed")
def test_a_film_without_the_package_that_draws_is_one_line(kuznechik, tmp_path, pole):
    called = kuznechik("play", pole, "--out", tmp_path / "pole.gif")
    assert (called.status, called.err.count("\n")) == (2, 1)
    assert "pip install" in called.err


def test_score_runs_and_curves_know_the_return(kuznechik, tmp_path, pole):
    summary = json.loads((pole / "summary.json").read_text())
    scores = json.loads(kuznechik("score", pole, "--json").out)
    assert (scores["mean_return"], scores["always 1"]) == (summary["mean_return"], summary["baselines"]["always 1"])
    row = json.loads(kuznechik("runs", pole, "--json").out)[0]
    assert (row["song"], row["reward"], row["env_steps"]) == (
        "CartPole-v1", summary["mean_return"], summary["env_steps"])  # fmt: skip
    called = kuznechik("curves", pole, "--json", "--out", tmp_path / "curves")
    (group,) = json.loads(called.out)["groups"]
    assert (group["solved"], group["lower_bound"], group["cost"]) == (0, True, summary["env_steps"])
    assert "share of runs solved" in (tmp_path / "curves.svg").read_text()
    comparison = compare(list_runs([pole]))
    assert comparison.lines == {"solved at": 490}
    figure = curves_figure(comparison, *comparison.grid(), [np.full((3, 100), np.nan)])
    assert [axes.get_yscale() for axes in figure.axes] == ["linear", "linear"]


def test_the_report_shows_the_return_and_its_picture(kuznechik, tmp_path, pole):
    page = tmp_path / "page.html"
    assert kuznechik("report", pole, "--out", page).status == 0
    text = page.read_text()
    summary = json.loads((pole / "summary.json").read_text())
    for expected in (
        "<h1>CartPole-v1",
        "random actions",
        f"<dd>{summary['mean_return']:.4g}",
        "Mean returns of the",
        "<dt>test episodes</dt><dd>3<",
    ):
        assert expected in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--env", "NoSuch-v0"], "environment.id = 'NoSuch-v0': Environment `NoSuch` doesn't exist"),
        (["--env", "Blackjack-v1"], "Blackjack-v1': observations in Tuple.*: networks observe a Box or Discrete"),
        (["--env", "CartPole-v1", "tune"], "SONG does not go with task.kind = 'environment'"),
        (["--env", "CartPole-v1", "--listener", "theory"], "--listener does not go with task.kind = 'environment'"),
        (["--env", "CartPole-v1", "--backend", "ray"], "--backend ray: environments are played in processes"),
        (["--env", "CartPole-v1", "--set", "evolve.algorithm=cma_es"], "in an environment only 'neat' and 'neat_pyt"),
        (["--env", "CartPole-v1", "--set", "operators.modular_crossover=0.9"], "an episode has one return"),
        (["--set", "task.kind=environment"], "environment.id is empty: name an environment, as in --env CartPole-v1"),
    ],
)
def test_what_cannot_be_done_is_one_line(kuznechik, tmp_path, arguments, message):
    called = kuznechik("evolve", *arguments, "--out", tmp_path / "run")
    assert called.status == 2
    assert re.search(message, called.err), called.err
    assert not (tmp_path / "run").exists()


OWN = """
import gymnasium, numpy

class Guess(gymnasium.Env):
    observation_space, action_space = gymnasium.spaces.Discrete(2), gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.left, self.shown = 6, int(self.np_random.integers(2))
        return self.shown, {}

    def step(self, action):
        right, self.left = action != self.shown, self.left - 1
        self.shown = int(self.np_random.integers(2))
        return self.shown, float(right), self.left == 0, False, {}

gymnasium.register("Guess-v0", entry_point=Guess)
"""


def test_an_environment_of_ones_own_runs_only_where_the_call_names_it(kuznechik, tmp_path, monkeypatch):
    (tmp_path / "my_guess.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    named, own = ("--env", "my_guess:Guess-v0"), tmp_path / "own"
    called = kuznechik("evolve", *named, *SMALL, "--out", own)
    assert "its episodes need not end" in called.err
    limits = ("environment.max_steps=50", "environment.solved_at=6")
    limits = [part for setting in limits for part in ("--set", setting)]
    called = kuznechik("evolve", *named, *SMALL, *limits, "--out", own)
    assert called.out.startswith("Solved after ")
    monkeypatch.setattr("experiments.runs.evolve.env_task._lent", set())
    assert "my_guess:Guess-v0': its module is your own code" in kuznechik("play", own).err
    assert "my_guess:Guess-v0: mean return 6," in kuznechik("play", own, *named).out
    gymnasium.registry.pop("Guess-v0")
    sys.modules.pop("my_guess")

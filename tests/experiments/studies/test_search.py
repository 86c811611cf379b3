"""Searches over options in a sweep: proposals by Optuna, their table, and what is refused."""

import json
import shutil
import sys

import numpy as np
import pytest

from experiments.config.settings import ConfigError
from experiments.options import UsageError
from experiments.studies.search import ranking, read, rounds
from experiments.studies.sweep import plan

FILE = """
seeds = [4, 7]
[base.task]
kind = "xor"
[base.evolve]
generations = 2
[search]
trials = 2
metric = "evaluations"
[search.options]
"evolve.population_size" = { low = 10, high = 12 }
"genome.node_add_prob" = { low = 0.01, high = 0.1, log = true }
"genome.recurrent" = [true, false]
"""
"""Each of its runs makes two generations; none is solved so early."""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(FILE)
    return path


def rows(out):
    """Return the cells of the last table that was printed."""
    lines = out[out.rindex("| |") :].splitlines()
    return [line.strip("| ").split(" | ") for line in lines[2:] if line.startswith("|")]


def test_a_search_ends_with_the_best_first_and_goes_on_after_a_kill(kuznechik, file, tmp_path):
    pytest.importorskip("optuna")
    called = kuznechik("sweep", file, "--jobs", 1, "--out", tmp_path / "out")
    assert called.status == 0, called.err
    found = rows(called.out)
    means = []
    for name, mean, spread, settings in found:
        runs = [tmp_path / "out" / name / seed for seed in ("seed-4", "seed-7")]
        low, high = sorted(json.loads((run / "summary.json").read_text())["evaluations"] for run in runs)
        assert (mean, spread) == (f"{(low + high) / 2:,.5g}", f"{low} to {high}")
        for setting in settings.replace("`", "").split(", "):
            section, _, value = setting.partition("=")
            assert f"\n{section.partition('.')[2]} = {value}\n" in (runs[1] / "config.toml").read_text()
        means.append((low + high) / 2)
    assert means == sorted(means)
    assert sorted(row[0] for row in found) == ["trial-0", "trial-1"]

    killed = tmp_path / "killed"
    shutil.copytree(tmp_path / "out", killed)
    shutil.rmtree(killed / "trial-1")
    (killed / "trial-0" / "seed-7" / "summary.json").unlink()  # as if killed in the first trial
    text = (killed / "sweep.toml").read_text()
    (killed / "sweep.toml").write_text(text[: text.index("trial-1 =")])
    again = kuznechik("sweep", "--resume", killed, "--jobs", 2)
    assert rows(again.out) == found


def carried_out(content, folder, worth):
    """Return the settings of all trials of a search whose runs are worth what a function says; None is a failed run."""
    for each in rounds(content, folder):
        for run in plan(each):
            if (value := worth(run)) is not None:
                (folder / run.name).mkdir(parents=True, exist_ok=True)
                (folder / run.name / "summary.json").write_text(json.dumps({"evaluations": value}))
    return content["variants"]


def test_proposals_learn_from_what_came_of_those_before(file, tmp_path):
    pytest.importorskip("optuna")
    text = FILE[: FILE.index('"genome')].replace("high = 12", "high = 1000")
    file.write_text(text.replace("trials = 2", "trials = 30"))
    far = lambda run: abs(run.config.evolve.population_size - 700)  # noqa: E731
    tried = carried_out(read(file), tmp_path / "a", far)
    distances = [abs(int(settings[0].partition("=")[2]) - 700) for settings in tried.values()]
    assert np.median(distances[-10:]) < 0.5 * np.median(distances[:10])
    file.write_text(text.replace("trials = 2", "trials = 12"))
    assert carried_out(read(file), tmp_path / "b", far).items() < tried.items()
    assert not carried_out(read(file), tmp_path / "c", lambda run: 0).items() <= tried.items()


def test_the_table_has_the_greatest_first_where_it_is_the_best_and_nothing_that_failed(file, tmp_path):
    pytest.importorskip("optuna")
    file.write_text(
        FILE.replace('"evaluations"', '"evaluations"\ndirection = "maximize"') + "\n[variants]\nplain = []\n"
    )
    content = read(file)
    worth = {"plain/seed-4": 10, "plain/seed-7": 20, "trial-0/seed-4": 8, "trial-1/seed-4": 30, "trial-1/seed-7": 31}
    carried_out(content, tmp_path, lambda run: worth.get(run.name))
    found = rows(ranking(content, tmp_path))
    assert [row[:3] for row in found] == [["trial-1", "30.5", "30 to 31"], ["plain", "15", "10 to 20"]]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("trials = 2", 'trials = "many"', r"\[search\]: trials"),
        ("trials = 2", "speed = 2", r"\[search\]: .*speed"),
        ("trials = 2", 'direction = "up"', "search.direction = 'up': it must be minimize or maximize"),
        ("evolve.population_size", "evolve.size", "unknown key evolve.size"),
        ("high = 12", "high = 10_000_000", "population_size = 10000000"),
        ("[true, false]", '["perhaps"]', "genome.recurrent"),
        ("high = 12", "most = 12", r"\[search\]: 'high'"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused(file, old, new, reason):
    pytest.importorskip("optuna")
    file.write_text(FILE.replace(old, new))
    with pytest.raises(ConfigError, match=reason):
        read(file)


def test_a_metric_that_runs_do_not_have_is_named_with_those_they_have(kuznechik, file, tmp_path):
    pytest.importorskip("optuna")
    file.write_text(FILE.replace('"evaluations"', '"joy"'))
    called = kuznechik("sweep", file, "--seeds", 1, "--out", tmp_path / "out")
    assert called.status == 2
    assert "search.metric = 'joy': trial-0/seed-0 has " in called.err
    assert "evaluations" in called.err


def test_without_optuna_it_says_what_to_install(file, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UsageError, match=r"pip install 'kuznechik\[sweep\]'"):
        read(file)

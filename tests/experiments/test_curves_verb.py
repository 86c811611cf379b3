"""`kuznechik curves`: groups of runs, their common unit, and the files of a comparison."""

import csv
import json

import pytest

from experiments.comparison.curves import compare
from experiments.comparison.run_list import list_runs
from tests.browser import needs_browser, open_page


@pytest.fixture(scope="session")
def both(tmp_path_factory, tune, call_quietly):
    """Return a folder with a run of evolution and one of a DQN on the same tune; nobody changes it."""
    folder = tmp_path_factory.mktemp("both")
    task = ("--memory", "6", "--prompt", "4", "--seed", "1")
    call_quietly("evolve", tune, *task, "--set", "evolve.generations=3", "--out", folder / "evolved", "--json")
    settings = [part for name in ("steps=200", "learning_starts=50") for part in ("--set", f"dqn.{name}")]
    call_quietly("dqn", tune, *task, *settings, "--out", folder / "learned", "--json")
    return folder


def compared(kuznechik, tmp_path, *arguments):
    called = kuznechik("curves", *arguments, "--out", tmp_path / "c", "--json")
    assert called.status == 0, called.err
    with (tmp_path / "c.csv").open() as file:
        return json.loads(called.out), list(csv.DictReader(file)), called.err


def test_folders_are_groups_with_all_their_files(kuznechik, tmp_path, xor_runs):
    found, rows, err = compared(kuznechik, tmp_path, xor_runs)
    assert [(row["group"], row["runs"], row["solved"]) for row in found["groups"]] == [("a", 2, 2), ("b", 2, 1)]
    assert [row["lower_bound"] for row in found["groups"]] == [False, True]
    assert [(pair["group"], pair["other"]) for pair in found["better"]] == [("a", "b")]
    assert {row["group"] for row in rows} == {"a", "b"}
    assert all(float(row["low"]) <= float(row["right"]) <= float(row["high"]) for row in rows)
    last = [row for row in rows if row["group"] == "a"][-1]
    assert (last["right"], last["runs"]) == ("4", "2")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.csv", "c.html", "c.png", "c.svg"]
    assert err == ""


@pytest.mark.parametrize(
    ("options", "labels"),
    [
        (("--by", "song"), ["xor"]),
        (("--by", "evolve.population_size,algorithm"), ["population_size 30, neat", "population_size 20, neat"]),
        (("--where", "evolve.population_size=30", "--by", "seed"), ["2", "10"]),
    ],
)
def test_groups_by_name(kuznechik, tmp_path, xor_runs, options, labels):
    found, _, _ = compared(kuznechik, tmp_path, xor_runs, *options)
    assert [row["group"] for row in found["groups"]] == labels


def test_evolution_and_deep_q_learning_have_a_common_unit(kuznechik, tmp_path, both):
    found, rows, _ = compared(kuznechik, tmp_path, both, "--by", "kind")
    evolved, learned = found["groups"]
    summary = json.loads((both / "evolved" / "summary.json").read_text())
    assert evolved["cost"] == summary["evaluations"] * summary["cases"]
    assert learned["cost"] == json.loads((both / "learned" / "summary.json").read_text())["steps"]
    first, last = (float(next(row["steps"] for row in each)) for each in (rows, rows[::-1]))
    assert 30 * 20 <= first < 1.1 * 30 * 20  # the costs rise by a factor
    assert 200 / 1.1 < last <= 200
    found, _, err = compared(kuznechik, tmp_path / "x", both, "--x", "evaluations")
    assert [row["group"] for row in found["groups"]] == [found["groups"][0]["group"]]
    assert err == "Left out, because they have no such figures: learned\n"


@pytest.mark.parametrize("axis", ["cpu", "generations"])
def test_other_costs(kuznechik, tmp_path, xor_runs, axis):
    found, rows, _ = compared(kuznechik, tmp_path, xor_runs / "b" / "short", "--x", axis)
    assert list(rows[0])[1] == axis
    summary = json.loads((xor_runs / "b" / "short" / "summary.json").read_text())
    expected = {"generations": 1, "cpu": pytest.approx(summary["cpu_seconds"], abs=0.2)}
    assert found["groups"][0]["cost"] == expected[axis]


def test_trainings_of_a_vae_are_compared_by_their_loss(kuznechik, tmp_path, vae_runs, xor_runs):
    found, rows, _ = compared(kuznechik, tmp_path, vae_runs / "two", vae_runs / "four")
    assert list(rows[0])[1:3] == ["steps", "loss"]
    assert len(found["groups"]) == 2
    assert "solved" not in found["groups"][0]
    called = kuznechik("curves", vae_runs / "two", xor_runs, "--out", tmp_path / "mixed")
    assert (called.status, called.err) == (
        2,
        "kuznechik: runs of evolve, vae have no common figures: choose one, as in --where kind=evolve\n",
    )


def test_runs_that_improvise_are_compared_by_their_rewards(kuznechik, tmp_path, tune, call_quietly, xor_runs):
    run = tmp_path / "improvised"
    settings = ("--set", "evolve.generations=2", "--set", "improvise.starts=2", "--set", "evolve.population_size=10")
    call_quietly("evolve", tune, "--listener", "theory", *settings, "--out", run, "--json")
    found, rows, _ = compared(kuznechik, tmp_path / "x", run)
    assert list(rows[0])[1:3] == ["steps", "reward"]
    evaluations = json.loads((run / "summary.json").read_text())["evaluations"]
    assert found["groups"][0]["cost"] == evaluations * 2 * 16
    baselines = json.loads((run / "summary.json").read_text())["baselines_a_step"]
    silence, random, song = baselines.values()
    assert compare(list_runs([run])).lines == {"silence": silence, "random": random, "the song": song}
    _, _, err = compared(kuznechik, tmp_path / "y", run, xor_runs)
    assert err == "Left out, because they have no such figures: improvised\n"


def test_what_cannot_be_compared(kuznechik, tmp_path, xor_runs):
    for arguments, reason in (
        ((xor_runs, "--by", "speed"), "--by speed: it must be kind, song, algorithm, folder"),
        ((xor_runs, "--y", "reward"), "none of the 4 runs has figures of reward over environment steps"),
        ((xor_runs, "--where", "seed=77"), "no run matches --where"),
    ):
        called = kuznechik("curves", *arguments, "--out", tmp_path / "c")
        assert called.status == 2
        assert reason in called.err
    (tmp_path / "c.svg").write_text("mine")
    assert "replace it with --force" in kuznechik("curves", xor_runs, "--out", tmp_path / "c").err


@needs_browser
def test_the_page_fits_a_narrow_window(kuznechik, tmp_path, xor_runs):
    assert kuznechik("curves", xor_runs, "--out", tmp_path / "c").status == 0
    opened = open_page(tmp_path / "c.html", "return document.documentElement.scrollWidth <= innerWidth", width=500)
    assert (opened.answer, opened.complaints) == (True, [])

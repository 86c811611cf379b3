"""`kuznechik runs`: the list of runs, and the removal of those that left nothing."""

import csv
import json
import shutil

import pytest

from experiments.config.evolve import EvolveConfig
from experiments.runs.folder import RunFolder
from experiments.runs.lifecycle import load_kind, set_up


def cut_short(path, seed=0):
    """Return the folder of a run that was killed before it had done anything."""
    folder = RunFolder.create(path)
    config = EvolveConfig().change("task", kind="xor").change("evolve", seed=seed)
    set_up(load_kind("evolve"), config, folder, [], ["kuznechik", "evolve"])
    return folder


def listed(kuznechik, folder, *options):
    called = kuznechik("runs", folder, "--csv", *options)
    assert (called.status, called.err) == (0, "")
    return list(csv.DictReader(called.out.splitlines()))


def test_what_was_run_and_what_differs(kuznechik, xor_runs):
    rows = listed(kuznechik, xor_runs)
    assert [(row["run"], row["seed"], row["state"], row["right"], row["ceiling"]) for row in rows] == [
        ("a/seed-2", "2", "solved", "4", "4"),
        ("a/seed-10", "10", "solved", "4", "4"),
        ("b/short", "0", "budget", rows[2]["right"], "4"),
        ("b/small", "0", "solved", "4", "4"),
    ]
    assert {(row["kind"], row["song"], row["algorithm"]) for row in rows} == {("evolve", "xor", "neat")}
    differing = [name for name in rows[0] if "." in name]
    assert differing == ["evolve.generations", "evolve.population_size"]
    assert [row["evolve.population_size"] for row in rows] == ["30", "30", "20", "20"]


def test_an_evaluation_costs_a_step_for_every_case(kuznechik, xor_runs):
    short = next(row for row in listed(kuznechik, xor_runs) if row["run"] == "b/short")
    assert int(short["env_steps"]) == 20 * 4


def test_sorted_and_filtered(kuznechik, xor_runs):
    steps = [int(row["env_steps"]) for row in listed(kuznechik, xor_runs, "--sort", "env_steps", "--reverse")]
    assert steps == sorted(steps, reverse=True)
    for condition, names in (
        ("solved=false", ["b/short"]),
        ("run=a/*", ["a/seed-2", "a/seed-10"]),
        ("seed>0", ["a/seed-2", "a/seed-10"]),
        ("evolve.population_size!=30", ["b/short", "b/small"]),
        ("env_steps<81", ["b/short"]),
    ):
        assert [row["run"] for row in listed(kuznechik, xor_runs, "--where", condition)] == names, condition


def test_the_table_and_json_say_the_same(kuznechik, xor_runs):
    table, rows = kuznechik("runs", xor_runs).out, json.loads(kuznechik("runs", xor_runs, "--json").out)
    assert [line.split()[0] for line in table.splitlines()[1:-1]] == [row["run"] for row in rows]
    assert "4 of 4" in table
    assert table.splitlines()[-1].startswith("4 runs, 3 solved, ")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--sort", "speed"), "no column speed; the columns are run, kind, song"),
        (("--where", "speed=1"), "no column speed"),
        (("--where", "grasshopper"), "write COLUMN=VALUE"),
        (("--where", "seed<many"), "many is not a number"),
    ],
)
def test_what_cannot_be_sorted_or_filtered(kuznechik, xor_runs, options, reason):
    called = kuznechik("runs", xor_runs, *options)
    assert called.status == 2
    assert reason in called.err


def test_runs_that_are_cut_short_running_or_broken_are_listed_as_such(kuznechik, tmp_path):
    cut_short(tmp_path / "cut-short")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.toml").write_text("[task")
    with cut_short(tmp_path / "running").writing():
        states = {row["run"]: row["state"] for row in listed(kuznechik, tmp_path)}
    assert states == {"cut-short": "unfinished", "running": "running", "broken": "broken"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("summary.json", '{"stopped": "solved"}'),
        ("summary.json", '{"stopped": 3, "cpu_seconds": 1.0}'),
        ("summary.json", '{"stopped": "budget", "cpu_seconds": 1.0, "evaluations": "many"}'),
        ("meta.json", "[]"),
        ("config.toml", "[evolve"),
        ("metrics.csv", "generation,evaluations,best_right\n0,1e308,1e308\n"),
        ("metrics.csv", "\0"),
    ],
)
def test_a_broken_run_is_listed_and_left_out_of_comparisons(kuznechik, tmp_path, xor_runs, name, content):
    shutil.copytree(xor_runs / "b", tmp_path / "runs")
    (tmp_path / "runs" / "short" / name).write_text(content)
    states = {row["run"]: row["state"] for row in listed(kuznechik, tmp_path / "runs")}
    assert states == {"short": "budget" if name == "metrics.csv" else "broken", "small": "solved"}
    compared = kuznechik("curves", tmp_path / "runs", "--out", tmp_path / "c", "--json")
    assert (compared.status, compared.err) == (0, "Left out, because they have no such figures: short\n")


def test_prune_removes_what_left_nothing_and_is_not_running(kuznechik, tmp_path, xor_runs):
    cut_short(tmp_path / "runs" / "cut-short", seed=1)
    cut_short(tmp_path / "runs" / "kept", seed=2)
    with cut_short(tmp_path / "runs" / "running", seed=3).writing():
        refused = kuznechik("runs", tmp_path / "runs", "--prune", "--where", "seed!=2")
        assert (refused.status, refused.out) == (2, f"{tmp_path}/runs/cut-short\n")
        assert "confirm with --force" in refused.err
        assert kuznechik("runs", tmp_path / "runs", "--prune", "--where", "seed!=2", "--force").status == 0
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["kept", "running"]
    assert kuznechik("runs", xor_runs, "--prune", "--force").out.startswith("No run to remove")


def test_a_folder_without_runs(kuznechik, tmp_path):
    called = kuznechik("runs", tmp_path)
    assert (called.status, called.err) == (
        2,
        f"kuznechik: {tmp_path}: contains no run folder; a run folder has a config.toml\n",
    )

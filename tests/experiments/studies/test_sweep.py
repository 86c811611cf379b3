"""`kuznechik sweep`: variants x songs x seeds, their folders and table, and sweeps that are stopped."""

import json
import shutil
import subprocess
import sys
from multiprocessing import active_children
from pathlib import Path

import pytest

from experiments.comparison.run_list import list_runs
from experiments.config.settings import ConfigError
from experiments.runs.folder import RunFolder
from experiments.studies.sweep import begin, plan, read_sweep, sweeps_folder
from experiments.studies.sweep_backends import KILLED, pack, run_here, run_on_ray, run_packed, unpack

FILE = """
seeds = [4, 7]
[base.task]
kind = "xor"
[variants]
"small" = ["evolve.population_size=30"]
"short/quick" = ["evolve.population_size=30", "evolve.generations=2"]
"""
ROOT = Path(__file__).resolve().parents[3]
NAMES = ["small/seed-4", "short-quick/seed-4", "small/seed-7", "short-quick/seed-7"]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(FILE)
    return path


@pytest.fixture(scope="module")
def swept(tmp_path_factory, call_quietly):
    """Return the folder of a sweep that has ended; nobody changes it."""
    path = tmp_path_factory.mktemp("sweep") / "mine.toml"
    path.write_text(FILE)
    call_quietly("sweep", path, "--jobs", 2, "--out", path.parent / "out", "--json")
    return path.parent / "out"


def test_every_variant_runs_with_every_song_and_seed(file):
    planned = plan(read_sweep(file))
    assert [run.name for run in planned] == NAMES
    assert [run.config.seed for run in planned] == [4, 4, 7, 7]
    assert [run.config.evolve.generations for run in planned] == [2000, 2, 2000, 2]
    file.write_text('songs = ["a.mid", "b"]\nseeds = 1\n[variants]\nx = []\ny = {kind = "dqn", set = ["dqn.steps=9"]}')
    planned = plan(read_sweep(file))
    assert [(run.name, run.kind, run.config.task.song) for run in planned] == [
        ("x/a-seed-0", "evolve", "a.mid"),
        ("y/a-seed-0", "dqn", "a.mid"),
        ("x/b-seed-0", "evolve", "b"),
        ("y/b-seed-0", "dqn", "b"),
    ]
    assert planned[1].config.dqn.steps == 9


def test_the_sweep_that_comes_along_can_be_carried_out():
    (file,) = sweeps_folder().glob("*.toml")
    assert len(plan(read_sweep(file))) == 10 * 16


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", r"\[variants\] is missing"),
        ("nonsense = 1\n[variants]\na = []", "unknown key nonsense"),
        ('[variants]\na = ["operators.fokus=0"]', "variant 'a': unknown key operators.fokus"),
        ("[variants]\na = {speed = 1}", "variant 'a': unknown key speed: the keys are kind, config, set"),
        ('kind = "walk"\n[variants]\na = []', "kind = 'walk': the kinds are evolve, dqn"),
        ("seeds = 0\n[variants]\na = []", "seeds = 0: it must be a positive number"),
        ("seeds = [1, -2]\n[variants]\na = []", "a list of seeds"),
        ("seeds = [1, 1]\n[variants]\na = []", "two of its runs would have the folder a/seed-1"),
        ('[variants]\n"a/b" = []\n"a-b" = []', "two of its runs would have the folder"),
        ("[base.tusk]\nkind = 1\n[variants]\na = []", r"unknown section \[tusk\]"),
        ('kind = "listener"\nsongs = ["x"]\n[variants]\na = []', r"unknown section \[task\]"),
        ("not toml", "mine.toml"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(file, text, reason):
    file.write_text(text)
    with pytest.raises(ConfigError, match=reason):
        read_sweep(file)


def test_a_mistake_is_told_before_anything_is_run(kuznechik, file, tmp_path):
    file.write_text('songs = ["grashopper"]\n[variants]\na = []')
    called = kuznechik("sweep", file, "--out", tmp_path / "out")
    assert called.status == 2
    assert "grashopper" in called.err
    assert not (tmp_path / "out").exists()


def test_a_sweep_ends_with_run_folders_a_table_and_curves(kuznechik, swept):
    assert [str(run.folder.path.relative_to(swept)) for run in list_runs([swept])] == [*NAMES[::2], *NAMES[1::2]]
    table = (swept / "table.md").read_text().splitlines()
    assert [line.split(" | ")[:2] for line in table[2:]] == [["| small", "2 of 2"], ["| short-quick", "0 of 2"]]
    assert sorted(path.name for path in swept.glob("curves.*")) == [
        f"curves.{end}" for end in ("csv", "html", "png", "svg")
    ]
    again = kuznechik("sweep", "--resume", swept)
    assert (again.status, again.err) == (0, "")
    assert again.out.splitlines()[: len(table)] == table


def test_a_run_of_a_sweep_is_the_run_of_its_own_command(swept, tmp_path, call_quietly):
    settings = ("task.kind=xor", "evolve.population_size=30")
    options = [part for setting in settings for part in ("--set", setting)]
    call_quietly("evolve", *options, "--seed", 7, "--out", tmp_path / "alone", "--json")
    for name in ("best/genome.json", "config.toml"):
        assert (swept / "small" / "seed-7" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()


def test_seeds_of_the_command_line(kuznechik, file, tmp_path):
    called = kuznechik("sweep", file, "--seeds", 1, "--first-seed", 3, "--jobs", 1, "--out", tmp_path / "out", "--json")
    assert called.status == 0
    rows = json.loads(called.out)["groups"]
    assert [(row["group"], row["runs"], row["ended"]) for row in rows] == [("small", 1, 1), ("short-quick", 1, 1)]
    assert (tmp_path / "out" / "small" / "seed-3").is_dir()


def test_a_run_that_fails_is_named_and_the_others_finish(kuznechik, file, tmp_path, swept):
    out = tmp_path / "out"
    out.mkdir()
    begin(read_sweep(file), RunFolder(out), [])
    (out / "small" / "seed-4" / "config.toml").write_text("[task]\nkind = 'walk'\n")
    called = kuznechik("sweep", "--resume", out, "--jobs", 2)
    assert called.status == 1
    last = called.err.splitlines()[-1]
    assert last.startswith("kuznechik: failed: small/seed-4: ")
    assert "task.kind = 'walk'" in last
    assert [run.state for run in list_runs([out])] == ["unfinished", "solved", "budget", "budget"]
    shutil.rmtree(out / "small" / "seed-4")
    assert kuznechik("sweep", "--resume", out, "--jobs", 1).status == 0
    assert without_seconds(out) == without_seconds(swept)


def without_seconds(out: Path) -> list[str]:
    return [line.rpartition(" | ")[0] for line in (out / "table.md").read_text().splitlines()]


def test_a_run_whose_process_is_killed_fails_alone(file, tmp_path):
    brief = '["task.kind=xor", "evolve.generations=1", "evolve.population_size=9"]'
    file.write_text(f"seeds = 1\n[variants]\nbrief = {brief}\nendless = ['evolve.population_size=5000']")
    out = tmp_path / "out"
    folders = [out / run.name for run in begin(read_sweep(file), RunFolder(out), [])]
    outcomes = run_here([*folders, folders[0]], 2)
    assert next(outcomes) == (folders[0], "")
    assert next(outcomes) == (folders[0], "")
    for child in active_children():
        child.kill()
    assert next(outcomes) == (folders[1], KILLED)
    assert next(outcomes, None) is None
    assert active_children() == []


def test_a_sweep_that_is_interrupted_goes_on(file, tmp_path, kuznechik, swept):
    out = tmp_path / "out"
    folders = [out / run.name for run in begin(read_sweep(file), RunFolder(out), [])]
    outcomes = run_here(folders, 2)
    next(outcomes)
    outcomes.close()
    assert active_children() == []
    assert kuznechik("sweep", "--resume", out, "--jobs", 1).status == 0
    assert without_seconds(out) == without_seconds(swept)


@pytest.mark.parametrize(
    "runs_done", [1, pytest.param(0, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)]
)
def test_a_sweep_that_is_killed_leaves_no_process_and_goes_on(file, tmp_path, kuznechik, swept, runs_done):
    out = tmp_path / "out"
    call = [sys.executable, "-m", "experiments", "sweep", file, "--jobs", "2", "--out", out]
    with subprocess.Popen(call, stderr=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as sweep:
        for _ in range(runs_done):
            sweep.stderr.readline()
        sweep.kill()
        sweep.communicate(timeout=60)  # the workers have its pipes: they are closed when the last one has ended
    assert kuznechik("sweep", *(("--resume", out) if runs_done else (file, "--out", out)), "--jobs", 1).status == 0
    assert without_seconds(out) == without_seconds(swept)


def test_a_run_that_goes_elsewhere_and_comes_back_is_the_same(file, tmp_path, swept):
    out = tmp_path / "out"
    folder = out / begin(read_sweep(file), RunFolder(out), [])[0].name
    unpack(run_packed(folder.name, pack(folder)), folder)
    assert (folder / "best" / "genome.json").read_bytes() == (swept / NAMES[0] / "best" / "genome.json").read_bytes()
    assert [path.name for path in folder.parent.iterdir() if path.name.startswith(".")] == []
    assert list_runs([folder])[0].state == "solved"


@pytest.mark.slow
def test_a_machine_of_a_ray_cluster_may_be_lost(tmp_path, file, swept):
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    out = tmp_path / "out"
    folders = [out / run.name for run in begin(read_sweep(file), RunFolder(out), [])]
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
        outcomes = run_on_ray(folders, 2, cluster.address)
        ended = [next(outcomes)]
        cluster.remove_node(nodes[0], allow_graceful=False)
        ended += outcomes
    finally:
        cluster.shutdown()
    assert sorted(ended) == sorted((folder, "") for folder in folders)
    for name in NAMES:
        assert (out / name / "best" / "genome.json").read_bytes() == (
            swept / name / "best" / "genome.json"
        ).read_bytes()

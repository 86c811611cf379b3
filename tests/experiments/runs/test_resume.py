"""Runs that were stopped, by their budget, by Ctrl-C or by force, go on to the same bits."""

import argparse
import contextlib
import csv
import dataclasses
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agents.neat.worker_pool import WorkerPool
from experiments.command import supervised
from experiments.config.evolve import Evolve, EvolveConfig
from experiments.options import RunStopped
from experiments.runs.assembly import resolve
from experiments.runs.checkpoint import read_arrays
from experiments.runs.folder import RunFolder
from experiments.runs.interrupt import deferred_interrupt
from experiments.runs.lifecycle import Supervision, begin, load_kind
from tests.experiments.runs.results import metrics, summary

ROOT = Path(__file__).parents[3]
ALGORITHMS = {option.name: option for option in dataclasses.fields(Evolve)}["algorithm"].metadata["choices"]
SAME = (
    "species.csv",
    "history/champions.jsonl",
    "best/genome.json",
    "best/roll.npy",
    "best/melody.mid",
    "best/melody.wav",
    "neat.ini",
)


@pytest.fixture(scope="module")
def riddle(tmp_path_factory, write_song) -> Path:
    """Return a song that no network without a hidden node can learn, with a memory of one step.

    E follows C and follows D, but neither a rest nor C with D.
    """
    return write_song(tmp_path_factory.mktemp("riddle") / "riddle.mid", "CEDE[CD]G.G" * 3)


@pytest.fixture(scope="module")
def options(riddle) -> tuple[str, ...]:
    """Return a search that goes on until its budget is used, as its networks never get a hidden node."""
    settings = ("evolve.population_size=10", "genome.node_add_prob=0", "species.target_species=3")
    flags = [part for setting in settings for part in ("--set", setting)]
    return (str(riddle), "--memory", "1", "--prompt", "1", *flags)


def check_same(run: Path, other: Path) -> None:
    """Check that two runs came to the same result on the same way."""
    assert metrics(run) == metrics(other)
    for name in SAME:
        assert (run / name).read_bytes() == (other / name).read_bytes(), name
    assert summary(run) == summary(other)


@pytest.fixture
def uninterrupted(kuznechik, options, tmp_path):
    """Return a function that makes a run of a number of generations without a break."""

    def run(generations: int) -> Path:
        budget = ("--set", f"evolve.generations={generations}")
        called = kuznechik(
            "evolve", *options, *budget, "--out", tmp_path / "reference", "--checkpoint-every", "0", "--json"
        )
        assert (called.status, json.loads(called.out)["stopped"]) == (0, "budget")
        return tmp_path / "reference"

    return run


# Stopped by the budget


@pytest.mark.parametrize(("interval", "lost"), [(1, 0), (7, 1)])
def test_a_resumed_run_is_the_same_to_the_byte(kuznechik, options, uninterrupted, tmp_path, interval, lost):
    run, every = tmp_path / "run", ("--checkpoint-every", interval)
    kuznechik("evolve", *options, *every, "--set", "evolve.generations=13", "--out", run, "--json")
    checkpoints = sorted((run / "checkpoints").iterdir())
    assert [int(path.stem) for path in checkpoints] == [12 if interval == 1 else 7, 13]
    if lost:  # as if the run had been cut short before the last one was written
        checkpoints[-1].unlink()
    called = kuznechik("evolve", "--resume", run, *every, "--set", "evolve.generations=20", "--json")
    assert (called.status, called.err) == (0, "")
    assert len(metrics(run)) == 20
    check_same(run, uninterrupted(20))
    assert json.loads(called.out)["run"] == str(run)
    assert "generations = 20" in (run / "config.toml").read_text()


def test_a_run_may_be_resumed_again_and_again(kuznechik, options, uninterrupted, tmp_path):
    run = tmp_path / "run"
    kuznechik("evolve", *options, "--set", "evolve.generations=2", "--out", run, "--json")
    for generations in (3, 9, 12):
        called = kuznechik("evolve", "--resume", run, "--set", f"evolve.generations={generations}", "--json")
        assert json.loads(called.out)["generations"] == generations
    check_same(run, uninterrupted(12))


@pytest.mark.skipif(sys.platform == "win32", reason="this system limits no file sizes")
def test_a_disk_that_fills_up_stops_the_run_with_a_line_and_it_goes_on_when_there_is_room(
    kuznechik, options, uninterrupted, tmp_path
):
    run = tmp_path / "run"
    kuznechik("evolve", *options, "--set", "evolve.generations=30", "--out", run, "--json")
    limit = (run / "metrics.csv").stat().st_size + 150  # a row and a half
    program = (
        "import resource, sys; from experiments.cli import main; "
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit})); sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", program, "evolve", "--resume", str(run), "--set", "evolve.generations=40"]
    full = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert full.returncode == 2
    assert re.fullmatch(rf"kuznechik: {re.escape(str(run))}/[\w/.]+: File too large\n", full.stderr)
    called = kuznechik("evolve", "--resume", run, "--set", "evolve.generations=40", "--json")
    assert (called.status, called.err) == (0, "")
    check_same(run, uninterrupted(40))


def test_the_last_rows_of_a_run_cut_short_are_made_anew(kuznechik, options, uninterrupted, tmp_path):
    run = tmp_path / "run"
    every = ("--checkpoint-every", "7")
    kuznechik("evolve", *options, *every, "--set", "evolve.generations=13", "--out", run, "--json")
    (run / "checkpoints" / "000000000013.safetensors").write_text("half")
    for table in ("metrics.csv", "species.csv"):
        content = (run / table).read_bytes()
        (run / table).write_bytes(content[: content.rindex(b"\n", 0, -1) + 3])
    (run / "summary.json").unlink()
    shutil.rmtree(run / "best")
    called = kuznechik("evolve", "--resume", run, *every, "--set", "evolve.generations=20", "--json")
    assert called.status == 0
    assert re.search(r"000000000013.safetensors: is damaged: .*; resumed from the previous checkpoint\n$", called.err)
    check_same(run, uninterrupted(20))


def test_a_run_killed_before_its_first_checkpoint_begins_again_to_the_same_bits(
    kuznechik, options, uninterrupted, tmp_path
):
    run = tmp_path / "run"
    kuznechik("evolve", *options, "--set", "evolve.generations=13", "--out", run, "--json")
    shutil.rmtree(run / "checkpoints")
    (run / "summary.json").unlink()
    called = kuznechik("evolve", "--resume", run, "--set", "evolve.generations=20", "--json")
    assert (called.status, called.err) == (0, "")
    check_same(run, uninterrupted(20))


def test_a_finished_run_stays_as_it_is(kuznechik, solved, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(solved, run)
    called = kuznechik("evolve", "--resume", run)
    assert (called.status, called.err) == (0, "")
    assert called.out.startswith("Solved after ")
    check_same(run, solved)
    for path in (run / "checkpoints").iterdir():
        (arrays, state), (others, other) = (read_arrays(each / "checkpoints" / path.name) for each in (run, solved))
        assert state["state"] == other["state"]
        assert {name: array.tobytes() for name, array in arrays.items()} == {
            name: array.tobytes() for name, array in others.items()
        }


def test_time_goes_on_where_it_stopped(kuznechik, options, tmp_path):
    run = tmp_path / "run"
    kuznechik("evolve", *options, "--set", "evolve.generations=3", "--out", run, "--json")
    before = json.loads((run / "summary.json").read_text())
    kuznechik("evolve", "--resume", run, "--set", "evolve.generations=6", "--json")
    after = json.loads((run / "summary.json").read_text())
    for name in ("cpu_seconds", "wall_seconds"):
        assert after[name] > before[name] > 0
    with (run / "metrics.csv").open() as file:
        seconds = [float(row["cpu_seconds"]) for row in csv.DictReader(file)]
    assert len(seconds) == 6
    assert seconds == sorted(seconds)


@pytest.mark.parametrize("preset", ["plain-neat", "xor"])
def test_presets_resume_too(kuznechik, riddle, tmp_path, preset):
    song = () if preset == "xor" else (riddle, "--memory", "1", "--prompt", "1")
    # networks without hidden nodes never solve either task
    search = ("evolve", *song, "--config", preset, "--set", "genome.node_add_prob=0", "--json")
    search += ("--set", "evolve.population_size=10")
    kuznechik(*search, "--set", "evolve.generations=9", "--out", tmp_path / "whole")
    kuznechik(*search, "--set", "evolve.generations=2", "--out", tmp_path / "run")
    kuznechik("evolve", "--resume", tmp_path / "run", "--set", "evolve.generations=9", "--json")
    assert metrics(tmp_path / "run") == metrics(tmp_path / "whole")
    for name in ("best/genome.json", "species.csv"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.parametrize("algorithm", [each for each in ALGORITHMS if each != "map_elites"])  # see test_atlas.py
def test_every_algorithm_resumes(kuznechik, tune, tmp_path, algorithm):
    search = ("evolve", tune, "--memory", "6", "--prompt", "4", "--json", "--set", f"evolve.algorithm={algorithm}")
    if algorithm == "neat_python":
        search += ("--config", "plain-neat")
    soon = 1 if algorithm == "per_key" else 2  # its second generation solves the tune
    kuznechik(*search, "--set", "evolve.generations=9", "--out", tmp_path / "whole")
    kuznechik(*search, "--set", f"evolve.generations={soon}", "--out", tmp_path / "run")
    assert len(metrics(tmp_path / "run")) < len(metrics(tmp_path / "whole"))
    kuznechik("evolve", "--resume", tmp_path / "run", "--set", "evolve.generations=9", "--json")
    assert metrics(tmp_path / "run") == metrics(tmp_path / "whole")
    for name in ("best/genome.json", "best/roll.npy", "history/champions.jsonl"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


# Stopped from outside


@pytest.fixture
def start():
    """Return a function that starts a run that would go on for days, and returns when some rows are on disk."""
    started = []

    def start(arguments, run: Path, rows: int) -> subprocess.Popen:
        command = [sys.executable, "-m", "experiments", "evolve", *arguments, "--set", "evolve.generations=1000000"]
        command += ["--checkpoint-every", "5", "--out", str(run)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"}, **pipes)
        started.append(process)
        deadline = time.monotonic() + 120
        while not (run / "metrics.csv").exists() or len((run / "metrics.csv").read_text().splitlines()) <= rows:
            assert time.monotonic() < deadline, "not enough generations within two minutes"
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.02)
            assert process.returncode is None, f"the run ended by itself: {process.communicate()}"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
def test_a_run_stopped_from_outside_can_be_scored_and_goes_on_to_the_same_champion(
    kuznechik, start, options, uninterrupted, tmp_path, number
):
    run = tmp_path / "run"
    process = start(options, run, rows=8)
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    assert "Traceback" not in err
    if number == signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
    else:
        assert process.returncode == 130
        assert out.startswith("Interrupted after ")
        stopped = json.loads((run / "summary.json").read_text())
        assert (stopped["stopped"], stopped["solved"]) == ("interrupted", False)
        assert stopped["generations"] == len(metrics(run))

    scores = json.loads(kuznechik("score", run, "--json").out)
    assert scores["steps"] == 23
    if number != signal.SIGKILL:
        assert scores["right_teacher_forced"] == stopped["right_teacher_forced"]

    last = max(int(path.stem) for path in (run / "checkpoints").glob("*.safetensors"))
    assert last >= 5
    called = kuznechik("evolve", "--resume", run, "--set", f"evolve.generations={last + 10}", "--json")
    assert (called.status, called.err) == (0, "")
    check_same(run, uninterrupted(last + 10))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_is_asked_for_once_and_then_acts_at_once(number):
    class Pressed(Exception):
        """What the handler of before raises."""

    def answer(*_):
        raise Pressed

    before = signal.signal(number, answer)
    try:
        with deferred_interrupt() as interrupt:
            assert not interrupt.requested
            os.kill(os.getpid(), number)
            assert interrupt.requested
            with pytest.raises(Pressed):
                os.kill(os.getpid(), number)
        assert signal.getsignal(number) == answer
    finally:
        signal.signal(number, before)


def test_without_an_interrupt_signals_are_left_as_they_were():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(ValueError, match="mine"), deferred_interrupt() as interrupt:
        raise ValueError("mine")
    assert not interrupt.requested
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


class Deletes:
    """A callback that deletes a folder in the third generation."""

    def __init__(self, folder: Path):
        self.folder = folder

    def on_metrics(self, step: int, values: dict) -> None:
        if step == 2:
            shutil.rmtree(self.folder)

    def on_melody(self, *melody) -> None:
        pass


def test_a_folder_that_is_deleted_while_a_run_goes_on_is_not_made_anew(tune, tmp_path):
    config, songs = resolve(EvolveConfig().change("task", song=str(tune), memory=6))
    folder = RunFolder.create(tmp_path / "run")
    supervision = Supervision(checkpoint_every=2, callbacks=[Deletes(folder.path)])
    stopped = pytest.raises(RunStopped, match="run: the run folder was deleted or moved")
    with stopped, folder.deleted_if_refused(), folder.writing():
        begin(load_kind("evolve"), config, folder, songs, [], supervision)
    assert list(tmp_path.iterdir()) == []


def test_a_worker_that_is_killed_is_a_line_with_the_command_that_goes_on(unsolved, kuznechik, tmp_path):
    run = shutil.copytree(unsolved, tmp_path / "run")
    options = argparse.Namespace(json=True, tensorboard=False, checkpoint_every=0)
    stopped = pytest.raises(RunStopped, match=f"a worker was killed.*: kuznechik evolve --resume {run}$")
    with WorkerPool(1) as pool, stopped, supervised(options, RunFolder.open(run), {}):
        pool.submit(os._exit, 1).result()
    assert kuznechik("evolve", "--resume", run, "--set", "evolve.generations=5", "--json").status == 0

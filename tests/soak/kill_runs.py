"""Kill runs at random moments, resume them, and compare with a run that nobody stopped.

    python tests/soak/kill_runs.py --moments 50            # all kinds of runs
    python tests/soak/kill_runs.py dqn --moments 5 --seed 1

A run is killed (SIGKILL) at a moment drawn evenly from the time between its first file and its end. Every file that is
there then must be whole, and no process of the run may live on. The run is resumed, or begun anew if it was killed
before its folder was set up, and its result must be the same to the byte. Times are left out of the comparison.
"""

import argparse
import csv
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from safetensors.numpy import load

from experiments.cli import main
from songs.midi import read_midi

ROOT = Path(__file__).parents[2]
OUTPUT = "output.txt"
IMPORTED = ("experiments.musicvae.train", "experiments.runs.dqn.kind", "torch._dynamo")
"""Modules that take long to import."""
TIMES = ("cpu_seconds", "seconds", "wall_seconds", "minutes", "started", "gain_of_workers")
"""Columns and keys, or their endings, that differ between equal runs."""
LONGEST = 600
"""Seconds that a run may take."""
LONGEST_AFTER = 20
"""Seconds that its workers may take to end."""


def sets(*settings: str) -> list[str]:
    return [part for setting in settings for part in ("--set", setting)]


@dataclass(frozen=True)
class Kind:
    """What is run."""

    start: list[str]
    """The command, without --out."""
    resume: Callable[[Path], list[str]]
    prepare: list[str] | None = None
    """A command that makes what runs need, in the folder where they run."""


TINY_VAE = sets("model.latent=8", "model.encoder_width=16", "model.conductor_width=16", "model.decoder_width=10")
EVOLVE = ["evolve", "grasshopper", "--checkpoint-every", "5", *sets("evolve.generations=40")]
KINDS = {
    "evolve": Kind(EVOLVE, lambda run: ["evolve", "--resume", str(run)]),
    "workers": Kind([*EVOLVE, "--workers", "2"], lambda run: ["evolve", "--resume", str(run), "--workers", "2"]),
    "dqn": Kind(
        ["dqn", "grasshopper", "--checkpoint-every", "70", *sets("dqn.steps=280", "dqn.stop_when_solved=false")],
        lambda run: ["dqn", "--resume", str(run)],
    ),
    "vae": Kind(
        ["vae", "train", "2", "8", "2", "-pt", "--data", "data", *TINY_VAE, *sets("training.evaluations=8")],
        lambda run: ["vae", "train", "--resume", str(run)],
        ["vae", "generate-dataset", "all", "2", "1", "-pt", "--midi", str(ROOT / "basic_midi"), "--data", "data"],
    ),
}


def begin(arguments: list[str], folder: Path) -> BaseProcess:
    """Start kuznechik in a process that is a copy of this one, which has imported what all of them need."""
    process = get_context("fork").Process(target=kuznechik, args=(arguments, folder))
    process.start()
    return process


def kuznechik(arguments: list[str], folder: Path) -> None:
    """Be the command, in a process group of its own; what it prints is kept in a file of the folder."""
    os.setsid()
    os.chdir(folder)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(os.open(OUTPUT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream.fileno())
    sys.exit(main(arguments))


def call(arguments: list[str], folder: Path) -> str:
    """Run kuznechik to its end, and return what it complains of if it fails."""
    process = begin(arguments, folder)
    process.join(LONGEST)
    return "" if process.exitcode == 0 else (folder / OUTPUT).read_text() or f"exit status {process.exitcode}"


def start(arguments: list[str], run: Path) -> BaseProcess:
    """Start a run, and return it when its first file is there."""
    process = begin([*arguments, "--out", str(run)], run.parent)
    while process.is_alive() and not any(run.glob("*")):
        process.join(0.01)
    return process


def kill_at(arguments: list[str], run: Path, seconds: float) -> bool:
    """Start a run and kill it so long after its first file; return whether it was still going.

    Raises:
        RuntimeError: it had ended with a mistake, or its workers live on.
    """
    process = start(arguments, run)
    process.join(seconds)
    process.kill()
    process.join()
    if process.exitcode not in (0, -signal.SIGKILL):
        raise RuntimeError(f"{run} ended by itself with exit status {process.exitcode}")
    if outlived(process.pid):
        raise RuntimeError(f"processes of {run} live on {LONGEST_AFTER} seconds after it: kill -9 -{process.pid}")
    return process.exitcode == -signal.SIGKILL


def outlived(group: int) -> bool:
    """Return whether a process of a group still lives some seconds after its first has ended."""
    end = time.monotonic() + LONGEST_AFTER
    with suppress(ProcessLookupError):
        while time.monotonic() < end:
            os.killpg(group, 0)
            time.sleep(0.05)
        return True
    return False


def torn(run: Path) -> Iterator[str]:
    """Read every file of a run; yield what cannot be read."""
    for path in sorted(path for path in run.rglob("*") if path.is_file() and not path.name.startswith(".")):
        try:
            read(path)
        except Exception as error:
            yield f"{path.relative_to(run)}: {type(error).__name__}: {error}"


def read(path: Path) -> object:
    """Return what a file holds, without what differs between equal runs."""
    if path.suffix == ".json":
        return without_times(json.loads(path.read_text()))
    if path.suffix == ".toml":
        return tomllib.loads(path.read_text())
    if path.suffix == ".csv":
        return [without_times(row) for row in csv.DictReader(path.open())]
    if path.suffix == ".npy":
        return np.load(path, allow_pickle=False).tolist()
    if path.suffix == ".mid":
        read_midi(path, allow_silence=True)
    elif path.suffix == ".safetensors":
        return {name: value.tobytes() for name, value in load(path.read_bytes()).items()}
    return path.read_bytes()


def without_times(content: object) -> object:
    """Leave out times, and the folder of a run."""
    if isinstance(content, dict):
        kept = {key: value for key, value in content.items() if not str(key).endswith(TIMES)}
        return {key: without_times(value) for key, value in kept.items() if key not in ("run", "command", "out")}
    return [without_times(each) for each in content] if isinstance(content, list) else content


def result(run: Path) -> dict[str, object]:
    """Return what a finished run came to."""
    files = [*run.glob("best/*"), *run.glob("*.csv"), *run.glob("summary.json")]
    return {str(path.relative_to(run)): read(path) for path in files}


def campaign(name: str, moments: int, seed: int) -> Counter:
    """Kill runs of a kind at random moments; print and count what came of it."""
    kind, chance, counts = KINDS[name], random.Random(f"{name} {seed}"), Counter()
    with tempfile.TemporaryDirectory() as at:
        folder = Path(at)
        if kind.prepare and (complaint := call(kind.prepare, folder)):
            raise RuntimeError(complaint)
        whole, run = folder / "whole", folder / "run"
        process, begun = start(kind.start, whole), time.monotonic()
        process.join(LONGEST)
        if process.exitcode:
            raise RuntimeError(f"{name} does not run: {(folder / OUTPUT).read_text()}")
        expected, length = result(whole), time.monotonic() - begun
        for number in range(1, moments + 1):
            shutil.rmtree(run, ignore_errors=True)
            killed = kill_at(kind.start, run, chance.uniform(0, length))
            failures = list(torn(run))
            complaint = call(kind.resume(run), folder) if killed else ""
            if "not a run folder: it has no config.toml" in complaint:
                counts["begun anew, as the folder was not set up yet"] += 1
                shutil.rmtree(run, ignore_errors=True)
                complaint = call([*kind.start, "--out", str(run)], folder)
            failures += [complaint] if complaint else []
            found = result(run)
            failures += [f"{key} differs" for key in expected | found if expected.get(key) != found.get(key)]
            leftovers = [path.name for path in run.rglob(".*") if path.name != ".lock"]
            failures += [f"{leftover} is left over" for leftover in leftovers]
            counts["the same" if not failures else "FAILED"] += 1
            counts["over before it was killed"] += not killed
            for failure in failures:
                print(f"{name}, moment {number}: {failure}", flush=True)
        print(f"{name}: {counts['the same']} of {moments} the same to the byte; {dict(counts)}", flush=True)
    return counts


def run_campaigns() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="*", choices=[*KINDS, []], default=[], help="what is run [all]")
    parser.add_argument("--moments", type=int, default=50, help="kills of each [50]")
    parser.add_argument("--seed", type=int, default=0, help="of the moments [0]")
    args = parser.parse_args()
    for name in IMPORTED:
        import_module(name)
    counts = [campaign(name, args.moments, args.seed) for name in args.kinds or KINDS]
    return 1 if any(each["FAILED"] for each in counts) else 0


if __name__ == "__main__":
    sys.exit(run_campaigns())

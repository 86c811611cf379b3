"""Watch the memory of long runs, and of a large folder: it must stay flat.

    python tests/soak/memory.py            # 10,000 generations, a million steps, 10,000 files
    python tests/soak/memory.py songs      # one of them

Prints the resident memory of the command once it has started (after a quarter of its time) and at its end, in MiB. The
exit status is 1 if it grew by more than --most.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from songs.midi import write_midi

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def sets(*settings: str) -> list[str]:
    return [part for setting in settings for part in ("--set", setting)]


UNSOLVED = ("evolve.fitness=right_steps", "operators.parsimony=0.5")
"""Never enough to learn the song, so that all generations run; small networks, so that they run soon."""

KINDS = {
    "evolve": ["evolve", "grasshopper", *sets("evolve.generations=10000", *UNSOLVED)],
    "dqn": ["dqn", "grasshopper", "--preset", "bandit", *sets("dqn.steps=1000000", "dqn.stop_when_solved=false")],
    "songs": ["songs", "--folder", "many", "--json"],
}


def write_songs(folder: Path, count: int) -> None:
    """Write random melodies."""
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(count):
        steps = np.flatnonzero(random.random(128) < 0.5)
        onsets = np.column_stack([steps, random.integers(60, 73, len(steps))])
        write_midi(folder / f"tune {number}.mid", onsets, 128, title=f"tune {number}")


def resident_mib(process: subprocess.Popen) -> float:
    """Return the resident memory of a process that runs."""
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 2**20


def watch(arguments: list[str], folder: Path) -> list[float]:
    """Run a command; return its resident memory ten times a second, in MiB."""
    output = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen([sys.executable, "-m", "experiments", *arguments], cwd=folder, env=ENVIRONMENT, **output)
    memory = []
    while process.poll() is None:
        memory.append(resident_mib(process))
        try:
            process.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
    if process.returncode not in (0, 1):
        raise RuntimeError(f"{' '.join(arguments)}: {process.communicate()[1]}")
    return memory


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="*", choices=[*KINDS, []], default=[], help="what is run [all]")
    parser.add_argument("--files", type=int, default=10_000, help="MIDI files in the folder [10000]")
    parser.add_argument("--most", type=float, default=64.0, help="MiB by which it may grow [64]")
    args = parser.parse_args()
    grown = []
    with tempfile.TemporaryDirectory() as at:
        for name in args.kinds or KINDS:
            if name == "songs":
                write_songs(Path(at) / "many", args.files)
            begin = time.monotonic()
            memory = watch(KINDS[name], Path(at))
            start, end = memory[len(memory) // 4], memory[-1]
            grown.append(max(memory) - start)
            seconds = time.monotonic() - begin
            print(
                f"{name}: {start:.0f} MiB, {end:.0f} at the end, {max(memory):.0f} at most; {seconds:.0f} s", flush=True
            )
    return 1 if max(grown) > args.most else 0


if __name__ == "__main__":
    sys.exit(main())

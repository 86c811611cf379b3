"""Long runs that are killed, and their memory; short versions of the campaigns in this folder."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

ROOT = Path(__file__).parents[2]


def soak(program: str, *options: str) -> str:
    """Run a campaign and return what it prints."""
    command = [sys.executable, f"tests/soak/{program}.py", *options]
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    print(done.stdout, done.stderr)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_runs_killed_at_a_random_moment_go_on_to_the_same_bytes():
    told = soak("kill_runs", "vae", "--moments", "1", "--seed", "3")  # the tests of runs kill an evolution and a DQN
    assert told.partition(";")[0] == "vae: 1 of 1 the same to the byte"


def test_a_folder_of_files_is_catalogued_in_little_memory():
    assert soak("memory", "songs", "--files", "400", "--most", "24").startswith("songs: ")


@pytest.mark.slow
def test_fifty_kills_of_each_kind():
    assert soak("kill_runs", "--moments", "50").count("50 of 50 the same to the byte") == 3


@pytest.mark.slow
def test_memory_stays_flat():
    soak("memory")

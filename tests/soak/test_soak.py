"""Long runs that are killed, and their memory; short versions of the campaigns in this folder."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from songs.midi import read_midi, write_midi
from songs.piano_roll import onsets_from_roll, roll_from_onsets

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


@pytest.mark.parametrize("kind", ["evolve", "dqn", "vae"])
def test_a_run_killed_at_a_random_moment_goes_on_to_the_same_bytes(kind):
    assert soak("kill_runs", kind, "--moments", "1", "--seed", "3").startswith(f"{kind}: 1 of 1 the same to the byte")


def test_a_folder_of_files_is_catalogued_in_little_memory():
    assert soak("memory", "songs", "--files", "400", "--most", "24").startswith("songs: ")


@pytest.mark.slow
def test_fifty_kills_of_each_kind():
    assert soak("kill_runs", "--moments", "50").count("50 of 50 the same to the byte") == 3


@pytest.mark.slow
def test_memory_stays_flat():
    soak("memory")


@pytest.mark.parametrize("count", [100, pytest.param(10_000, marks=pytest.mark.slow)])
def test_random_rolls_survive_a_midi_file(tmp_path, count):
    random = np.random.default_rng(count)
    for _ in range(count):
        steps, density = int(random.integers(1, 300)), random.random() ** 2
        roll = random.random((steps, 13)) < density
        tempo_bpm = float(random.uniform(4, 300))
        write_midi(tmp_path / "roll.mid", onsets_from_roll(roll), steps, tempo_bpm=tempo_bpm, title="roll")
        read = read_midi(tmp_path / "roll.mid", allow_silence=True)
        assert (read.steps, read.off_grid) == (steps, 0)
        assert np.array_equal(roll_from_onsets(read.onsets, read.steps), roll)
        assert read.tempo_bpm == pytest.approx(tempo_bpm, abs=1e-2)

"""The fuzzer of MIDI files: a short run of it, and that it notices what it should."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.songs.test_midi import UNUSABLE

ROOT = Path(__file__).parents[2]
FUZZER = [sys.executable, "tests/fuzz/fuzz_midi.py"]


def fuzz(folder: Path, inputs: int, *options: str) -> subprocess.CompletedProcess:
    command = [*FUZZER, "--inputs", str(inputs), "--out", str(folder / "failures"), *options]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "", "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_damaged_files_are_songs_or_refused(tmp_path):
    done = fuzz(tmp_path, 3000)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "0 of 3000 inputs failed"
    assert not (tmp_path / "failures").exists()


def test_files_crafted_to_do_harm_are_refused_within_the_same_limits(tmp_path):
    program = f"""
import sys
sys.path.insert(0, "tests/fuzz")
import fuzz_midi
from tests.songs.test_midi import UNUSABLE

path = fuzz_midi.Path({str(tmp_path)!r}) / "song.mid"
fuzz_midi._limit_memory()
for name, (data, _) in UNUSABLE.items():
    path.write_bytes(data)
    print(fuzz_midi.judge_in_time(path), name)
"""
    environment = {"PYTHONPATH": str(ROOT), "PATH": "", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    silent = ["no notes"]  # `judge` lets silence through
    expected = [f"{'silence' if name in silent else 'refused'} {name}" for name in UNUSABLE]
    assert done.stdout.splitlines() == expected


@pytest.mark.slow
def test_a_million_damaged_files_are_songs_or_refused(tmp_path):
    done = fuzz(tmp_path, 1_000_000, "--first", "1000000", "--workers", "2")
    print(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("fault", "verdict"),
    [
        ("raise KeyError('division')", "KeyError: 'division'"),
        ("while True: pass", "took more than 2.0 CPU seconds"),
        ("bytes(2**40)", "needed more than 256 MiB"),
        ("raise MidiError('is\\nodd')", "a strange error: is\nodd"),
    ],
)
def test_a_reader_with_a_fault_is_found_out(tmp_path, fault, verdict):
    program = f"""
import sys
sys.path.insert(0, "tests/fuzz")
import fuzz_midi
from songs.midi import MidiError

def broken(path, **options):
    {fault}

fuzz_midi.read_midi = broken
fuzz_midi._limit_memory()
print(fuzz_midi.run_block(7, 1, fuzz_midi.Path({str(tmp_path)!r})))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == f"input 7: {verdict}\nCounter({{'failed': 1}})\n"
    assert (tmp_path / "7.mid").exists()

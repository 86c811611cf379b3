"""A run is repeated from its folder alone, and nobody writes into a folder that somebody writes into."""

import json
import shutil

import pytest

from experiments.runs.folder import RunError, RunFolder

SMALL = ("--prompt", 2, "--memory", 4)


@pytest.fixture
def tune(write_song, tmp_path):
    return write_song(tmp_path / "tune.mid", "C.EG.[CE].D")


def test_an_evolved_run_is_repeated_to_the_byte_without_its_song(kuznechik, tune, tmp_path):
    kuznechik("evolve", tune, *SMALL, "--seed", 3, "--checkpoint-every", 2, "--out", tmp_path / "run")
    tune.unlink()
    called = kuznechik("repeat", tmp_path / "run", "--json")
    answer = json.loads(called.out)
    assert (called.status, answer["same"], called.err) == (0, True, "")
    best = ("genome.json", "roll.npy", "melody.mid", "melody.wav")
    assert set(answer["files"]) == {*(f"best/{name}" for name in best), "history/champions.jsonl"}
    assert answer["run"] == str(tmp_path / "run-repeated-1")


def test_a_learned_run_is_repeated_to_the_byte(kuznechik, tune, tmp_path):
    kuznechik("dqn", tune, *SMALL, "--set", "dqn.steps=300", "--out", tmp_path / "run")
    called = kuznechik("repeat", tmp_path / "run", "--out", tmp_path / "again")
    assert called.status == 0
    assert "DIFFERENT" not in called.out
    assert "best/roll.npy: the same to the byte" in called.out


def test_a_difference_is_told(kuznechik, tune, tmp_path):
    kuznechik("evolve", tune, *SMALL, "--out", tmp_path / "run")
    (tmp_path / "run" / "best" / "genome.json").write_text("{}")
    meta = tmp_path / "run" / "meta.json"
    content = json.loads(meta.read_text())
    content["versions"]["numpy"] = "1.0"
    meta.write_text(json.dumps(content))
    called = kuznechik("repeat", tmp_path / "run")
    assert called.status == 1
    assert "best/genome.json: DIFFERENT" in called.out
    assert "numpy was 1.0 and is" in called.err


def test_a_champion_that_claims_to_be_huge_is_another_and_is_not_read(kuznechik, tune, tmp_path):
    kuznechik("evolve", tune, *SMALL, "--set", "evolve.generations=2", "--out", tmp_path / "run")
    with (tmp_path / "run" / "best" / "genome.json").open("wb") as file:
        file.truncate(2**40)  # holds nothing
    called = kuznechik("repeat", tmp_path / "run")
    assert (called.status, called.err) == (1, "")
    assert "best/genome.json: DIFFERENT" in called.out


def test_a_run_that_has_not_ended_has_nothing_to_compare(kuznechik, tune, tmp_path):
    kuznechik("evolve", tune, *SMALL, "--set", "evolve.generations=2", "--out", tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "best")
    (tmp_path / "run" / "summary.json").unlink()
    called = kuznechik("repeat", tmp_path / "run")
    assert (called.status, called.err.count("\n")) == (2, 1)
    assert "this run is unfinished and has no result to compare: resume it first" in called.err
    assert not (tmp_path / "run-repeated-1").exists()


def test_two_processes_do_not_write_into_one_folder(kuznechik, tune, tmp_path):
    kuznechik("evolve", tune, *SMALL, "--set", "evolve.generations=2", "--out", tmp_path / "run")
    folder = RunFolder.open(tmp_path / "run")
    with folder.writing():
        called = kuznechik("evolve", "--resume", tmp_path / "run", "--set", "evolve.generations=3")
        assert (called.status, called.err.count("\n")) == (2, 1)
        assert "another process is writing to this run folder" in called.err
        with pytest.raises(RunError, match="another process"), RunFolder(folder.path).writing():
            pass
    assert kuznechik("evolve", "--resume", tmp_path / "run", "--set", "evolve.generations=3").status == 0

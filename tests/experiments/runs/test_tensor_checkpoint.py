"""Checkpoints of arrays: what is written is read back, and nothing damaged is taken for whole."""

import json

import numpy as np
import pytest

pytest.importorskip("safetensors")

from safetensors.numpy import save_file

from experiments.runs.tensor_checkpoint import load_checkpoint, read_tensors, save_checkpoint, write_tensors
from experiments.runs.folder import RunError

ARRAYS = {
    "bits": np.arange(6, dtype=np.uint8).reshape(2, 3),
    "floats": np.array([1.5, -0.0, np.inf], dtype=np.float32),
    "flags": np.array([True, False]),
    "words": np.array([65535], dtype=np.uint16),
    "none": np.zeros((0, 4), dtype=np.int64),
    "turned": np.arange(6.0).reshape(2, 3).T,
}
DATA = {"step": 3, "random": {"state": 2**127 + 1}, "text": "Ёжик", "nothing": None, "part": 0.1}


def test_what_is_written_is_read_back(tmp_path):
    write_tensors(tmp_path / "a" / "x.safetensors", ARRAYS, DATA)
    arrays, data = read_tensors(tmp_path / "a" / "x.safetensors")
    assert data == DATA
    assert set(arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        assert arrays[name].tobytes() == array.tobytes()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["x.safetensors"]


def test_the_last_two_are_kept_and_the_newest_is_read(tmp_path):
    for step in (5, 100, 20_000, 3_000_000):
        save_checkpoint(tmp_path, step, {"step": np.array([step])}, {"step": step})
    assert [int(path.stem) for path in sorted(tmp_path.iterdir())] == [20_000, 3_000_000]
    arrays, data, complaints = load_checkpoint(tmp_path)
    assert (arrays["step"].tolist(), data, complaints) == ([3_000_000], {"step": 3_000_000}, [])


@pytest.mark.parametrize("where", range(12))
def test_no_changed_byte_goes_unnoticed(tmp_path, where):
    path = tmp_path / "x.safetensors"
    write_tensors(path, ARRAYS, DATA)
    whole = path.read_bytes()
    at = where * (len(whole) - 1) // 11
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    with pytest.raises(RunError, match="x.safetensors: is "):
        read_tensors(path)


@pytest.mark.parametrize("length", [0, 4, 8, 100, -1])
def test_a_checkpoint_cut_short_is_passed_over_and_named(tmp_path, length):
    for step in (1, 2):
        save_checkpoint(tmp_path, step, ARRAYS, {"step": step})
    newest = tmp_path / "000000000002.safetensors"
    newest.write_bytes(newest.read_bytes()[:length])
    _, data, complaints = load_checkpoint(tmp_path)
    assert data == {"step": 1}
    assert len(complaints) == 1
    assert "000000000002.safetensors: is damaged: " in complaints[0]


def test_without_a_whole_checkpoint_there_is_nothing_to_resume_from(tmp_path):
    with pytest.raises(RunError, match="no checkpoint to resume from"):
        load_checkpoint(tmp_path / "checkpoints")
    (tmp_path / "000000000001.safetensors").write_text("x")
    with pytest.raises(RunError, match="is damaged.*; .*no checkpoint to resume from"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("head", [None, {"format": "pt"}, {"kuznechik tensors": '{"version": 2}'}])
def test_files_of_others_are_refused(tmp_path, head):
    save_file({"x": np.zeros(2)}, str(tmp_path / "x.safetensors"), head)
    with pytest.raises(RunError, match="is no 'kuznechik tensors' file of version 1"):
        read_tensors(tmp_path / "x.safetensors")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RunError, match="x.safetensors: is missing"):
        read_tensors(tmp_path / "x.safetensors")


def test_what_json_cannot_hold_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_tensors(tmp_path / "x.safetensors", {}, {"loss": float("nan")})
    assert json.dumps(sorted(path.name for path in tmp_path.iterdir())) == "[]"

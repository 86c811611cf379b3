"""Checkpoints: what is written is read back, the last two are kept, and nothing damaged is taken for whole."""

import os

import numpy as np
import pytest
from safetensors.numpy import save_file

from experiments.runs.checkpoint import load_checkpoint, read_arrays, save_checkpoint, write_arrays
from experiments.runs.folder import RunError

ARRAYS = {
    "bits": np.arange(6, dtype=np.uint8).reshape(2, 3),
    "floats": np.array([1.5, -0.0, 3e38], dtype=np.float32),
    "flags": np.array([True, False]),
    "words": np.array([65535], dtype=np.uint16),
    "none": np.zeros((0, 4), dtype=np.int64),
    "turned": np.arange(6.0).reshape(2, 3).T,
}
DATA = {
    "numbers": [0.1, 1e-300, -0.0, 2**127 + 1],
    "text": "ёж",
    "nested": {"none": None, "flags": [True, False]},
}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "run" / "checkpoints"


def save(folder, *steps: int) -> None:
    for step in steps:
        save_checkpoint(folder, step, (ARRAYS, {**DATA, "step": step}))


def step_of(folder) -> int:
    state, _ = load_checkpoint(folder)
    return state[1]["step"]


def test_what_is_written_is_read_back_to_the_bit(tmp_path):
    write_arrays(tmp_path / "a" / "x.safetensors", ARRAYS, DATA)
    arrays, data = read_arrays(tmp_path / "a" / "x.safetensors")
    assert data == DATA
    assert set(arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        assert arrays[name].tobytes() == array.tobytes()
    assert os.listdir(tmp_path / "a") == ["x.safetensors"]


def test_the_same_content_gives_the_same_bytes(tmp_path):
    for name in ("x", "y"):
        write_arrays(tmp_path / f"{name}.safetensors", dict(reversed(ARRAYS.items())) if name == "y" else ARRAYS, DATA)
    assert (tmp_path / "x.safetensors").read_bytes() == (tmp_path / "y.safetensors").read_bytes()


def test_the_last_two_are_kept_and_the_newest_is_read(folder):
    save(folder, 7)
    assert os.listdir(folder) == ["000000000007.safetensors"]
    save(folder, 14, 21, 3_000_000)
    assert sorted(os.listdir(folder)) == ["000000000021.safetensors", "000003000000.safetensors"]
    assert step_of(folder) == 3_000_000


def test_a_checkpoint_may_be_saved_again(folder):
    save(folder, 7, 14, 14)
    assert sorted(os.listdir(folder)) == ["000000000007.safetensors", "000000000014.safetensors"]


@pytest.mark.parametrize(
    "state", [({}, {"x": float("nan")}), ({"x": np.array([np.inf])}, {}), ({"x": np.array([[np.nan]], np.float32)}, {})]
)
def test_a_state_that_is_not_finite_is_refused_before_anything_is_written(folder, state):
    save(folder, 7)
    with pytest.raises(ValueError, match="JSON|x holds values that are not finite"):
        save_checkpoint(folder, 14, state)
    assert os.listdir(folder) == ["000000000007.safetensors"]


@pytest.mark.parametrize("where", range(12))
def test_no_changed_byte_goes_unnoticed(tmp_path, where):
    path = tmp_path / "x.safetensors"
    write_arrays(path, ARRAYS, DATA)
    whole = path.read_bytes()
    at = where * (len(whole) - 1) // 11
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    with pytest.raises(RunError, match="x.safetensors: is "):
        read_arrays(path)


@pytest.mark.parametrize("length", [0, 4, 8, 100, -1])
def test_a_checkpoint_cut_short_is_passed_over_and_named(folder, length):
    save(folder, 1, 2)
    newest = folder / "000000000002.safetensors"
    newest.write_bytes(newest.read_bytes()[:length])
    state, (complaint,) = load_checkpoint(folder)
    assert state[1]["step"] == 1
    assert "000000000002.safetensors: is damaged: " in complaint


def test_a_file_that_was_being_written_is_no_checkpoint(folder):
    save(folder, 7)
    (folder / ".000000000014.safetensors.x3f9.part").write_text("half")
    assert step_of(folder) == 7


def test_without_any_checkpoint_there_is_no_state(folder):
    assert load_checkpoint(folder) == (None, [])
    folder.mkdir(parents=True)
    assert load_checkpoint(folder) == (None, [])


def test_damaged_checkpoints_alone_are_an_error_that_names_them(folder):
    save(folder, 7, 14)
    for path in folder.iterdir():
        path.write_text("")
    reason = r"14.safetensors: is damaged: .*; .*07.safetensors: is damaged: .*no checkpoint is left"
    with pytest.raises(RunError, match=reason):
        load_checkpoint(folder)


@pytest.mark.parametrize("head", [None, {"format": "pt"}, {"kuznechik arrays": '{"version": 9}'}])
def test_files_of_others_are_refused(tmp_path, head):
    save_file({"x": np.zeros(2)}, str(tmp_path / "x.safetensors"), head)
    with pytest.raises(RunError, match="is not a file of kuznechik arrays, version 2"):
        read_arrays(tmp_path / "x.safetensors")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RunError, match="x.safetensors: is missing"):
        read_arrays(tmp_path / "x.safetensors")


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    write_arrays(tmp_path / "x.safetensors", ARRAYS, DATA)
    with pytest.raises(RunError, match="x.safetensors: is damaged: .*Larger than"):
        read_arrays(tmp_path / "x.safetensors", most_bytes=100)

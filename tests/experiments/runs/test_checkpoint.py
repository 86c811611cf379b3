"""Checkpoints: the last two are kept, and a damaged one is noticed."""

import json
import os

import pytest

from experiments.runs.checkpoint import load_checkpoint, save_checkpoint
from experiments.runs.folder import RunError

STATE = {"numbers": [0.1, 1e-300, -0.0, 2**60], "text": "ёж", "nested": {"none": None, "flags": [True, False]}}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "run" / "checkpoints"


def save(folder, *steps: int) -> None:
    for step in steps:
        save_checkpoint(folder, step, {**STATE, "step": step})


def test_a_state_comes_back_to_the_bit(folder):
    save_checkpoint(folder, 3, STATE)
    state, complaints = load_checkpoint(folder)
    assert (state, complaints) == (STATE, [])
    assert json.dumps(state) == json.dumps(STATE)


def test_the_last_two_are_kept(folder):
    save(folder, 7)
    assert os.listdir(folder) == ["00000007.json"]
    save(folder, 14, 21, 100)
    assert sorted(os.listdir(folder)) == ["00000021.json", "00000100.json"]
    assert load_checkpoint(folder)[0]["step"] == 100


def test_a_checkpoint_may_be_saved_again(folder):
    save(folder, 7, 14, 14)
    assert sorted(os.listdir(folder)) == ["00000007.json", "00000014.json"]


def test_numbers_that_are_none_are_not_saved(folder):
    save(folder, 7)
    with pytest.raises(ValueError, match="JSON"):
        save_checkpoint(folder, 14, {"x": float("nan")})
    assert os.listdir(folder) == ["00000007.json"]


def damage_head(content: bytes) -> bytes:
    return b"{" + content


def flip_a_digit(content: bytes) -> bytes:
    return content.replace(b"1e-300", b"1e-301")


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def drop_a_line_end(content: bytes) -> bytes:
    return content.replace(b"\n", b" ")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (damage_head, "00000014.json: is damaged: "),
        (flip_a_digit, "00000014.json: is damaged: its checksum does not match"),
        (cut, "00000014.json: is damaged: its checksum does not match"),
        (drop_a_line_end, "00000014.json: is damaged: Extra data"),
        (lambda content: b"", "00000014.json: is damaged: Expecting value"),
        (lambda content: b"\xff\xfe", "00000014.json: is damaged: .*decode"),
        (lambda content: b"[]\n{}\n", "00000014.json: is damaged: "),
        (lambda content: b"{}\n{}\n", "00000014.json: is damaged: 'format'"),
        (
            lambda content: content.replace(b'"version": 1', b'"version": 2'),
            "00000014.json: is 'kuznechik checkpoint' version 2, not version 1",
        ),
        (
            lambda content: content.replace(b"kuznechik checkpoint", b"shopping list"),
            "00000014.json: is 'shopping list' version 1, not version 1",
        ),
    ],
)
def test_the_previous_one_is_used_and_the_damage_named(folder, damage, reason):
    save(folder, 7, 14)
    path = folder / "00000014.json"
    path.write_bytes(damage(path.read_bytes()))
    state, (complaint,) = load_checkpoint(folder)
    assert state["step"] == 7
    assert complaint.endswith("; resumed from the checkpoint before it")
    with pytest.raises(RunError, match=reason):
        raise RunError(complaint)


def test_every_byte_is_guarded(folder):
    save(folder, 7, 14)
    path = folder / "00000014.json"
    whole = path.read_bytes()
    for place in range(0, len(whole) - 1, 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        state, complaints = load_checkpoint(folder)
        # what stands in the head beside the checksum is not needed
        assert state == {**STATE, "step": 7 if complaints else 14}


def test_a_file_that_was_being_written_is_no_checkpoint(folder):
    save(folder, 7)
    (folder / ".00000014.json.x3f9").write_text("half")
    assert load_checkpoint(folder)[0]["step"] == 7


def test_nothing_to_resume_from_is_an_error(folder):
    with pytest.raises(RunError, match="run: no checkpoint to resume from$"):
        load_checkpoint(folder)
    folder.mkdir(parents=True)
    with pytest.raises(RunError, match="run: no checkpoint to resume from$"):
        load_checkpoint(folder)
    save(folder, 7, 14)
    for path in folder.iterdir():
        path.write_text("")
    with pytest.raises(RunError, match=r"00000014.json: is damaged: .*; .*00000007.json: is damaged: .*no checkpoint"):
        load_checkpoint(folder)

"""Choices of a person: the file that breeding writes and taste reads."""

import json

import numpy as np
import pytest

from experiments.runs.breed.choices import CHOICES, Choice, append_choice, read_choices
from experiments.runs.folder import RunError
from songs.keyboard import Grid, Keyboard


def choice(generation=0, chosen=(2, 0), keys=13, keep=False):
    rolls = np.random.default_rng(generation).random((3, 17, keys)) < 0.2
    return Choice(generation, chosen, rolls, Keyboard(keys, 48), Grid(3, 2, 1.5), keep)


def test_choices_are_read_as_they_were_appended(tmp_path):
    written = [choice(0), choice(1, (1,), keep=True), choice(0, (0, 1, 2))]
    for one in written:
        append_choice(tmp_path, one)
    read = read_choices(tmp_path)
    assert [(one.generation, one.chosen, one.keep) for one in read] == [(0, (2, 0), False), (1, (1,), True),
                                                                      (0, (0, 1, 2), False)]  # fmt: skip
    for one, other in zip(read, written, strict=True):
        assert one.rolls.dtype == bool
        np.testing.assert_array_equal(one.rolls, other.rolls)
        assert (one.keyboard, one.grid) == (Keyboard(13, 48), Grid(3, 2, 1.5))


def test_a_line_has_cells_packed_from_the_first_steps_lowest_key_on():
    rolls = np.zeros((1, 2, 5), dtype=bool)
    rolls[0, 0, 0] = rolls[0, 1, 4] = True
    line = Choice(0, (0,), rolls, Keyboard(5, 60), Grid()).to_json()
    assert json.loads(line) == {
        "generation": 0,
        "chosen": [0],
        "keep": False,
        "steps": 2,
        "keys": 5,
        "lowest_pitch": 60,
        "grid": {"steps_per_beat": 2, "beats_per_bar": 4, "beat": 1.0},
        "rolls": ["gEA="],  # 10000 00001 000000
    }


@pytest.mark.parametrize("chosen", [(), (3,), (-1,), (1, 1)])
def test_chosen_melodies_are_among_those_shown(chosen):
    with pytest.raises(ValueError, match="it must name some of 3 melodies, each once"):
        choice(chosen=chosen)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"chosen": []}, "must name some of 3 melodies"),
        ({"chosen": [7]}, "must name some of 3 melodies"),
        ({"chosen": [True]}, "chosen"),
        ({"keep": 1}, "keep is 1"),
        ({"steps": 18}, "a roll does not have 18 steps of 13 keys"),
        ({"keys": 10**9}, "keys holds values"),
        ({"rolls": ["no base64"]}, "not in base64"),
        ({"rolls": []}, "0 melodies"),
        ({"lowest_pitch": 126}, "within 0 and 127"),
        ({"grid": {"steps_per_beat": 5, "beats_per_bar": 4, "beat": 1.0}}, "5 steps a beat"),
        ({"generation": 1}, "was not bred"),
    ],
)
def test_a_broken_line_is_named(change, match, tmp_path):
    append_choice(tmp_path, choice())
    line = json.dumps(json.loads(choice().to_json()) | change)
    path = tmp_path / CHOICES
    path.write_text((path.read_text() + line + "\n") if "generation" not in change else line + "\n")
    with pytest.raises(RunError, match=match) as error:
        read_choices(tmp_path)
    assert f"choices.jsonl, line {1 if 'generation' in change else 2}: " in str(error.value)


@pytest.mark.parametrize("line", ["", "[" * 100_000, "{}", "[]", '{"generation": NaN}'])
def test_what_is_no_choice_is_refused(line):
    with pytest.raises(ValueError, match=r"not JSON|the choice|generation"):
        Choice.from_json(line)


def test_a_last_line_cut_short_is_left_out(tmp_path):
    append_choice(tmp_path, choice())
    with (tmp_path / CHOICES).open("a") as file:
        file.write(choice(1).to_json()[:40])
    assert len(read_choices(tmp_path)) == 1


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RunError, match="choices.jsonl: no such file"):
        read_choices(tmp_path)

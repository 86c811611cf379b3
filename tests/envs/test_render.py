"""Pictures of what is played, as text and as pixels."""

import numpy as np
import pytest

from envs import render


def roll_of(steps: int, *onsets: tuple[int, int]) -> np.ndarray:
    roll = np.zeros((steps, 13), dtype=bool)
    for step, key in onsets:
        roll[step, key] = True
    return roll


def square(pixels: np.ndarray, key: int, column: int) -> tuple[int, ...]:
    """Return the colour in the middle of a cell; a cell has 12 pixels a side."""
    return tuple(pixels[(12 - key) * 12 + 6, column * 12 + 6].tolist())


# Text


def test_text_marks_right_wrong_and_missed_keys():
    target = roll_of(10, (0, 0), (1, 2), (3, 4), (8, 7))
    played = roll_of(10, (0, 0), (1, 12))
    assert render.text(played, target, now=3).split("\n") == [
        " C5 .x......|........|........|........",
        " B4 ........|........|........|........",
        "A#4 ........|........|........|........",
        " A4 ........|........|........|........",
        "G#4 ........|........|........|........",
        " G4 ........|o.......|........|........",
        "F#4 ........|........|........|........",
        " F4 ........|........|........|........",
        " E4 ...o....|........|........|........",
        "D#4 ........|........|........|........",
        " D4 .o......|........|........|........",
        "C#4 ........|........|........|........",
        " C4 #.......|........|........|........",
        "       ^ step 3",
    ]


def test_without_a_target_all_that_is_played_is_right():
    lines = render.text(roll_of(8, (0, 0), (1, 12)), None, now=8).split("\n")
    assert lines[0] == " C5 .#......|........|........|........"
    assert lines[12] == " C4 #.......|........|........|........"
    assert lines[13] == " " * 13 + "^ step 8"


def test_what_is_not_played_yet_is_not_drawn():
    played = roll_of(8, (2, 0), (3, 0))
    assert render.text(played, None, now=3).split("\n")[12] == " C4 ..#.....|........|........|........"


@pytest.mark.parametrize(
    ("now", "low_c", "pointer"),
    [
        (32, "#.......|.......x|........|.......o", " " * 40 + "^ step 32"),
        (33, ".......x|........|.......o|........", " " * 32 + "^ step 33"),
        (40, ".......x|........|.......o|........", " " * 40 + "^ step 40"),
        (41, "........|.......o|........|#.......", " " * 32 + "^ step 41"),
    ],
)
def test_the_window_moves_on_by_bars(now, low_c, pointer):
    target = roll_of(48, (0, 0), (31, 0), (40, 0))
    played = roll_of(48, (0, 0), (15, 0), (40, 0))
    lines = render.text(played, target, now).split("\n")
    assert lines[12] == f" C4 {low_c}"
    assert lines[13] == pointer


# Pixels


def test_an_image_has_12_pixels_a_step_and_12_a_key():
    pixels = render.image(roll_of(10), roll_of(10), now=0)
    assert pixels.shape == (156, 384, 3)
    assert pixels.dtype == np.uint8


def test_an_image_colours_right_wrong_and_missed_keys():
    target = roll_of(10, (0, 0), (1, 2), (3, 4))
    played = roll_of(10, (0, 0), (1, 12))
    pixels = render.image(played, target, now=3)
    assert square(pixels, 0, 0) == render.COLOURS["right"]
    assert square(pixels, 12, 1) == render.COLOURS["wrong"]
    assert square(pixels, 2, 1) == render.COLOURS["missed"]
    assert square(pixels, 4, 3) == render.COLOURS["missed"]
    assert len(set(render.COLOURS.values())) == 3


def test_the_rows_of_an_image_look_like_white_and_black_keys():
    pixels = render.image(roll_of(10), None, now=0)
    rows = [square(pixels, key, 5) for key in range(13)]
    assert {rows[key] for key in (0, 2, 4, 5, 7, 9, 11, 12)} == {(250, 250, 247)}
    assert {rows[key] for key in (1, 3, 6, 8, 10)} == {(232, 233, 236)}


def test_the_window_of_an_image_moves_on_by_bars():
    played = roll_of(48, (0, 0), (8, 3))
    assert square(render.image(played, None, now=32), 0, 0) == render.COLOURS["right"]
    assert square(render.image(played, None, now=33), 3, 0) == render.COLOURS["right"]


def test_a_line_stands_before_the_step_to_be_played_next():
    def line(now: int) -> list[int]:
        pixels = render.image(roll_of(48), None, now)
        return np.flatnonzero((pixels == (120, 140, 220)).all(axis=(0, 2))).tolist()

    assert line(0) == [0]
    assert line(3) == [34, 35, 36]
    assert line(32) == [382, 383]  # at the right edge
    assert line(33) == [298, 299, 300]


def test_a_picture_changes_nothing_it_is_given():
    played, target = roll_of(10, (0, 0)), roll_of(10, (1, 0))
    render.text(played, target, 2)
    render.image(played, target, 2)
    np.testing.assert_array_equal(played, roll_of(10, (0, 0)))
    np.testing.assert_array_equal(target, roll_of(10, (1, 0)))

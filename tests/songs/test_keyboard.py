"""Names and numbers of pitches, keyboards and grids."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from songs import keyboard
from songs.keyboard import Grid, Keyboard, pitch_name, pitch_number, usual_keyboard


def test_the_keyboard_has_the_13_keys_from_c4_to_c5():
    names = keyboard.DEFAULT_KEYBOARD.names
    assert names == ("C4", "C#4", "D4", "D#4", "E4", "F4", "F#4", "G4", "G#4", "A4", "A#4", "B4", "C5")
    assert (keyboard.LOWEST_PITCH, keyboard.KEYS) == (60, 13)
    assert [key for key, name in enumerate(names) if "#" in name] == list(keyboard.BLACK_KEYS)


def test_a_bar_is_four_beats_of_eighth_notes_and_a_song_16_bars():
    assert (keyboard.STEPS_PER_BAR, keyboard.SONG_STEPS, keyboard.PROMPT_STEPS) == (8, 128, 8)


@pytest.mark.parametrize(
    ("pitch", "name"),
    [(0, "C-1"), (11, "B-1"), (12, "C0"), (21, "A0"), (60, "C4"), (61, "C#4"), (69, "A4"), (72, "C5"), (127, "G9")],
)
def test_a_pitch_has_its_scientific_name(pitch, name):
    assert pitch_name(pitch) == name
    assert pitch_number(name) == pitch


def test_every_midi_pitch_is_found_by_its_name():
    assert [pitch_number(pitch_name(pitch)) for pitch in range(128)] == list(range(128))


@pytest.mark.parametrize(
    ("name", "pitch"),
    [
        ("Bb3", 58),
        ("Db4", 61),
        ("bb4", 70),
        ("f#5", 78),
        ("Cb4", 59),  # a semitone below C4, so B3
        ("B#3", 60),
        ("Fb4", 64),
        ("E#4", 65),
        ("C#-1", 1),
        ("Bb-1", 10),
    ],
)
def test_flats_sharps_and_small_letters_are_understood(name, pitch):
    assert pitch_number(name) == pitch


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("", "is no note name"),
        ("H4", "'H4' is no note name: write a letter, # or b, an octave, as in F#4"),
        ("4", "is no note name"),
        ("C##4", "is no note name"),
        ("C10", "is no note name"),
        ("C--1", "is no note name"),
        ("C", "'C' has no octave: write one behind the letter, as in C4"),
        ("F#", "has no octave"),
        ("G#9", "'G#9' is pitch 128: MIDI has 0 to 127"),
        ("Cb-1", "'Cb-1' is pitch -1: MIDI has 0 to 127"),
    ],
)
def test_a_name_that_is_no_pitch_is_refused(name, match):
    with pytest.raises(ValueError, match=match):
        pitch_number(name)


@given(st.text("abcCgGhH#b-0123459 é", max_size=6))
def test_any_text_is_a_midi_pitch_or_a_value_error(text):
    try:
        assert 0 <= pitch_number(text) <= 127
    except ValueError as error:
        assert repr(text) in str(error)


# Keyboards and grids as values


def test_a_keyboard_names_its_keys_from_the_lowest_pitch_on():
    keyboard_of_four = Keyboard(4, 70)
    assert keyboard_of_four.names == ("A#4", "B4", "C5", "C#5")
    assert keyboard_of_four.black_keys == (0, 3)
    assert (keyboard_of_four.lowest_pitch, keyboard_of_four.highest_pitch) == (70, 73)
    assert Keyboard() == Keyboard(13, 60)


@pytest.mark.parametrize(
    ("keys", "lowest"), [(1, 60), (13, 60), (24, 60), (25, 48), (37, 48), (49, 36), (61, 36), (88, 21)]
)
def test_the_usual_keyboards_begin_at_a_c_but_a_piano_at_a(keys, lowest):
    assert usual_keyboard(keys) == Keyboard(keys, lowest)


@pytest.mark.parametrize(
    ("pitches", "shift"),
    [
        ([60, 72], 0),
        ([60], 0),
        ([72], 0),
        ([64, 70], 0),  # already on the keyboard: left alone
        ([59, 65], 1),
        ([48, 52], 12),
        ([0], 60),
        ([73], -1),
        ([70, 80], -8),
        ([127], -55),
        ([59, 71], 1),  # 13 keys fit in one way only
        ([61, 73], -1),
        ([48, 60], 12),
        ([59, 72], None),  # 14 keys
        ([0, 127], None),
    ],
)
def test_the_smallest_shift_onto_the_default_keyboard(pitches, shift):
    assert Keyboard().smallest_shift(np.array(pitches)) == shift


@given(st.lists(st.integers(0, 127), min_size=1, max_size=4))
def test_no_shift_is_smaller(pitches):
    fitting = [n for n in range(-127, 128) if all(60 <= pitch + n <= 72 for pitch in pitches)]
    assert Keyboard().smallest_shift(np.array(pitches)) == (min(fitting, key=abs) if fitting else None)


@pytest.mark.parametrize(
    ("pitches", "shift"), [([48, 72], 0), ([47, 60], 1), ([70, 80], -8), ([36], 12), ([40, 65], None)]
)
def test_the_smallest_shift_onto_a_keyboard_of_25_keys(pitches, shift):
    assert Keyboard(25, 48).smallest_shift(np.array(pitches)) == shift


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ((0,), "a keyboard of 0 keys: it has 1 to 88"),
        ((89, 0), "a keyboard of 89 keys: it has 1 to 88"),
        ((13, -1), "13 keys from pitch -1: they must lie within 0 and 127"),
        ((13, 116), "13 keys from pitch 116"),
    ],
)
def test_a_keyboard_that_midi_cannot_name_is_refused(arguments, match):
    with pytest.raises(ValueError, match=match):
        Keyboard(*arguments)


@pytest.mark.parametrize(
    ("grid", "signature", "steps_per_bar", "steps_per_quarter", "name"),
    [
        (Grid(), (4, 4), 8, 2, "eighths"),
        (Grid(4, 3), (3, 4), 12, 4, "sixteenths"),
        (Grid(3, 2, beat=1.5), (6, 8), 6, 2, "eighths"),
        (Grid(6, 4, beat=1.5), (12, 8), 24, 4, "sixteenths"),
        (Grid(1, 5, beat=0.5), (5, 8), 5, 2, "eighths"),
        (Grid(3, 4), (4, 4), 12, 3, "3 steps a quarter note"),
    ],
)
def test_a_grid_knows_its_meter(grid, signature, steps_per_bar, steps_per_quarter, name):
    assert grid.time_signature == signature
    assert (grid.steps_per_bar, grid.steps_per_quarter, grid.name) == (steps_per_bar, steps_per_quarter, name)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ((5, 4), "5 steps a beat: it must be 1, 2, 3, 4, 6, 8 or 12"),
        ((2, 0), "0 beats a bar: it must be 1 to 12"),
        ((2, 13), "13 beats a bar"),
        ((4, 2, 1.5), r"a beat of 1\.5 quarter notes, 4 steps long"),
        ((2, 4, 2.0), r"a beat of 2\.0 quarter notes"),
    ],
)
def test_a_grid_of_another_kind_is_refused(arguments, match):
    with pytest.raises(ValueError, match=match):
        Grid(*arguments)

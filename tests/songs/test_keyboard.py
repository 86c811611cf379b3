"""Names and numbers of pitches, and which of them are keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songs import keyboard
from songs.keyboard import pitch_name, pitch_number


def test_the_keyboard_has_the_13_keys_from_c4_to_c5():
    assert keyboard.KEY_NAMES == ("C4", "C#4", "D4", "D#4", "E4", "F4", "F#4", "G4", "G#4", "A4", "A#4", "B4", "C5")
    assert (keyboard.LOWEST_PITCH, keyboard.HIGHEST_PITCH, keyboard.KEYS) == (60, 72, 13)


def test_the_black_keys_are_the_sharps():
    assert [key for key, name in enumerate(keyboard.KEY_NAMES) if "#" in name] == list(keyboard.BLACK_KEYS)


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

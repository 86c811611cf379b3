"""The three representations, by literal values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vae.tokens import MIDI_LIKE, ONSETS, PIANO_ROLL, REST, implied_onsets, previous_tokens, representation

C4, E4, C5, C6 = 39, 43, 51, 63
ROLL = np.array([[C4, C4, C4, E4, REST, REST, E4, E4]])
BEGINS = np.array([[1, 0, 1, 1, 0, 0, 1, 0]], dtype=bool)


def test_the_sizes_are_those_of_the_literature():
    assert [(form.name, form.classes) for form in (PIANO_ROLL, MIDI_LIKE, ONSETS)] == [
        ("pianoroll", 89),
        ("midilike", 90),
        ("onsets", 14),
    ]


def test_a_piano_roll_loses_a_repeated_note():
    tokens = PIANO_ROLL.write(ROLL, BEGINS)
    assert tokens.tolist() == ROLL.tolist()
    assert PIANO_ROLL.read(tokens)[1].astype(int).tolist() == [[1, 0, 0, 1, 0, 0, 1, 0]]


def test_midi_like_keeps_a_repeated_note():
    tokens = MIDI_LIKE.write(ROLL, BEGINS)
    assert tokens.tolist() == [[41, 0, 41, 45, 1, 0, 45, 0]]
    roll, onsets = MIDI_LIKE.read(tokens)
    assert (roll.tolist(), onsets.tolist()) == (ROLL.tolist(), BEGINS.tolist())


def test_a_note_held_over_the_start_of_a_window_begins_with_it():
    held = np.zeros((1, 3), dtype=bool)
    assert MIDI_LIKE.write(np.full((1, 3), C4), held).tolist() == [[41, 0, 0]]


def test_midi_like_ignores_an_end_while_nothing_sounds():
    assert MIDI_LIKE.read(np.array([[1, 0, 41, 1, 1]]))[0].tolist() == [[REST, REST, C4, REST, REST]]


def test_onsets_are_eighths_on_the_keyboard():
    assert ONSETS.write(ROLL, BEGINS).tolist() == [[0, 0, 13, 4]]


def test_onsets_are_moved_onto_the_keyboard_or_left_out():
    low = np.array([[C4 - 2, C4 - 2, C4, C4]])
    wide = np.array([[C4, C4, C6, C6]])
    begins = np.array([[1, 0, 1, 0]] * 2, dtype=bool)
    assert ONSETS.write(np.concatenate((low, wide)), begins).tolist() == [[0, 2]]
    high = np.array([[C5, C5, C5 + 3, C5 + 3]])
    assert ONSETS.write(high, begins[:1]).tolist() == [[9, 12]]


def test_onsets_are_held_for_a_beat_at_most():
    roll, onsets = ONSETS.read(np.array([[13, 0, 13, 13, 12]]))
    assert roll.tolist() == [[REST, C4, C4, REST, C5]]
    assert onsets.tolist() == [[False, True, False, False, True]]


@given(st.lists(st.integers(0, 89), min_size=1, max_size=40))
def test_a_midi_like_melody_is_the_same_after_writing_it_again(tokens):
    roll, onsets = MIDI_LIKE.read(np.array([tokens]))
    again = MIDI_LIKE.read(MIDI_LIKE.write(roll, onsets))
    assert (again[0].tolist(), again[1].tolist()) == (roll.tolist(), onsets.tolist())


def test_notes_begin_where_the_pitch_changes():
    assert implied_onsets(np.array([C4, C4, REST, C4, E4])).tolist() == [True, False, False, True, True]


def test_previous_tokens_begin_with_the_start():
    assert previous_tokens(np.array([[5, 6, 7]]), 89).tolist() == [[89, 5, 6]]


def test_an_unknown_representation_is_refused():
    with pytest.raises(ValueError, match="no representation 'drums'; there are pianoroll, midilike, onsets"):
        representation("drums")

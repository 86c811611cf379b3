"""Songs: the shift onto the keyboard, the cut to whole bars, and the way to a file and back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songs.catalog import read_song
from songs.midi import MidiNotes, read_midi
from songs.piano_roll import roll_from_onsets
from songs.song import Song, out_of_range, smallest_shift, whole_bars


def notes(*onsets: tuple[int, int]) -> MidiNotes:
    onsets = np.array(onsets, dtype=np.int64)
    return MidiNotes(title="", tempo_bpm=120.0, steps=int(onsets[-1, 0]) + 1, onsets=onsets, off_grid=0)


# The smallest shift


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
def test_the_smallest_shift_onto_the_keyboard(pitches, shift):
    assert smallest_shift(np.array(pitches)) == shift


@given(st.lists(st.integers(0, 127), min_size=1, max_size=4))
def test_no_shift_is_smaller(pitches):
    fitting = [n for n in range(-127, 128) if all(60 <= pitch + n <= 72 for pitch in pitches)]
    assert smallest_shift(np.array(pitches)) == (min(fitting, key=abs) if fitting else None)


def test_out_of_range_names_the_lowest_and_the_highest_note():
    assert out_of_range(np.array([62, 59, 74])) == "spans 16 keys (B3 to D5), the keyboard has 13"


# Whole bars


def test_empty_bars_before_the_first_note_are_dropped_but_not_its_place_in_the_bar():
    onsets, steps = whole_bars(notes((19, 60), (25, 62)))
    assert onsets.tolist() == [[3, 60], [9, 62]]
    assert steps == 16


def test_a_song_ends_with_the_bar_of_its_last_note():
    assert whole_bars(notes((0, 60), (7, 62)))[1] == 8
    assert whole_bars(notes((0, 60), (8, 62)))[1] == 16


def test_what_is_longer_is_cut():
    onsets, steps = whole_bars(notes((0, 60), (127, 62), (128, 64)))
    assert onsets.tolist() == [[0, 60], [127, 62]]
    assert steps == 128


def test_a_cut_song_ends_with_its_last_sounding_bar_too():
    onsets, steps = whole_bars(notes((0, 60), (40, 62)), steps=32)
    assert onsets.tolist() == [[0, 60]]
    assert steps == 8


def test_a_song_may_be_cut_within_a_bar():
    onsets, steps = whole_bars(notes((8, 60), (18, 62), (19, 64)), steps=11)
    assert onsets.tolist() == [[0, 60], [10, 62]]
    assert steps == 11


def test_a_song_cannot_be_cut_to_nothing():
    with pytest.raises(ValueError, match="cut to 0 steps: it has at least 1"):
        whole_bars(notes((0, 60)), steps=0)


def test_the_notes_are_not_changed():
    given_notes = notes((9, 60), (200, 62))
    whole_bars(given_notes)
    assert given_notes.onsets.tolist() == [[9, 60], [200, 62]]


# A song and its file


def test_a_song_checks_its_roll_and_keeps_a_copy():
    roll = np.zeros((8, 13), dtype=int)
    song = Song("tune", roll)
    roll[0, 0] = 1
    assert song.roll.dtype == bool
    assert not song.roll.any()
    assert song.steps == 8
    with pytest.raises(ValueError, match=r"this one has \(8, 12\)"):
        Song("tune", np.zeros((8, 12)))


def test_a_written_song_is_read_back(tmp_path):
    roll = roll_from_onsets(np.array([[0, 60], [3, 72], [9, 64], [9, 67]]), 16)
    Song("tune", roll, title="Кузнечик", tempo_bpm=96.0).write(tmp_path / "tune.mid")
    song = read_song(tmp_path / "tune.mid")
    np.testing.assert_array_equal(song.roll, roll)
    assert (song.name, song.title, song.tempo_bpm, song.shift) == ("tune", "Кузнечик", 96.0, 0)


def test_a_song_without_a_title_is_written_under_its_name(tmp_path):
    Song("tune", roll_from_onsets(np.array([[0, 60]]), 8)).write(tmp_path / "other.mid")
    assert read_midi(tmp_path / "other.mid").title == "tune"


def test_a_song_is_written_with_its_silence_at_the_end(tmp_path):
    Song("tune", roll_from_onsets(np.array([[0, 60]]), 24)).write(tmp_path / "tune.mid")
    assert read_midi(tmp_path / "tune.mid").steps == 24


@st.composite
def sounding_rolls(draw) -> np.ndarray:
    """Rolls of whole bars that sound in the first one and the last."""
    steps = 8 * draw(st.integers(1, 4))
    onsets = draw(st.lists(st.tuples(st.integers(0, steps - 1), st.integers(60, 72)), max_size=30))
    first, last = draw(st.integers(0, 7)), draw(st.integers(steps - 8, steps - 1))
    return roll_from_onsets(np.array([*onsets, (first, 60), (last, 65)]), steps)


@settings(deadline=None)
@given(roll=sounding_rolls(), tempo_bpm=st.integers(20, 300))
def test_any_song_of_whole_bars_survives_its_file(tmp_path_factory, roll, tempo_bpm):
    path = tmp_path_factory.mktemp("song") / "tune.mid"
    Song("tune", roll, tempo_bpm=tempo_bpm).write(path)
    song = read_song(path)
    np.testing.assert_array_equal(song.roll, roll)
    assert song.tempo_bpm == pytest.approx(tempo_bpm, abs=0.001)

"""Songs, and writing them to files and reading them back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songs.catalog import read_song
from songs.keyboard import KEYS, Grid
from songs.midi import read_midi
from songs.piano_roll import roll_from_onsets
from songs.song import Song, usual_memory, usual_prompt

# A song and its file


def test_a_song_checks_its_roll_and_keeps_a_copy():
    roll = np.zeros((8, KEYS), dtype=int)
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


@pytest.mark.parametrize(
    ("grids", "steps", "prompt", "memory"),
    [
        ([Grid()], 128, 8, 32),
        ([Grid(12, 4)], 768, 48, 192),
        ([Grid(4, 3)], 48, 12, 48),
        ([Grid(2, 2)], 64, 8, 32),  # never less than on the default grid
        ([Grid(), Grid(4, 4)], 128, 16, 64),  # the longest bar
        ([Grid(4, 4)], 16, 8, 64),  # half of a song of one bar
    ],
)
def test_by_default_one_bar_is_given_and_four_are_remembered(grids, steps, prompt, memory):
    songs = [Song("tune", np.zeros((steps, KEYS), dtype=bool), grid=grid) for grid in grids]
    assert (usual_prompt(songs), usual_memory(songs)) == (prompt, memory)

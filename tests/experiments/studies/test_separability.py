"""How well sources are told apart: nothing for halves of one, all for noise, and what tells it."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs scikit-learn: pip install '.[sklearn]'")
pytest.importorskip("torch", reason="figures of the judge are read with torch installed")

from experiments.studies.separability import FIGURES, figures, separability
from songs.catalog import read_catalog
from songs.keyboard import Grid

SONGS = [entry.song for entry in read_catalog() if entry.song]


def test_halves_of_the_songs_are_not_told_apart():
    found = separability(SONGS[::2], SONGS[1::2], trees=40)
    assert found["low"] <= 0.5 <= found["high"]
    assert found["melodies"] == [18, 17]
    assert found == separability(SONGS[::2], SONGS[1::2], trees=40), "the same seed gives the same"


def test_shuffled_songs_are_told_by_their_form():
    generator = np.random.default_rng(0)
    noise = [replace(song, roll=generator.permuted(song.roll, axis=0), lengths=None) for song in SONGS[1::2]]
    found = separability(SONGS[::2], noise, trees=40)
    assert found["low"] > 0.8
    assert found["low"] <= found["auc"] <= found["high"]
    different = next(each for each in found["telling"] if each["figure"] == "different bars")
    assert different["auc"] < 0.2, "real songs have fewer different bars"
    assert different["means"][0] < different["means"][1]


def test_copies_of_a_piece_are_one_piece():
    one = [replace(song, name=f"piece {index % 6}") for index, song in enumerate(SONGS[:12])]
    found = separability([*one, *one], SONGS[12:24], trees=10)
    assert found["melodies"] == [24, 12]
    with pytest.raises(ValueError, match="fewer than 5 melodies"):
        separability([replace(song, name=f"piece {index % 4}") for index, song in enumerate(SONGS[:12])], SONGS[12:24])


def test_figures_depend_neither_on_key_nor_grid_and_three_beats_are_refused():
    song = next(song for song in SONGS if song.name == "grasshopper")
    roll = np.zeros((256, 13), dtype=bool)
    roll[::2] = song.roll
    finer = replace(song, roll=roll, grid=Grid(4), lengths=None)
    np.testing.assert_array_equal(*figures([song, finer]))
    assert figures([song]).shape == (1, len(FIGURES))
    with pytest.raises(ValueError, match="this is in 3/4"):
        figures([replace(song, grid=Grid(2, 3))])

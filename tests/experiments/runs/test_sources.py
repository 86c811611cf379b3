"""Sources: anything that plays gives melodies with a keyboard, a grid and a tempo, the same for the same seed."""

import numpy as np
import pytest

from experiments.runs.source import Playing, as_heard, catalogue
from experiments.runs.sources import read_source, read_sources
from songs.arrange import ArrangeOptions
from songs.catalog import read_song
from songs.keyboard import DEFAULT_GRID, DEFAULT_KEYBOARD, Grid, Keyboard
from songs.midi import write_midi


@pytest.mark.parametrize(
    ("text", "melodies", "steps"),
    [("random", 3, 128), ("silence", 1, 128), ("markov:2", 3, 128), ("melody", 3, 128), ("vae:2", 3, 32)],
)
def test_a_sampled_source_plays_the_same_for_the_same_seed(text, melodies, steps):
    if text in ("melody", "vae:2"):
        pytest.importorskip("torch")
    one, again, other = (read_source(text, Playing(melodies=3, seed=seed)) for seed in (1, 1, 2))
    assert [song.steps for song in one.songs] == [steps] * melodies
    assert all((first.roll == second.roll).all() for first, second in zip(one.songs, again.songs, strict=True))
    if text != "silence":
        assert any(
            first.roll.shape != second.roll.shape or (first.roll != second.roll).any()
            for first, second in zip(one.songs, other.songs, strict=True)
        )
    assert one.sampled


def test_random_keys_take_the_keyboard_and_the_grid_of_the_options():
    playing = Playing(melodies=2, arranging=ArrangeOptions(keys=25, grid=4))
    song = read_source("random", playing).songs[0]
    assert (song.roll.shape, song.keyboard, song.grid) == ((256, 25), Keyboard(25, 48), Grid(4))
    assert set(song.roll.sum(axis=1).tolist()) == {0, 1}


def test_a_chain_of_the_order_that_was_asked_for_plays_what_it_learned(tmp_path):
    keys = np.array([0, 2, 4, 5] * 16)
    write_midi(tmp_path / "scale.mid", np.stack([np.arange(64), 60 + keys], axis=1), 64)
    songs = read_source("markov:1", Playing(melodies=4, folder=str(tmp_path))).songs
    played = np.array([song.roll for song in songs]).argmax(axis=2)
    assert np.isin(np.diff(played), (2, 1, -5)).mean() > 0.8  # some steps are drawn as if nothing had been learned


@pytest.mark.parametrize("text", ["vae:3", "vae:", "markov:0", "markov:x", "nothing", "module:Class"])
def test_what_is_no_source_is_refused_in_one_line(text):
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        read_source(text)


def test_files_and_folders_say_what_was_changed_and_left_out(tmp_path):
    rows = np.stack([np.arange(16), 48 + np.arange(16) % 4], axis=1)
    write_midi(tmp_path / "low.mid", rows, 16)
    (tmp_path / "bad.mid").write_bytes(b"MThd")
    source = read_source(str(tmp_path))
    assert [song.name for song in source.songs] == ["low"]
    assert source.remarks[0] == "low: up 12 semitones"
    assert source.remarks[1].startswith("1 of 2 files are left out, such as bad: ")
    assert read_source(str(tmp_path / "low.mid"), Playing(steps=4)).songs[0].roll.sum() == 4


def test_two_sources_of_one_name_are_refused(tmp_path):
    write_midi(tmp_path / "grasshopper.mid", np.array([[0, 60], [1, 62]]), 8)
    with pytest.raises(ValueError, match="two performers are called 'grasshopper'"):
        read_sources(["grasshopper", str(tmp_path / "grasshopper.mid")])


def test_samples_are_folded_onto_13_keys_and_eighths():
    wide = read_source("random", Playing(melodies=1, arranging=ArrangeOptions(keys=37, grid=4)))
    heard = as_heard(wide)
    (song,) = heard.songs
    assert (song.keyboard, song.grid, song.steps) == (DEFAULT_KEYBOARD, DEFAULT_GRID, 128)
    steps, keys = np.nonzero(wide.songs[0].roll)
    first = np.unique(steps // 2, return_index=True)[1]
    assert (np.nonzero(song.roll)[0] == (steps // 2)[first]).all()
    pitches = keys[first] + wide.songs[0].keyboard.lowest_pitch
    assert len(np.unique((np.nonzero(song.roll)[1] - pitches) % 12)) == 1  # moved by octaves, and all by one shift
    assert heard.remarks == ["random: folded onto 13 keys and eighths, for comparison with others"]


def test_files_are_folded_where_they_need_to_be_and_the_catalogue_leaves_them_out(tmp_path):
    write_midi(tmp_path / "wide.mid", np.stack([np.arange(8), 60 + 4 * np.arange(8)], axis=1), 8)
    with pytest.raises(ValueError, match="--fold --grid 2"):
        catalogue(Playing(folder=str(tmp_path)))
    write_midi(tmp_path / "narrow.mid", np.stack([np.arange(8), 60 + np.arange(8)], axis=1), 8)
    narrow, wide = as_heard(source := read_source(str(tmp_path))).songs
    assert narrow is source.songs[0]
    assert (np.diff(np.nonzero(wide.roll)[1]) % 12).tolist() == [4] * 7
    assert as_heard(source).remarks[-1].endswith("1 of 2 melodies are folded onto 13 keys and eighths, "
                                                 "for comparison with others")  # fmt: skip
    heard = catalogue(Playing(folder=str(tmp_path)))
    assert [song.name for song in heard.songs] == ["narrow"]
    assert heard.remarks[-1].startswith("1 of 2 files are left out, such as wide: its keys or its grid differ")


def test_a_run_plays_its_songs_and_goes_on_for_as_long_as_one_likes(solved, tune):
    source = read_source(str(solved))
    assert (source.songs[0].roll == read_song(tune).roll).all()
    assert source.songs[0].name == "tune"
    assert read_source(str(solved), Playing(steps=40)).songs[0].steps == 40

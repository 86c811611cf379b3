"""The songs that come with the project: pages, MIDI files and the table in the README agree."""

from pathlib import Path

import numpy as np
import pytest

from songs.keyboard import KEYS, SONG_STEPS, STEPS_PER_BAR
from songs.midi import read_midi
from songs.notation import read_tune, write_tune_midi

FOLDER = Path(__file__).parents[2] / "basic_midi"
PAGES = sorted(FOLDER.glob("*.txt"))
TUNES = {path.stem: read_tune(path) for path in PAGES}
NO_MUSIC = "odd_piece"
SONGS = [tune for tune in TUNES.values() if tune.name != NO_MUSIC]

GRASSHOPPER = """
69 . 64 . 69 . 64 .  69 . 68 . 68 . . .  68 . 64 . 68 . 64 .  68 . 69 . 69 . . .
69 . 64 . 69 . 64 .  69 . 68 . 68 . . .  68 . 64 . 68 . 64 .  68 . 69 . . . . .
69 . 71 . 71 71 71 .  71 . 72 . 72 72 72 .  72 . 72 . 71 . 69 .  68 . 69 . 69 . . .
69 . 71 . 71 71 71 .  71 . 72 . 72 72 72 .  72 . 72 . 71 . 69 .  68 . 69 . . . . .
"""


def span(tune) -> int:
    return int(np.ptp(tune.onsets[:, 1])) + 1


def first_bar(tune) -> list[list[int]]:
    """Return the onsets of the first bar, pitches counted from the first."""
    bar = tune.onsets[tune.onsets[:, 0] < STEPS_PER_BAR]
    return (bar - (0, bar[0, 1])).tolist()


def test_there_are_34_songs_and_one_piece_that_is_no_music():
    assert len(SONGS) == 34
    assert NO_MUSIC in TUNES
    assert {path.stem for path in FOLDER.glob("*.mid")} == set(TUNES)


@pytest.mark.parametrize("tune", TUNES.values(), ids=TUNES)
def test_a_song_has_128_steps_begins_with_a_note_and_is_never_silent_for_two_bars(tune):
    assert tune.steps == SONG_STEPS
    assert tune.onsets[0, 0] == 0
    played = np.bincount(tune.onsets[:, 0] // STEPS_PER_BAR, minlength=SONG_STEPS // STEPS_PER_BAR) > 0
    assert (played[1:] | played[:-1]).all()


@pytest.mark.parametrize("tune", TUNES.values(), ids=TUNES)
def test_the_midi_file_says_what_the_page_says(tune):
    notes = read_midi(FOLDER / f"{tune.name}.mid")
    np.testing.assert_array_equal(notes.onsets, tune.onsets)
    assert notes.steps == tune.steps
    assert notes.title == tune.title
    assert notes.tempo_bpm == pytest.approx(tune.tempo_bpm, abs=1e-3)
    assert notes.off_grid == 0


@pytest.mark.parametrize("tune", TUNES.values(), ids=TUNES)
def test_the_midi_file_is_the_one_that_the_page_gives(tune, tmp_path):
    write_tune_midi(tune, tmp_path / "again.mid")
    assert (tmp_path / "again.mid").read_bytes() == (FOLDER / f"{tune.name}.mid").read_bytes()


def test_three_songs_are_too_wide_for_the_keyboard():
    wide = {tune.name: span(tune) for tune in TUNES.values() if span(tune) > KEYS}
    assert wide == {"auld_lang_syne": 15, "deck_the_halls": 14, "frere_jacques": 15}


def test_some_songs_begin_with_the_same_bar():
    assert first_bar(TUNES["twinkle_twinkle"]) == first_bar(TUNES["baa_baa_black_sheep"])
    assert first_bar(TUNES["alle_meine_entchen"]) == first_bar(TUNES["fuchs_du_hast_die_gans"])
    assert first_bar(TUNES["twinkle_twinkle"]) != first_bar(TUNES["alle_meine_entchen"])


def test_the_grasshopper_is_the_one_of_the_first_experiments():
    grid = [(step, int(token)) for step, token in enumerate(GRASSHOPPER.split()) if token != "."]
    tune = TUNES["grasshopper"]
    assert tune.onsets.tolist() == [list(onset) for onset in grid]
    assert (tune.key, tune.tempo_bpm) == ("A minor", 120.0)


def test_the_table_in_the_readme_is_the_set():
    lines = (FOLDER / "README.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    assert rows[0] == ["name", "title", "origin", "key", "tempo", "compass"]
    table = {row[0]: row[1:5] for row in rows[1:]}
    assert len(table) == len(rows) - 1
    assert table == {tune.name: [tune.title, tune.origin, tune.key, f"{tune.tempo_bpm:g}"] for tune in TUNES.values()}
    too_wide = {row[0] for row in rows[1:] if "too wide" in row[5]}
    assert too_wide == {tune.name for tune in TUNES.values() if span(tune) > KEYS}

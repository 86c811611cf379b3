"""Tunes in text notation: the meaning of pages, and the errors for invalid ones."""

import mido
import numpy as np
import pytest

from songs.midi import read_midi
from songs.notation import main, read_tune, write_tune_midi

HEADER = """\
title: Hänschen klein
origin: traditional, Germany
key: Bb major
tempo: 126
meter: 4/4

"""
IN_TWO = HEADER.replace("4/4", "2/4")


@pytest.fixture
def page(tmp_path):
    """Write a page and return its path."""

    def write(text: str):
        path = tmp_path / "haenschen.txt"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_page_gives_the_headers_and_the_onsets(page):
    tune = read_tune(page(HEADER + "A4 . F#4 . Bb4 . . .\n. . C5 . . . . B3\n"))
    assert tune.name == "haenschen"
    assert tune.title == "Hänschen klein"
    assert tune.origin == "traditional, Germany"
    assert tune.key == "Bb major"
    assert tune.tempo_bpm == 126.0
    assert tune.meter == (4, 4)
    assert tune.steps == 16
    assert tune.onsets.dtype == np.int64
    assert tune.onsets.tolist() == [[0, 69], [2, 66], [4, 70], [10, 72], [15, 59]]


def test_a_chord_is_several_pitches_at_one_step_in_order(page):
    tune = read_tune(page(IN_TWO + ". . G4+C4+E4 ."))
    assert tune.onsets.tolist() == [[2, 60], [2, 64], [2, 67]]


def test_bars_are_separated_by_bar_lines_and_line_ends(page):
    bars = "C4 . . . | D4 . . . |\n| E4 . . .\n\n F4 . . . ||  G4 . . .\n"
    tune = read_tune(page(IN_TWO + bars))
    assert tune.meter == (2, 4)
    assert tune.steps == 20
    assert tune.onsets.tolist() == [[0, 60], [4, 62], [8, 64], [12, 65], [16, 67]]


def test_lines_that_begin_with_a_number_sign_are_comments(page):
    tune = read_tune(page("# a page\n" + IN_TWO + "# C4 C4 C4 C4\nC#4 . . .\n  # the end | of it\n"))
    assert tune.onsets.tolist() == [[0, 61]]


def test_a_byte_order_mark_and_windows_line_ends_are_read(page):
    tune = read_tune(page("\ufeff" + (IN_TWO + "C4 . . .\n").replace("\n", "\r\n")))
    assert tune.title == "Hänschen klein"
    assert tune.onsets.tolist() == [[0, 60]]


@pytest.mark.parametrize(
    ("bars", "message"),
    [
        ("C4 . . .\nC4 H4 . .", r"haenschen\.txt: bar 2, 'H4': 'H4' is no note name"),
        ("C4 . . . | C . . .", r"haenschen\.txt: bar 2, 'C': 'C' has no octave"),
        ("C4 . . . | D4 - . .", r"haenschen\.txt: bar 2, '-'"),
        ("C4+ . . .", r"haenschen\.txt: bar 1, 'C4\+'"),
        ("C4+C4 . . .", r"haenschen\.txt: bar 1, 'C4\+C4': presses a key twice"),
        ("C4 . . . | C4 . # .", r"haenschen\.txt: bar 2, '#'"),
        ("C4 . . . | C4 . .", r"haenschen\.txt: bar 2: 3 tokens, the last is '\.'; a bar of 2/4 has 4"),
        ("C4 . . . D4 . . E4", r"haenschen\.txt: bar 1: 8 tokens, the last is 'E4'; a bar of 2/4 has 4"),
        (". . . .", r"haenschen\.txt: has no notes"),
        ("", r"haenschen\.txt: has no notes"),
    ],
)
def test_an_error_in_the_bars_names_the_file_the_bar_and_the_token(page, bars, message):
    with pytest.raises(ValueError, match=message):
        read_tune(page(IN_TWO + bars))


def test_a_bar_of_four_quarters_has_eight_tokens(page):
    with pytest.raises(ValueError, match=r"bar 1: 4 tokens, the last is '\.'; a bar of 4/4 has 8"):
        read_tune(page(HEADER + "C4 . . ."))


@pytest.mark.parametrize(
    ("header", "instead", "message"),
    [
        ("title: Hänschen klein\n", "", "has no title: write a line `title: ...`"),
        ("title: Hänschen klein", "title:", "has no title"),
        ("key: Bb major", "key: Bb", "key 'Bb': write a note and major or minor"),
        ("key: Bb major", "key: E# major", "key 'E# major'"),
        ("tempo: 126", "tempo: fast", "tempo 'fast': write 4 to 300 quarters a minute"),
        ("tempo: 126", "tempo: 1000", "tempo '1000'"),
        ("tempo: 126", "tempo: nan", "tempo 'nan'"),
        ("meter: 4/4", "meter: 3/4", "meter '3/4': write 4/4 or 2/4"),
        ("meter: 4/4", "metre: 4/4", "'metre: 4/4' is no header"),
        ("meter: 4/4", "meter: 4/4\nC4 . . . . . . .", r"'C4 \. \. \. \. \. \. \.' is no header"),
        ("tempo: 126", "tempo: 126\ntempo: 127", "'tempo: 127' comes twice"),
    ],
)
def test_an_error_in_a_header_names_the_file_and_says_what_to_write(page, header, instead, message):
    assert header in HEADER
    with pytest.raises(ValueError, match=rf"haenschen\.txt: {message}"):
        read_tune(page(HEADER.replace(header, instead) + "C4 . . . . . . ."))


def test_a_page_that_is_not_utf_8_is_an_error_that_names_it(tmp_path):
    path = tmp_path / "old.txt"
    path.write_bytes(HEADER.encode("latin-1"))
    with pytest.raises(ValueError, match=r"old\.txt: is not text in UTF-8"):
        read_tune(path)


def test_the_midi_file_of_a_tune_says_the_same(page, tmp_path):
    tune = read_tune(page(IN_TWO.replace("Bb major", "C# minor") + "C#4+E4 . . . | G#4 . . ."))
    write_tune_midi(tune, tmp_path / "tune.mid")
    notes = read_midi(tmp_path / "tune.mid")
    assert notes.title == "Hänschen klein"
    assert notes.tempo_bpm == pytest.approx(126, abs=1e-3)
    assert notes.steps == 8
    assert notes.onsets.tolist() == [[0, 61], [0, 64], [4, 68]]
    messages = mido.MidiFile(tmp_path / "tune.mid").tracks[0]
    meta = {message.type: message for message in messages if message.is_meta}
    assert meta["key_signature"].key == "C#m"
    assert (meta["time_signature"].numerator, meta["time_signature"].denominator) == (2, 4)
    assert meta["text"].text == "traditional, Germany"


def test_a_tune_in_no_key_has_no_key_signature(page, tmp_path):
    tune = read_tune(page(HEADER.replace("Bb major", "none") + "C4 . . . . . . ."))
    write_tune_midi(tune, tmp_path / "tune.mid")
    types = {message.type for message in mido.MidiFile(tmp_path / "tune.mid").tracks[0]}
    assert "key_signature" not in types


def test_the_command_writes_the_midi_file_of_every_page(page, tmp_path, capsys):
    page(HEADER + "C4 . . . . . . .")
    (tmp_path / "scale.txt").write_text(IN_TWO + "C4 D4 E4 F4", encoding="utf-8")
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{tmp_path}: wrote 2 MIDI files\n"
    assert read_midi(tmp_path / "haenschen.mid").onsets.tolist() == [[0, 60]]
    assert read_midi(tmp_path / "scale.mid").onsets.tolist() == [[0, 60], [1, 62], [2, 64], [3, 65]]


def test_the_command_says_what_is_wrong_in_one_line_and_writes_nothing(page, tmp_path, capsys):
    (tmp_path / "a.txt").write_text(IN_TWO + "C4 D4 E4 F4", encoding="utf-8")
    page(HEADER + "X4 . . . . . . .")
    assert main([str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"songs.notation: {tmp_path / 'haenschen.txt'}: bar 1, 'X4'")
    assert error.count("\n") == 1
    assert not list(tmp_path.glob("*.mid"))


def test_the_command_says_that_a_folder_holds_no_page(tmp_path, capsys):
    assert main([str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"songs.notation: {tmp_path}: holds no .txt file\n"

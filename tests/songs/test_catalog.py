"""Catalogues: the entries of songs, and the reasons for files that are not songs."""

import json

import mido
import numpy as np
import pytest

from songs.arrange import ArrangeOptions
from songs.catalog import (
    check_listenable,
    default_folder,
    find_song,
    midi_files,
    read_catalog,
    read_entry,
    read_song,
    suits_listeners,
)
from songs.midi import write_midi
from songs.song import SongError

SCALE = [[0, 60], [2, 62], [4, 64], [6, 65], [8, 67], [15, 72]]


def write(path, onsets=SCALE, steps=16, **options):
    write_midi(path, np.array(onsets), steps, **options)
    return path


# One file


def test_an_entry_tells_what_a_file_holds(tmp_path):
    onsets = [[8, 50], [8, 57], [10, 52], [12, 62], [23, 50]]
    entry = read_entry(write(tmp_path / "tune.mid", onsets, steps=40, title="A Tune", tempo_bpm=96))
    assert entry.row() == {
        "name": "tune",
        "title": "A Tune",
        "notes": 5,
        "span": 13,
        "shift": 10,
        "chords": 1,
        "memory": 10,  # nine rests are followed by one more, ten by the last note
        "steps": 16,
        "cut": 0,
        "off_grid": 0,
        "keys": 13,
        "grid": "eighths",
        "changes": ["bars 2-3 of 3", "up 10 semitones"],
        "remarks": [],
        "playable": True,
        "reason": "",
    }
    assert np.argwhere(entry.song.roll).tolist() == [[0, 0], [0, 7], [2, 2], [4, 12], [15, 0]]
    assert (entry.song.title, entry.song.shift, entry.song.tempo_bpm) == ("A Tune", 10, 96.0)


def test_a_row_can_be_written_as_json(tmp_path):
    row = read_entry(write(tmp_path / "tune.mid")).row()
    assert json.loads(json.dumps(row)) == row


def test_the_memory_depends_on_the_prompt(tmp_path):
    path = write(tmp_path / "tune.mid", [[2, 60], [4, 60], [5, 62]], steps=8)
    assert read_entry(path, prompt=0).memory is None  # silence goes on with silence, and with C
    assert read_entry(path, prompt=2).memory == 3  # a C goes on with D only where a C and a rest came before
    assert read_entry(path, prompt=5).memory == 1


def test_notes_beyond_the_steps_are_not_counted(tmp_path):
    path = write(tmp_path / "tune.mid", [[0, 60], [9, 62], [11, 64], [17, 90]], steps=24)
    cut, whole = read_entry(path, options=ArrangeOptions(steps=16)), read_entry(path)
    assert (cut.notes, cut.chords, cut.span, cut.steps, cut.cut) == (3, 0, 5, 16, 1)
    assert cut.playable
    assert (whole.notes, whole.span, whole.steps, whole.keys) == (4, 31, 24, 37)


def test_notes_off_the_grid_are_counted(tmp_path):
    path = write(tmp_path / "tune.mid", [[0, 60], [3, 62], [8, 64]], steps=16, steps_per_beat=4)
    entry = read_entry(path, options=ArrangeOptions(grid=2))
    assert entry.off_grid == 1
    assert (read_entry(path).off_grid, read_entry(path).grid) == (0, "sixteenths")
    assert np.argwhere(entry.song.roll).tolist() == [[0, 0], [2, 2], [4, 4]]


def test_a_song_that_spans_14_keys_has_a_larger_keyboard(tmp_path):
    path = write(tmp_path / "wide.mid", [[0, 60], [4, 73]], steps=8, title="Wide")
    entry = read_entry(path)
    assert (entry.playable, entry.reason) == (True, "")
    assert (entry.name, entry.title, entry.notes, entry.span, entry.steps) == ("wide", "Wide", 2, 14, 8)
    assert (entry.keys, entry.shift, entry.memory) == (25, -1, 3)
    assert (read_song(path).roll == entry.song.roll).all()


@pytest.mark.parametrize(
    ("onsets", "steps_per_beat", "layout"),
    [([[0, 60], [4, 73]], 2, "25 keys from C3 and eighths"), ([[0, 60], [1, 62]], 4, "13 keys from C4 and sixteenths")],
)
def test_a_melody_model_says_what_it_needs(tmp_path, onsets, steps_per_beat, layout):
    song = read_song(write(tmp_path / "tune.mid", onsets, steps=16, steps_per_beat=steps_per_beat))
    assert not suits_listeners(song)
    with pytest.raises(SongError, match=f"tune has {layout}; a melody model needs 13 keys from C4 and eighths: --fold"):
        check_listenable(song)


def test_listeners_hear_the_default_keyboard_and_grid(tmp_path):
    song = read_song(write(tmp_path / "tune.mid"))
    assert suits_listeners(song)
    assert check_listenable(song) is song


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"do re mi", "is not a MIDI file: it does not begin with MThd"), (b"", "is empty")],
)
def test_a_file_that_is_no_midi_gives_the_reason_without_its_path(tmp_path, data, reason):
    path = tmp_path / "tune.mid"
    path.write_bytes(data)
    entry = read_entry(path)
    assert (entry.name, entry.playable, entry.reason, entry.song, entry.notes) == ("tune", False, reason, None, None)
    with pytest.raises(SongError, match=f"tune.mid: {reason}"):
        read_song(path)


def test_a_track_is_chosen_by_its_name(tmp_path):
    midi = mido.MidiFile(type=1)
    for name, pitch in [("Melody", 64), ("Bass", 40)]:
        note = [mido.Message("note_on", note=pitch), mido.Message("note_off", note=pitch, time=240)]
        midi.tracks.append(mido.MidiTrack([mido.MetaMessage("track_name", name=name), *note]))
    midi.save(tmp_path / "tune.mid")
    assert read_entry(tmp_path / "tune.mid").changes == ("track 1 'Melody'", "1 note of other parts left out")
    assert read_song(tmp_path / "tune.mid", ArrangeOptions("melody")).roll[0].nonzero()[0].tolist() == [4]
    assert find_song(tmp_path / "tune.mid", options=ArrangeOptions("Bass")).shift == 20
    entry = read_entry(tmp_path / "tune.mid", options=ArrangeOptions("Flute"))
    assert entry.reason.startswith("has no track 'Flute'")


@pytest.mark.parametrize(("written", "read"), [(4, 20.0), (20, 20.0), (96, 96.0), (300, 300.0), (400, 300.0)])
def test_a_tempo_outside_of_music_is_read_as_the_nearest(tmp_path, written, read):
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(written))])
    track += [mido.Message("note_on", note=60), mido.Message("note_off", note=60, time=240)]
    mido.MidiFile(type=0, tracks=[track]).save(tmp_path / "tune.mid")
    assert read_song(tmp_path / "tune.mid").tempo_bpm == read


# A folder


def test_a_bad_file_among_good_ones_is_listed_with_them(tmp_path):
    write(tmp_path / "a.mid")
    (tmp_path / "b.mid").write_text("no music")
    write(tmp_path / "c.mid", [[0, 30], [1, 90]])
    write(tmp_path / "d.MIDI")
    (tmp_path / "notes.txt").write_text("not listed")
    catalog = read_catalog(tmp_path)
    assert [(entry.name, entry.playable) for entry in catalog] == [("a", True), ("b", False), ("c", True), ("d", True)]
    assert catalog[1].reason == "is not a MIDI file: it does not begin with MThd"
    assert (catalog[2].span, catalog[2].keys) == (61, 61)


def test_the_arguments_of_a_catalog_reach_every_song(tmp_path):
    write(tmp_path / "a.mid", [[2, 60], [4, 60], [5, 62], [8, 60]])
    (entry,) = read_catalog(tmp_path, prompt=2, options=ArrangeOptions(steps=8))
    assert (entry.steps, entry.memory) == (8, 3)
    (entry,) = read_catalog(tmp_path, options=ArrangeOptions("Flute"))
    assert entry.reason.startswith("has no track 'Flute'")


def test_files_are_in_natural_order(tmp_path):
    names = ["Track 3.mid", "a10b2.mid", "track 2.mid", "track 10.mid", "a9.mid", "a10b10.mid", "track.mid", "10.mid"]
    for name in names:
        (tmp_path / name).touch()
    assert [path.name for path in midi_files(tmp_path)] == [
        "a9.mid",
        "a10b2.mid",
        "a10b10.mid",
        "track 2.mid",
        "Track 3.mid",
        "track 10.mid",
        "track.mid",
        "10.mid",
    ]


def test_files_that_differ_in_zeros_or_capitals_are_in_one_order(tmp_path):
    names = ["01.mid", "1.mid", "001.mid", "TUNE.mid", "Tune.mid", "tune.mid"]
    for name in reversed(names):
        (tmp_path / name).touch()
    found = [path.name for path in midi_files(tmp_path)]
    if len(found) < len(names):
        pytest.skip("this file system does not tell capitals from small letters")
    assert found == ["TUNE.mid", "Tune.mid", "tune.mid", "001.mid", "01.mid", "1.mid"]


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    for read in (midi_files, read_catalog):
        with pytest.raises(SongError, match="nowhere: no such folder"):
            read(tmp_path / "nowhere")
    with pytest.raises(SongError, match="nowhere: no such folder"):
        find_song("tune", tmp_path / "nowhere")


def test_a_folder_without_midi_is_an_error(tmp_path):
    (tmp_path / "notes.txt").write_text("no music")
    with pytest.raises(SongError, match=r"holds no \.mid or \.midi file"):
        read_catalog(tmp_path)
    with pytest.raises(SongError, match=r"holds no \.mid or \.midi file"):
        find_song("tune", tmp_path)


# Finding a song


def test_a_song_is_found_by_its_name_or_its_path(tmp_path):
    write(tmp_path / "tune.mid", title="By name")
    write(tmp_path / "other.MID", title="By path")
    assert find_song("tune", tmp_path).title == "By name"
    assert find_song(tmp_path / "other.MID").title == "By path"
    assert find_song(str(tmp_path / "tune.mid"), options=ArrangeOptions(steps=8)).steps == 8
    assert find_song("tune", tmp_path, ArrangeOptions(steps=8)).steps == 8


def test_the_grasshopper_comes_with_the_project():
    assert default_folder().name == "basic_midi"
    song = find_song("grasshopper")
    assert song.steps == 128
    assert np.argwhere(song.roll[:8]).tolist() == [[0, 9], [2, 4], [4, 9], [6, 4]]


def test_an_unknown_name_lists_the_songs_there_are(tmp_path):
    write(tmp_path / "tune 2.mid")
    write(tmp_path / "tune 10.mid")
    with pytest.raises(SongError, match=r"no song 'waltz' in .*; there are tune 2, tune 10$"):
        find_song("waltz", tmp_path)
    with pytest.raises(SongError, match=r"no song 'tune 22' in .*; did you mean tune 2\?$"):
        find_song("tune 22", tmp_path)


def test_a_long_list_of_songs_is_cut(tmp_path):
    for number in range(13):
        (tmp_path / f"{number}.mid").touch()
    with pytest.raises(SongError, match=r"there are 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, \.\.\.$"):
        find_song("tune", tmp_path)


def test_a_name_too_long_for_a_file_is_an_unknown_song(tmp_path):
    write(tmp_path / "tune.mid")
    with pytest.raises(SongError, match="no song 'xxx.*there are tune$"):
        find_song("x" * 5000, tmp_path)


def test_a_file_of_another_kind_is_no_song(tmp_path):
    write(tmp_path / "tune.mid")
    (tmp_path / "notes.txt").write_text("no music")
    with pytest.raises(SongError, match=r"notes\.txt: not a MIDI file; its name must end in \.mid or \.midi"):
        find_song(tmp_path / "notes.txt", tmp_path)


def test_a_path_that_leads_nowhere_is_an_error(tmp_path):
    with pytest.raises(SongError, match=r"tune\.mid: there is no such file"):
        find_song(tmp_path / "tune.mid")


def test_watch_gets_every_file_once_in_order(tmp_path):
    for name in ("b", "a 10", "a 9"):
        (tmp_path / f"{name}.mid").write_bytes(b"no song")
    seen = []

    def watch(paths):
        for path in paths:
            seen.append(path.stem)
            yield path

    assert [entry.name for entry in read_catalog(tmp_path, watch=watch)] == seen == ["a 9", "a 10", "b"]

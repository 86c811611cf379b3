"""Reading and writing MIDI files, including damaged and hostile ones."""

import os
import struct
import tempfile
import tracemalloc
from pathlib import Path

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songs.midi import MidiError, MidiNotes, read_midi, write_midi

SEED_SONGS = Path(__file__).parents[2].parent / "shared/data/seed_songs"

C4 = bytes.fromhex("00 90 3C 40")  # delta 0, note on channel 1, pitch 60, velocity 64
END = bytes.fromhex("00 FF 2F 00")  # delta 0, meta, end of track, length 0
SONG = C4 + bytes.fromhex("83 60 80 3C 00") + END  # released after 480 ticks


def header(kind=1, tracks=1, division=480, length=6) -> bytes:
    return b"MThd" + struct.pack(">LHHH", length, kind, tracks, division)


def chunk(data: bytes, name=b"MTrk") -> bytes:
    return name + struct.pack(">L", len(data)) + data


def midi(*tracks: bytes, division=480) -> bytes:
    return header(tracks=len(tracks), division=division) + b"".join(map(chunk, tracks))


def named(name: bytes) -> bytes:
    return b"\x00\xff\x03" + bytes([len(name)]) + name  # delta 0, meta, track name


@pytest.fixture
def read(tmp_path):
    """Write bytes to a file and read it."""

    def read(data: bytes, *args, **kwargs) -> MidiNotes:
        path = tmp_path / "song.mid"
        path.write_bytes(data)
        return read_midi(path, *args, **kwargs)

    return read


def test_a_file_of_literal_bytes_is_read(read):
    notes = read(
        b"MThd"
        b"\x00\x00\x00\x06"  # the header is 6 bytes long
        b"\x00\x00"  # type 0
        b"\x00\x01"  # one track
        b"\x00\x60"  # 96 ticks a beat
        b"MTrk"
        b"\x00\x00\x00\x1d"  # the track is 29 bytes long
        b"\x00\xff\x03\x04Tune"  # the name of the track
        b"\x00\xff\x51\x03\x09\x27\xc0"  # 600,000 microseconds a beat
        b"\x30\x90\x3c\x40"  # tick 48, half a beat: C4 begins
        b"\x30\x3c\x00"  # tick 96: C4 with velocity 0 is a release
        b"\x00\x43\x40"  # tick 96: G4 begins, running status
        b"\x60\xff\x2f\x00"  # tick 192: the track ends
    )
    assert notes.title == "Tune"
    assert notes.tempo_bpm == 100.0
    assert notes.steps == 4
    assert notes.onsets.tolist() == [[1, 60], [2, 67]]
    assert notes.onsets.dtype == np.int64
    assert notes.off_grid == 0


@pytest.mark.parametrize(
    ("steps_per_beat", "onsets", "off_grid"),
    [
        (1, [[0, 60], [1, 62], [1, 64]], 2),
        (2, [[0, 60], [1, 62], [2, 64]], 1),
        (3, [[0, 60], [2, 62], [2, 64]], 2),
        (4, [[0, 60], [2, 62], [3, 64]], 0),
        (480, [[0, 60], [240, 62], [360, 64]], 0),
    ],
)
def test_onsets_move_to_the_nearest_step_the_later_one_at_half_way(read, steps_per_beat, onsets, off_grid):
    song = C4 + bytes.fromhex(
        "81 70 3E 40"  # tick 240: pitch 62
        "78 40 40"  # tick 360: pitch 64
    )
    notes = read(midi(song), steps_per_beat)
    assert notes.onsets.tolist() == onsets
    assert notes.off_grid == off_grid


def test_one_tick_beside_the_grid_is_off_grid(read):
    song = bytes.fromhex("01 90 3C 4081 6E 3E 4002 40 40")  # ticks 1, 239 and 241
    notes = read(midi(song))
    assert notes.onsets.tolist() == [[0, 60], [1, 62], [1, 64]]
    assert notes.off_grid == 3


def test_notes_of_one_pitch_that_fall_on_one_step_are_one_onset(read):
    notes = read(midi(C4 + bytes.fromhex("00 3C 4001 3C 40"), C4))
    assert notes.onsets.tolist() == [[0, 60]]
    assert notes.off_grid == 1


@pytest.mark.parametrize(
    ("end", "steps"),
    [
        ("00 FF 2F 00", 1),  # the track ends at tick 0, the onset takes a step
        ("81 70 FF 2F 00", 1),  # 240 ticks: a step
        ("82 67 FF 2F 00", 1),  # 359 ticks: nearer to one step than to two
        ("82 68 FF 2F 00", 2),  # 360 ticks: half way
        ("87 40 FF 2F 00", 4),  # 960 ticks
        ("", 1),  # no end of track: it ends with its last event
    ],
)
def test_the_end_of_the_longest_track_is_the_length(read, end, steps):
    assert read(midi(END, C4 + bytes.fromhex(end), END)).steps == steps


def test_drums_on_channel_10_are_not_read(read):
    drum = bytes.fromhex("00 99 24 40")
    assert read(midi(drum + C4)).onsets.tolist() == [[0, 60]]
    with pytest.raises(MidiError, match="has only drums"):
        read(midi(drum))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(midi(SONG) + b"\x00\x00 trailing", id="bytes behind the last track"),
        pytest.param(midi(SONG) + chunk(b"abc", b"XFIH"), id="a chunk behind the last track"),
        pytest.param(header() + chunk(b"abc", b"XFIH") + chunk(SONG), id="a chunk before the track"),
        pytest.param(midi(SONG + b"\xff\xff\xff\xff\xff"), id="bytes behind the end of the track"),
        pytest.param(header(kind=0) + chunk(SONG), id="type 0"),
        pytest.param(midi(b"\x00\xf0\x03\x7d\x01\xf7" + SONG), id="system exclusive"),
        pytest.param(midi(b"\x00\xf0\x00" + SONG), id="empty system exclusive"),
        pytest.param(midi(b"\x00\xf7\x02\xf3\x80" + SONG), id="escaped bytes above 127"),
        pytest.param(midi(b"\x00\xc0\x05\x00\xd0\x05\x00\xe0\x00\x40" + SONG), id="program, pressure, bend"),
        pytest.param(midi(SONG, b""), id="an empty track"),
        pytest.param(midi(b"\x80\x80\x80\x00" + SONG[1:]), id="a zero of four bytes"),
        pytest.param(midi(b"\x00\xff\x59\x02\x09\x00" + SONG), id="a key of 9 sharps"),
        pytest.param(midi(b"\x00\xff\x59\x00" + SONG), id="an empty key signature"),
        pytest.param(midi(b"\x00\xff\x58\x01\x04" + SONG), id="a short time signature"),
        pytest.param(midi(b"\x00\xff\x54\x05\xff\x00\x00\x00\x00" + SONG), id="an unknown frame rate"),
        pytest.param(midi(b"\x00\xff\x51\x02\x07\xa1" + SONG), id="a short tempo"),
        pytest.param(midi(b"\x00\xff\x51\x03\x00\x00\x00" + SONG), id="a tempo of 0"),
        pytest.param(midi(b"\x00\xff\x00\x01\x01" + SONG), id="a short sequence number"),
        pytest.param(midi(b"\x00\xff\x20\x00" + SONG), id="an empty channel prefix"),
        pytest.param(midi(b"\x00\xff\x01\xbd\x84\x41" + bytes(1_000_001) + SONG), id="a text of 1,000,001 bytes"),
    ],
)
def test_a_file_with_oddities_is_read_all_the_same(read, data):
    notes = read(data)
    assert notes.onsets.tolist() == [[0, 60]]
    assert (notes.steps, notes.tempo_bpm, notes.title) == (2, 120.0, "")


def test_running_status_goes_on_behind_a_meta_event(read):
    assert read(midi(C4 + b"\x00\xff\x06\x01A" + b"\x00\x3e\x40")).onsets.tolist() == [[0, 60], [0, 62]]


def test_the_time_of_an_unknown_meta_event_counts(read):
    unknown = bytes.fromhex("83 60 FF 0A 00")  # after 480 ticks, meta type 10
    assert read(midi(unknown + C4)).onsets.tolist() == [[2, 60]]


def test_the_first_tempo_in_time_is_the_tempo(read):
    late = b"\x60\xff\x51\x03\x03\xd0\x90"  # tick 96: 250,000 microseconds a beat
    early = b"\x00\xff\x51\x03\x0f\x42\x40"  # tick 0: 1,000,000
    assert read(midi(late + C4, early)).tempo_bpm == 60.0
    assert read(midi(late + C4)).tempo_bpm == 240.0
    assert read(midi(C4)).tempo_bpm == 120.0


@pytest.mark.parametrize(
    ("name", "title"),
    [
        (b"Grasshopper", "Grasshopper"),
        ("кузнечик".encode("cp1251"), "кузнечик"),
        ("кузнечик".encode(), "кузнечик"),
        ("ёжик и 2 пивных".encode("cp1251"), "ёжик и 2 пивных"),
        (b"F\xfcr Elise", "Für Elise"),
        (b"caf\xe9", "café"),
        (b"\xa9 1842", "© 1842"),
        (b"\xea\xe0\xea \x98", ""),  # 0x98 is no letter of Windows-1251: rather no title than a wrong one
        ("蚂蚱 🦗".encode(), "蚂蚱 🦗"),
        (b" Tune\x00\x0d\x0a", "Tune"),
        (b" \x00", ""),
        ("Тюльпан\u202e\u2028".encode(), "Тюльпан"),  # what turns or breaks a line
    ],
)
def test_titles_are_decoded(read, name, title):
    assert read(midi(named(name) + C4)).title == title


def test_a_title_is_cut_to_200_characters(read):
    title = "Соната " * 40  # 280 characters, 520 bytes
    assert read(midi(b"\x00\xff\x03\x84\x08" + title.encode() + C4)).title == title[:200].strip()


def test_the_title_is_the_first_track_name_that_has_text(read):
    assert read(midi(END, named(b"  ") + named(b"Tune"), named(b"Piano") + C4)).title == "Tune"


def test_silence_is_read_only_where_it_is_allowed(read):
    silence = midi(b"\x87\x40\xff\x2f\x00")  # 960 ticks
    with pytest.raises(MidiError, match="song.mid: has no notes$"):
        read(silence)
    notes = read(silence, allow_silence=True)
    assert notes.onsets.shape == (0, 2)
    assert (notes.steps, notes.off_grid) == (4, 0)


@pytest.mark.parametrize("steps_per_beat", [0, -2, 481])
def test_a_grid_out_of_range_is_the_callers_mistake(read, steps_per_beat):
    with pytest.raises(ValueError, match="1 to 480 can be read") as error:
        read(midi(C4), steps_per_beat)
    assert not isinstance(error.value, MidiError)


HUGE_DELTA = bytes.fromhex("FF FF FF 7F")  # 2^28 - 1
UNUSABLE = {
    "empty": (b"", "is empty"),
    "text": (b"Grasshopper, allegro", "is not a MIDI file"),
    "RIFF": (b"RIFF" + midi(SONG), "is not a MIDI file"),
    "cut in the header": (midi(SONG)[:13], "is cut off inside its header"),
    "header of 2 GiB": (header(length=2**31) + chunk(SONG), "header has a length of 2,147,483,648 bytes"),
    "header of 5 bytes": (header(length=5) + chunk(SONG), "header has a length of 5 bytes"),
    "type 2": (header(kind=2, tracks=2) + chunk(SONG) * 2, "type 2 .* unsupported: save it as type 0 or 1"),
    "type 9": (header(kind=9) + chunk(SONG), "type 9, which is unsupported"),
    "SMPTE": (header(division=0xE728) + chunk(SONG), r"film frames \(SMPTE\), which is unsupported"),
    "no ticks": (header(division=0) + chunk(SONG), "a beat has 0 ticks"),
    "no tracks": (header(tracks=0), "has no tracks"),
    "65,535 tracks": (midi(*[b""] * 65_535), "has too many tracks: up to 1,000"),
    "header alone": (header(), "is cut off after track 0 of 1"),
    "cut in a track": (midi(SONG, SONG)[:-5], "is cut off after track 1 of 2: copy it again"),
    "track of 4 GiB": (header() + b"MTrk\xff\xff\xff\xff" + SONG, "is cut off after track 0"),
    "chunk of 4 GiB": (header() + b"XFIH\xff\xff\xff\xff" + chunk(SONG), "is cut off after track 0"),
    "cut in a delta": (midi(C4 + b"\x83"), "track 1 ends inside an event"),
    "cut before a status": (midi(C4 + b"\x00"), "track 1 ends inside an event"),
    "cut in a note": (midi(SONG, b"\x00\x90\x3c"), "track 2 ends inside an event"),
    "cut in a text": (midi(C4 + b"\x00\xff\x01\x05abc"), "track 1 ends inside an event"),
    "cut in a system exclusive": (midi(C4 + b"\x00\xf0\x05abc"), "track 1 ends inside an event"),
    "text of 2^28 bytes": (midi(C4 + b"\x00\xff\x01" + HUGE_DELTA), "track 1 ends inside an event"),
    "delta of 2^28 - 1": (midi(HUGE_DELTA + C4[1:]), "is too long: songs of up to 8,192 beats"),
    "delta of 2^28 - 1, fine": (midi(HUGE_DELTA + C4[1:], division=32_767), "is too long"),
    "delta of 2^28": (midi(b"\x81\x80\x80\x80\x00" + C4[1:]), "a number of more than 4 bytes at byte 0"),
    "delta of 512 KB": (midi(b"\xff" * 2**19 + b"\x00" + C4[1:]), "a number of more than 4 bytes"),
    "long in small deltas": (midi(C4 + b"\xff\x7f\x3c\x00" * 300, division=1), r"is too long.*\(track 1\)"),
    "running status from nowhere": (midi(b"\x00\x3c\x40"), r"no status before byte 1 \(track 1\)"),
    "running system exclusive": (midi(b"\x00\xf0\x01\xf7\x00\x3c\x40"), "no status before byte 5"),
    "pitch above 127": (midi(b"\x00\x90\x80\x40"), r"a note has data above 127 \(track 1\)"),
    "velocity above 127": (midi(b"\x00\x90\x3c\xff"), "a note has data above 127"),
    "1,000,002 events in two tracks": (
        midi(*[C4 + b"\x00\x3c\x40" * 500_000] * 2),
        r"too many events: up to 1,000,000 are read \(track 2\)",
    ),
    "more than 8 MiB": (midi(SONG) + bytes(2**23), "is too large: MIDI files of up to 8 MiB"),
    "no notes": (midi(END), "has no notes"),
}


@pytest.mark.parametrize(("data", "reason"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_an_unusable_file_gives_one_error_with_its_name_and_the_reason(read, data, reason):
    with pytest.raises(MidiError, match=f"song.mid: .*{reason}"):
        read(data)


@pytest.mark.parametrize(
    "name",
    ["delta of 2^28 - 1", "delta of 2^28", "header of 2 GiB", "text of 2^28 bytes"],
)
def test_a_hostile_file_is_refused_within_64_kib(read, name):
    tracemalloc.start()
    try:
        with pytest.raises(MidiError, match=UNUSABLE[name][1]):
            read(UNUSABLE[name][0])
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < 2**16


def test_what_is_not_a_readable_file_gives_the_same_error(tmp_path):
    with pytest.raises(MidiError, match="none.mid: there is no such file"):
        read_midi(tmp_path / "none.mid")
    with pytest.raises(MidiError, match="is a folder: name a MIDI file in it"):
        read_midi(str(tmp_path))
    with pytest.raises(MidiError, match="cannot be read: File name too long"):
        read_midi(tmp_path / ("long" * 100))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_without_waiting_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe.mid")
    with pytest.raises(MidiError, match="pipe.mid: cannot be read: Not a file"):
        read_midi(tmp_path / "pipe.mid")


@given(data=st.data())
def test_a_damaged_file_gives_notes_or_a_midi_error(data):
    whole = midi(named(b"Tune") + b"\x00\xff\x59\x02\x00\x00\x00\xf0\x02\x01\xf7" + SONG, SONG)
    damaged = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for at in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=4)):
        damaged[at : at + 1] = data.draw(st.binary(max_size=2))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "song.mid"
        path.write_bytes(damaged)
        try:
            notes = read_midi(path)
        except MidiError as error:
            assert str(error).startswith(f"{path}: ")
        else:
            assert len(notes.onsets) >= 1


# Writing

TITLES = st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"]), max_size=20).map(str.strip)


@st.composite
def songs(draw):
    steps = draw(st.integers(1, 300))
    rows = st.tuples(st.integers(0, steps - 1), st.integers(0, 127))
    return steps, sorted(draw(st.sets(rows, min_size=1, max_size=40)))


@settings(deadline=None)
@given(song=songs(), steps_per_beat=st.sampled_from([1, 2, 4]), title=TITLES, tempo_bpm=st.floats(4, 300))
def test_what_is_written_is_read_back(song, steps_per_beat, title, tempo_bpm):
    steps, onsets = song
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "song.mid"
        write_midi(path, onsets, steps, title=title, tempo_bpm=tempo_bpm, steps_per_beat=steps_per_beat)
        notes = read_midi(path, steps_per_beat)
    assert notes.onsets.tolist() == [list(row) for row in onsets]
    assert notes.steps == steps
    assert notes.title == title
    assert notes.tempo_bpm == pytest.approx(tempo_bpm, abs=1e-3)
    assert notes.off_grid == 0


@pytest.mark.parametrize("steps_per_beat", [1, 2, 3, 4, 480])
@pytest.mark.parametrize("steps", [1, 2, 128])
def test_a_silent_roll_is_written_and_read_back(tmp_path, steps, steps_per_beat):
    path = tmp_path / "rest.mid"
    write_midi(path, [], steps, steps_per_beat=steps_per_beat)
    with pytest.raises(MidiError, match="has no notes"):
        read_midi(path, steps_per_beat)
    notes = read_midi(path, steps_per_beat, allow_silence=True)
    assert (notes.steps, len(notes.onsets)) == (steps, 0)


def test_a_written_file_has_these_bytes(tmp_path):
    path = tmp_path / "song.mid"
    onsets = np.array([[1, 60], [0, 60], [0, 60]])  # out of order, and one of them twice
    write_midi(path, onsets, 4, title="ё", key="Am", time_signature=(3, 8), texts=["by hand"])
    assert path.read_bytes() == (
        b"MThd\x00\x00\x00\x06\x00\x00\x00\x01\x01\xe0"  # type 0, one track, 480 ticks a beat
        b"MTrk\x00\x00\x00\x3d"  # 61 bytes
        b"\x00\xff\x03\x02\xd1\x91"  # the title in UTF-8
        b"\x00\xff\x01\x07by hand"
        b"\x00\xff\x51\x03\x07\xa1\x20"  # 500,000 microseconds a beat
        b"\x00\xff\x58\x04\x03\x03\x18\x08"  # 3 over 2^3
        b"\x00\xff\x59\x02\x00\x01"  # no sharps, minor
        b"\x00\x90\x3c\x50"  # step 0: C4 begins
        b"\x81\x70\x80\x3c\x00"  # step 1: it is released
        b"\x00\x90\x3c\x50"  # and begins again
        b"\x81\x70\x80\x3c\x00"  # step 2: it is released
        b"\x83\x60\xff\x2f\x00"  # step 4: the end
    )


def test_the_same_song_gives_the_same_bytes_and_replaces_the_file(tmp_path):
    first, second = tmp_path / "first.mid", tmp_path / "second.mid"
    second.write_bytes(b"an old file")
    for path in (first, second):
        write_midi(path, [(0, 60), (3, 72)], 8, title="Tune")
    assert first.read_bytes() == second.read_bytes()
    assert sorted(tmp_path.iterdir()) == [first, second], "nothing is left beside the files"


def test_a_write_that_fails_leaves_nothing_behind(tmp_path):
    (tmp_path / "song.mid").mkdir()
    with pytest.raises(OSError, match="song.mid"):
        write_midi(tmp_path / "song.mid", [(0, 60)], 8)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match="file"):
        write_midi(tmp_path / "file" / "song.mid", [(0, 60)], 8)
    assert {path.name for path in tmp_path.rglob("*")} == {"song.mid", "file"}


def test_another_program_reads_each_onset_as_one_step(tmp_path):
    path = tmp_path / "song.mid"
    write_midi(path, [(0, 60), (1, 60), (1, 64)], 4, tempo_bpm=60, steps_per_beat=4)
    played = [(message.type, message.note, message.time) for message in mido.MidiFile(path) if not message.is_meta]
    assert played == [
        ("note_on", 60, 0),
        ("note_off", 60, 0.25),
        ("note_on", 60, 0),
        ("note_on", 64, 0),
        ("note_off", 60, 0.25),
        ("note_off", 64, 0),
    ]


@pytest.mark.parametrize(
    ("onsets", "steps", "options", "reason"),
    [
        ([(0, 60)], 0, {}, "a song of 0 steps: 1 to 16384"),
        ([(0, 60)], 16_385, {}, "a song of 16385 steps: 1 to 16384"),
        ([(4, 60)], 4, {}, "outside the 4 steps"),
        ([(-1, 60)], 4, {}, "outside the 4 steps"),
        ([(0, -1)], 4, {}, "a pitch outside 0 to 127"),
        ([(0, 128)], 4, {}, "a pitch outside 0 to 127"),
        ([(0.5, 60)], 4, {}, r"integers \(N, 2\).*float64 \(1, 2\)"),
        (np.zeros((4, 13), dtype=bool), 4, {}, r"integers \(N, 2\).*bool \(4, 13\)"),
        ([0, 60], 4, {}, r"integers \(N, 2\)"),
        ([(0, 60)], 4, {"tempo_bpm": 3.9}, "3.9 bpm: 4 to 300"),
        ([(0, 60)], 4, {"tempo_bpm": 301}, "301 bpm: 4 to 300"),
        ([(0, 60)], 4, {"tempo_bpm": float("nan")}, "nan bpm: 4 to 300"),
        ([(0, 60)], 4, {"steps_per_beat": 0}, "must divide 480"),
        ([(0, 60)], 4, {"steps_per_beat": -2}, "must divide 480"),
        ([(0, 60)], 4, {"steps_per_beat": 7}, "7 steps a beat: the number must divide 480"),
        ([(0, 60)], 4, {"key": "H"}, "'H' is no key: write one as in"),
        ([(0, 60)], 4, {"time_signature": (0, 4)}, "time signature 0/4"),
        ([(0, 60)], 4, {"time_signature": (256, 4)}, "time signature 256/4"),
        ([(0, 60)], 4, {"time_signature": (4, 5)}, "time signature 4/5"),
        ([(0, 60)], 4, {"title": "a" * 2**23}, "is not written, as it is too large: MIDI files of up to 8 MiB"),
    ],
)
def test_what_cannot_be_written_is_refused(tmp_path, onsets, steps, options, reason):
    path = tmp_path / "song.mid"
    with pytest.raises(ValueError, match=reason):
        write_midi(path, onsets, steps, **options)
    assert not path.exists()


def test_the_longest_song_is_written_and_read_back(tmp_path):
    path = tmp_path / "long.mid"
    write_midi(path, [(16_383, 60)], 16_384)
    notes = read_midi(path)
    assert (notes.steps, notes.onsets.tolist()) == (16_384, [[16_383, 60]])


# The songs the project was made for


@pytest.fixture(scope="module")
def seed_songs():
    if not SEED_SONGS.is_dir():
        pytest.skip(f"the seed songs are not at {SEED_SONGS}")
    return {number: read_midi(SEED_SONGS / f"track ({number}).mid") for number in range(1, 35)}


def test_the_seed_songs_are_read(seed_songs):
    onsets = {number: len(notes.onsets) for number, notes in seed_songs.items()}
    # The files have 1748 notes: song 23 has one of them twice, at step 86.
    assert (sum(onsets.values()), onsets[1], onsets[23]) == (1747, 60, 52)
    assert sum(notes.off_grid for notes in seed_songs.values()) == 0
    assert {notes.steps for notes in seed_songs.values()} == {125, 126, 127, 128}
    assert {notes.tempo_bpm for notes in seed_songs.values()} == {120.0}


def test_the_seed_songs_have_russian_titles(seed_songs):
    titles = [seed_songs[number].title for number in (1, 2, 10, 34)]
    assert titles == ["кузнечик", "василёк", "там за речкой, там за перевалом", "ёжик"]


def test_the_seed_songs_are_written_and_read_back(seed_songs, tmp_path):
    for number, song in seed_songs.items():
        path = tmp_path / f"{number}.mid"
        write_midi(path, song.onsets, song.steps, title=song.title, tempo_bpm=song.tempo_bpm)
        copy = read_midi(path)
        assert np.array_equal(copy.onsets, song.onsets)
        assert (copy.title, copy.steps, copy.tempo_bpm) == (song.title, song.steps, 120.0)

"""Notes with their lengths, and the other content of MIDI files, from literal bytes."""

import struct

import numpy as np
import pytest

from songs.midi import encode_midi
from songs.midi_parser import parse_midi
from songs.score import MidiError, Score
from tests.songs.test_midi import C4, END, SONG, chunk, header, midi, named

NOTES = [(0, 480, 60)]
"""The notes of SONG."""


def notes(score: Score) -> list[tuple[int, int, int]]:
    """Return onset, length and pitch of every note."""
    return [(int(note["onset"]), int(note["length"]), int(note["pitch"])) for note in score.notes]


def events(*rows: tuple[int, int, int, int]) -> bytes:
    """Return events of a delta below 128, a status and two data bytes."""
    return b"".join(map(bytes, rows))


def test_a_note_has_onset_length_pitch_velocity_channel_and_track():
    score = parse_midi(midi(b"", b"\x10\x93\x3c\x50" + b"\x20\x83\x3c\x40" + END))
    assert score.notes.tolist() == [(16, 32, 60, 0x50, 3, 1)]
    assert (score.ticks_per_beat, score.track_ends, score.end) == (480, (0, 48), 48)


@pytest.mark.parametrize(
    ("track", "expected"),
    [
        (events((0, 0x90, 60, 80), (8, 0x90, 60, 0)), [(0, 8, 60)]),  # velocity 0 is a release
        (events((0, 0x90, 60, 80), (8, 0x90, 60, 80), (8, 0x80, 60, 0)), [(0, 8, 60), (8, 8, 60)]),  # begins again
        (events((0, 0x90, 60, 80), (0, 0x90, 60, 80), (8, 0x80, 60, 0)), [(0, 8, 60)]),  # twice at once
        (events((0, 0x90, 60, 80), (0, 0x91, 60, 80), (8, 0x80, 60, 0), (1, 0x81, 60, 0)), [(0, 8, 60), (0, 9, 60)]),
        (events((4, 0x90, 60, 80), (0, 0x80, 60, 0)), [(4, 0, 60)]),  # no length
        (events((4, 0x80, 60, 0)), []),  # a release of nothing
        (events((0, 0x90, 72, 80), (0, 0x90, 60, 80), (8, 0x80, 60, 0), (4, 0x90, 62, 80), (8, 0x80, 62, 0)),
         [(0, 8, 60), (0, 12, 72), (12, 8, 62)]),  # never released: to the next onset of the part
        (events((0, 0x90, 60, 80), (0, 0x91, 62, 80), (8, 0x81, 62, 0)) + b"\x87\x40\xff\x2f\x00",
         [(0, 8, 62), (0, 968, 60)]),  # never released, and nothing follows: to the end of the track
        (events((0, 0x90, 60, 80)), [(0, 480, 60)]),  # at the end of the track: a beat
    ],
)  # fmt: skip
def test_notes_end(track, expected):
    assert notes(parse_midi(midi(track))) == expected


REALTIME = b"\x00\xf8\x00\xfe"
ODD = {
    "a controller of 255": (midi(b"\x00\xb0\x07\xff" + SONG), "damaged controllers are ignored: 1"),
    "a program above 127": (midi(b"\x00\xc0\x80" + SONG), "damaged controllers are ignored: 1"),
    "real-time bytes": (midi(REALTIME + C4[:1] + C4[1:] + REALTIME + SONG[4:]), None),
    "real-time bytes and running status": (midi(C4 + REALTIME + b"\x83\x60\x3c\x00" + END), None),
    "song position, song select, tune request": (midi(b"\x00\xf2\x01\x02\x00\xf3\x01\x00\xf6" + SONG), None),
    "a header of 8 bytes": (header(length=8) + b"ab" + chunk(SONG), None),
    "type 2 with one track": (header(kind=2) + chunk(SONG), None),
    "no end of track": (midi(SONG[:-4]), None),
    "one byte is missing": (midi(SONG)[:-1], "its last bytes are missing"),
    "four bytes are missing": (midi(SONG)[:-4], "its last bytes are missing"),
    "a track too few": (header(tracks=2) + chunk(SONG), "its header announces 2 tracks, it has 1"),
    "a track too many": (header(tracks=1) + chunk(SONG) + chunk(END), "its header announces 1 tracks, it has 2"),
    "no track announced": (header(tracks=0) + chunk(SONG), "its header announces 0 tracks, it has 1"),
    "65,535 tracks announced": (header(tracks=65_535) + chunk(SONG), "its header announces 65535 tracks, it has 1"),
}


@pytest.mark.parametrize(("data", "remark"), ODD.values(), ids=ODD)
def test_damage_that_loses_no_notes_is_passed_over(data, remark):
    score = parse_midi(data)
    assert notes(score) == NOTES
    assert score.remarks == ((remark,) if remark else ())


def test_a_file_within_riff_is_read():
    data = midi(SONG)
    other = b"DISP" + struct.pack("<L", 3) + b"abc\0"
    riff = b"RIFF" + struct.pack("<L", 4 + len(other) + 8 + len(data)) + b"RMID" + other
    riff += b"data" + struct.pack("<L", len(data)) + data
    assert notes(parse_midi(riff)) == NOTES
    with pytest.raises(MidiError, match="is a RIFF file without MIDI data"):
        parse_midi(riff[: 12 + len(other)])


def test_a_cut_that_loses_more_than_the_end_of_the_track_is_refused():
    with pytest.raises(MidiError, match="is cut off after track 0 of 1: copy it again"):
        parse_midi(midi(SONG)[:-5])


def test_tempos_and_signatures_are_read_in_order_of_time():
    first = b"\x60\xff\x51\x03\x07\xa1\x20" + b"\x60\xff\x58\x04\x06\x03\x18\x08" + b"\x00\xff\x59\x02\xfd\x01" + END
    second = b"\x30\xff\x51\x03\x0f\x42\x40" + b"\x30\xff\x51\x03\x06\x1a\x80" + END
    score = parse_midi(midi(first, second))
    assert score.tempos == ((48, 1_000_000), (96, 500_000), (96, 400_000))
    assert score.time_signatures == ((192, 6, 8),)
    assert score.key_signatures == ((192, -3, True),)
    assert score.tempo_bpm == 60


def test_seconds_follow_the_tempos_the_last_one_of_a_tick():
    tempos = ((0, 1_000_000), (960, 250_000), (960, 500_000))
    score = Score(480, np.zeros(0), (), (), tempos)
    assert score.seconds(np.array([0.0, 1.0, 2.0, 4.0])).tolist() == [0.0, 1.0, 2.0, 3.0]
    assert Score(480, np.zeros(0), (), ()).seconds(np.array([2.0])).tolist() == [1.0]


def test_a_part_is_what_a_track_plays_on_a_channel():
    lead = named(b"Lead") + b"\x00\xc0\x49\x00\xc1\x20\x00\xc0\x4a" + C4 + b"\x00\x91\x30\x40" + b"\x00\xc1\x05" + END
    drums = b"\x00\x99\x24\x40" + END
    score = parse_midi(midi(lead, drums))
    parts = [(part.track, part.channel, part.name, part.program, part.notes["pitch"][0]) for part in score.parts()]
    assert parts == [(0, 0, "Lead", 0x4A, 60), (0, 1, "Lead", 0x20, 48), (1, 9, "", 0, 36)]
    assert score.melodic()["pitch"].tolist() == [48, 60]


def test_what_is_written_is_read_back():
    held = np.array([(0.0, 1.5, 60), (1.5, 0.25, 60), (2.0, 2.0, 72), (2.0, 0.0, 60)])
    score = parse_midi(encode_midi(held, 8, tempo_bpm=90, title="Ёжик", key="F#m", time_signature=(6, 8)))
    assert notes(score) == [(0, 720, 60), (720, 120, 60), (960, 1, 60), (960, 960, 72)]
    assert (score.end, round(score.tempo_bpm, 3), score.title) == (8 * 480, 90, "Ёжик")
    assert (score.time_signatures, score.key_signatures) == (((0, 6, 8),), ((0, 3, True),))


@pytest.mark.parametrize(
    "event", [b"\x00\x3c\x40", b"\x00\x3c\x00", b"\x00\xb0\x07\x40", b"\x00\xc0\x05", b"\x00\xff\x51\x03\x07\xa1\x20"]
)
def test_a_million_events_are_read(event):
    score = parse_midi(midi(C4 + event * 999_998 + END))
    assert len(score.notes) == 1

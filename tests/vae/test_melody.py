"""Melodies from MIDI files: highest notes, bars and keys."""

import numpy as np
import pytest

from songs.arrange import ArrangeOptions
from songs.score import MidiError
from tests.vae.melodies import write_tune
from vae.melody import find_key, on_grid, read_piece, shift_to_c, transposed
from vae.tokens import REST

C4, D4, G4 = 39, 41, 46


def chunk(events: bytes) -> bytes:
    return b"MTrk" + len(events).to_bytes(4, "big") + events


def midi(*tracks: bytes) -> bytes:
    end = b"\x00\xff\x2f\x00"
    return b"MThd\0\0\0\6\0\1" + bytes([0, len(tracks), 0, 4]) + b"".join(chunk(track + end) for track in tracks)


def name(text: bytes) -> bytes:
    return b"\x00\xff\x03" + bytes([len(text)]) + text


def meter(numerator: int, power: int, wait: int = 0) -> bytes:
    return bytes([wait]) + b"\xff\x58\x04" + bytes([numerator, power, 24, 8])


def note(pitch: int, length: int, wait: int = 0) -> bytes:
    return bytes([wait, 0x90, pitch, 80, length, 0x80, pitch, 0])


def test_the_melody_track_is_taken_before_all_others(tmp_path):
    path = tmp_path / "a.mid"
    path.write_bytes(midi(name(b"PIANO") + note(90, 16), name(b"Melody") + note(60, 16)))
    assert set(read_piece(path).segments[0][0].tolist()) == {C4}
    assert set(read_piece(path, ArrangeOptions(track="piano")).segments[0][0].tolist()) == {69}
    assert set(read_piece(path, ArrangeOptions(track="1")).segments[0][0].tolist()) == {69}
    with pytest.raises(MidiError, match=r"a.mid: has no track 'Bass'; its tracks are: 1 PIANO, 2 Melody"):
        read_piece(path, ArrangeOptions(track="Bass"))


def test_notes_that_are_never_released_or_have_no_length_are_notes(tmp_path):
    path = tmp_path / "a.mid"
    path.write_bytes(midi(bytes([0, 0x90, 60, 80]) + note(62, 8, wait=4) + note(64, 4)))  # C4 is never released
    roll, onsets = read_piece(path).segments[0]
    assert roll.tolist() == [C4] * 4 + [D4] * 8 + [43] * 4
    assert np.flatnonzero(onsets).tolist() == [0, 4, 12]
    path.write_bytes(midi(note(60, 0) + note(62, 0, wait=16)))
    roll, onsets = read_piece(path).segments[0]
    assert np.flatnonzero(onsets).tolist() == [0, 16]
    assert roll.tolist() == [C4] + [REST] * 15 + [D4] + [REST] * 15


def test_only_bars_of_four_quarters_are_taken(tmp_path):
    path = tmp_path / "a.mid"
    path.write_bytes(midi(meter(3, 2) + meter(4, 2, wait=12), note(60, 12) + note(62, 16) + note(64, 16)))
    segments = read_piece(path).segments
    assert [len(roll) for roll, _ in segments] == [32]
    assert segments[0][0].tolist() == [D4] * 16 + [43] * 16


def test_a_beats_file_is_believed_rather_than_the_signature(tmp_path):
    path = tmp_path / "a.mid"
    path.write_bytes(midi(meter(3, 2), note(60, 16, wait=4) + note(62, 16)))  # 0.5 s a beat, an upbeat of one beat
    lines = [f"{0.5 + beat * 0.5} 1.0 {float(beat % 4 == 0)}" for beat in range(12)]
    (tmp_path / "a.beats.txt").write_text("\n".join(lines))
    segments = read_piece(path).segments
    assert [len(roll) for roll, _ in segments] == [48]
    assert segments[0][0].tolist() == [C4] * 16 + [D4] * 16 + [REST] * 16


def test_a_broken_beats_file_is_named(tmp_path):
    write_tune(tmp_path / "a.mid", [60])
    (tmp_path / "a.beats.txt").write_text("one two")
    with pytest.raises(MidiError, match=r"a.beats.txt: holds no beats"):
        read_piece(tmp_path / "a.mid")


@pytest.mark.parametrize(
    ("notes", "roll", "onsets", "lower"),
    [
        ([(0, 4, 60), (0, 4, 67)], [G4] * 4, [0], 1),
        ([(0, 4, 67), (2, 4, 60)], [G4] * 4, [0], 1),
        ([(0, 3, 67), (2, 4, 60)], [G4] * 2 + [C4] * 2, [0, 2], 0),
        ([(0, 4, 60), (2, 4, 67)], [C4] * 2 + [G4] * 2, [0, 2], 0),
        ([(0.4, 1.6, 60), (2.6, 4, 60)], [C4, C4, REST, C4], [0, 3], 0),
    ],
)
def test_the_highest_of_several_notes_is_the_melody(notes, roll, onsets, lower):
    got = on_grid(np.array(notes), bars=1)
    assert got[0][:4].tolist() == roll
    assert np.flatnonzero(got[1]).tolist() == onsets
    assert got[2] == lower


def test_gaps_of_a_step_are_filled_on_demand():
    notes = np.array([(0, 3, 60), (4, 8, 62)])
    assert on_grid(notes, 1, fill_gaps=True)[0][:5].tolist() == [C4] * 4 + [D4]
    assert on_grid(notes, 1)[0][:5].tolist() == [C4] * 3 + [REST, D4]


@pytest.mark.parametrize("tonic", range(12))
@pytest.mark.parametrize(
    ("minor", "degrees"), [(False, [0, 2, 4, 5, 7, 9, 11, 0, 4, 7, 0]), (True, [0, 2, 3, 5, 7, 8, 10, 0, 3, 7, 0])]
)
def test_keys_are_found_and_moved_to_c_or_a(tonic, minor, degrees):
    roll = np.array(degrees) + C4 + tonic
    assert find_key(roll) == (tonic, minor)
    shift = shift_to_c(tonic, minor)
    assert -6 <= shift <= 5
    assert (tonic + shift) % 12 == (9 if minor else 0)


def test_silence_has_a_key_too():
    assert find_key(np.full(16, REST)) == (0, False)


def test_transposition_keeps_rests_and_stays_on_the_piano():
    assert transposed(np.array([0, 87, REST, 40]), -3).tolist() == [9, 84, REST, 37]
    assert transposed(np.array([0, 87]), 3).tolist() == [3, 78]


def test_a_file_without_notes_or_a_damaged_one_is_named(tmp_path):
    path = tmp_path / "a.mid"
    path.write_bytes(midi(name(b"x")))
    with pytest.raises(MidiError, match=r"a.mid: has no notes"):
        read_piece(path)
    path.write_bytes(midi(note(60, 4))[:-6])
    with pytest.raises(MidiError, match=r"a.mid: is cut off"):
        read_piece(path)

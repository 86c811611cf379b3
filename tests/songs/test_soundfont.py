"""Notes of a SoundFont: right pitch, same format as the piano's, and independent of earlier notes."""

import numpy as np
import pytest

from songs.song import Song
from songs.synth import LIMIT
from tests.soundfonts import sine_font

pytest.importorskip("tinysoundfont")
from songs.soundfont import SoundFont

RATE = 16_000


@pytest.fixture(scope="module")
def sine(tmp_path_factory) -> SoundFont:
    path = tmp_path_factory.mktemp("fonts") / "sine.sf2"
    path.write_bytes(sine_font())
    return SoundFont(path)


@pytest.mark.parametrize(("pitch", "hertz"), [(69, 440), (57, 220), (72, 523.25)])
def test_a_note_has_its_pitch_and_the_form_of_a_piano_s(sine, pitch, hertz):
    note = sine(pitch, RATE)
    assert (note.shape, note.dtype) == ((2.5 * RATE,), np.float32)
    assert np.abs(note).max() == 1
    assert np.argmax(np.abs(np.fft.rfft(note))) / 2.5 == pytest.approx(hertz, abs=0.4)
    assert abs(note[-1]) < 1e-3


def test_a_note_is_the_same_whatever_sounded_before(sine):
    first = sine(69, RATE)
    sine(57, RATE)
    assert (sine(69, RATE) == first).all()


def test_a_song_sounds_on_it_and_not_as_on_the_piano(sine):
    roll = np.zeros((4, 13), dtype=bool)
    roll[[0, 2], [9, 0]] = True
    song = Song("two", roll)
    played = song.sound(sample_rate=RATE, instrument=sine)
    assert played.shape == song.sound(sample_rate=RATE).shape
    assert 0.1 < np.abs(played).max() <= LIMIT
    second = played[RATE // 10 : RATE // 2, 0]  # A4 is the only note until .5 s
    assert np.argmax(np.abs(np.fft.rfft(second))) / 0.4 == pytest.approx(440, abs=2.6)


def test_the_first_instrument_is_taken_where_there_is_no_piano(tmp_path):
    path = tmp_path / "late.sf2"
    path.write_bytes(sine_font(bank=3, program=17))
    font = SoundFont(path)
    assert font.program == (3, 17)
    assert np.abs(font(69, RATE)).max() == 1


@pytest.mark.parametrize("content", [b"", b"RIFF", sine_font()[:60_000]])
def test_what_is_no_soundfont_is_said(tmp_path, content):
    path = tmp_path / "other.sf2"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="this is no SoundFont"):
        SoundFont(path)

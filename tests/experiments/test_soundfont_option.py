"""`--soundfont` of the verbs that make sound."""

import re
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from songs.song import Song
from tests.soundfonts import sine_font


@pytest.fixture
def font(tmp_path) -> Path:
    pytest.importorskip("tinysoundfont")
    (path := tmp_path / "sine.sf2").write_bytes(sine_font())
    return path


def test_play_writes_sound_of_the_instrument(kuznechik, tmp_path, font):
    roll = np.zeros((8, 13), dtype=bool)
    roll[0, 9] = True
    Song("one", roll).write(tmp_path / "one.mid")
    called = kuznechik("play", tmp_path / "one.mid", "--soundfont", font, "--out", tmp_path / "one.wav")
    assert called.status == 0, called.err
    with wave.open(str(tmp_path / "one.wav")) as sound:
        rate = sound.getframerate()
        samples = np.frombuffer(sound.readframes(rate // 2), "<i2")[::2]
    heard = np.abs(np.fft.rfft(samples[: rate // 5]))  # in steps of 5 Hz
    assert np.argmax(heard) == 440 / 5
    assert heard[2 * 440 // 5] < 0.01 * heard.max()  # a sine has no overtones, a piano has


@pytest.mark.parametrize("verb", [("report",), ("listening-test", "--machine")])
def test_pages_carry_the_tones_of_the_instrument(kuznechik, tmp_path, font, verb):
    tones = {}
    for name, more in (("piano", ()), ("sine", ("--soundfont", font))):
        page = tmp_path / f"{name}.html"
        called = kuznechik(*verb, "ode_to_joy", *more, "--out", page)
        assert called.status == 0, called.err
        tones[name] = re.search(r'"tones": (\[\[.*?\]\])', page.read_text())[1]
    assert tones["sine"] != tones["piano"]
    assert len(tones["sine"]) == len(tones["piano"])


def test_a_wrong_file_is_one_line(kuznechik, tmp_path, font):
    font.write_bytes(b"RIFF")
    for file, said in ((tmp_path / "none.sf2", "No such file or directory"), (font, "this is no SoundFont (.sf2)")):
        called = kuznechik("play", "ode_to_joy", "--soundfont", file, "--out", tmp_path / "ode.wav")
        assert (called.status, called.err.count("\n")) == (2, 1)
        assert f"{file}: {said}" in called.err


def test_a_missing_package_is_one_line(kuznechik, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tinysoundfont", None)
    called = kuznechik("play", "ode_to_joy", "--soundfont", "any.sf2", "--out", tmp_path / "ode.wav")
    assert (called.status, called.err.count("\n")) == (2, 1)
    assert "pip install 'kuznechik[soundfont]'" in called.err

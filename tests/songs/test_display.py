"""Songs in a notebook: a picture, a player, and escaped titles."""

import base64
import io
import re
import wave

import numpy as np

from songs.display import LONGEST, roll_svg
from songs.keyboard import Grid, Keyboard
from songs.song import Song
from songs.synth import TAIL_SECONDS

ROLL = np.zeros((16, 13), dtype=bool)
ROLL[[0, 4, 4], [0, 4, 12]] = True


def sound_in(html: str) -> np.ndarray:
    """Return the samples that the player in the HTML plays."""
    data = re.search(r'src="data:audio/wav;base64,([^"]+)"', html)[1]
    with wave.open(io.BytesIO(base64.b64decode(data))) as wav:
        assert wav.getframerate() == 16_000
        return np.frombuffer(wav.readframes(wav.getnframes()), dtype="<i2")


def test_every_onset_is_a_cell_at_its_place():
    cells = re.findall(r'<rect x="([\d.]+)" y="([\d.]+)"[^>]*fill="#009e73"', roll_svg(ROLL))
    assert cells == [("28.5", "108.5"), ("56.5", "72.5"), ("56.5", "0.5")]


def test_a_song_shows_itself_and_sounds():
    html = Song("tune", ROLL, "<script>alert(1)</script>", tempo_bpm=60)._repr_html_()
    assert "&lt;script&gt;" in html
    assert "<script>" not in html
    samples = sound_in(html)
    assert len(samples) == 2 * round(16_000 * (16 * 0.5 + TAIL_SECONDS))
    assert np.abs(samples[:4000]).max() > 5000
    assert not samples[-10:].any()


def test_a_long_roll_is_cut_and_says_so():
    long = np.zeros((LONGEST + 8, 13), dtype=bool)
    long[-1, 3] = True
    html = Song("long", long).html("long")
    assert f"the first {LONGEST} of {LONGEST + 8} steps" in html
    assert "#009e73" not in html


def test_a_song_of_25_keys_shows_its_keys_its_bars_and_what_was_changed():
    roll = np.zeros((24, 25), dtype=bool)
    roll[0, 24] = True
    song = Song("tune", roll, "Air", keyboard=Keyboard(25, 48), grid=Grid(4, 3), changes=("25 keys", "sixteenths"))
    html = song._repr_html_()
    assert "Air, 25 keys, sixteenths" in html
    assert ">C3</text>" in html
    assert ">C5</text>" in html
    assert roll_svg(roll, song.keyboard, song.grid).count("<line") == 3  # two bars of 12 steps

"""kuznechik play: tempo, pitches, sampling, and the format that the name of the output says."""

import wave
from pathlib import Path

import numpy as np
import pytest

from songs.midi import encode_midi, read_score
from songs.song import Song
from songs.synth import TAIL_SECONDS

NOTES = np.array([[0, 2, 40], [2, 0.25, 44], [3, 0.5, 47], [4, 1, 52]])
"""Onset and length in quarter notes, and pitch: below the keyboard."""


@pytest.fixture
def low(tmp_path) -> Path:
    path = tmp_path / "low.mid"
    path.write_bytes(encode_midi(NOTES, 6, tempo_bpm=80, tempo_changes=[(3, 60)], key="E", time_signature=(3, 4)))
    return path


def test_midi_is_written_with_all_that_the_file_says(kuznechik, low, tmp_path):
    called = kuznechik("play", low, "--out", tmp_path / "out.mid", "--original-key")
    assert (called.status, called.err) == (0, "")
    score, original = read_score(tmp_path / "out.mid"), read_score(low)
    np.testing.assert_array_equal(score.notes, original.notes)
    for name in ("tempos", "time_signatures", "key_signatures"):
        assert getattr(score, name) == getattr(original, name)
    assert kuznechik("play", low, "--out", tmp_path / "high.mid", "--tempo", "100").status == 0
    high = read_score(tmp_path / "high.mid")
    assert (high.notes["pitch"] - original.notes["pitch"]).tolist() == [20] * 4
    assert high.tempos == ((0, 600_000),)
    assert high.key_signatures == ((0, 0, False),)  # of E major, 20 semitones higher


def test_sound_follows_the_tempo(kuznechik, low, tmp_path):
    lengths = []
    for tempo in ((), ("--tempo", "160")):
        assert kuznechik("play", low, "--wav", tmp_path / "out.wav", "--force", *tempo).status == 0
        with wave.open(str(tmp_path / "out.wav")) as sound:
            lengths.append(sound.getnframes() / sound.getframerate() - TAIL_SECONDS)
    assert lengths == pytest.approx([3 * 60 / 80 + 3 * 60 / 60, 6 * 60 / 160], abs=1e-3)


def test_a_temperature_samples_from_the_champion(kuznechik, solved, tmp_path):
    def played(*options) -> list:
        path = tmp_path / "out.mid"
        assert kuznechik("play", solved, "--steps", "64", "--out", path, "--force", *options).status == 0
        return np.argwhere(Song.read(path, grid=2, keys=13, bars="all", chords=True).roll).tolist()

    greedy, sampled = played(), played("--temperature", "2", "--seed", "1")
    assert played("--temperature", "0", "--seed", "1") == greedy
    assert played("--temperature", "2", "--seed", "1") == sampled
    assert greedy != sampled != played("--temperature", "2", "--seed", "2")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--out", "out.ogg"), "out.ogg: its name must end in .wav or .mid"),
        (("--temperature", "1"), "low.mid: --temperature needs the champion of a run or a MusicVAE"),
        (("--temperature", "-1"), "--temperature: -1: it must be 0 to 100"),
        (("--tempo", "301"), "--tempo: 301: it must be 20 to 300"),
        (("--out", "/dev/full"), "/dev/full: Not a file"),
        (("--out", "/dev/full", "--force"), "/dev/full: Not a file"),
    ],
)
def test_what_cannot_be_played_so_is_refused_in_a_line(kuznechik, low, tmp_path, monkeypatch, options, reason):
    monkeypatch.chdir(tmp_path)
    called = kuznechik("play", low, *options)
    assert (called.status, called.out) == (2, "")
    assert reason in called.err
    assert called.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == [low]

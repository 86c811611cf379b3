"""A played roll as files: the array itself, MIDI and sound."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from songs.files import write_atomically
from songs.song import Song
from songs.synth import write_wav

SAMPLE_RATE = 22_050
"""Samples per second of melody.wav; at a higher rate it would dominate the size of a run folder."""


def title_of(songs: Sequence[Song]) -> str:
    """Return a short title for songs: the names of the first three."""
    return ", ".join(song.name for song in songs[:3]) + (", ..." if len(songs) > 3 else "")


def write_melody(folder: Path, roll: np.ndarray, song: Song, origin: str = "evolved") -> None:
    """Write a roll (T, K) bool as roll.npy, melody.mid and melody.wav, with tempo, grid and keyboard of the song."""
    write_array(folder / "roll.npy", roll)
    song.playing(roll, f"{song.title or song.name} ({origin})").write(folder / "melody.mid")
    write_wav(folder / "melody.wav", song.sound(roll, SAMPLE_RATE), SAMPLE_RATE)


def write_array(path: Path, array: np.ndarray) -> None:
    """Write an array as .npy."""
    content = io.BytesIO()
    np.save(content, array, allow_pickle=False)
    write_atomically(path, content.getvalue())

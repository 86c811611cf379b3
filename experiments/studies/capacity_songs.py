"""Melodies to fill a network with: every MIDI file below some folders, cut into songs of 128 steps.

A piece is cut at bar lines. A song is left out if its notes do not fit on the 13 keys, if it is short, if it equals
another one, or if somewhere the same remembered steps are followed by different ones, in another song or in itself: no
network can play both.
"""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np

from songs.catalog import MIDI_SUFFIXES, default_folder
from songs.keyboard import DEFAULT_KEYBOARD, SONG_STEPS, STEPS_PER_BAR
from songs.midi import MidiError, MidiNotes, read_midi
from songs.piano_roll import roll_from_onsets, words
from songs.song import Song, SongError

LEAST_NOTES, LEAST_STEPS = 16, 64
MELODY = "MELODY"
"""Where a file has tracks of this name, only these are read."""


@dataclass(frozen=True)
class Melodies:
    """Songs that one network can play, and the number of songs left out."""

    songs: list[Song]
    left_out: dict[str, int]
    """Number of songs, or of files that cannot be read, by reason."""


def midi_paths(folders: Sequence[str | Path]) -> list[Path]:
    """Return all MIDI files below folders, sorted; the project's own songs if there are no folders.

    Raises:
        SongError: there is no such folder, or it holds no MIDI file.
    """
    paths = []
    for folder in map(Path, folders or [default_folder()]):
        if not folder.is_dir():
            raise SongError(f"{folder}: no such folder")
        files = [Path(at) / name for at, _, names in os.walk(folder) for name in names]
        files = sorted(path for path in files if path.suffix.lower() in MIDI_SUFFIXES)
        if not files:
            raise SongError(f"{folder}: holds no .mid or .midi file")
        paths += files
    return paths


def collect(paths: Sequence[Path], memory: int, prompt: int, wanted: int, seed: int) -> Melodies:
    """Return the wanted number of songs, or all if there are fewer.

    The beginnings of the pieces come first, in random order, then their later parts, so that few songs come from many
    pieces.

    Args:
        paths: MIDI files.
        memory: steps that a network remembers.
        prompt: steps of each song that it is given.
        wanted: number of songs.
        seed: the same seed gives the same songs in the same order.
    """
    left_out: Counter[str] = Counter()
    pieces = [songs for path in paths if (songs := list(cut_songs(path, left_out)))]
    random = np.random.default_rng(np.random.SeedSequence(seed))
    order = [pieces[piece] for piece in random.permutation(len(pieces))]
    parts = [songs[part] for part in range(max(map(len, order), default=0)) for songs in order if part < len(songs)]
    chosen: list[Song] = []
    known: set[bytes] = set()
    following: dict[bytes, int] = {}
    for song in parts:
        if len(chosen) == wanted:
            break
        if song.roll.tobytes() in known:
            left_out["same as another"] += 1
            continue
        continuations = contexts(song.roll, memory, prompt)
        if continuations is None or any(
            following.get(context, word) != word for context, word in continuations.items()
        ):
            left_out["no context can tell it from another"] += 1
            continue
        known.add(song.roll.tobytes())
        following |= continuations
        chosen.append(song)
    return Melodies(chosen, dict(left_out))


def contexts(roll: np.ndarray, memory: int, prompt: int) -> dict[bytes, int] | None:
    """Return the step after each context of a song, contexts as digests; None if a context has two different ones."""
    padded = np.concatenate([np.zeros(memory, dtype=np.uint16), words(roll)])
    following: dict[bytes, int] = {}
    for step in range(prompt, len(roll)):
        context = blake2b(padded[step : step + memory].tobytes(), digest_size=16).digest()
        word = int(padded[step + memory])
        if following.setdefault(context, word) != word:
            return None
    return following


def cut_songs(path: Path, left_out: Counter) -> Iterator[Song]:
    """Yield the songs of a piece, in order of time, and count those that are left out."""
    try:
        onsets = _read(path).onsets
    except MidiError:
        left_out["file cannot be read"] += 1
        return
    first = onsets[0, 0] // STEPS_PER_BAR * STEPS_PER_BAR
    for number, begin in enumerate(range(int(first), int(onsets[-1, 0]) + 1, SONG_STEPS)):
        within = onsets[(onsets[:, 0] >= begin) & (onsets[:, 0] < begin + SONG_STEPS)]
        if len(within) < LEAST_NOTES:
            left_out["short"] += 1
            continue
        onsets_here = within - (within[0, 0] // STEPS_PER_BAR * STEPS_PER_BAR, 0)
        steps = int(onsets_here[-1, 0] // STEPS_PER_BAR + 1) * STEPS_PER_BAR
        shift = DEFAULT_KEYBOARD.smallest_shift(onsets_here[:, 1])
        if steps < LEAST_STEPS:
            left_out["short"] += 1
        elif shift is None:
            left_out["more than 13 keys"] += 1
        else:
            yield Song(f"{path.stem} {number + 1}", roll_from_onsets(onsets_here + (0, shift), steps), shift=shift)


def _read(path: Path) -> MidiNotes:
    try:
        return read_midi(path, track=MELODY)
    except MidiError:
        return read_midi(path)

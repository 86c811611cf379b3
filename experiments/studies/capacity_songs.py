"""Melodies to fill a network with: every MIDI file in some folders, cut into songs of 16 bars.

A piece is cut at bar lines. A song is left out if its notes do not fit on the keyboard, if it is short, if it equals
another one, or if the same remembered steps are followed by different ones somewhere, in this or another song: no
network can play both.
"""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np

from songs.arrange import DEFAULTS, ArrangeOptions
from songs.catalog import MIDI_SUFFIXES, default_folder, kind_of_reason
from songs.keyboard import KEYS, usual_keyboard
from songs.piano_roll import onsets_from_roll, roll_from_onsets
from songs.song import Song, SongError

LEAST_NOTES, LEAST_BARS, SONG_BARS = 16, 8, 16


@dataclass(frozen=True)
class Melodies:
    """Songs that one network can play, and the number of songs left out."""

    songs: list[Song]
    left_out: dict[str, int]
    """Number of songs, or of unreadable files, by reason."""


def midi_paths(places: Sequence[str | Path]) -> list[Path]:
    """Return MIDI files and all those in folders, sorted; the project's own songs if `places` is empty.

    Raises:
        SongError: A folder does not exist, or contains no MIDI file.
    """
    paths = []
    for folder in map(Path, places or [default_folder()]):
        if folder.is_file() and folder.suffix.lower() in MIDI_SUFFIXES:
            paths.append(folder)
            continue
        if not folder.is_dir():
            raise SongError(f"{folder}: no such folder")
        files = [Path(at) / name for at, _, names in os.walk(folder) for name in names]
        files = sorted(path for path in files if path.suffix.lower() in MIDI_SUFFIXES)
        if not files:
            raise SongError(f"{folder}: holds no .mid or .midi file")
        paths += files
    return paths


def collect(
    paths: Sequence[Path], memory: int, prompt: int, wanted: int, seed: int, options: ArrangeOptions = DEFAULTS
) -> Melodies:
    """Return `wanted` songs, or all if fewer exist.

    The openings of the pieces come first, in random order, then their later parts, so that a few songs come from many
    pieces.

    Args:
        paths: MIDI files.
        memory: Steps that a network remembers.
        prompt: Steps of each song that are given.
        wanted: Number of songs.
        seed: The same seed gives the same songs in the same order.
        options: How files become songs.
    """
    left_out: Counter[str] = Counter()
    pieces = [songs for path in paths if (songs := list(cut_songs(path, left_out, options)))]
    random = np.random.default_rng(np.random.SeedSequence(seed))
    order = [pieces[piece] for piece in random.permutation(len(pieces))]
    parts = [songs[part] for part in range(max(map(len, order), default=0)) for songs in order if part < len(songs)]
    chosen: list[Song] = []
    known: set[bytes] = set()
    following: dict[bytes, bytes] = {}
    for song in parts:
        if len(chosen) == wanted:
            break
        if song.roll.tobytes() in known:
            left_out["same as another"] += 1
            continue
        continuations = contexts(song.roll, memory, prompt)
        if continuations is None or any(
            following.get(context, keys) != keys for context, keys in continuations.items()
        ):
            left_out["no context can tell it from another"] += 1
            continue
        known.add(song.roll.tobytes())
        following |= continuations
        chosen.append(song)
    return Melodies(chosen, dict(left_out))


def contexts(roll: np.ndarray, memory: int, prompt: int) -> dict[bytes, bytes] | None:
    """Return the step after each context of a song, contexts as digests; None if a context has two continuations."""
    steps = np.packbits(roll, axis=1)
    padded = np.pad(steps, ((memory, 0), (0, 0)))
    following: dict[bytes, bytes] = {}
    for step in range(prompt, len(roll)):
        context = blake2b(padded[step : step + memory].tobytes(), digest_size=16).digest()
        keys = steps[step].tobytes()
        if following.setdefault(context, keys) != keys:
            return None
    return following


def cut_songs(path: Path, left_out: Counter, options: ArrangeOptions = DEFAULTS) -> Iterator[Song]:
    """Yield the songs of a piece in order of time, and count those that are left out.

    Args:
        path: Path of the file.
        left_out: Number of songs left out, by reason.
        options: How the file becomes a song; by default all of its bars are used, on 13 keys.
    """
    keyboard = usual_keyboard(options.keys or KEYS)
    try:
        whole = Song.read(path, options.change(keys=keyboard.keys if options.fold else 0, bars=options.bars or "all"))
    except SongError as error:
        left_out[kind_of_reason(str(error).removeprefix(f"{path}: "))] += 1
        return
    onsets, bar = onsets_from_roll(whole.roll, whole.keyboard), whole.grid.steps_per_bar
    for number, begin in enumerate(range(0, whole.steps, SONG_BARS * bar), start=1):
        within = onsets[(onsets[:, 0] >= begin) & (onsets[:, 0] < begin + SONG_BARS * bar)]
        if len(within) < LEAST_NOTES:
            left_out["short"] += 1
            continue
        here = within - (within[0, 0] // bar * bar, 0)
        bars = int(here[-1, 0] // bar + 1)
        shift = keyboard.smallest_shift(here[:, 1])
        if bars < LEAST_BARS:
            left_out["short"] += 1
        elif shift is None:
            left_out[f"more than {keyboard.keys} keys"] += 1
        else:
            roll = roll_from_onsets(here + (0, shift), bars * bar, keyboard)
            yield Song(f"{path.stem} {number}", roll, keyboard=keyboard, grid=whole.grid)

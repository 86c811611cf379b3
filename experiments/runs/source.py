"""A source of melodies: its name, the melodies it played, and how it should play.

Conventions: a melody is a song, with a roll, a keyboard, a grid and a tempo. See `experiments.runs.sources`.
"""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from experiments.options import UsageError, arrange_options
from songs.arrange import DEFAULTS, ArrangeOptions
from songs.catalog import (
    changes_in_words,
    check_listenable,
    default_folder,
    find_file,
    left_out_in_words,
    read_catalog,
    reasons_in_words,
    suits_listeners,
)
from songs.folding import fold
from songs.keyboard import DEFAULT_GRID, DEFAULT_KEYBOARD, STEPS_PER_BEAT
from songs.piano_roll import onsets_from_roll, roll_from_onsets
from songs.song import Song, SongError

BARS = 16
"""Length in bars of a melody by a source that could play forever."""
REAL = "real"
"""Name of the catalogue's songs in comparisons."""


@dataclass(frozen=True)
class Playing:
    """How sources play."""

    melodies: int = 16
    """Number of melodies drawn from a sampled source."""
    seed: int = 0
    steps: int | None = None
    """Length in steps: champions and samples play this long, files are cut; None: their own length."""
    arranging: ArrangeOptions = DEFAULTS
    """How files become songs; random and silence also use its keyboard and grid."""
    folder: str = ""
    """Folder of the catalogue; "" for the project's songs."""
    improvise: bool | None = None
    """True if a network with a mode bit should improvise; None: if it learned to."""
    temperature: float | None = None
    """Temperature of networks; 0 plays the highest values; None: 0 for champions, 1 for a MusicVAE."""
    generation: int | None = None
    """Generation of a run's champion, or step of a DQN's; None: the last one."""
    cell: tuple[int, int] | None = None
    """Cell of a run's atlas whose network plays; None: the champion."""


def playing(options: argparse.Namespace, **choices: Any) -> Playing:
    """Return the `Playing` of a command line with `add_source_options`; `choices` are further fields."""
    arranging = arrange_options(options)
    return Playing(options.melodies, options.seed, arranging=arranging, folder=options.folder or "", **choices)


@dataclass(frozen=True, eq=False)
class Source:
    """A source of melodies, and what it played."""

    name: str
    what: str
    """Description of the source."""
    songs: Sequence[Song]
    """At least one melody."""
    remarks: Sequence[str] = field(default=())
    """Lines on what was changed or left out."""
    sampled: bool = False
    """True if it can play any number of melodies."""


def file_source(text: str, playing: Playing) -> Source:
    if len(Path(text).parts) > 1 and not os.path.lexists(text):
        raise UsageError(f"{text}: no such run folder or MIDI file")
    song = Song.read(find_file(text, playing.folder or None), playing.arranging)
    return Source(song.name, song.title, [shortened(song, playing.steps)], changes_in_words([song]))


def folder_source(path: Path, playing: Playing) -> Source:
    entries = read_catalog(path, options=playing.arranging)
    songs = [entry.song for entry in entries if entry.song]
    if not songs:
        raise SongError(f"{path}: none of its {len(entries)} MIDI files can be played, such as {entries[0].name}: "
                        f"{entries[0].reason}")  # fmt: skip
    remarks = [*changes_in_words(songs), *left_out_in_words(entries)]
    return Source(path.resolve().name, "MIDI files", [shortened(song, playing.steps) for song in songs], remarks)


def catalogue(playing: Playing) -> Source:
    """Return the songs of the catalogue on 13 keys and eighths; raise SongError if none exist."""
    path = Path(playing.folder or default_folder())
    source = folder_source(path, replace(playing, steps=None))
    songs = [song for song in source.songs if suits_listeners(song)]
    if not songs:
        check_listenable(source.songs[0])
    left_out = [f"{song.name}: its keys or its grid differ" for song in source.songs if song not in songs]
    remarks = [*source.remarks, *reasons_in_words(left_out, len(source.songs))]
    return replace(source, songs=songs, remarks=remarks if playing.folder else ())


def as_heard(source: Source) -> Source:
    """Return a source on 13 keys from C4 and eighths; other melodies are folded onto these, with a remark."""
    others = [song for song in source.songs if not suits_listeners(song)]
    if not others:
        return source
    share = "" if len(others) == len(source.songs) else f"{len(others)} of {len(source.songs)} melodies are "
    remark = f"{source.name}: {share}folded onto 13 keys and eighths, for comparison with others"
    songs = [song if suits_listeners(song) else _folded(song) for song in source.songs]
    return replace(source, songs=songs, remarks=[*source.remarks, remark])


def _folded(song: Song) -> Song:
    """Return a song on 13 keys and eighths, keeping the first of several notes in an eighth."""
    onsets = onsets_from_roll(song.roll, song.keyboard)
    eighths = onsets[:, 0] * STEPS_PER_BEAT // song.grid.steps_per_quarter
    steps = max(1, song.steps * STEPS_PER_BEAT // song.grid.steps_per_quarter)
    kept = np.unique(eighths, return_index=True)[1]
    kept = kept[eighths[kept] < steps]
    pitches = fold(onsets[kept, 1], DEFAULT_KEYBOARD)[0] if len(kept) else onsets[kept, 1]
    roll = roll_from_onsets(np.stack([eighths[kept], pitches], axis=1), steps)
    return replace(song, roll=roll, keyboard=DEFAULT_KEYBOARD, grid=DEFAULT_GRID, lengths=None)


def shortened(song: Song, steps: int | None) -> Song:
    """Return the first steps of a song, or all of it for None."""
    if steps is None or steps >= song.steps:
        return song
    return song.playing(song.roll[:steps], song.title)

"""The songs of a folder: which of them the keyboard can play, and why not the others."""

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path

import numpy as np

from songs.keyboard import PROMPT_STEPS, SONG_STEPS
from songs.midi import MidiError, read_midi
from songs.piano_roll import memory_needed, roll_from_onsets
from songs.plain_text import plain
from songs.song import Song, SongError, out_of_range, smallest_shift, whole_bars

MIDI_SUFFIXES = (".mid", ".midi", ".kar", ".rmi")
TEMPO_RANGE_BPM = (20.0, 300.0)
"""Tempos outside of it are no music; a file that claims one is played at the nearest."""


@dataclass(frozen=True)
class Entry:
    """One MIDI file of a catalogue. What could not be found out is None."""

    name: str
    title: str = ""
    notes: int | None = None
    """Onsets within the steps that are used."""
    span: int | None = None
    """Keys from the lowest note to the highest, both counted."""
    shift: int | None = None
    """Semitones the song is moved by to fit."""
    chords: int | None = None
    """Steps at which more than one key is pressed."""
    memory: int | None = None
    """Steps a performer must remember before its memory decides the next step; None: no memory does."""
    steps: int | None = None
    """Length that is used, in steps."""
    cut: int | None = None
    """Onsets beyond the steps that are used."""
    off_grid: int | None = None
    """Onsets that were moved to the nearest step."""
    playable: bool = False
    remarks: tuple[str, ...] = ()
    """Damage of the file that was passed over."""
    reason: str = ""
    """Why the song cannot be played."""
    song: Song | None = field(default=None, compare=False, repr=False)

    def row(self) -> dict:
        """Return everything but the song itself, for a table or for JSON."""
        row = {name: value for name, value in asdict(self).items() if name != "song"}
        return row | {"remarks": list(self.remarks)}


def default_folder() -> Path:
    """Return the folder of the songs that come with the project."""
    return Path(str(files("basic_midi")))


def midi_files(folder: str | Path) -> list[Path]:
    """Return the MIDI files of a folder in natural order: track 2 before track 10.

    Raises:
        SongError: there is no such folder, or it holds no MIDI file.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise SongError(f"{folder}: no such folder")
    paths = [path for path in folder.iterdir() if path.suffix.lower() in MIDI_SUFFIXES]
    if not paths:
        raise SongError(f"{folder}: holds no .mid or .midi file")
    return sorted(paths, key=_natural_order)


def _natural_order(path: Path) -> tuple[list[tuple[int, str]], str]:
    """Return what to sort by: numbers by value, text without capitals, and equal names as they are written."""
    parts = re.findall(r"(\d*)(\D*)", path.name)
    return [(int(number or 0), text.casefold()) for number, text in parts], path.name


def song_name(path: Path) -> str:
    """Return what a file is called in a catalogue: its name without the ending, as text that only shows."""
    return plain(path.stem)


def read_entry(
    path: str | Path, prompt: int = PROMPT_STEPS, steps: int = SONG_STEPS, track: str | None = None
) -> Entry:
    """Describe one MIDI file; a file that cannot be used gives an entry with the reason.

    Args:
        path: the file.
        prompt: steps at the start that a performer is given.
        steps: longest song; what is beyond is cut.
        track: read only the tracks of this name.
    """
    path = Path(path)
    try:
        notes = read_midi(path, track=track)
    except MidiError as error:
        return Entry(song_name(path), reason=str(error).removeprefix(f"{path}: "))
    onsets, length = whole_bars(notes, steps)
    pitches = onsets[:, 1]
    shift = smallest_shift(pitches)
    known = Entry(
        song_name(path),
        title=notes.title,
        notes=len(onsets),
        span=int(pitches.max() - pitches.min()) + 1,
        chords=int((np.unique(onsets[:, 0], return_counts=True)[1] > 1).sum()),
        steps=length,
        cut=len(notes.onsets) - len(onsets),
        off_grid=notes.off_grid,
        remarks=notes.remarks,
    )
    if shift is None:
        return replace(known, reason=out_of_range(pitches))
    roll = roll_from_onsets(onsets + (0, shift), length)
    tempo_bpm = min(max(notes.tempo_bpm, TEMPO_RANGE_BPM[0]), TEMPO_RANGE_BPM[1])
    song = Song(song_name(path), roll, notes.title, tempo_bpm, shift)
    return replace(known, shift=shift, memory=memory_needed(roll, prompt), playable=True, song=song)


def read_catalog(
    folder: str | Path | None = None,
    prompt: int = PROMPT_STEPS,
    steps: int = SONG_STEPS,
    track: str | None = None,
    watch: Callable[[list[Path]], Iterable[Path]] = iter,
) -> list[Entry]:
    """Describe every MIDI file of a folder, the project's own songs by default.

    Args:
        folder: where the files are.
        prompt: as for `read_entry`, as are steps and track.
        watch: passes the files on one by one, for whoever wants to show how far it is.

    Raises:
        SongError: there is no such folder, or it holds no MIDI file.
    """
    paths = midi_files(default_folder() if folder is None else folder)
    return [read_entry(path, prompt, steps, track) for path in watch(paths)]


def read_song(path: str | Path, steps: int = SONG_STEPS, track: str | None = None) -> Song:
    """Read a MIDI file as a song for the keyboard; arguments as for `read_entry`.

    Raises:
        SongError: the file is not usable, or its notes do not fit on the keyboard.
    """
    entry = read_entry(path, steps=steps, track=track)
    if entry.song is None:
        raise SongError(f"{path}: {entry.reason}")
    return entry.song


def find_song(
    name: str | Path, folder: str | Path | None = None, steps: int = SONG_STEPS, track: str | None = None
) -> Song:
    """Return a song by its name in a catalogue, or by the path of a MIDI file.

    Raises:
        SongError: no such song, or it cannot be played on the keyboard.
    """
    path = Path(name)
    if path.suffix.lower() in MIDI_SUFFIXES:
        return read_song(path, steps, track)
    paths = midi_files(default_folder() if folder is None else folder)
    for path in paths:
        if str(name) in (path.stem, song_name(path)):
            return read_song(path, steps, track)
    if os.path.exists(name):  # unlike Path.exists, False for a name too long to be one
        raise SongError(f"{name}: not a MIDI file; its name must end in .mid or .midi")
    names = [song_name(path) for path in paths]
    close = get_close_matches(str(name)[:100], names, n=1)
    hint = f"did you mean {close[0]}?" if close else "there are " + ", ".join(names[:12]) + ", ..." * (len(names) > 12)
    raise SongError(f"no song {str(name)!r} in {paths[0].parent}; {hint}")

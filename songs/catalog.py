"""The MIDI files of a folder as songs, with the reason where the keyboard cannot play one."""

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
"""Tempos outside this range are clipped to it."""


@dataclass(frozen=True)
class Entry:
    """One MIDI file of a catalogue. A value that could not be determined is None."""

    name: str
    title: str = ""
    notes: int | None = None
    """Onsets within the used steps."""
    span: int | None = None
    """Number of keys from the lowest note to the highest, both included."""
    shift: int | None = None
    """Semitones by which the song is transposed to fit the keyboard."""
    chords: int | None = None
    """Steps with more than one key."""
    memory: int | None = None
    """Number of past steps that determine the next one; None if no memory does."""
    steps: int | None = None
    """Used length in steps."""
    cut: int | None = None
    """Onsets beyond the used steps."""
    off_grid: int | None = None
    """Notes that were moved to the nearest step."""
    playable: bool = False
    remarks: tuple[str, ...] = ()
    """Damage of the file that was passed over."""
    reason: str = ""
    """The reason why the song cannot be played."""
    song: Song | None = field(default=None, compare=False, repr=False)

    def row(self) -> dict:
        """Return all fields but the song itself, for a table or JSON."""
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
    """Return a sort key: numbers by value, text without regard to capitals, and equal names by their characters."""
    parts = re.findall(r"(\d*)(\D*)", path.name)
    return [(int(number or 0), text.casefold()) for number, text in parts], path.name


def song_name(path: Path) -> str:
    """Return the name of a file in a catalogue: its stem, safe to print."""
    return plain(path.stem)


def read_entry(
    path: str | Path, prompt: int = PROMPT_STEPS, steps: int = SONG_STEPS, track: str | None = None
) -> Entry:
    """Describe one MIDI file; a file that cannot be used gives an entry with the reason.

    Args:
        path: the file.
        prompt: number of given steps at the start.
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
    """Describe every MIDI file of a folder, by default the songs that come with the project.

    Args:
        folder: where the files are.
        prompt: as for `read_entry`, as are steps and track.
        watch: wraps the list of files, for example with a progress bar.

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

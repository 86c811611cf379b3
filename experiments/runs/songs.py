"""The songs of a run, as stored in its folder.

songs/NAME.mid     notes with their lengths, title, tempos and key
songs/songs.json   by name, what a MIDI file lacks: keyboard, grid, shift and changes; and the files of a catalogue
                   learned together that are left out
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from songs.catalog import midi_files, song_name
from songs.keyboard import DEFAULT_GRID, DEFAULT_KEYBOARD, Grid, Keyboard
from songs.midi import read_midi
from songs.piano_roll import roll_from_onsets
from songs.song import Song
from songs.validate import ByAnyName, validate_like

DESCRIPTION = "songs/songs.json"
USUAL = {"keyboard": asdict(DEFAULT_KEYBOARD), "grid": asdict(DEFAULT_GRID), "shift": 0, "changes": []}


def describe(songs: Sequence[Song], left_out: Sequence[str] = ()) -> dict[str, Any]:
    """Return the content of songs.json; `left_out` has a line for each file left out."""
    described = {
        song.name: {
            "keyboard": asdict(song.keyboard),
            "grid": asdict(song.grid),
            "shift": song.shift,
            "changes": list(song.changes),
        }
        for song in songs
    }
    return {"songs": described, "left_out": list(left_out)}


def check_description(description: Mapping[str, Any]) -> None:
    """Raise ValueError if the content of songs.json is invalid."""
    validate_like({"songs": ByAnyName(USUAL | {"shift": -1, "changes": [""]}), "left_out": [""]}, description)
    for each in description["songs"].values():
        _layout(each)


def _layout(described: Mapping[str, Any]) -> tuple[Keyboard, Grid]:
    return Keyboard(**described["keyboard"]), Grid(**described["grid"])


def changes_of(songs: Sequence[Song]) -> Any:
    """Return how songs differ from their files: a list for one song, or lists by name for several."""
    if len(songs) == 1:
        return list(songs[0].changes)
    return {song.name: list(song.changes) for song in songs if song.changes}


def read_songs(folder: Path, description: Mapping[str, Any], steps: int = 0) -> list[Song]:
    """Return the songs in a folder of MIDI files, cut to `steps` steps each; 0 keeps all.

    Raises:
        SongError: The folder does not exist or has no MIDI files.
        ValueError: A file is broken.
    """
    songs = []
    for path in midi_files(folder):
        try:
            songs.append(_read_song(path, description["songs"].get(song_name(path), USUAL), steps))
        except ValueError as error:
            raise ValueError(f"{folder.name}/{path.name} is broken: {str(error).removeprefix(f'{path}: ')}") from None
    return songs


def _read_song(path: Path, described: Mapping[str, Any], steps: int) -> Song:
    """Read a song written by `Song.write`."""
    keyboard, grid = _layout(described)
    notes = read_midi(path, grid.steps_per_quarter)
    end = min(notes.steps, steps or notes.steps)
    inside = notes.onsets[:, 0] < end
    return Song(
        song_name(path),
        roll_from_onsets(notes.onsets[inside], end, keyboard),
        notes.title,
        notes.tempo_bpm,
        tuple((step, tempo) for step, tempo in notes.tempo_changes if step < end),
        notes.key,
        described["shift"],
        keyboard,
        grid,
        notes.lengths[inside],
        tuple(described["changes"]),
    )

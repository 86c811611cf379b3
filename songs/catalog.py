"""The MIDI files of a folder as songs, with a reason for each one that cannot be played."""

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path

from songs.arrange import DEFAULTS, ArrangeOptions, arrange
from songs.keyboard import DEFAULT_GRID, DEFAULT_KEYBOARD
from songs.midi import MidiError, read_score
from songs.piano_roll import memory_needed
from songs.plain_text import plain
from songs.song import Song, SongError, usual_prompt

MIDI_SUFFIXES = (".mid", ".midi", ".kar", ".rmi")
MOST_DESCRIBED = 5
"""Most songs whose changes are listed."""
MOST_REASONS = 3
"""Most kinds of reasons listed for files that are left out."""


@dataclass(frozen=True)
class Entry:
    """One MIDI file of a catalogue. A value that could not be determined is None."""

    name: str
    title: str = ""
    notes: int | None = None
    """Number of onsets within the used steps."""
    span: int | None = None
    """Number of keys from the lowest note to the highest, inclusive."""
    shift: int | None = None
    """Semitones by which the song is transposed to fit the keyboard."""
    chords: int | None = None
    """Number of steps with more than one key."""
    memory: int | None = None
    """Number of past steps that determine the next one; None if no number does."""
    steps: int | None = None
    """Used length in steps."""
    cut: int | None = None
    """Number of onsets beyond the used steps."""
    off_grid: int | None = None
    """Number of notes moved to the nearest step."""
    keys: int | None = None
    """Number of keys of the keyboard that the song fits on."""
    grid: str = ""
    """Length of a step: eighths, sixteenths."""
    changes: tuple[str, ...] = ()
    """How the song differs from the file, in short phrases."""
    playable: bool = False
    remarks: tuple[str, ...] = ()
    """Damage to the file that was ignored."""
    reason: str = ""
    """Why the song cannot be played; "" if it can."""
    song: Song | None = field(default=None, compare=False, repr=False)

    def row(self) -> dict:
        """Return all fields except the song itself, for a table or JSON."""
        row = {name: value for name, value in asdict(self).items() if name != "song"}
        return row | {"remarks": list(self.remarks), "changes": list(self.changes)}


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
    """Return a sort key: numbers by value, text ignoring case, with ties broken by the exact name."""
    parts = re.findall(r"(\d*)(\D*)", path.name)
    return [(int(number or 0), text.casefold()) for number, text in parts], path.name


def song_name(path: Path) -> str:
    """Return the name of a file in a catalogue: its stem, made safe to print."""
    return plain(path.stem)


def read_entry(path: str | Path, prompt: int | None = None, options: ArrangeOptions = DEFAULTS) -> Entry:
    """Describe one MIDI file; a file that cannot be used gives an entry with the reason.

    Args:
        path: the file.
        prompt: number of steps given at the start; None: one bar.
        options: how the file becomes a song.
    """
    path = Path(path)
    try:
        score = read_score(path)
        arrangement = arrange(score, options)
    except MidiError as error:
        return Entry(song_name(path), reason=str(error).removeprefix(f"{path}: "))
    song = Song.of(arrangement, song_name(path), score)
    notes_of_steps = song.roll.sum(axis=1)
    return Entry(
        song.name,
        title=song.title,
        notes=int(notes_of_steps.sum()),
        span=arrangement.span,
        shift=song.shift,
        chords=int((notes_of_steps > 1).sum()),
        memory=memory_needed(song.roll, usual_prompt([song]) if prompt is None else prompt),
        steps=song.steps,
        cut=arrangement.cut,
        off_grid=arrangement.moved,
        keys=song.keyboard.keys,
        grid=song.grid.name,
        changes=song.changes,
        playable=True,
        remarks=score.remarks,
        song=song,
    )


def suits_listeners(song: Song) -> bool:
    """Return True if a song has the keyboard and the grid that melody models need: 13 keys and eighths."""
    return song.keyboard == DEFAULT_KEYBOARD and song.grid.steps_per_quarter == DEFAULT_GRID.steps_per_quarter


def check_listenable(song: Song) -> Song:
    """Return the song if melody models can process it; raises SongError otherwise."""
    if not suits_listeners(song):
        usual = f"{DEFAULT_KEYBOARD.keys} keys from {DEFAULT_KEYBOARD.names[0]} and {DEFAULT_GRID.name}"
        raise SongError(
            f"{song.name} has {song.keyboard.keys} keys from {song.keyboard.names[0]} and {song.grid.name}; a melody "
            f"model needs {usual}: --fold --grid {DEFAULT_GRID.steps_per_quarter} fits a song to them"
        )
    return song


def read_catalog(
    folder: str | Path | None = None,
    prompt: int | None = None,
    options: ArrangeOptions = DEFAULTS,
    watch: Callable[[list[Path]], Iterable[Path]] = iter,
) -> list[Entry]:
    """Describe every MIDI file of a folder, by default the songs that come with the project.

    Args:
        folder: folder of the files.
        prompt: as for `read_entry`.
        options: as for `read_entry`.
        watch: wraps the list of files, for example with a progress bar.

    Raises:
        SongError: there is no such folder, or it holds no MIDI file.
    """
    paths = midi_files(default_folder() if folder is None else folder)
    return [read_entry(path, prompt, options) for path in watch(paths)]


def changes_in_words(songs: Sequence[Song]) -> list[str]:
    """Return lines that describe how songs differ from the files they were read from."""
    changed = [song for song in songs if song.changes]
    lines = [f"{song.name}: {', '.join(song.changes)}" for song in changed[:MOST_DESCRIBED]]
    if len(changed) > MOST_DESCRIBED:
        lines.append(f"{len(changed) - MOST_DESCRIBED} more songs are changed; kuznechik songs says how")
    return lines


def left_out_in_words(entries: Sequence[Entry]) -> list[str]:
    """Return a line that states how many files of a catalogue cannot be used and why; empty if all can."""
    return reasons_in_words([f"{entry.name}: {entry.reason}" for entry in entries if entry.reason], len(entries))


def reasons_in_words(left_out: Sequence[str], total: int) -> list[str]:
    """Return a line that states how many of `total` files are left out, by kind of reason; empty if none are.

    Args:
        left_out: name and reason of each, as in "tune.mid: has only drums".
        total: number of files.
    """
    kinds = defaultdict(list)
    for line in left_out:
        kinds[kind_of_reason(line.partition(": ")[2])].append(f"such as {line}")
    ordered = sorted(kinds.values(), key=len, reverse=True)[:MOST_REASONS]
    words = [f"{len(each)}, {each[0]}" for each in ordered] if len(ordered) > 1 else [each[0] for each in ordered]
    after = ": " if len(ordered) > 1 else ", "
    return [f"{len(left_out)} of {total} files are left out{after}{'; '.join(words)}"] if words else []


def kind_of_reason(reason: str) -> str:
    """Return the beginning of a reason, which does not depend on names and sizes."""
    return re.sub(r"[\d'(:].*", "", reason).strip()


def read_song(path: str | Path, options: ArrangeOptions = DEFAULTS) -> Song:
    """Read a MIDI file as a song; options as for `read_entry`. Raises SongError if the file is not usable."""
    return Song.read(path, options)


def find_song(name: str | Path, folder: str | Path | None = None, options: ArrangeOptions = DEFAULTS) -> Song:
    """Read a song by its name in a catalogue or by the path of a MIDI file.

    Raises:
        SongError: no such song, or it cannot be played on the keyboard.
    """
    return read_song(find_file(name, folder), options)


def find_file(name: str | Path, folder: str | Path | None = None) -> Path:
    """Return the file of a song by its name in a catalogue or by its path; raises SongError if there is none."""
    path = Path(name)
    if path.suffix.lower() in MIDI_SUFFIXES:
        return path
    paths = midi_files(default_folder() if folder is None else folder)
    for path in paths:
        if str(name) in (path.stem, song_name(path)):
            return path
    if os.path.exists(name):  # unlike Path.exists, False for a name too long to be one
        raise SongError(f"{name}: not a MIDI file; its name must end in .mid or .midi")
    names = [song_name(path) for path in paths]
    close = get_close_matches(str(name)[:100], names, n=1)
    hint = f"did you mean {close[0]}?" if close else "there are " + ", ".join(names[:12]) + ", ..." * (len(names) > 12)
    raise SongError(f"no song {str(name)!r} in {paths[0].parent}; {hint}")

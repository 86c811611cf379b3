"""Text notation: tunes as pages that people can read, sing and correct, and that are converted to MIDI files.

Conventions:
    A page is header lines, an empty line, and bars. The headers are `title:`, `origin:`, `key:` (`A minor`,
    `Bb major`, or `none`), `tempo:` (quarter notes a minute) and `meter:` (`4/4` or `2/4`).
    Bars are separated by `|` or by the end of a line. A bar has one token for every step, an eighth note:
    a note such as `A4`, `F#4` or `Bb4`, a chord such as `C4+E4`, or `.` if nothing new is pressed, that is
    for a rest or while the previous note rings on. A line that begins with `#` is a comment.
    Onsets are int64 (N, 2), each row a step and a MIDI pitch, sorted.

From the command line `python -m songs.notation FOLDER` writes the MIDI file of every `.txt` in a folder.
"""

import argparse
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from songs.files import read_whole
from songs.keyboard import STEPS_PER_BEAT, pitch_number
from songs.midi import TEMPO_RANGE_BPM, write_midi

HEADERS = ("title", "origin", "key", "tempo", "meter")
METERS = {"4/4": (4, 4), "2/4": (2, 4)}
NO_KEY = "none"
TONICS = {
    "major": ("Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#"),
    "minor": ("Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#", "G#", "D#", "A#"),
}
"""The keys that have a key signature, from seven flats to seven sharps."""


@dataclass(frozen=True, eq=False)
class Tune:
    """A tune as it is written down, in its original key and range."""

    name: str
    """The file name without its suffix."""
    title: str
    origin: str
    """The composer, or the country where the tune is traditional."""
    key: str
    """As written: `A minor`, or `none`."""
    tempo_bpm: float
    """Quarter notes per minute."""
    meter: tuple[int, int]
    """Beats in a bar, and the note that is a beat."""
    onsets: np.ndarray
    """(N, 2) int64: step, MIDI pitch; sorted."""
    steps: int


def read_tune(path: str | Path) -> Tune:
    """Read a tune in text notation.

    Raises:
        ValueError: the page does not follow the notation; the message names the file and, if the error is in a bar,
            the bar (from 1) and the token.
        OSError: the file cannot be read.
    """
    path = Path(path)
    try:
        text = read_whole(path).decode("utf-8-sig")
        lines = [line.strip() for line in text.splitlines() if not line.lstrip().startswith("#")]
        while lines and not lines[0]:
            del lines[0]
        end = lines.index("") if "" in lines else len(lines)
        header = _header(lines[:end])
        meter = METERS[header["meter"]]
        onsets, steps = _bars(lines[end:], meter[0] * STEPS_PER_BEAT, header["meter"])
    except UnicodeDecodeError:
        raise ValueError(f"{path}: is not text in UTF-8") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    tempo_bpm = float(header["tempo"])
    return Tune(path.stem, header["title"], header["origin"], header["key"], tempo_bpm, meter, onsets, steps)


def write_tune_midi(tune: Tune, path: str | Path) -> None:
    """Write a tune as a MIDI file in its original key; the origin becomes a text event.

    Raises:
        OSError: the file cannot be written.
    """
    write_midi(
        path,
        tune.onsets,
        tune.steps,
        title=tune.title,
        tempo_bpm=tune.tempo_bpm,
        key=_key_signature(tune.key),
        time_signature=tune.meter,
        texts=(tune.origin,),
    )


def _header(lines: list[str]) -> dict[str, str]:
    """Return the checked headers by name."""
    header = {}
    for line in lines:
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or name not in HEADERS or name in header:
            fault = "comes twice" if name in header else "is no header"
            raise ValueError(f"{line!r} {fault}: write {', '.join(HEADERS)}, an empty line, then the bars")
        header[name] = value
    missing = [name for name in HEADERS if not header.get(name)]
    if missing:
        raise ValueError(f"has no {missing[0]}: write a line `{missing[0]}: ...` above the bars")
    if header["meter"] not in METERS:
        raise ValueError(f"meter {header['meter']!r}: write {' or '.join(METERS)}")
    slowest, fastest = TEMPO_RANGE_BPM
    if not re.fullmatch(r"\d+(\.\d+)?", header["tempo"]) or not slowest <= float(header["tempo"]) <= fastest:
        raise ValueError(f"tempo {header['tempo']!r}: write {slowest:g} to {fastest:g} quarters a minute")
    _key_signature(header["key"])
    return header


def _key_signature(key: str) -> str | None:
    """Return the MIDI name of a key: `A minor` is `Am`, `none` is None."""
    if key == NO_KEY:
        return None
    tonic, _, mode = key.partition(" ")
    if tonic not in TONICS.get(mode, ()):
        raise ValueError(f"key {key!r}: write a note and major or minor, as in `A minor`, or `{NO_KEY}`")
    return tonic + ("m" if mode == "minor" else "")


def _bars(lines: list[str], steps_per_bar: int, meter: str) -> tuple[np.ndarray, int]:
    """Return the onsets (N, 2) of the bars, and their length in steps."""
    bars = [bar.split() for line in lines for bar in line.split("|") if bar.strip()]
    onsets = []
    for number, bar in enumerate(bars, start=1):
        start = (number - 1) * steps_per_bar
        for step, token in enumerate(bar, start):
            try:
                onsets += [(step, pitch) for pitch in _pitches(token)]
            except ValueError as error:
                raise ValueError(f"bar {number}, {token!r}: {error}") from None
        if len(bar) != steps_per_bar:
            fault = f"{len(bar)} tokens, the last is {bar[-1]!r}"
            raise ValueError(f"bar {number}: {fault}; a bar of {meter} has {steps_per_bar}, eighth notes")
    if not onsets:
        raise ValueError("has no notes: write bars below an empty line")
    return np.array(onsets, dtype=np.int64), len(bars) * steps_per_bar


def _pitches(token: str) -> list[int]:
    """Return the sorted pitches of a token, none for `.`."""
    if token == ".":
        return []
    pitches = sorted(pitch_number(name) for name in token.split("+"))
    if len(set(pitches)) < len(pitches):
        raise ValueError("presses a key twice")
    return pitches


def main(arguments: list[str] | None = None) -> int:
    """Write the MIDI files of a folder of tunes; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m songs.notation", description="Write the MIDI files of a folder of tunes"
    )
    parser.add_argument("folder", type=Path, help="where the .txt files are, and where the .mid files go")
    folder = parser.parse_args(arguments).folder
    try:
        tunes = [read_tune(path) for path in sorted(folder.glob("*.txt"))]
        if not tunes:
            raise ValueError(f"{folder}: holds no .txt file")
        for tune in tunes:
            write_tune_midi(tune, folder / f"{tune.name}.mid")
    except (OSError, ValueError) as error:
        print(f"songs.notation: {error}", file=sys.stderr)
        return 2
    print(f"{folder}: wrote {len(tunes)} MIDI files")
    return 0


if __name__ == "__main__":
    sys.exit(main())

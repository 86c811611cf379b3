"""List the MIDI files of a folder, and whether the keyboard can play each of them, or why not.

With names of songs or files it lists their parts, one of which --track selects, and what would be changed.

span: keys from the lowest note to the highest. shift: semitones by which a song is transposed to fit. chords: steps
with more than one key. memory: number of past steps that determine the next one. lags: whether the past steps given by
--lags, for example 1,2,4,8,16,32, determine the next one, or the number of steps where they do not.
"""

import argparse
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from experiments.options import add_catalog_options, count, print_json, word

HELP = "list the songs of a folder"
GROUP, ORDER = "Play and look", 1
EXAMPLES = (
    "kuznechik songs --folder ~/midi --track MELODY",
    "kuznechik songs my.mid",
)
MANY_FILES = 200
"""Number of files at which a progress bar is shown."""
PART_COLUMNS = ("track", "channel", "name", "instrument", "notes", "range", "voices", "taken")
COLUMNS = ("name", "title", "notes", "span", "shift", "chords", "memory", "playable")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "songs", nargs="*", metavar="SONG", help="names in the catalogue or .mid files: list their parts"
    )
    add_catalog_options(parser)
    parser.add_argument("--prompt", type=count, metavar="P", help="steps given at the start [one bar]")
    parser.add_argument("--lags", type=word, metavar="N,N,...", help="check whether these lags determine the next step")
    parser.add_argument("--json", action="store_true", help="print a JSON list of objects")


def run(options: argparse.Namespace) -> int:
    from experiments.options import arrange_options
    from songs.catalog import read_catalog
    from songs.piano_roll import read_lags

    lags = read_lags(options.lags or "")
    if options.songs:
        return _list_parts(options, lags)
    entries = read_catalog(options.folder, options.prompt, arrange_options(options), _with_bar)
    if options.json:
        print_json([_described(entry, options.prompt, lags) for entry in entries])
        return 0
    from experiments.tables import show_table

    playable = sum(entry.playable for entry in entries)
    caption = f"{playable} of {len(entries)} songs can be played."
    columns = (*COLUMNS[:-1], "lags", COLUMNS[-1]) if lags else COLUMNS
    rows = [_row(entry, _described(entry, options.prompt, lags)) for entry in entries]
    show_table(columns, [[row[column] for column in columns] for row in rows], caption)
    return 0


def _described(entry, prompt: int | None, lags: tuple[int, ...]) -> dict:
    """Return the row of a song; with lags, also the number of steps that they do not determine."""
    from songs.piano_roll import most_right_steps
    from songs.song import usual_prompt

    row = entry.row()
    if lags and entry.song:
        given = usual_prompt([entry.song]) if prompt is None else prompt
        row["undecided_by_lags"] = max(0, entry.steps - given) - most_right_steps([entry.song.roll], lags, given)
    return row


def _list_parts(options: argparse.Namespace, lags: tuple[int, ...]) -> int:
    """Print the parts of single files, and what would be changed to turn them into songs."""
    from experiments.options import arrange_options
    from experiments.tables import show_table
    from songs.catalog import find_file, read_entry
    from songs.midi import read_score
    from songs.part_list import list_parts

    arranging, listed = arrange_options(options), []
    for name in options.songs:
        path = find_file(name, options.folder)
        parts = list_parts(read_score(path), arranging)
        entry = read_entry(path, options.prompt, arranging)
        row = _described(entry, options.prompt, lags)
        listed.append(row | {"parts": [asdict(part) for part in parts]})
        if not options.json:
            rows = [[part.number, *_part_row(part)] for part in parts]
            changes = ", ".join(entry.changes) or "nothing is changed"
            changes += f"; lags decide: {_decided(row)}" if "undecided_by_lags" in row else ""
            show_table(
                PART_COLUMNS, rows, f"{entry.name}: {changes}" if entry.notes else f"{entry.name} {entry.reason}"
            )
    if options.json:
        print_json(listed)
    return 0


def _part_row(part) -> list:
    return [
        part.channel,
        part.name,
        part.instrument,
        part.notes,
        part.range,
        part.voices,
        "yes" if part.taken else "no",
    ]


def _with_bar(paths: list[Path]) -> Iterable[Path]:
    """Return the files, with a progress bar in the terminal if there are many."""
    if len(paths) < MANY_FILES:
        return paths
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    return track(paths, "reading files", console=console, transient=True, disable=not console.is_terminal)


def _decided(row: dict) -> str:
    undecided = row.get("undecided_by_lags")
    return "" if undecided is None else "yes" if not undecided else f"not {undecided} steps"


def _row(entry, row: dict) -> dict:
    row["lags"] = _decided(row)
    row["playable"] = "yes" if entry.playable else f"no: {entry.reason}"
    if entry.playable and entry.memory is None:
        row["memory"] = "none"
    if entry.off_grid:
        row["playable"] += f", {entry.off_grid} notes moved to the grid"
    if entry.cut:
        row["playable"] += f", cut to {entry.steps} steps"
    row["playable"] += "".join(f", {remark}" for remark in entry.remarks)
    return row

"""List the MIDI files of a folder, and say of each whether the keyboard can play it or why it cannot.

span: keys from the lowest note to the highest. shift: semitones by which a song is transposed to fit. chords: steps
with more than one key. memory: number of past steps that determine the next one.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path

from experiments.options import add_catalog_options, count, print_json

HELP = "list the songs of a folder"
GROUP, ORDER = "Play and look", 1
EXAMPLES = (
    "kuznechik songs",
    "kuznechik songs --folder ~/midi --track MELODY",
)
MANY_FILES = 200
"""Number of files from which a progress bar is shown."""
COLUMNS = ("name", "title", "notes", "span", "shift", "chords", "memory", "playable")


def add_options(parser: argparse.ArgumentParser) -> None:
    add_catalog_options(parser)
    parser.add_argument("--prompt", type=count, metavar="P", help="given steps at the start [8]")
    parser.add_argument("--json", action="store_true", help="print a JSON list of objects")


def run(options: argparse.Namespace) -> int:
    from experiments.options import arrange_options
    from songs.catalog import read_catalog
    from songs.keyboard import PROMPT_STEPS

    prompt = PROMPT_STEPS if options.prompt is None else options.prompt
    entries = read_catalog(options.folder, prompt, arrange_options(options), _with_bar)
    if options.json:
        print_json([entry.row() for entry in entries])
        return 0
    from experiments.tables import show_table

    playable = sum(entry.playable for entry in entries)
    caption = f"{playable} of {len(entries)} songs can be played on 13 keys."
    show_table(COLUMNS, [_row(entry) for entry in entries], caption)
    return 0


def _with_bar(paths: list[Path]) -> Iterable[Path]:
    """Return the files, with a progress bar in the terminal if there are many."""
    if len(paths) < MANY_FILES:
        return paths
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    return track(paths, "reading files", console=console, transient=True, disable=not console.is_terminal)


def _row(entry) -> list:
    row = entry.row()
    row["playable"] = "yes" if entry.playable else f"no: {entry.reason}"
    if entry.playable and entry.memory is None:
        row["memory"] = "none"
    if entry.off_grid:
        row["playable"] += f", {entry.off_grid} notes moved to the grid"
    if entry.cut:
        row["playable"] += f", cut to {entry.steps} steps"
    row["playable"] += "".join(f", {remark}" for remark in entry.remarks)
    return [row[column] for column in COLUMNS]

"""Write a page on which you and the champion of a run play in turns or together.

The page is one HTML file with a keyboard (mouse, touch, computer keys or a MIDI keyboard) and the network itself,
which runs in the browser.
"""

import argparse
from pathlib import Path

from experiments.options import add_force, add_soundfont, instrument_of, refuse_existing

HELP = "write a page to play a duet with a champion"
GROUP, ORDER = "Play and look", 5
EXAMPLES = (
    "kuznechik duet runs/grasshopper-1",
    "kuznechik duet runs/grasshopper-1 --out duet.html",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run_folder", metavar="RUN", help="a run folder")
    parser.add_argument("--out", metavar="FILE", help="the page [duet.html in the run folder]")
    add_soundfont(parser)
    add_force(parser)


def run(options: argparse.Namespace) -> int:
    from experiments.pages.duet import write_duet
    from experiments.runs.folder import RunFolder

    folder = RunFolder.open(options.run_folder)
    if options.out:
        refuse_existing(options, path := Path(options.out))
    else:
        path = folder.file("duet.html")
    write_duet(folder, path, instrument_of(options))
    print(path)
    return 0

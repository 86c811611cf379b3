"""Write a report of runs and other sources: a page with curves, the champion, and what it played, with sound.

The page is one HTML file that needs only a browser. For a VAE run it shows losses, reconstructions of test melodies, an
interpolation, and new melodies. Several runs are compared by their curves. For other sources, such as my.mid or vae:16,
it shows and plays the melodies.
"""

import argparse
import time
from pathlib import Path

from experiments.options import (
    SOURCES,
    add_force,
    add_own_listener,
    add_soundfont,
    add_source_options,
    instrument_of,
    refuse_existing,
)

HELP = "write a page with the curves, network and melody of runs"
GROUP, ORDER = "Play and look", 4
EXAMPLES = (
    "kuznechik report runs/grasshopper-1",
    "kuznechik report runs/grasshopper-1 runs/grasshopper-2 --out compared.html",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sources", metavar="SOURCE", nargs="+", help=SOURCES)
    parser.add_argument(
        "--watch",
        type=seconds,
        metavar="SECONDS",
        help="rewrite the page at this interval until the runs have ended; an open browser reloads it",
    )
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="folder of the VAEs' data sets [the one in the run's command]"
    )
    add_own_listener(parser)
    add_soundfont(parser)
    add_source_options(parser, melodies=4)
    parser.add_argument(
        "--out", metavar="FILE", help="the page [report.html in the run folder; for several runs, in this folder]"
    )
    add_force(parser)


def run(options: argparse.Namespace) -> int:
    from experiments.pages.report import has_begun, has_ended, write_report
    from experiments.pages.source_view import source_view
    from experiments.runs.folder import RunFolder
    from experiments.runs.source import playing
    from experiments.runs.sources import is_run, read_source
    from songs.files import free_path

    instrument = instrument_of(options)
    folders = [RunFolder.open(text) for text in options.sources if is_run(text)]
    sources = [read_source(text, playing(options)) for text in options.sources if not is_run(text)]
    others = [source_view(source, options.command_line) for source in sources]
    if options.out:
        refuse_existing(options, path := Path(options.out))
    else:
        single_run = len(folders) == 1 and not others
        path = folders[0].file("report.html") if single_run else free_path(Path("report.html"))
    while options.watch and not all(has_ended(folder) for folder in folders):
        if all(has_begun(folder) for folder in folders):
            write_report(folders, path, options.watch, options.data, others, instrument)
            print(path, flush=True)
        time.sleep(options.watch)
    write_report(folders, path, None, options.data, others, instrument)
    print(path)
    return 0


def seconds(text: str) -> float:
    """Parse the interval between two versions of the page, in seconds."""
    value = float(text)
    if not 1 <= value <= 86_400:
        raise argparse.ArgumentTypeError(f"{text}: it must be 1 to 86400 seconds")
    return value

"""Write a report of one run or several: a page with curves, the champion, and what it played, with sound.

The page is one HTML file that needs only a browser. For the run of a VAE it shows losses, reconstructions of test
melodies, an interpolation, and new melodies. Several runs are compared by their curves.
"""

import argparse
import time
from pathlib import Path

from experiments.options import add_force, add_own_listener, refuse_existing

HELP = "write a page with the curves, network and melody of runs"
GROUP, ORDER = "Play and look", 4
EXAMPLES = (
    "kuznechik report runs/grasshopper-1",
    "kuznechik report runs/grasshopper-1 runs/grasshopper-2 --out compared.html",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run_folders", metavar="RUN", nargs="+", help="run folders")
    parser.add_argument(
        "--watch",
        type=seconds,
        metavar="SECONDS",
        help="rewrite the page every so many seconds until the runs have ended; an open browser reloads it",
    )
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="folder of the data sets of VAEs [that of the run's command]"
    )
    add_own_listener(parser)
    parser.add_argument(
        "--out", metavar="FILE", help="file of the page [report.html in the run folder; of several runs, here]"
    )
    add_force(parser)


def run(options: argparse.Namespace) -> int:
    from experiments.pages.report import has_begun, has_ended, write_report
    from experiments.runs.folder import RunFolder
    from songs.files import free_path

    folders = [RunFolder.open(path) for path in options.run_folders]
    if options.out:
        refuse_existing(options, path := Path(options.out))
    else:
        path = folders[0].file("report.html") if len(folders) == 1 else free_path(Path("report.html"))
    while options.watch and not all(has_ended(folder) for folder in folders):
        if all(has_begun(folder) for folder in folders):
            write_report(folders, path, refresh=options.watch, data=options.data)
            print(path, flush=True)
        time.sleep(options.watch)
    write_report(folders, path, data=options.data)
    print(path)
    return 0


def seconds(text: str) -> float:
    """Parse the seconds between two versions of the page."""
    value = float(text)
    if not 1 <= value <= 86_400:
        raise argparse.ArgumentTypeError(f"{text}: it must be 1 to 86400 seconds")
    return value

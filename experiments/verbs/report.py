"""Write a report of one run or several: a page with curves, the champion, what it played and how it sounds.

It is one HTML file that needs nothing else: no network, no program but a browser. Of the run of a VAE it shows losses,
melodies of the test and their rebuilds, a way between two melodies, and new ones; several are compared by their losses.
"""

import argparse
import time
from pathlib import Path

HELP = "write a page that shows runs and plays them"
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
        help="write the page again and again until the runs have ended; an open browser follows",
    )
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="where data sets of VAEs are [where the run's command says]"
    )
    parser.add_argument("--out", metavar="FILE", help="the page [report.html in the only run, or here]")


def run(options: argparse.Namespace) -> int:
    from experiments.pages.report import has_begun, has_ended, write_report
    from experiments.runs.folder import RunFolder

    folders = [RunFolder.open(path) for path in options.run_folders]
    default = folders[0].path / "report.html" if len(folders) == 1 else Path("report.html")
    path = Path(options.out) if options.out else default
    while options.watch and not all(has_ended(folder) for folder in folders):
        if all(has_begun(folder) for folder in folders):
            write_report(folders, path, refresh=options.watch, data=options.data)
            print(path, flush=True)
        time.sleep(options.watch)
    write_report(folders, path, data=options.data)
    print(path)
    return 0


def seconds(text: str) -> float:
    """Read the seconds between two pages."""
    value = float(text)
    if not 1 <= value <= 86_400:
        raise argparse.ArgumentTypeError(f"{text}: it must be 1 to 86400 seconds")
    return value

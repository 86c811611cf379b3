"""Write a report of one run or several: a page with curves, the champion, what it played and how it sounds.

It is one HTML file that needs nothing else: no network, no program but a browser.
"""

import argparse
from pathlib import Path

HELP = "write a page that shows runs and plays them"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run_folders", metavar="RUN", nargs="+", help="run folders")
    parser.add_argument("--out", metavar="FILE", help="the page [report.html in the only run, or here]")


def run(options: argparse.Namespace) -> int:
    from experiments.pages.report import write_report
    from experiments.run_folder import RunFolder

    folders = [RunFolder.open(path) for path in options.run_folders]
    default = folders[0].path / "report.html" if len(folders) == 1 else Path("report.html")
    path = Path(options.out) if options.out else default
    write_report(folders, path)
    print(path)
    return 0

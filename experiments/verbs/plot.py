"""Draw a run: its progress, the champion's network if it was evolved, and what it played compared with the song.

The pictures are written to the run folder, as PNG and SVG.
"""

import argparse

HELP = "draw the pictures of a run"
GROUP, ORDER = "Play and look", 3
EXAMPLES = (
    "kuznechik plot runs/grasshopper-1",
    "kuznechik plot runs/vae-2bars-pianoroll-transposed-1",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run_folder", metavar="RUN", help="a run folder")


def run(options: argparse.Namespace) -> int:
    from experiments.plots.run import plot_run
    from experiments.runs.folder import RunFolder

    print(*plot_run(RunFolder.open(options.run_folder)), sep="\n")
    return 0

"""Compare runs by their curves: groups over seeds with intervals, time to solve, and which group is better.

Writes NAME.png, .svg, .csv and a page, .html. Runs are grouped by their parent folders, or if they share one, by all
options that differ; --by groups them by other columns. Evolution, the other searches and deep Q-learning share a cost,
environment steps. Trainings of MusicVAEs and listeners are compared by their loss.
"""

import argparse
from pathlib import Path

from experiments.options import UsageError, add_force, print_json, print_lines, refuse_existing, word
from experiments.verbs.runs import add_where

HELP = "compare runs by their curves, over seeds"
GROUP, ORDER = "Study", 1
EXAMPLES = (
    "kuznechik curves runs --by algorithm --out compared",
    "kuznechik curves runs/a runs/b --x cpu --statistic median",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run_folders", metavar="RUN", nargs="+", help="run folders, or folders of runs at any depth")
    parser.add_argument(
        "--by",
        type=word,
        metavar="NAMES",
        help="what to group by, separated by commas: kind, song, algorithm, folder, or an option, section.key",
    )
    parser.add_argument(
        "--x",
        choices=("steps", "evaluations", "generations", "cpu"),
        default="steps",
        help="cost on the x axis [steps]",
    )
    parser.add_argument("--y", choices=("right", "reward", "loss"), help="figure on the y axis [the runs' objective]")
    parser.add_argument(
        "--statistic", choices=("iqm", "median"), default="iqm", help="over seeds [iqm, the interquartile mean]"
    )
    add_where(parser)
    parser.add_argument("--out", type=word, metavar="NAME", help="name of the files, without suffix [curves]")
    add_force(parser)
    parser.add_argument("--json", action="store_true", help="print the tables as JSON")


def run(options: argparse.Namespace) -> int:
    from experiments.comparison.curves import compare
    from experiments.comparison.run_list import list_runs
    from experiments.comparison.run_rows import fits, row_of
    from experiments.pages.curves import SUFFIXES, Compared, write_comparison
    from songs.files import free_path

    stem = Path(options.out) if options.out else free_path(Path("curves.html")).with_suffix("")
    refuse_existing(options, *(stem.with_name(stem.name + suffix) for suffix in SUFFIXES))
    runs = list_runs(options.run_folders)
    if options.where:
        runs = [one for one in runs if fits(row_of(one, list(one.options)), options.where)]
        if not runs:
            raise UsageError("no run matches --where")
    by = [name.strip() for name in options.by.split(",")] if options.by else []
    compared = Compared.of(compare(runs, by, options.x, options.y), options.statistic)
    print_lines(compared.remarks)
    paths = write_comparison(compared, stem)
    if options.json:
        print_json({"groups": compared.rows, "better": compared.better, "files": [str(path) for path in paths]})
    else:
        print(compared.markdown(), *paths, sep="\n")
    return 0

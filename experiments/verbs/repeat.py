"""Repeat a run from its folder and check that the result is the same.

Configuration, seed and songs come from the folder. The new run's champion and its earlier champions are compared with
the old ones, file by file. With the same versions of Python and packages they are identical to the byte. A run that was
interrupted or killed has no result to compare with, and has to be resumed first.
"""

import argparse
import sys

from experiments.options import add_own_env, add_own_listener, print_json

HELP = "repeat a run and compare"
GROUP, ORDER = "Study", 1
EXAMPLES = (
    "kuznechik repeat runs/grasshopper-1",
    "kuznechik repeat runs/grasshopper-1 --out again --json",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run_folder", metavar="RUN", help="a run folder")
    add_own_listener(parser)
    add_own_env(parser)
    parser.add_argument("--out", metavar="DIR", help="run folder, which must be new [RUN-repeated-1, -2, ...]")
    parser.add_argument("--json", action="store_true", help="print the comparison as JSON")


def run(options: argparse.Namespace) -> int:
    from experiments.comparison.run_list import read_run
    from experiments.runs.folder import RunError, RunFolder
    from experiments.runs.lifecycle import Supervision, repeat
    from experiments.runs.progress import ProgressBar
    from experiments.runs.repeat import compare, other_versions

    old = RunFolder.open(options.run_folder)
    listed = read_run(old.path)
    if not listed.ended and listed.kind not in ("", "breed"):  # a person's choices can be repeated at any time
        raise RunError(f"{old.path}: this run is {listed.state} and has no result to compare: resume it first")
    for line in other_versions(old):
        print(f"kuznechik: {line}", file=sys.stderr)
    new = RunFolder.new(options.out, old.path.parent, f"{old.path.name}-repeated")
    progress = ProgressBar(quiet=options.json)
    with new.deleted_if_refused(), new.writing(), progress:
        summary = repeat(old, new, options.command_line, Supervision(progress=progress))
    if summary["stopped"] == "interrupted":
        print(f"kuznechik: interrupted; the results so far are in {new.path}", file=sys.stderr)
        return 130
    files = compare(old, new)
    if options.json:
        print_json({"run": str(new.path), "same": all(files.values()), "files": files})
    else:
        for name, same in files.items():
            print(f"{name}: {'the same to the byte' if same else 'DIFFERENT'}")
        print(new.path)
    return 0 if all(files.values()) else 1

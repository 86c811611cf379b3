"""List the runs in a folder: what was run, how it ended, and what it cost.

Costs are CPU seconds and environment steps. Playing a song of 120 steps costs 120 steps for each network that evolution
evaluates, and the same for a DQN that plays it once. Options that differ between the runs are shown as columns.

--prune removes the listed runs that left neither a result nor a checkpoint. It asks first.
"""

import argparse
import csv
import shutil
import sys
from pathlib import Path
from typing import Any

from experiments.options import UsageError, print_json, word

HELP = "list runs, their results and their costs"
GROUP, ORDER = "Study", 0
EXAMPLES = (
    "kuznechik runs --where song=grasshopper --sort cpu_seconds --reverse",
    "kuznechik runs runs --csv",
)

MOST_COLUMNS = 8
"""Maximum number of options shown as columns."""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", nargs="?", default="runs", metavar="DIR", help="folder, searched to any depth [runs]")
    parser.add_argument(
        "--sort", type=word, metavar="COLUMN", help="column to sort by, named as in --csv [the folders]"
    )
    parser.add_argument("--reverse", action="store_true", help="reverse the order")
    add_where(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print the list as JSON, with all columns")
    form.add_argument("--csv", action="store_true", help="print the list as CSV, with all columns")
    form.add_argument("--prune", action="store_true", help="remove runs that have neither a result nor a checkpoint")
    parser.add_argument("--force", action="store_true", help="remove without asking")


def add_where(parser: argparse.ArgumentParser) -> None:
    """Add --where, which selects runs."""
    parser.add_argument(
        "--where",
        action="append",
        default=[],
        type=word,
        metavar="COLUMN=VALUE",
        help="only runs with this value, as in song=grass*; also with !=, < and >; may be repeated",
    )


def run(options: argparse.Namespace) -> int:
    from experiments.comparison.run_list import differing_options, list_runs
    from experiments.comparison.run_rows import fits, row_of, sorted_rows

    runs = list_runs([options.folder])
    differing = differing_options(runs)
    rows = [row_of(one, differing, Path(options.folder)) for one in runs]
    rows = [row for row in rows if fits(row, options.where)]
    if options.sort:
        rows = sorted_rows(rows, options.sort)
    if options.reverse:
        rows.reverse()
    if options.prune:
        return _prune(options, {one.folder.path: one for one in runs}, rows)
    if options.json:
        print_json(rows)
    elif options.csv:
        writer = csv.DictWriter(sys.stdout, list(rows[0]) if rows else ["run"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    else:
        _show(rows, differing)
    return 0


def _show(rows: list[dict], differing: list[str]) -> None:
    from experiments.comparison.run_rows import result_of
    from experiments.tables import show_table

    chosen = differing[:MOST_COLUMNS]
    names = ("kind", "song", "algorithm", "seed", "state")
    columns = ["run", *names, "result", "env steps", "CPU s", "started", *(name.partition(".")[2] for name in chosen)]
    table = [
        [
            row["run"],
            *(row[name] for name in names),
            result_of(row),
            *_costs(row),
            row["started"][:16].replace("T", " "),
        ]
        + [row[name] for name in chosen]
        for row in rows
    ]
    solved, seconds = sum(bool(row["solved"]) for row in rows), sum(row["cpu_seconds"] or 0 for row in rows)
    caption = f"{len(rows)} runs, {solved} solved, {seconds:,.0f} CPU seconds"
    left_out = len(differing) - len(chosen)
    show_table(columns, table, caption + (f"; {left_out} more options differ, see --csv" if left_out else ""))


def _costs(row: dict) -> tuple[str | None, str | None]:
    steps, seconds = row["env_steps"], row["cpu_seconds"]
    return None if steps is None else f"{steps:,}", None if seconds is None else f"{seconds:,.1f}"


def _prune(options: argparse.Namespace, runs: dict[Path, Any], rows: list[dict]) -> int:
    """Remove runs that left nothing, after asking."""
    listed = [runs[Path(options.folder, row["run"])] for row in rows]
    useless = [run for run in listed if run.left_nothing and run.state != "running"]
    if not useless:
        print("No run to remove: each has a result or a checkpoint, or is running.")
        return 0
    print(*(run.folder.path for run in useless), sep="\n")
    if not options.force:
        if not sys.stdin.isatty():
            raise UsageError(
                f"--prune would remove these {len(useless)} runs, which left nothing: confirm with --force"
            )
        if input(f"Remove these {len(useless)} runs, which left nothing? [y/N] ").strip().lower() not in ("y", "yes"):
            return 0
    for run in useless:
        with run.folder.writing():
            shutil.rmtree(run.folder.path)
    print(f"Removed: {len(useless)} runs")
    return 0

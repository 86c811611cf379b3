"""Run variants of an experiment with several songs and seeds each, and compare them by a table and curves.

FILE is TOML: `seeds = 10`, `songs = ["grasshopper"]`, `[base.SECTION]` with options that differ from the defaults, and
`[variants]`, which maps names to lists of settings as for --set. `kind = "dqn"`, "vae" or "listener" is run instead of
evolution. A variant may also be a table, { kind = ..., config = ..., set = [...] }, with a file or preset. With
`[search]`, Optuna proposes the settings of further variants, one after another. The file `operators`, which comes with
the project, changes one operator of the default run at a time.

The sweep's folder contains a run folder for each run. After Ctrl-C or a kill, --resume continues it to the same result.
If a run fails, the others continue, and it is named at the end.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from experiments.options import MOST_PROCESSES, UsageError, count, positive, print_json, print_lines, refuse, whole

HELP = "run variants x songs x seeds and compare them"
GROUP, ORDER = "Study", 2
EXAMPLES = (
    "kuznechik sweep operators --seeds 5 --jobs 2",
    "kuznechik sweep --resume runs/sweep-operators-1",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", metavar="FILE", help="TOML file, or the name operators")
    parser.add_argument("--resume", metavar="DIR", help="continue the sweep in a folder")
    parser.add_argument(
        "--seeds", type=positive, metavar="N", help="number of seeds of each variant [as in FILE, or 10]"
    )
    parser.add_argument("--first-seed", type=count, metavar="N", help="first of these seeds [0]")
    parser.add_argument("--jobs", type=whole(1, MOST_PROCESSES), metavar="N", help="parallel runs [number of cores]")
    parser.add_argument("--backend", choices=("process", "ray"), default="process", help="kind of workers [process]")
    parser.add_argument("--ray-address", metavar="HOST:PORT", help="a Ray cluster [a new one on this machine]")
    parser.add_argument("--out", metavar="DIR", help="folder, which must be new [runs/sweep-NAME-1, -2, ...]")
    parser.add_argument("--json", action="store_true", help="print the tables as JSON")


def run(options: argparse.Namespace) -> int:
    from experiments.runs.folder import RunFolder
    from experiments.studies.search import read
    from experiments.studies.sweep import SWEEP, sweeps_folder

    if options.resume:
        refuse(options, "--resume", ("file", "seeds", "first_seed", "out"))
        folder = RunFolder(options.resume)
        content = read(folder.path / SWEEP)
        return _carry_out(options, content, folder)
    if not options.file:
        raise UsageError("name a FILE, such as operators, or --resume DIR")
    shipped = sweeps_folder() / f"{options.file}.toml"
    content = read(shipped if shipped.is_file() else Path(options.file))
    _choose_seeds(options, content)
    folder = RunFolder.new(options.out, "runs", f"sweep-{Path(options.file).stem}")
    with folder.deleted_if_refused():
        return _carry_out(options, content, folder)


def _choose_seeds(options: argparse.Namespace, content: dict[str, Any]) -> None:
    """Put the seeds from the command line into the content of a file."""
    from experiments.studies.sweep import seeds_of

    first, seeds = options.first_seed or 0, seeds_of(content)
    if options.seeds or options.first_seed is not None:
        seeds = [*range(first, first + (options.seeds or len(seeds)))]
    content["seeds"] = seeds


def _carry_out(options: argparse.Namespace, content: dict[str, Any], folder: Any) -> int:
    from experiments.studies.search import ranking, rounds
    from experiments.studies.sweep import begin
    from songs.files import write_atomically

    failed: dict[Path, str] = {}
    with folder.writing():
        try:
            for each in rounds(content, folder.path):
                planned = begin(each, folder, options.command_line)
                left = [path for run in planned if (path := folder.path / run.name) not in failed]
                failed |= _run(options, folder.path, left)
        except KeyboardInterrupt:
            print(f"kuznechik: interrupted; continue: kuznechik sweep --resume {folder.path}", file=sys.stderr)
            return 130
        _conclude(options, folder.path)
        if "search" in content:
            write_atomically(folder.path / "search.md", ranking(content, folder.path))
            if not options.json:
                print((folder.path / "search.md").read_text(), folder.path / "search.md", sep="\n")
    print_lines([f"kuznechik: failed: {path.relative_to(folder.path)}: {reason}" for path, reason in failed.items()])
    return 1 if failed else 0


def _run(options: argparse.Namespace, folder: Path, left: list[Path]) -> dict[Path, str]:
    """Carry out runs of a sweep; return the reasons of those that failed, by path."""
    from experiments.studies.sweep_backends import run_here, run_on_ray

    jobs, failed = options.jobs or cores(), {}
    backend = run_on_ray(left, jobs, options.ray_address) if options.backend == "ray" else run_here(left, jobs)
    with closing(backend), _progress(options, folder, len(left)) as report:
        for path, reason in backend:
            if reason:
                failed[path] = reason
            report(path, reason)
    return failed


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _progress(options: argparse.Namespace, folder: Path, total: int) -> Iterator[Any]:
    """Context manager: a function that reports a finished run: a bar on a terminal, else a line, nothing for --json."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=20), MofNCompleteColumn())
    with Progress(
        *columns,
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=options.json or not console.is_terminal,
    ) as bar:
        task = bar.add_task(folder.name, total=total)

        def report(path: Path, reason: str) -> None:
            bar.update(task, advance=1)
            if not console.is_terminal and not options.json:
                state = bar.tasks[task]
                left = (state.elapsed or 0) * (total - state.completed) / state.completed
                ending = "failed" if reason else "done"
                name = path.relative_to(folder)
                print(f"{state.completed:.0f} of {total}: {name} {ending}, {left:.0f} s left", file=sys.stderr)

        yield report


def _conclude(options: argparse.Namespace, folder: Path) -> None:
    """Compare the runs of a sweep: write the table and the curves, and print the table."""
    from experiments.comparison.curves import compare
    from experiments.comparison.run_list import list_runs
    from experiments.pages.curves import Compared, write_comparison
    from songs.files import write_atomically

    try:
        compared = Compared.of(compare(list_runs([folder]), ["folder"]), "iqm")
    except UsageError as error:
        print(f"kuznechik: no table or curves were written: {error}", file=sys.stderr)
        return
    print_lines(compared.remarks)
    write_atomically(folder / "table.md", compared.markdown())
    paths = write_comparison(compared, folder / "curves")
    if options.json:
        print_json({"groups": compared.rows, "better": compared.better, "folder": str(folder)})
    else:
        print(compared.markdown(), folder / "table.md", *paths, sep="\n")

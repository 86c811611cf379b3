"""Run variants of an experiment with several seeds each, and print a table of medians with intervals.

FILE lists the variants; the default, `operators`, switches off one operator of the default run at a time. An unsolved
run counts with its whole budget.
"""

import argparse
import contextlib
import dataclasses
import sys
from pathlib import Path

from experiments.options import MOST_PROCESSES, add_force, count, positive, print_json, refuse_existing, whole

HELP = "compare variants of an experiment over several seeds"
GROUP, ORDER = "Study", 2
EXAMPLES = (
    "kuznechik ablate operators --seeds 5",
    "kuznechik ablate mine.toml --workers 4 --out outcomes.json",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", default="operators", metavar="FILE", help="TOML file or name [operators]")
    parser.add_argument("--seeds", type=positive, metavar="N", help="seeds per variant [as FILE says]")
    parser.add_argument("--first-seed", type=count, default=0, metavar="N", help="first seed [0]")
    parser.add_argument(
        "--workers", type=whole(1, MOST_PROCESSES), default=1, metavar="N", help="number of runs at a time [1]"
    )
    parser.add_argument("--out", metavar="FILE", help="also write the outcome of every run to this JSON file")
    add_force(parser)
    parser.add_argument("--json", action="store_true", help="print the table as JSON")


def run(options: argparse.Namespace) -> int:
    from experiments.runs.folder import RunFolder
    from experiments.studies.ablation import ablations_folder, markdown, read_ablation, run_ablation, summarise

    if options.out:
        refuse_existing(options, Path(options.out))
    named = ablations_folder() / f"{options.file}.toml"
    ablation = read_ablation(named if named.is_file() else Path(options.file))
    seeds = range(options.first_seed, options.first_seed + (options.seeds or ablation.seeds))
    total, done = len(seeds) * len(ablation.variants), []

    with contextlib.suppress(KeyboardInterrupt):
        for outcome in run_ablation(ablation, seeds, options.workers):
            done.append(outcome)
            if sys.stderr.isatty():
                ending = "solved" if outcome.solved else f"{outcome.right} of {outcome.cases}"
                print(f"{len(done)} of {total}: {outcome.variant}, seed {outcome.seed}: {ending}", file=sys.stderr)
    variants = list(ablation.variants)
    outcomes = sorted(done, key=lambda outcome: (variants.index(outcome.variant), outcome.seed))
    if options.out:
        path = Path(options.out)
        rows = [dataclasses.asdict(outcome) for outcome in outcomes]
        RunFolder(path.parent).write_json(path.name, {"outcomes": rows})
    if options.json:
        print_json(summarise(outcomes))
    else:
        print(markdown(summarise(outcomes)), end="")
    return 0 if len(outcomes) == total else 130

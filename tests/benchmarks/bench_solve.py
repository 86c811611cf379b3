"""How surely and how fast each search learns its task: solved runs, CPU seconds, evaluations.

    python tests/benchmarks/bench_solve.py [--seeds 10] [--first 1000] [--folder DIR] [--only TEXT] [--json]

The seeds are fresh: no default was chosen by them. The grasshopper has 120 steps to get right; always resting
gets 64, a random player about 40. A run that is not solved counts with its whole budget. With --folder, all its
playable songs are learned too: one network a song, and one network for all of them (cooperative per-key
evolution, no plain NEAT). One thread; all seconds are those of the processor. With ten seeds and a folder it
takes about half an hour.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from rich.console import Console
from rich.table import Table

from experiments.config.evolve import EvolveConfig
from experiments.runs.assembly import resolve
from experiments.runs.evolve.searches import describe
from experiments.runs.folder import RunFolder
from experiments.runs.lifecycle import Supervision, begin, load_kind
from songs.catalog import read_catalog

ALGORITHM = "evolve.algorithm="
ENDLESS = "evolve.generations=1000000"
ROWS = {
    "NEAT (the default)": [],
    "NEAT, 8 species of 60 genomes": ["evolve.population_size=60", "species.target_species=8"],
    "OpenAI-ES": [f"{ALGORITHM}openai_es", ENDLESS],
    "separable CMA-ES": [f"{ALGORITHM}cma_es", ENDLESS],
    "verified prefix (episodes, not evaluations)": [f"{ALGORITHM}verified_prefix", ENDLESS],
}
"""What is changed of the defaults, for the grasshopper."""
TOGETHER = {
    "prompt of 8": ["task.prompt=8"],
    "prompt of 20": ["task.prompt=20"],
}


def configured(settings: list[str]) -> EvolveConfig:
    """Return the defaults with some settings changed."""
    config = EvolveConfig()
    for setting in settings:
        config = config.apply(setting)
    return config


def run_one(config: EvolveConfig, seed: int) -> dict:
    """Run until solved or until the budget is used; return the summary of the run."""
    config, songs = resolve(config.change("evolve", seed=seed))
    with tempfile.TemporaryDirectory() as parent:
        folder = RunFolder.create(Path(parent, "run"))
        return begin(load_kind("evolve"), config, folder, songs, [], Supervision(checkpoint_every=0))


def summary(name: str, config: EvolveConfig, outcomes: list[dict]) -> dict:
    """Return a row of the table."""
    seconds = [outcome["cpu_seconds"] for outcome in outcomes]
    evaluations = [outcome["evaluations"] for outcome in outcomes]
    return {
        "row": name,
        "search": describe(config),
        "solved": sum(outcome["solved"] for outcome in outcomes),
        "runs": len(outcomes),
        "right": float(np.median([outcome["right_teacher_forced"] for outcome in outcomes])),
        "cases": outcomes[0]["cases"],
        "seconds_median": float(np.median(seconds)),
        "seconds_p90": float(np.percentile(seconds, 90)),
        "evaluations_median": float(np.median(evaluations)),
        "evaluations_most": max(evaluations),
        "connections_median": float(np.median([outcome["connections"] for outcome in outcomes])),
    }


def rows(seeds: list[int], folder: str | None, only: str):
    """Yield the rows of the table as they are done."""
    for name, settings in ROWS.items():
        if only in name:
            config = configured(settings)
            yield summary(name, config, [run_one(config, seed) for seed in seeds])
    if folder and only in "one network a song":
        names = [entry.name for entry in read_catalog(folder) if entry.song is not None]
        configs = [configured([f"task.folder={folder}", f"task.song={name}"]) for name in names]
        outcomes = [run_one(config, seeds[0]) for config in configs]
        yield summary(f"one network a song, {len(names)} songs", configs[0], outcomes)
    for prompt, settings in TOGETHER.items():
        name = f"one network for all songs, {prompt}"
        if folder and only in name:
            shared = ["task.together=true", f"task.folder={folder}", f"{ALGORITHM}per_key", ENDLESS]
            config = configured([*shared, *settings])
            yield summary(name, config, [run_one(config, seed) for seed in seeds])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10, help="runs of each row [10]")
    parser.add_argument("--first", type=int, default=1000, help="the first seed [1000]")
    parser.add_argument("--folder", help="MIDI songs to learn too")
    parser.add_argument("--only", default="", metavar="TEXT", help="rows whose name contains this")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    table = Table("task", "solved", "right", "CPU s: median", "p90", "evaluations: median", "most", "connections")
    done = []
    for row in rows(list(range(options.first, options.first + options.seeds)), options.folder, options.only):
        done.append(row)
        print(f"{row['row']}: {row['solved']} of {row['runs']}", file=sys.stderr)
        table.add_row(
            row["row"],
            f"{row['solved']} of {row['runs']}",
            f"{row['right']:g} of {row['cases']}",
            f"{row['seconds_median']:.1f}",
            f"{row['seconds_p90']:.1f}",
            f"{row['evaluations_median']:,.0f}",
            f"{row['evaluations_most']:,}",
            f"{row['connections_median']:g}",
        )
    if options.json:
        print(json.dumps(done, indent=1))
    else:
        Console(width=None if sys.stdout.isatty() else 160).print(table)


if __name__ == "__main__":
    main()

"""How fast a generation is: the default NEAT against stock neat-python, at the same populations and sizes.

    python tests/benchmarks/bench_evolution.py [--json] [--quick]

The task is the grasshopper: 120 windows of 32 steps, 416 inputs and 13 outputs. neat-python is used as its users do:
`FeedForwardNetwork.create` and `activate` with lists, window by window, under the options of the preset `plain-neat`.
Both begin with networks of as many connections. `evaluation` is the batched evaluation of neat-python's own genomes
against that loop. With --quick only small populations are measured; the whole takes some ten CPU minutes.

Conventions: CPU milliseconds of one thread; medians of the rounds, in which both take turns, and of their ratios.
Compare ratios: the figures themselves depend on the machine.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import neat
from rich.console import Console
from rich.table import Table

from agents.cases import memory_cases
from agents.neat.case_scorer import CaseScorer, in_process
from agents.neat.evaluator import ErrorReweighting, Evaluator
from agents.neat.incremental import Incremental
from agents.neat.population import Evolution
from experiments.config.evolve import EvolveConfig
from experiments.config.neat_ini import neat_ini, read_neat_config
from songs.catalog import find_song
from songs.files import write_atomically

CASES = memory_cases([find_song("grasshopper")], 32, 8)
WINDOWS, TARGETS = CASES.inputs.T.tolist(), CASES.targets.T.tolist()
POPULATIONS, CONNECTIONS = (60, 150, 500, 1500), (20, 100)
QUICK = (60, 150)
WARM_UP, ROUNDS = 1, 3


def configured(preset: str | None, population: int, connections: int) -> neat.Config:
    """Return neat-python's configuration of a preset, whose first genomes have about so many connections."""
    config = EvolveConfig.load(preset).change("evolve", population_size=population)
    inputs, outputs = len(CASES.inputs), len(CASES.targets)
    share = f"initial_connection = partial_direct {connections / (inputs * outputs)}"
    text = neat_ini(config, inputs, outputs).replace("initial_connection = unconnected", share)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "neat.ini"
        write_atomically(path, text)
        return read_neat_config(path, neat_pythons=preset is not None)


def activate(members: list, config: neat.Config) -> None:
    """Count wrong keys as users of neat-python do."""
    for _, genome in members:
        network = neat.nn.FeedForwardNetwork.create(genome, config)
        wrong = 0
        for window, targets in zip(WINDOWS, TARGETS, strict=True):
            answer = network.activate(window)
            wrong += sum((value > 0) != target for value, target in zip(answer, targets, strict=True))
        genome.fitness = -float(wrong)


def milliseconds(work: Callable[[], object]) -> float:
    """Return the CPU time of a call."""
    start = time.process_time()
    work()
    return 1000 * (time.process_time() - start)


def compare(population: int, connections: int) -> dict:
    """Return the medians of one population and size."""
    random.seed(1)
    evaluator = Evaluator(CASES, "right_keys", ErrorReweighting(), backend=Incremental(CaseScorer(CASES, "right_keys")))
    ours = Evolution(configured(None, population, connections), evaluator, 1)
    stock = neat.Population(configured("plain-neat", population, connections))
    batched = in_process(CaseScorer(CASES, "right_keys"))
    rows = []
    for number in range(WARM_UP + ROUNDS):
        members = list(stock.population.items())
        row = {
            "loop": milliseconds(lambda members=members: activate(members, stock.config)),
            "batched": milliseconds(lambda members=members: batched.evaluate([one for _, one in members], None)),
            "stock": milliseconds(lambda: stock.run(activate, 1)),
            "ours": milliseconds(ours.step),
        }
        if number >= WARM_UP:
            rows.append(row | {"generation": row["stock"] / row["ours"], "evaluation": row["loop"] / row["batched"]})
    sizes = {"population": population, "connections": connections, "after": ours.champion.size()[1]}
    return sizes | {name: median(row[name] for row in rows) for name in rows[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--quick", action="store_true", help="measure small populations only")
    options = parser.parse_args()
    populations = QUICK if options.quick else POPULATIONS
    rows = [compare(population, connections) for connections in CONNECTIONS for population in populations]
    if options.json:
        print(json.dumps(rows, indent=1))
        return
    table = Table(
        "population", "connections", "generation, ms", "neat-python's", "ratio", "evaluation, ms", "loop", "ratio"
    )
    for row in rows:
        figures = [f"{row[name]:.1f}" for name in ("ours", "stock", "generation", "batched", "loop", "evaluation")]
        table.add_row(str(row["population"]), str(row["connections"]), *figures)
    Console(width=None if sys.stdout.isatty() else 120).print(table)


if __name__ == "__main__":
    main()

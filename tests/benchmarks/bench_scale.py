"""What evaluation costs as populations, networks and the number of songs grow: microseconds of CPU a genome.

    python tests/benchmarks/bench_scale.py [--generations] [--json]

`in full` evaluates networks from nothing, as worker processes do; `by changes` evaluates children of which three
connections changed, as this process does where inputs feed outputs directly. Both give the same bits. One thread;
the least of three rounds each. `generation` is a whole one of the default search of the grasshopper, with selection,
crossover, mutation and species, in the mean of those from the 20th on in
which 3,600 children are bred, two at least.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from neat.innovation import InnovationTracker
from rich.console import Console
from rich.table import Table

from agents.cases import Cases, memory_cases
from agents.neat.case_scorer import CaseScorer, in_process
from agents.neat.editor import GenomeEditor
from agents.neat.genome import ConnectionGene, Genome, new_genome
from agents.neat.incremental import Incremental
from agents.neat.operators import change_value
from experiments.config.evolve import EvolveConfig
from experiments.config.neat_ini import neat_ini, read_neat_config
from experiments.runs.assembly import make_cases, resolve
from experiments.runs.evolve.searches import make_search
from songs.catalog import read_catalog
from songs.files import write_atomically

MEMORY, PROMPT = 64, 8
ROUNDS = 3
BEGUN, CHILDREN = 20, 3600
"""Generations before the measurement, and children in it."""
POPULATIONS = (60, 600, 1500, 6000)
USUAL = {"population": 60, "connections": 300, "songs": 1}
VARIED = {"population": (60, 300, 1500), "connections": (50, 300, 1000), "songs": (1, 8, 31)}


def parents(count: int, connections_each: int, cases: Cases, options) -> list[Genome]:
    """Return genomes without hidden nodes and with so many connections, drawn from the inputs that are ever on."""
    sources = [-1 - index for index in cases.inputs.any(axis=1).nonzero()[0].tolist()]
    genomes = []
    for key in range(count):
        connections = {}
        for number, index in enumerate(random.sample(range(len(sources) * 13), connections_each)):
            ends = (sources[index // 13], index % 13)
            connections[ends] = ConnectionGene(ends, number, round(random.gauss(0, 1) * 1024) / 1024)
        genomes.append(Genome(key, new_genome(key, options).nodes, connections))
    return genomes


def children(genomes: list[Genome], options) -> list[Genome]:
    """Return a child of each genome with three changed values."""
    bred = []
    for genome in genomes:
        editor = GenomeEditor(genome, options)
        for _ in range(3):
            change_value(editor)
        bred.append(editor.finish(genome.key))
    return bred


def row(population: int, connections: int, songs: int, options_of) -> dict:
    """Measure one size."""
    rolls = [entry.song for entry in read_catalog() if entry.keys == 13][:songs]
    cases = memory_cases(rolls, MEMORY, PROMPT)
    options = options_of(len(cases.inputs))
    scorer = CaseScorer(cases, "squared_hinge")
    in_full, by_changes = in_process(scorer), Incremental(scorer)
    least = {"in full": float("inf"), "by changes": float("inf")}
    for seed in range(ROUNDS):
        random.seed(seed)
        genomes = parents(population, connections, cases, options)
        by_changes.evaluate(genomes, None)
        for genome in genomes:
            genome.fitness, genome.losses = 0.0, [0.0] * 13
        bred = children(genomes, options)
        for name, backend in (("in full", in_full), ("by changes", by_changes)):
            start = time.process_time()
            backend.evaluate(bred, None)
            least[name] = min(least[name], time.process_time() - start)
    micro = {name: 1e6 * seconds / population for name, seconds in least.items()}
    return {"population": population, "connections": connections, "songs": songs, "cases": len(cases), **micro}


def generation(population: int) -> dict:
    """Measure whole generations of a population."""
    config, songs = resolve(EvolveConfig().change("evolve", population_size=population))
    cases = make_cases(config, songs)
    with tempfile.TemporaryDirectory() as folder, make_search(config, songs, cases, Path(folder)) as search:
        measured = max(CHILDREN // population, 2)
        for _ in range(BEGUN):
            search.step()
        start = time.process_time()
        for _ in range(measured):
            row = search.step()
        micro = 1e6 * (time.process_time() - start) / population / measured
    return {"population": population, "species": len(row.species), "generation": micro}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--generations", action="store_true", help="whole generations alone")
    options = parser.parse_args()
    varied = {} if options.generations else VARIED
    with tempfile.TemporaryDirectory() as folder:

        def options_of(inputs: int):
            path = Path(folder) / f"{inputs}.ini"
            write_atomically(path, neat_ini(EvolveConfig(), inputs, 13))
            options = read_neat_config(path).genome_config
            options.innovation_tracker = InnovationTracker()
            return options

        rows = [row(**{**USUAL, name: size}, options_of=options_of) for name, sizes in varied.items() for size in sizes]
    whole = [generation(population) for population in POPULATIONS]
    if options.json:
        print(json.dumps({"evaluation": rows, "generations": whole}, indent=1))
        return
    table = Table("population", "connections", "songs", "cases", "in full, µs a genome", "by changes, µs", "ratio")
    for one in rows:
        sizes = [str(one[name]) for name in ("population", "connections", "songs", "cases")]
        ratio = one["in full"] / one["by changes"]
        table.add_row(*sizes, f"{one['in full']:.0f}", f"{one['by changes']:.0f}", f"{ratio:.1f}")
    console = Console(width=None if sys.stdout.isatty() else 120)
    if rows:
        console.print(table)
    table = Table("population", "species", "generation, µs a genome", "times the first")
    for one in whole:
        ratio = one["generation"] / whole[0]["generation"]
        table.add_row(str(one["population"]), str(one["species"]), f"{one['generation']:.0f}", f"{ratio:.2f}")
    console.print(table)


if __name__ == "__main__":
    main()

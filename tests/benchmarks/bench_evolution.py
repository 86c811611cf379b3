"""How fast evolution is: our genome and batched evaluation against neat-python, same configuration, same evolution.

    python tests/benchmarks/bench_evolution.py [--json] [--quick]

It takes some ten minutes; two with --quick, which leaves populations of 1500 out.

The task is the grasshopper: 120 windows of 32 steps, 416 inputs and 13 outputs. neat-python is used as its users do:
`FeedForwardNetwork.create` and `activate` with lists, window by window. Both count the same wrong keys, so both breed
the same genomes, which is checked.

Conventions: CPU time of one thread, not wall time; medians of several rounds, in which both take turns, and of their
ratios, with the smallest and the largest. Breeding is what a generation does besides evaluation: selection, crossover,
mutation, speciation. Compare ratios: the figures themselves depend on the machine.
"""

import argparse
import copy
import gc
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from statistics import median

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import neat
import numpy as np

from agents.cases import memory_cases
from agents.fitness import wrong_keys
from agents.networks.gene_arrays import unpack
from agents.networks.packed_genes import packed_chunks
from agents.networks.phenotype import Layout, outputs_in_chunks, packed_outputs
from agents.stock.genome import StockGenome
from songs.catalog import find_song
from tests.agents.stock_runs import NEAT, OURS, configuration, genes

CASES = memory_cases([find_song("grasshopper")], 32, 8)
INPUTS, TARGETS = CASES.inputs.T.tolist(), CASES.targets.T.tolist()
LAYOUT = Layout(CASES.inputs, len(CASES.targets))
EVEN = np.ones(CASES.targets.shape, dtype=np.float32)
WARM_UP = 15
"""Generations before a population is measured: by then its members are relatives."""
FAR = 1000.0
"""A compatibility threshold that makes one species."""
SPECIES = 6
"""How many species "several" are, at least."""


def configured(
    classes: tuple, connections: int, population: int, threshold: float = FAR, hidden: int = 0
) -> neat.Config:
    """Return a configuration like that of users: most weights mutate a little, structure sometimes.

    With hidden nodes to begin with, there are no connections to begin with.
    """
    changes = dict(num_inputs=len(CASES.inputs), num_outputs=len(CASES.targets), pop_size=population)
    share = connections / (len(CASES.inputs) * len(CASES.targets))
    changes |= dict(initial_connection=f"partial_direct {share}", compatibility_threshold=threshold)
    changes |= dict(conn_add_prob=0.3, conn_delete_prob=0.3, node_add_prob=0.03, node_delete_prob=0.03)
    changes |= dict(enabled_mutate_rate=0.01, survival_threshold=0.2)
    if hidden:
        changes |= dict(num_hidden=hidden, initial_connection="unconnected", conn_add_prob=0.9, conn_delete_prob=0.1)
    with tempfile.TemporaryDirectory() as folder:
        return configuration(Path(folder) / "neat.ini", classes, **changes)


def stock_fitness(genomes: list, config: neat.Config) -> None:
    """Count wrong keys as users of neat-python do."""
    for _, genome in genomes:
        network = neat.nn.FeedForwardNetwork.create(genome, config)
        wrong = 0
        for case, targets in zip(INPUTS, TARGETS, strict=True):
            for output, target in zip(network.activate(case), targets, strict=True):
                wrong += (output > 0) != target
        genome.fitness = -float(wrong)


def batched_fitness(genomes: list, config: neat.Config) -> None:
    """Count wrong keys of the whole population at once."""
    members = [genome for _, genome in genomes]
    for places, outputs in outputs_in_chunks(members, LAYOUT):
        for place, wrong in zip(places, wrong_keys(outputs, CASES.targets, EVEN).sum(axis=1).tolist(), strict=True):
            members[place].fitness = -wrong


def evolved(connections: int, population: int, several: bool, hidden: int = 0) -> neat.Population:
    """Return a population of relatives with about so many connections each, in one species or several."""
    run = neat.Population(configured(OURS, connections, population, hidden=hidden), seed=1)
    run.run(batched_fitness, WARM_UP)
    options = run.config.species_set_config
    while several and len(run.species.species) < SPECIES:
        options.compatibility_threshold = 0.9 * min(options.compatibility_threshold, 4.0)
        run.species.species, run.species.indexer = {}, count(1)
        run.species.speciate(run.config, run.population, run.generation)
    # numbers from which both kinds of classes go on
    run.config.genome_config.node_indexer, run.species.indexer = count(10**6), count(10**6)
    return run


def stock_genome(genome: StockGenome) -> neat.DefaultGenome:
    """Return neat-python's genome with the same genes."""
    twin = neat.DefaultGenome(genome.key)
    twin.connections, twin.nodes = unpack(genome.arrays)
    return twin


def stock_population(run: neat.Population, config: neat.Config) -> neat.Population:
    """Return neat-python's population in the same state."""
    members = {key: stock_genome(genome) for key, genome in run.population.items()}
    species = neat.DefaultSpeciesSet(config.species_set_config, None)
    for sid, one in run.species.species.items():
        twin = species.species[sid] = neat.species.Species(sid, one.created)
        twin.last_improved, twin.fitness_history = one.last_improved, list(one.fitness_history)
        twin.update(members[one.representative.key], {key: members[key] for key in one.members})
    species.genome_to_species = dict(run.species.genome_to_species)
    state = random.getstate()
    twin = neat.Population(config, (members, species, run.generation))
    random.setstate(state)
    twin.reproduction.innovation_tracker = copy.deepcopy(run.reproduction.innovation_tracker)
    config.genome_config.node_indexer, species.indexer = count(10**6), count(10**6)
    return twin


def seconds(work: Callable[[], object], repeats: int = 1) -> float:
    """Return the CPU seconds of one call."""
    gc.collect()
    begin = time.process_time()
    for _ in range(repeats):
        work()
    return (time.process_time() - begin) / repeats


def compared(stock: list[float], ours: list[float]) -> dict:
    """Return medians, and how many times faster ours is."""
    ratios = [slow / fast for slow, fast in zip(stock, ours, strict=True)]
    return {
        "neat_ms": 1e3 * median(stock),
        "ours_ms": 1e3 * median(ours),
        "ratio": median(ratios),
        "lowest": min(ratios),
        "highest": max(ratios),
    }


def evaluation_rows(connections: int, rounds: int) -> Iterator[dict]:
    """Compare the evaluation of one genome, on average over a population."""
    run = evolved(connections, 150, False)
    members = list(run.population.values())
    twins = [stock_genome(genome) for genome in members]
    config = configured(NEAT, connections, 150)
    few = twins[::10]
    networks = [neat.nn.FeedForwardNetwork.create(genome, config) for genome in few]
    packed = [chunk for _, chunk in packed_chunks(members, LAYOUT.outputs)]
    check_answers(networks, members[::10])
    size = np.mean([len(genome.connections) for genome in twins])

    def create_and_activate():
        for genome in few:
            network = neat.nn.FeedForwardNetwork.create(genome, config)
            for case in INPUTS:
                network.activate(case)

    contests = {
        "evaluation: create, activate": (create_and_activate, lambda: list(outputs_in_chunks(members, LAYOUT))),
        "evaluation, our side with gene objects": (create_and_activate, lambda: list(outputs_in_chunks(twins, LAYOUT))),
        "activation only": (
            lambda: [network.activate(case) for network in networks for case in INPUTS],
            lambda: [packed_outputs(chunk, LAYOUT) for chunk in packed],
        ),
    }
    for name, (slow, fast) in contests.items():
        times = [(seconds(slow) / len(few), seconds(fast, 5) / len(members)) for _ in range(rounds)]
        row = compared(*map(list, zip(*times, strict=True)))
        yield {"what": name, "population": 1, "connections": float(size), "species": None, **row}


def check_answers(networks: list, members: list[StockGenome]) -> None:
    """Raise ValueError if the batch answers anything else than the networks."""
    for places, outputs in outputs_in_chunks(members, LAYOUT, np.float64):
        for place, answers in zip(places, np.tanh(2.5 * outputs), strict=True):
            expected = np.array([networks[place].activate(case) for case in INPUTS]).T
            if not np.allclose(answers, expected, rtol=0, atol=1e-9):
                raise ValueError("the batch answers otherwise than neat-python's network")


class Stopwatch:
    """A fitness function and the CPU seconds it took."""

    def __init__(self, fitness: Callable[[list, neat.Config], None]):
        self.fitness = fitness
        self.seconds: list[float] = []

    def __call__(self, genomes: list, config: neat.Config) -> None:
        begin = time.process_time()
        self.fitness(genomes, config)
        self.seconds.append(time.process_time() - begin)


def generation_row(connections: int, population: int, several: bool, rounds: int, hidden: int = 0) -> dict:
    """Compare whole generations: evaluation, reproduction, speciation."""
    run = evolved(connections, population, several, hidden)
    threshold = run.config.species_set_config.compatibility_threshold
    twin = stock_population(run, configured(NEAT, connections, population, threshold, hidden))
    size = np.mean([len(genome.arrays.weights) for genome in run.population.values()])
    species, state = len(run.species.species), random.getstate()
    slow, fast = Stopwatch(stock_fitness), Stopwatch(batched_fitness)
    times = []
    for _ in range(rounds):
        random.setstate(state)
        stock = seconds(lambda: twin.run(slow, 1))
        random.setstate(state)
        times.append((stock, seconds(lambda: run.run(fast, 1))))
        state = random.getstate()
    same = [genes(one)[2:] for one in run.population.values()] == [genes(one)[2:] for one in twin.population.values()]
    stock, ours = map(list, zip(*times, strict=True))
    breeding = compared(
        *(
            [all_ - part for all_, part in zip(*pair, strict=True)]
            for pair in ((stock, slow.seconds), (ours, fast.seconds))
        )
    )
    what = f"generation, {hidden} hidden nodes at first" if hidden else "generation"
    row = {"what": what, "population": population, "connections": size, "species": species, "same_genes": same}
    return row | compared(stock, ours) | {f"breeding_{key}": value for key, value in breeding.items()}


def measure(quick: bool) -> Iterator[dict]:
    """Yield the rows of the table."""
    for connections in (10, 50, 200, 400):
        yield from evaluation_rows(connections, 5)
    for population in (150,) if quick else (150, 1500):
        for connections in (20, 50, 200):
            for several in (True, False):
                yield generation_row(connections, population, several, 5 if population < 1000 else 3)
        yield generation_row(0, population, True, 3, hidden=100)


def main() -> None:
    """Print the table, row by row."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--quick", action="store_true", help="leave populations of 1500 out")
    arguments = parser.parse_args()
    rows = measure(arguments.quick)
    if arguments.json:
        print(json.dumps(list(rows), indent=2))
        return
    print(f"{'':38} genomes  conn. species    neat ms   ours ms  ratio (spread)       breeding alone")
    for row in rows:
        line = f"{row['what']:38} {row['population']:7} {row['connections']:6.1f} {row['species'] or '-':>7} "
        line += f"{row['neat_ms']:10.3f} {row['ours_ms']:9.3f} {spread(row)}"
        if "same_genes" in row:
            line += f"  {row['breeding_ours_ms']:9.3f} {spread(row, 'breeding_')}"
            line += "" if row["same_genes"] else "  the genes differ"
        print(line, flush=True)


def spread(row: dict, prefix: str = "") -> str:
    """Return a ratio with the smallest and the largest one."""
    ratio, lowest, highest = (row[prefix + key] for key in ("ratio", "lowest", "highest"))
    return f"{ratio:6.1f} ({lowest:.1f}-{highest:.1f})".ljust(21)


if __name__ == "__main__":
    main()

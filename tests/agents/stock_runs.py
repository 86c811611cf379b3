"""Runs of neat-python's own classes and of ours with the same configuration and seed, for tests."""

import random
from collections.abc import Callable
from pathlib import Path

import neat

from agents.networks.gene_arrays import pack, unpack
from agents.stock.genome import StockGenome
from agents.stock.species import StockReproduction, StockSpeciesSet

NEAT = (neat.DefaultGenome, neat.DefaultReproduction, neat.DefaultSpeciesSet)
OURS = (StockGenome, StockReproduction, StockSpeciesSet)


def _number(name: str, mean: float, stdev: float, mutate: float, replace: float, power: float, limit: float) -> dict:
    values = {"init_mean": mean, "init_stdev": stdev, "init_type": "gaussian", "mutate_rate": mutate}
    values |= {"replace_rate": replace, "mutate_power": power, "min_value": -limit, "max_value": limit}
    return {f"{name}_{key}": value for key, value in values.items()}


OPTIONS = {
    "NEAT": {
        "fitness_criterion": "max",
        "fitness_threshold": 0,
        "no_fitness_termination": True,
        "pop_size": 24,
        "reset_on_extinction": False,
    },
    "DefaultGenome": {
        "num_inputs": 3,
        "num_outputs": 2,
        "num_hidden": 0,
        "feed_forward": True,
        "initial_connection": "full_direct",
        "compatibility_disjoint_coefficient": 1.0,
        "compatibility_weight_coefficient": 0.5,
        "conn_add_prob": 0.5,
        "conn_delete_prob": 0.3,
        "node_add_prob": 0.3,
        "node_delete_prob": 0.1,
        "single_structural_mutation": False,
        "structural_mutation_surer": "default",
        "activation_default": "tanh",
        "activation_options": "tanh",
        "activation_mutate_rate": 0.0,
        "aggregation_default": "sum",
        "aggregation_options": "sum",
        "aggregation_mutate_rate": 0.0,
        "enabled_default": True,
        "enabled_mutate_rate": 0.05,
        "enabled_rate_to_true_add": 0.0,
        "enabled_rate_to_false_add": 0.0,
        **_number("weight", 0, 1, 0.8, 0.1, 0.5, 30),
        **_number("bias", 0, 1, 0.7, 0.1, 0.5, 30),
        **_number("response", 1, 0, 0, 0, 0, 30),
        **_number("time_constant", 1, 0, 0, 0, 0, 30),
    },
    "DefaultSpeciesSet": {"compatibility_threshold": 2.5},
    "DefaultStagnation": {"species_fitness_func": "max", "max_stagnation": 10, "species_elitism": 2},
    "DefaultReproduction": {"elitism": 1, "survival_threshold": 0.3, "min_species_size": 1},
}
"""Everything happens: nodes and connections come and go, some genes are disabled, several species form."""


def configuration(path: Path, classes: tuple = OURS, **changes) -> neat.Config:
    """Write an INI file with some options changed, and read it for the given classes."""
    lines = []
    known = set()
    for section, options in OPTIONS.items():
        known |= set(options)
        lines += [f"[{section}]", *(f"{key} = {changes.get(key, value)}" for key, value in options.items())]
    assert set(changes) <= known, f"no such options: {set(changes) - known}"
    path.write_text("\n".join(lines))
    genome, reproduction, species = classes
    return neat.Config(genome, reproduction, species, neat.DefaultStagnation, path)


def arrays(genome: neat.DefaultGenome):
    """Return the genes of a genome of either class, without making gene objects of arrays."""
    return genome.arrays if isinstance(genome, StockGenome) else pack(genome.connections, genome.nodes)


def genes(genome: neat.DefaultGenome) -> tuple:
    """Return all that a genome is, with the order of its dictionaries, and numbers by their bits."""
    connections, nodes = unpack(arrays(genome))
    links = [(key, gene.innovation, gene.weight.hex(), gene.enabled) for key, gene in connections.items()]
    values = [
        (key, gene.activation, gene.aggregation, *(x.hex() for x in (gene.bias, gene.response, gene.time_constant)))
        for key, gene in nodes.items()
    ]
    return genome.key, genome.fitness, links, values


def weight_sum(genomes: list, config: neat.Config) -> None:
    """A fitness that any change of any gene changes; it likes some structure, and looks at no gene objects."""
    for _, genome in genomes:
        one = arrays(genome)
        total = sum((one.weights * one.enabled).tolist()) + sum(one.values.ravel().tolist())
        genome.fitness = 0.3 * one.nodes.shape[1] + 0.1 * len(one.weights) - abs(total - 7)


class Diary(neat.reporting.BaseReporter):
    """Writes down everything about every generation."""

    def __init__(self):
        self.pages: list = []

    def post_evaluate(self, config, population, species, best_genome):
        self.pages.append([genes(genome) for genome in population.values()])
        self.pages.append(best_genome.key)

    def end_generation(self, config, population, species_set):
        self.pages += [
            [
                (sid, one.representative.key, list(one.members), one.created, one.last_improved, one.fitness_history)
                for sid, one in species_set.species.items()
            ],
            species_set.genome_to_species,
            config.genome_config.innovation_tracker.global_counter,
            random.getstate(),
        ]

    def info(self, msg):
        self.pages.append(msg)

    def species_stagnant(self, sid, species):
        self.pages.append(("stagnant", sid))

    def complete_extinction(self):
        self.pages.append("extinction")


def diary(config: neat.Config, fitness: Callable = weight_sum, generations: int = 15, seed: int = 1) -> list:
    """Run a population and return all that happened, including how it ended."""
    random.seed(seed)
    reporter = Diary()
    try:
        population = neat.Population(config)
        population.add_reporter(reporter)
        population.run(fitness, generations)
        reporter.pages.append([genes(genome) for genome in population.population.values()])
    except (RuntimeError, neat.CompleteExtinctionException, ValueError) as error:
        reporter.pages.append(repr(error))
    return reporter.pages

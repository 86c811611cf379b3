"""The state of a population as plain data, and back, to the bit: of our genomes, or of neat-python's own.

Relatives share genes, and crossover treats a shared gene as one: so every gene is written once, and genomes
refer to it by its index in the table.

Conventions: only numbers, texts, lists and dictionaries with text keys, so that the state can be JSON.
"""

from collections.abc import Callable
from typing import Any

import neat
from neat.genes import DefaultConnectionGene, DefaultNodeGene
from neat.species import Species

from agents.neat.counters import Count
from agents.neat.genome import ConnectionGene, Genome, NodeGene
from agents.neat.population_check import check_population
from agents.neat.species import SteadySpecies

_NODE = ("key", "bias", "response", "activation", "aggregation", "time_constant")
_RESULTS = ("fitness", "losses", "loss", "right", "version", "species")


class _Table:
    """Objects written once each, in the order in which they were first met."""

    def __init__(self, write):
        self._write = write
        self._indices: dict[int, int] = {}
        self._kept: list[Any] = []
        self.rows: list[Any] = []

    def index(self, thing: Any) -> int:
        """Return the row of an object, which is written if it is new."""
        if id(thing) not in self._indices:
            row = self._write(thing)
            self._indices[id(thing)] = len(self.rows)
            self._kept.append(thing)
            self.rows.append(row)
        return self._indices[id(thing)]


def population_state(population: neat.Population, champion: Genome | None) -> dict[str, Any]:
    """Return the state of a population and of its champion."""
    nodes = _Table(lambda gene: [getattr(gene, name) for name in _NODE])
    connections = _Table(lambda gene: [*gene.key, gene.innovation, gene.weight, gene.enabled])
    genomes = _Table(
        lambda genome: {
            "key": genome.key,
            "nodes": [nodes.index(gene) for gene in genome.nodes.values()],
            "connections": [connections.index(gene) for gene in genome.connections.values()],
            **{name: getattr(genome, name, [] if name == "losses" else None) for name in _RESULTS},
        }
    )
    species_set = population.species
    return {
        "generation": population.generation,
        "population": [genomes.index(genome) for genome in population.population.values()],
        "champion": None if champion is None else genomes.index(champion),
        "species": [
            {
                "key": one.key,
                "created": one.created,
                "last_improved": one.last_improved,
                "representative": genomes.index(one.representative),
                "members": list(one.members),
                "fitness_history": one.fitness_history,
            }
            for one in species_set.species.values()
        ],
        "threshold": getattr(species_set, "threshold", None),
        "next_species": species_set.indexer.value,
        "next_genome": population.reproduction.genome_indexer.value,
        "next_node": population.config.genome_config.node_indexer.value,
        "innovations": population.reproduction.innovation_tracker.global_counter,
        "genomes": genomes.rows,
        "node_genes": nodes.rows,
        "connection_genes": connections.rows,
    }


def restore_population(population: neat.Population, state: dict[str, Any]) -> Genome | None:
    """Put a population into a state and return the champion; raises ValueError if it cannot be its state."""
    check_population(state, population.config)
    neat_pythons = population.config.genome_type is neat.DefaultGenome
    make_node, make_connection, make_genome = NEAT_PYTHONS if neat_pythons else OURS
    nodes = [make_node(*row) for row in state["node_genes"]]
    connections = [make_connection((source, sink), *row) for source, sink, *row in state["connection_genes"]]
    genomes = [_genome(row, nodes, connections, make_genome) for row in state["genomes"]]
    population.population = {genomes[index].key: genomes[index] for index in state["population"]}
    population.generation = state["generation"]
    species_set = population.species
    species_set.species = {}
    for row in state["species"]:
        one = (Species if neat_pythons else SteadySpecies)(row["key"], row["created"])
        one.last_improved, one.fitness_history = row["last_improved"], row["fitness_history"]
        one.update(genomes[row["representative"]], {key: population.population[key] for key in row["members"]})
        species_set.species[one.key] = one
    species_set.genome_to_species = {key: one.key for one in species_set.species.values() for key in one.members}
    if not neat_pythons:
        species_set.threshold = state["threshold"]
    species_set.indexer = Count(state["next_species"])
    population.reproduction.genome_indexer = Count(state["next_genome"])
    population.config.genome_config.node_indexer = Count(state["next_node"])
    population.reproduction.innovation_tracker.global_counter = state["innovations"]
    return None if state["champion"] is None else genomes[state["champion"]]


def _genome(row: dict, nodes: list, connections: list, make: Callable) -> neat.DefaultGenome:
    genome = make(
        row["key"],
        {nodes[index].key: nodes[index] for index in row["nodes"]},
        {connections[index].key: connections[index] for index in row["connections"]},
    )
    for name in _RESULTS:
        if row[name] is not None:
            setattr(genome, name, row[name])
    return genome


def _neat_pythons_node(key: int, *values: Any) -> DefaultNodeGene:
    gene = DefaultNodeGene(key)
    for name, value in zip(_NODE[1:], values, strict=True):
        setattr(gene, name, value)
    return gene


def _neat_pythons_connection(key: tuple, innovation: int, weight: float, enabled: bool) -> DefaultConnectionGene:
    gene = DefaultConnectionGene(key, innovation=innovation)
    gene.weight, gene.enabled = weight, enabled
    return gene


def _neat_pythons_genome(key: int, nodes: dict, connections: dict) -> neat.DefaultGenome:
    genome = neat.DefaultGenome(key)
    genome.nodes, genome.connections = nodes, connections
    return genome


OURS = (NodeGene, ConnectionGene, Genome)
NEAT_PYTHONS = (_neat_pythons_node, _neat_pythons_connection, _neat_pythons_genome)
"""Makers of a node, of a connection and of a genome."""

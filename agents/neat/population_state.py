"""The state of a population as arrays and plain data and back, bit-identically, for our genomes or neat-python's own.

Conventions: genomes are rows of `agents.neat.gene_tables`, those of the population first. A state may come from any
file: any fault in it is a ValueError that describes it.
"""

from typing import Any

import neat
import numpy as np
from neat.species import Species

from agents.neat.activations import NAMES
from agents.neat.counters import Count
from agents.neat.gene_tables import LARGEST_COUNT, LARGEST_LOSS, Index, genomes_from_arrays, genomes_to_arrays
from agents.neat.genome import Genome
from agents.neat.species import SteadySpecies
from songs.validate import OrNone, Within, validate_like

_COUNTERS = ("next_species", "next_genome", "next_node", "innovations")


def population_state(population: neat.Population, champion: Genome | None) -> tuple[dict[str, np.ndarray], dict]:
    """Return the state of a population and its champion, as named arrays and plain data."""
    members, species = list(population.population.values()), population.species.species.values()
    champions = [] if champion is None else [champion]
    genomes = Index([*members, *champions, *(one.representative for one in species)])
    data = {
        "generation": population.generation,
        "population": len(members),
        "champion": None if champion is None else genomes.row(champion),
        "species": [
            {
                "key": one.key,
                "created": one.created,
                "ancestor": getattr(one, "ancestor", 0),
                "last_improved": one.last_improved,
                "representative": genomes.row(one.representative),
                "members": [genomes.row(genome) for genome in one.members.values()],
                "fitness_history": one.fitness_history,
            }
            for one in species
        ],
        "threshold": getattr(population.species, "threshold", None),
        **counters(population),
    }
    return genomes_to_arrays(genomes.things, population.config.genome_config.num_outputs), data


def restore_population(
    population: neat.Population, arrays: dict[str, np.ndarray], data: dict[str, Any]
) -> Genome | None:
    """Restore the state of a population and return the champion; raises ValueError if the state does not fit."""
    species_set, config = population.species, population.config
    genomes = restore_genomes(arrays, data, config)
    _validate(data, genomes, config, getattr(species_set, "threshold", None))
    population.population = {genome.key: genome for genome in genomes[: data["population"]]}
    population.generation = data["generation"]
    species_set.species = {}
    for row in data["species"]:
        one = (SteadySpecies if hasattr(species_set, "threshold") else Species)(row["key"], row["created"])
        one.last_improved, one.fitness_history = row["last_improved"], row["fitness_history"]
        one.ancestor = row["ancestor"]
        one.update(genomes[row["representative"]], {genomes[index].key: genomes[index] for index in row["members"]})
        species_set.species[one.key] = one
    species_set.genome_to_species = {key: one.key for one in species_set.species.values() for key in one.members}
    if hasattr(species_set, "threshold"):
        species_set.threshold = data["threshold"]
    restore_counters(population, data)
    return None if data["champion"] is None else genomes[data["champion"]]


def counters(population: neat.Population) -> dict[str, int]:
    """Return the next keys of a population, and its last innovation number."""
    return {
        "next_species": population.species.indexer.value,
        "next_genome": population.reproduction.genome_indexer.value,
        "next_node": population.config.genome_config.node_indexer.value,
        "innovations": population.reproduction.innovation_tracker.global_counter,
    }


def restore_counters(population: neat.Population, data: dict[str, Any]) -> None:
    """Set the counters of a population to those returned by `counters`."""
    population.species.indexer = Count(data["next_species"])
    population.reproduction.genome_indexer = Count(data["next_genome"])
    population.config.genome_config.node_indexer = Count(data["next_node"])
    population.reproduction.innovation_tracker.global_counter = data["innovations"]


def restore_genomes(arrays: dict[str, np.ndarray], data: dict[str, Any], config: neat.Config) -> list[Genome]:
    """Return the genomes of a state that includes `counters`; raises ValueError if they do not fit each other."""
    validate_like({name: Within(0, 0, LARGEST_COUNT) for name in _COUNTERS}, data)
    return genomes_from_arrays(arrays, _limits(data, config), config)


def _limits(data: dict[str, Any], config: neat.Config) -> dict[str, tuple[float, float]]:
    """Return the limits of columns; keys must be below the next ones, so that none is assigned twice."""
    node, canonical = data["next_node"] - 1, getattr(config.reproduction_config, "fitness_sharing", "") == "canonical"
    return {
        "nodes.key": (0, node),
        "nodes.activation": (0, len(NAMES) - 1),
        "connections.source": (-config.genome_config.num_inputs, node),
        "connections.sink": (0, node),
        "connections.innovation": (0, data["innovations"]),
        "genomes.key": (0, data["next_genome"] - 1),
        "genomes.species": (-1, data["next_species"] - 1),
        "results.fitness": (-LARGEST_LOSS, 0.0 if canonical else LARGEST_LOSS),
        "results.loss": (-LARGEST_LOSS, LARGEST_LOSS),
        "results.version": (-1, LARGEST_COUNT),
    }


def _validate(data: dict[str, Any], genomes: list[Genome], config: neat.Config, threshold: float | None) -> None:
    """Raise ValueError if the plain data does not fit the genomes."""
    validate_like({"population": Within(0, 1, len(genomes))}, data)
    row, members = Within(0, 0, len(genomes) - 1), range(data["population"])
    species = {
        "key": Within(0, 0, data["next_species"] - 1),
        "created": 0,
        "ancestor": Within(0, 0, data["next_species"] - 1),
        "last_improved": 0,
        "representative": row,
        "members": [row],
        "fitness_history": [0.0],
    }
    validate_like({"generation": 0, "champion": OrNone(row), "species": [species], "threshold": threshold}, data)
    listed = [index for one in data["species"] for index in one["members"]]
    if sorted(listed) != [*members] or len({genomes[index].key for index in members}) < len(members):
        raise ValueError("the members of the species are not the genomes of the population")
    if data["champion"] is not None and not hasattr(genomes[data["champion"]], "version"):
        raise ValueError("the champion was never evaluated")
    lexicase = getattr(config.reproduction_config, "selection", "") == "lexicase"
    if lexicase and any(hasattr(genome, "version") and not genome.losses for genome in genomes):
        raise ValueError("a genome has no losses, by which parents are chosen")

"""Checks of the state of a population, which is read from a file and may be anything.

Conventions: whatever is wrong is a ValueError that says what. Indices count the rows of the state's tables from 0.
"""

from collections.abc import Iterable
from typing import Any

import neat
from neat.config import DefaultClassConfig
from neat.genome import DefaultGenomeConfig

from agents.search_state import check_size
from songs.validate import OrNone, validate_like

_GENOME = {
    "key": 0,
    "nodes": [0],
    "connections": [0],
    "fitness": OrNone(0.0),
    "losses": [0.0],
    "loss": OrNone(0.0),
    "right": OrNone(0),
    "version": OrNone(0),
    "species": OrNone(0),
}
_SPECIES = {
    "key": 0,
    "created": 0,
    "last_improved": 0,
    "representative": 0,
    "members": [0],
    "fitness_history": [0.0],
}
LARGEST_LOSS = 1e100
"""Boosted losses can be large; their squares are still numbers."""
_STATE = {
    "generation": 0,
    "population": [0],
    "champion": OrNone(0),
    "species": [_SPECIES],
    "threshold": OrNone(0.0),
    "next_species": 0,
    "next_genome": 0,
    "next_node": 0,
    "innovations": 0,
    "genomes": [_GENOME],
    "node_genes": [(0, 0.0, 0.0, "", "", 0.0)],
    "connection_genes": [(-1, 0, 0, 0.0, False)],
}
"""An example of all that `agents.neat.population_state` writes."""


def check_population(state: dict[str, Any], config: neat.Config) -> None:
    """Raise ValueError if a population cannot be made of a state.

    Args:
        state: what was read.
        config: of the run that should go on.
    """
    steered = config.genome_type is not neat.DefaultGenome
    validate_like(_STATE | {"threshold": 0.0 if steered else OrNone(0.0)}, state, "")
    if not state["population"]:
        raise ValueError("the population is empty")
    _check_genes(state)
    options = config.genome_config
    for genome in state["genomes"]:
        _check_genome(genome, state, options)
        _check_results(genome, options.num_outputs, config.reproduction_config)
    living = [state["genomes"][index]["key"] for index in state["population"]]
    members = [key for one in state["species"] for key in one["members"]]
    if len(set(living)) < len(living) or sorted(members) != sorted(living):
        raise ValueError("the members of the species are not the genomes of the population")
    if state["champion"] is not None and state["genomes"][state["champion"]]["right"] is None:
        raise ValueError("the champion was never evaluated")
    _check_counters(state)


def _check_genes(state: dict[str, Any]) -> None:
    for table, numbers in (("node_genes", (1, 2, 5)), ("connection_genes", (3,))):
        check_size([row[index] for row in state[table] for index in numbers], table)


def _check_genome(genome: dict[str, Any], state: dict[str, Any], options: DefaultGenomeConfig) -> None:
    inputs, outputs, feed_forward = options.num_inputs, options.num_outputs, options.feed_forward
    what = f"the genome {genome['key']}"
    nodes = [state["node_genes"][index][0] for index in genome["nodes"]]
    links = [tuple(state["connection_genes"][index][:2]) for index in genome["connections"]]
    there = set(nodes)
    if len(there) < len(nodes) or not there.issuperset(range(outputs)):
        raise ValueError(f"{what} has a node twice, or lacks an output")
    if len(set(links)) < len(links):
        raise ValueError(f"{what} has a connection twice")
    if feed_forward and any(0 <= source < outputs for source, _ in links):
        raise ValueError(f"{what} has a connection from an output")
    if not all((-inputs <= source < 0 or source in there) and sink in there for source, sink in links):
        raise ValueError(f"{what} joins nodes that are not there")


def _check_results(genome: dict[str, Any], outputs: int, breeding: DefaultClassConfig) -> None:
    """Raise ValueError if results are missing, of no possible size, or not what parents can be chosen by."""
    what = f"the genome {genome['key']}"
    if genome["losses"] and len(genome["losses"]) != outputs:
        raise ValueError(f"{what} has {len(genome['losses'])} losses, for {outputs} outputs")
    missing = [genome[name] is None for name in ("fitness", "loss", "right")]
    if any(missing) and not (all(missing) and genome["version"] is None):
        raise ValueError(f"{what} has only some of its results")
    if not any(missing):
        if getattr(breeding, "selection", "") == "lexicase" and not genome["losses"]:
            raise ValueError(f"{what} has no losses, by which parents are chosen")
        most = 0.0 if getattr(breeding, "fitness_sharing", "") == "canonical" else LARGEST_LOSS
        check_size([genome["fitness"]], what, -LARGEST_LOSS, most)
        check_size([genome["loss"], *genome["losses"]], what, -LARGEST_LOSS, LARGEST_LOSS)


def _check_counters(state: dict[str, Any]) -> None:
    """Raise ValueError if what is counted on would be given out twice."""
    given: dict[str, Iterable[int]] = {
        "next_species": (one["key"] for one in state["species"]),
        "next_genome": (genome["key"] for genome in state["genomes"]),
        "next_node": (row[0] for row in state["node_genes"]),
        "innovations": (row[2] - 1 for row in state["connection_genes"]),
    }
    for name, numbers in given.items():
        if not max(numbers, default=-1) < state[name] < 2**31:
            raise ValueError(f"{name} is {state[name]}, and was given out already, or is no such number")

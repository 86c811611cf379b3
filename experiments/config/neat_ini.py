"""neat-python's configuration file, generated from ours.

The file is kept in the run folder, so that a user of neat-python sees every option in the form they know.
"""

from pathlib import Path
from typing import Any

import neat

from agents.neat.genome import Genome
from agents.neat.reproduction import Reproduction
from agents.neat.species import SpeciesSet
from experiments.config.evolve import EvolveConfig


def neat_ini(config: EvolveConfig, inputs: int, outputs: int) -> str:
    """Return the text of neat-python's configuration file.

    Args:
        config: the experiment.
        inputs: number of input nodes.
        outputs: number of output nodes.
    """
    evolve, genome, operators, species = config.evolve, config.genome, config.operators, config.species
    fixed = {"init_type": "gaussian", "mutate_rate": 0, "replace_rate": 0}
    free = fixed | {
        "init_mean": 0,
        "init_stdev": genome.weight_init_stdev,
        "mutate_power": genome.weight_mutate_power,
        "min_value": -genome.weight_limit,
        "max_value": genome.weight_limit,
    }
    bias = {"init_mean": genome.bias_init_mean, "init_stdev": genome.bias_init_stdev}
    always_one = fixed | {"init_mean": 1, "init_stdev": 0, "mutate_power": 0, "min_value": 1, "max_value": 1}
    sections: dict[str, dict[str, Any]] = {
        "NEAT": {
            "fitness_criterion": "max",
            "fitness_threshold": 0,
            "no_fitness_termination": True,
            "pop_size": evolve.population_size,
            "reset_on_extinction": True,
        },
        "DefaultGenome": {
            "num_inputs": inputs,
            "num_outputs": outputs,
            "num_hidden": 0,
            "feed_forward": not genome.recurrent,
            "initial_connection": "unconnected",
            "compatibility_disjoint_coefficient": 1.0,
            "compatibility_weight_coefficient": 0.5,
            "conn_add_prob": 0,
            "conn_delete_prob": genome.conn_delete_prob,
            "node_add_prob": genome.node_add_prob,
            "node_delete_prob": genome.node_delete_prob,
            "connections_added": genome.connections_added,
            "weights_changed": genome.weights_changed,
            "modular_crossover": operators.modular_crossover,
            "donors": operators.donors,
            "loss_weighted_output": operators.loss_weighted_output,
            "guided_input": operators.active_input_bias if improvises(config) else operators.target_guided,
            "single_structural_mutation": False,
            "structural_mutation_surer": "default",
            "activation_default": genome.activation,
            "activation_options": genome.activation,
            "activation_mutate_rate": 0,
            "aggregation_default": "sum",
            "aggregation_options": "sum",
            "aggregation_mutate_rate": 0,
            "enabled_default": True,
            "enabled_mutate_rate": 0,
            **{f"weight_{key}": value for key, value in free.items()},
            **{f"bias_{key}": value for key, value in (free | bias).items()},
            **{f"response_{key}": value for key, value in always_one.items()},
            **{f"time_constant_{key}": value for key, value in always_one.items()},
        },
        "DefaultSpeciesSet": {
            "compatibility_threshold": species.compatibility_threshold,
            "target_species": species.target_species,
        },
        "DefaultStagnation": {
            "species_fitness_func": "max",
            "max_stagnation": species.max_stagnation,
            "species_elitism": species.species_elitism,
        },
        "DefaultReproduction": {
            "elitism": evolve.elitism,
            "survival_threshold": evolve.survival_threshold,
            "min_species_size": 1,
            "interspecies_mating": species.interspecies_mating,
            "fitness_sharing": species.fitness_sharing,
            "selection": evolve.selection,
        },
    }
    lines = ["# generated from config.toml; its options of mutation are those of agents/neat/operators.py"]
    for section, values in sections.items():
        lines += ["", f"[{section}]", *(f"{key} = {value}" for key, value in values.items())]
    return "\n".join(lines) + "\n"


def improvises(config: EvolveConfig) -> bool:
    """Return whether networks improvise, and do not learn a song first."""
    return bool(config.improvise.listener) and not config.task.mode_bit


def read_neat_config(path: Path) -> neat.Config:
    """Read a configuration file for neat-python's classes and our genome."""
    return neat.Config(Genome, Reproduction, SpeciesSet, neat.DefaultStagnation, path)

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
from experiments.config.settings import ConfigError

NEAT_PYTHON_LACKS: dict[str, dict[str, Any]] = {
    "evolve": {"selection": "truncation"},
    "species": {"target_species": 0, "interspecies_mating": 0.0, "fitness_sharing": "normalized"},
    "operators": {
        "modular_crossover": 0.0,
        "donors": 0,
        "loss_weighted_output": 0.0,
        "error_reweighting": 0.0,
        "parsimony": 0.0,
        "target_guided": 0.0,
        "active_input_bias": 0.0,
    },
    "genome": {"connections_added": 0.0, "weights_changed": 0.0},
}
"""Options that neat-python's own classes do not know, and the values that stand for that."""


def check_neat_python(config: EvolveConfig) -> None:
    """Raise ConfigError if an option asks neat-python's own NEAT for something that it does not have."""
    if config.evolve.algorithm != "neat_python":
        return
    for section, options in NEAT_PYTHON_LACKS.items():
        for name, value in options.items():
            found = getattr(getattr(config, section), name)
            if found != value:
                raise ConfigError(
                    f"{section}.{name} = {found!r}: evolve.algorithm = 'neat_python' has no such option and needs "
                    f"{value!r}; --config plain-neat sets all of them"
                )


def neat_ini(config: EvolveConfig, inputs: int, outputs: int) -> str:
    """Return the text of neat-python's configuration file.

    Args:
        config: the experiment.
        inputs: number of input nodes.
        outputs: number of output nodes.
    """
    evolve, own = config.evolve, config.evolve.algorithm == "neat_python"
    species: dict[str, Any] = {"compatibility_threshold": config.species.compatibility_threshold}
    reproduction: dict[str, Any] = {
        "elitism": evolve.elitism,
        "survival_threshold": evolve.survival_threshold,
        "min_species_size": 1,
    }
    if not own:
        species["target_species"] = config.species.target_species
        reproduction |= {
            "interspecies_mating": config.species.interspecies_mating,
            "fitness_sharing": config.species.fitness_sharing,
            "selection": evolve.selection,
        }
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
            **_structure(config),
            **(_neat_pythons_mutation(config) if own else _mutation(config)),
        },
        "DefaultSpeciesSet": species,
        "DefaultStagnation": {
            "species_fitness_func": "max",
            "max_stagnation": config.species.max_stagnation,
            "species_elitism": config.species.species_elitism,
        },
        "DefaultReproduction": reproduction,
    }
    lines = ["# generated from config.toml"]
    if not own:
        lines[0] += "; its options of mutation are those of agents/neat/operators.py"
    for section, values in sections.items():
        lines += ["", f"[{section}]", *(f"{key} = {value}" for key, value in values.items())]
    return "\n".join(lines) + "\n"


def _structure(config: EvolveConfig) -> dict[str, Any]:
    """Return the options of genomes but for the rates at which values change."""
    genome = config.genome
    free = {
        "init_type": "gaussian",
        "init_mean": 0,
        "init_stdev": genome.weight_init_stdev,
        "mutate_power": genome.weight_mutate_power,
        "min_value": -genome.weight_limit,
        "max_value": genome.weight_limit,
    }
    bias = free | {"init_mean": genome.bias_init_mean, "init_stdev": genome.bias_init_stdev}
    always_one = {"init_type": "gaussian", "init_mean": 1, "init_stdev": 0, "mutate_rate": 0, "replace_rate": 0}
    always_one |= {"mutate_power": 0, "min_value": 1, "max_value": 1}
    return {
        "num_hidden": 0,
        "feed_forward": not genome.recurrent,
        "initial_connection": "unconnected",
        "compatibility_disjoint_coefficient": 1.0,
        "compatibility_weight_coefficient": 0.5,
        "conn_delete_prob": genome.conn_delete_prob,
        "node_add_prob": genome.node_add_prob,
        "node_delete_prob": genome.node_delete_prob,
        "single_structural_mutation": False,
        "structural_mutation_surer": "default",
        "activation_default": genome.activation,
        "activation_options": genome.activation,
        "activation_mutate_rate": 0,
        "aggregation_default": "sum",
        "aggregation_options": "sum",
        "aggregation_mutate_rate": 0,
        "enabled_default": True,
        **{f"weight_{key}": value for key, value in free.items()},
        **{f"bias_{key}": value for key, value in bias.items()},
        **{f"response_{key}": value for key, value in always_one.items()},
        **{f"time_constant_{key}": value for key, value in always_one.items()},
    }


def _neat_pythons_mutation(config: EvolveConfig) -> dict[str, Any]:
    rates = config.neat_python
    return {
        "conn_add_prob": rates.conn_add_prob,
        "enabled_mutate_rate": rates.enabled_mutate_rate,
        "weight_mutate_rate": rates.weight_mutate_rate,
        "weight_replace_rate": rates.weight_replace_rate,
        "bias_mutate_rate": rates.bias_mutate_rate,
        "bias_replace_rate": rates.bias_replace_rate,
    }


def _mutation(config: EvolveConfig) -> dict[str, Any]:
    """Return the options of `agents.neat.operators`; neat-python's own rates are 0."""
    genome, operators = config.genome, config.operators
    rates = ("conn_add_prob", "enabled_mutate_rate")
    values = [f"{name}_{rate}" for name in ("weight", "bias") for rate in ("mutate_rate", "replace_rate")]
    return {
        **dict.fromkeys((*rates, *values), 0),
        "connections_added": genome.connections_added,
        "weights_changed": genome.weights_changed,
        "modular_crossover": operators.modular_crossover,
        "donors": operators.donors,
        "loss_weighted_output": operators.loss_weighted_output,
        "guided_input": operators.active_input_bias if improvises(config) else operators.target_guided,
    }


def improvises(config: EvolveConfig) -> bool:
    """Return whether networks improvise, and do not learn a song first."""
    return bool(config.improvise.listener) and not config.task.mode_bit


def read_neat_config(path: Path, neat_pythons: bool = False) -> neat.Config:
    """Read a configuration file for our genome, reproduction and species, or for neat-python's own."""
    ours = (Genome, Reproduction, SpeciesSet)
    theirs = (neat.DefaultGenome, neat.DefaultReproduction, neat.DefaultSpeciesSet)
    return neat.Config(*(theirs if neat_pythons else ours), neat.DefaultStagnation, path)

"""neat-python's configuration file, generated from ours.

The file is kept in the run folder, so that users of neat-python see every option in a familiar form.
"""

import dataclasses
from configparser import ConfigParser
from io import StringIO
from pathlib import Path
from typing import Any

import neat

from agents.neat.genome import Genome
from agents.neat.reproduction import Reproduction
from agents.neat.species import SpeciesSet
from experiments.config.evolve import EvolveConfig, Operators
from experiments.config.settings import ConfigError

NEAT_PYTHON_LACKS: dict[str, dict[str, Any]] = {
    "evolve": {"selection": "truncation"},
    "species": {"target_species": 0, "interspecies_mating": 0.0, "fitness_sharing": "normalized"},
    "operators": {
        each.name: 0 for each in dataclasses.fields(Operators) if each.name not in ("reweighting_every", "live_inputs")
    },
    "genome": {"connections_added": 0.0, "weights_changed": 0.0},
}
"""Options that neat-python's own classes lack, with the values that turn them off."""

FIXED = """
[NEAT]
fitness_criterion = max
fitness_threshold = 0
no_fitness_termination = True
reset_on_extinction = True

[DefaultGenome]
num_hidden = 0
compatibility_disjoint_coefficient = 1.0
compatibility_weight_coefficient = 0.5
single_structural_mutation = False
structural_mutation_surer = default
activation_mutate_rate = 0
aggregation_default = sum
aggregation_options = sum
aggregation_mutate_rate = 0
enabled_default = True
weight_init_type = gaussian
weight_init_mean = 0
bias_init_type = gaussian

[DefaultStagnation]
species_fitness_func = max

[DefaultReproduction]
min_species_size = 1
"""
"""Options that are the same in all experiments."""
INITIAL = {"none": "unconnected", "full": "full_nodirect"}
"""neat-python's names for `genome.initial_connections`."""
ALWAYS_ONE = {"init_type": "gaussian", "init_mean": 1, "init_stdev": 0, "mutate_rate": 0, "replace_rate": 0}
ALWAYS_ONE |= {"mutate_power": 0, "min_value": 1, "max_value": 1}
"""Options of node attributes that our networks do not have; these are always 1."""


def check_neat_python(config: EvolveConfig) -> None:
    """Raise ConfigError if an option requires something that neat-python's own NEAT lacks."""
    if config.evolve.algorithm != "neat_python":
        return
    for section, options in NEAT_PYTHON_LACKS.items():
        for name, value in options.items():
            actual = getattr(getattr(config, section), name)
            if actual != value:
                raise ConfigError(
                    f"{section}.{name} = {actual!r}: evolve.algorithm = 'neat_python' has no such option and needs "
                    f"{value!r}; --config plain-neat sets all of them"
                )


def neat_ini(config: EvolveConfig, inputs: int, outputs: int) -> str:
    """Return the text of neat-python's configuration file, given the numbers of input and output nodes."""
    evolve, species = config.evolve, config.species
    sections = {
        "NEAT": {"pop_size": evolve.population_size},
        "DefaultGenome": {"num_inputs": inputs, "num_outputs": outputs, **_genome(config)},
        "DefaultSpeciesSet": _values(species, "compatibility_threshold"),
        "DefaultStagnation": _values(species, "max_stagnation", "species_elitism"),
        "DefaultReproduction": _values(evolve, "elitism", "survival_threshold"),
    }
    note = "# generated from config.toml"
    if evolve.algorithm != "neat_python":
        note += "; its options of mutation are those of agents/neat/operators.py"
        sections["DefaultSpeciesSet"] |= _values(species, "target_species")
        sections["DefaultReproduction"] |= _values(species, "interspecies_mating", "fitness_sharing")
        sections["DefaultReproduction"] |= _values(evolve, "selection")
    ini, text = ConfigParser(), StringIO()
    ini.read_string(FIXED)
    ini.read_dict(sections)
    ini.write(text)
    return f"{note}\n\n{text.getvalue()}"


def _values(section: object, *names: str) -> dict[str, Any]:
    """Return the values of options that have the same name in both files."""
    return {name: getattr(section, name) for name in names}


def _genome(config: EvolveConfig) -> dict[str, Any]:
    """Return the options of genomes and their mutation."""
    genome, operators = config.genome, config.operators
    values = {"feed_forward": not genome.recurrent, "activation_default": genome.activation}
    values |= {"activation_options": genome.activation, "weight_init_stdev": genome.weight_init_stdev}
    values["initial_connection"] = INITIAL[genome.initial_connections]
    values |= _values(genome, "bias_init_mean", "bias_init_stdev")
    values |= _values(genome, "conn_delete_prob", "node_add_prob", "node_delete_prob")
    for name in ("weight", "bias"):
        values[f"{name}_mutate_power"] = genome.weight_mutate_power
        values[f"{name}_min_value"], values[f"{name}_max_value"] = -genome.weight_limit, genome.weight_limit
    for name in ("response", "time_constant"):
        values |= {f"{name}_{key}": value for key, value in ALWAYS_ONE.items()}
    rates = dataclasses.asdict(config.neat_python)
    if config.evolve.algorithm == "neat_python":
        return values | rates
    return {
        **values,
        **dict.fromkeys(rates, 0),
        **_values(genome, "connections_added", "weights_changed"),
        **_values(operators, "modular_crossover", "donors", "loss_weighted_output"),
        "guided_input": operators.active_input_bias if improvises(config) else operators.target_guided,
    }


def improvises(config: EvolveConfig) -> bool:
    """Return True if networks improvise, also after they learned a song."""
    return bool(config.improvise.listener)


def read_neat_config(path: Path, neat_pythons: bool = False) -> neat.Config:
    """Read a configuration file for our classes of genome, reproduction and species, or for neat-python's."""
    ours = (Genome, Reproduction, SpeciesSet)
    theirs = (neat.DefaultGenome, neat.DefaultReproduction, neat.DefaultSpeciesSet)
    return neat.Config(*(theirs if neat_pythons else ours), neat.DefaultStagnation, path)

"""The configuration of experiments: every option documented and checked, and presets that load."""

import dataclasses
import tomllib

import neat
import pytest

from agents.fitness import KINDS
from experiments.config.evolve import EvolveConfig
from experiments.config.neat_ini import check_neat_python, neat_ini, read_neat_config
from experiments.config.settings import ConfigError
from experiments.verbs.evolve import PRESETS

OPTIONS = [
    (section.name, option)
    for section in dataclasses.fields(EvolveConfig)
    for option in dataclasses.fields(section.default_factory)
]
NAMES = [f"{section}.{option.name}" for section, option in OPTIONS]
DOCUMENTED = [(section, option) for section, option in OPTIONS if "help" in option.metadata]
"""Options of the experiment itself; those of the other algorithms are checked by their own classes."""


def test_every_option_is_documented_or_that_of_an_algorithm():
    algorithms = {option.name: option for _, option in OPTIONS}["algorithm"].metadata["choices"]
    assert {section for section, option in OPTIONS if "help" not in option.metadata} <= set(algorithms)
    assert all(len(option.metadata["help"]) > 5 for _, option in DOCUMENTED)


@pytest.mark.parametrize(("section", "option"), OPTIONS, ids=NAMES)
def test_every_option_has_a_type_and_a_default_that_is_allowed(section, option):
    assert option.type in (int, float, str, bool)
    assert type(option.default) is option.type
    again = EvolveConfig().change(section, **{option.name: option.default})
    assert again == EvolveConfig()


@pytest.mark.parametrize(("section", "option"), OPTIONS, ids=NAMES)
def test_every_option_refuses_what_is_of_another_type(section, option):
    wrong = {int: [1.5, "x", True], float: ["x", True], str: [1, True], bool: [1, "x"]}[option.type]
    for value in [*wrong, [] if not option.metadata.get("numbers") else ["x"], {}, None]:
        with pytest.raises(ConfigError, match=rf"^{section}\.{option.name} = .*: it must be "):
            EvolveConfig().change(section, **{option.name: value})


@pytest.mark.parametrize(("section", "option"), [(s, o) for s, o in DOCUMENTED if o.type in (int, float)])
def test_numbers_end_at_their_limits(section, option):
    low, high = option.metadata["low"], option.metadata["high"]
    assert low is not None
    below = {int: low - 1, float: low - 0.5}[option.type]
    with pytest.raises(ConfigError, match="it must be"):
        EvolveConfig().change(section, **{option.name: below})
    if high is not None:
        with pytest.raises(ConfigError, match="it must be"):
            EvolveConfig().change(section, **{option.name: type(below)(high) * 2 + 1})
    for limit in (low, high):
        if limit is not None:
            changed = EvolveConfig().change(section, **{option.name: option.type(limit)})
            assert EvolveConfig.from_toml(changed.to_toml()) == changed


@pytest.mark.parametrize(("section", "option"), [(s, o) for s, o in DOCUMENTED if o.metadata["choices"]])
def test_every_choice_is_kept_by_toml_and_others_are_refused(section, option):
    for choice in option.metadata["choices"]:
        changed = EvolveConfig().change(section, **{option.name: choice})
        assert EvolveConfig.from_toml(changed.to_toml()) == changed
    with pytest.raises(ConfigError, match="choose one of"):
        EvolveConfig().change(section, **{option.name: "something else"})


@pytest.mark.parametrize(("section", "option"), [(s, o) for s, o in OPTIONS if o.type is float])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_are_finite(section, option, value):
    with pytest.raises(ConfigError, match="it must be finite"):
        EvolveConfig().change(section, **{option.name: value})


def test_the_fitness_kinds_are_those_that_there_are():
    for kind in KINDS:
        assert EvolveConfig().change("evolve", fitness=kind).evolve.fitness == kind


# Presets


def test_presets_are_listed_in_order():
    assert EvolveConfig.presets() == sorted(EvolveConfig.presets())
    assert {"plain-neat", "xor"} <= set(EvolveConfig.presets())
    assert ", ".join(EvolveConfig.presets()) == PRESETS


@pytest.mark.parametrize("name", EvolveConfig.presets())
def test_a_preset_loads_and_changes_something(name):
    config = EvolveConfig.load(name)
    assert config != EvolveConfig()
    assert EvolveConfig.from_toml(config.to_toml()) == config


def test_plain_neat_is_neat_pythons_own():
    config = EvolveConfig.load("plain-neat")
    assert config.evolve.algorithm == "neat_python"
    check_neat_python(config)


@pytest.mark.parametrize(
    ("section", "name", "value"),
    [
        ("operators", "donors", 2),
        ("operators", "parsimony", 0.5),
        ("species", "target_species", 8),
        ("evolve", "selection", "lexicase"),
        ("genome", "connections_added", 1.0),
    ],
)
def test_what_neat_python_does_not_have_is_refused(section, name, value):
    config = EvolveConfig.load("plain-neat").change(section, **{name: value})
    with pytest.raises(ConfigError, match=f"{section}.{name} = {value!r}: evolve.algorithm = 'neat_python'"):
        check_neat_python(config)


def test_the_xor_preset_has_no_operator_beyond_neat():
    xor = EvolveConfig.load("xor")
    assert xor.task.kind == "xor"
    assert xor.operators == EvolveConfig.load("plain-neat").operators
    assert xor.genome.node_add_prob > 0


# neat-python's configuration file


def test_neat_python_reads_its_own_rates(tmp_path):
    config = EvolveConfig.load("plain-neat").change("neat_python", weight_mutate_rate=0.25)
    path = tmp_path / "neat.ini"
    path.write_text(neat_ini(config, 26, 13))
    read = read_neat_config(path, neat_pythons=True)
    assert read.genome_type is neat.DefaultGenome
    assert (read.genome_config.weight_mutate_rate, read.genome_config.conn_add_prob) == (0.25, 0.9)
    assert read.species_set_config.compatibility_threshold == 3


@pytest.mark.parametrize("preset", [None, "many-songs", "xor"])
def test_neat_python_reads_the_same_settings(preset, tmp_path):
    config = EvolveConfig.load(preset).change("genome", weight_limit=7.5, connections_added=2.25)
    config = config.change("evolve", population_size=77, elitism=3)
    path = tmp_path / "neat.ini"
    path.write_text(neat_ini(config, 26, 13))
    read = read_neat_config(path)
    genome = read.genome_config
    assert (read.pop_size, genome.num_inputs, genome.num_outputs, genome.num_hidden) == (77, 26, 13, 0)
    assert (genome.weight_min_value, genome.weight_max_value, genome.bias_max_value) == (-7.5, 7.5, 7.5)
    assert genome.connections_added == 2.25
    assert genome.node_add_prob == config.genome.node_add_prob
    assert genome.modular_crossover == config.operators.modular_crossover
    assert genome.loss_weighted_output == config.operators.loss_weighted_output
    assert genome.activation_default == config.genome.activation
    assert read.reproduction_config.elitism == 3
    assert read.reproduction_config.selection == config.evolve.selection
    assert read.reproduction_config.interspecies_mating == config.species.interspecies_mating
    assert read.species_set_config.target_species == config.species.target_species
    assert read.species_set_config.compatibility_threshold == config.species.compatibility_threshold
    assert read.stagnation_config.max_stagnation == config.species.max_stagnation


def test_toml_of_the_defaults_names_every_option():
    written = tomllib.loads(EvolveConfig().to_toml())
    assert [f"{section}.{name}" for section, values in written.items() for name in values] == NAMES

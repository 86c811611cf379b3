"""Configuration: what an experiment is, in frozen dataclasses that TOML files and `--set` change.

A TOML file holds only what differs from the defaults, in sections named like the fields of `Config`. A key
that does not exist is an error that lists those that do.
"""

import dataclasses
import math
import tomllib
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import tomli_w

from agents.fitness import KINDS
from songs.keyboard import PROMPT_STEPS, SONG_STEPS


class ConfigError(ValueError):
    """A configuration that cannot be used; the message names the key and what is allowed."""


def option(default: Any, help: str, low: float | None = None, high: float | None = None, choices: tuple = ()) -> Any:
    """A documented configuration field with its range."""
    return field(default=default, metadata={"help": help, "low": low, "high": high, "choices": choices})


@dataclass(frozen=True)
class Task:
    """What is to be learned."""

    kind: str = option("song", "'song', or 'xor' for the classic check of NEAT", choices=("song", "xor"))
    song: str = option("grasshopper", "a name in the catalogue, or the path of a .mid file")
    folder: str = option("", "folder of the catalogue; '' for the songs that come with the project")
    track: str = option("", "read only the MIDI tracks of this name; '' for all")
    steps: int = option(SONG_STEPS, "longest song in steps; what is beyond is cut", 9, 100_000)
    memory: int = option(0, "steps the performer remembers; 0: what the song needs, at least 32", 0, 4096)
    prompt: int = option(PROMPT_STEPS, "steps at the start that are given", 0, 4096)
    mode_bit: bool = option(False, "add an input that is 1 to play the song, 0 to improvise")


@dataclass(frozen=True)
class Evolve:
    """How the population evolves."""

    seed: int = option(0, "the same seed gives the same run", 0, 2**63 - 1)
    generations: int = option(2000, "budget: generations after which evolution gives up", 1, 10**9)
    population_size: int = option(60, "genomes in a generation", 4, 1_000_000)
    fitness: str = option("squared_hinge", "what a genome is worth", choices=tuple(KINDS))
    elitism: int = option(2, "best genomes of a species that live on unchanged", 0, 1000)
    survival_threshold: float = option(0.2, "share of a species that may have children", 0.01, 1.0)
    compatibility_threshold: float = option(3.0, "genetic distance from which genomes form another species", 0.0)
    max_stagnation: int = option(20, "generations without progress after which a species dies", 1)
    species_elitism: int = option(2, "number of best species that never die of stagnation", 0)


@dataclass(frozen=True)
class Operators:
    """Operators beyond plain NEAT; each is off at 0. They are named in every run, plot and report."""

    modular_crossover: float = option(0.5, "chance that a child takes each output from the parent better at it", 0.0, 1.0)
    focus: float = option(0.7, "chance that a mutation picks its output in proportion to its loss", 0.0, 1.0)
    boost: float = option(0.3, "growth of the weight of the cells the champion gets wrong", 0.0, 100.0)
    boost_every: int = option(10, "generations between two boosts", 1)


@dataclass(frozen=True)
class Genome:
    """What a mutation does."""

    connections_added: float = option(1.0, "mean number of connections added to a child", 0.0, 100.0)
    weights_changed: float = option(2.0, "mean number of weights and biases changed in a child, beyond the first", 0.0, 1000.0)
    conn_delete_prob: float = option(0.35, "chance of deleting a connection", 0.0, 1.0)
    node_add_prob: float = option(0.01, "chance of splitting a connection by a hidden node", 0.0, 1.0)
    node_delete_prob: float = option(0.005, "chance of deleting a hidden node", 0.0, 1.0)
    weight_mutate_power: float = option(0.7, "standard deviation of a change of a weight or bias", 0.0, 100.0)
    weight_init_stdev: float = option(1.0, "standard deviation of a new weight or bias", 0.0, 100.0)
    weight_limit: float = option(30.0, "weights and biases lie between minus this and this", 0.001, 1000.0)
    activation: str = option("tanh", "activation of every node", choices=("tanh", "sigmoid"))


@dataclass(frozen=True)
class Config:
    """A whole experiment."""

    task: Task = field(default_factory=Task)
    evolve: Evolve = field(default_factory=Evolve)
    operators: Operators = field(default_factory=Operators)
    genome: Genome = field(default_factory=Genome)

    def change(self, section: str, **values: Any) -> "Config":
        """Return a configuration with other values in one section; raises ConfigError."""
        fields = {one.name: one.type for one in dataclasses.fields(self)}
        if section not in fields:
            raise ConfigError(f"unknown section [{section}]: there are {', '.join(fields)}")
        old = getattr(self, section)
        options = {one.name: one for one in dataclasses.fields(old)}
        for name, value in values.items():
            if name not in options:
                raise ConfigError(f"unknown key {section}.{name}: [{section}] has {', '.join(options)}")
            values[name] = _checked(f"{section}.{name}", options[name], value)
        return dataclasses.replace(self, **{section: dataclasses.replace(old, **values)})

    def to_toml(self) -> str:
        """Return the configuration as TOML text that `load` reads."""
        return tomli_w.dumps(dataclasses.asdict(self))


def _checked(name: str, option: dataclasses.Field, value: Any) -> Any:
    """Return a value in the type of its option; raises ConfigError if it does not fit."""
    wanted = option.type
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not wanted:
        kinds = {int: "a whole number", float: "a number", str: "a text in quotes", bool: "true or false"}
        raise ConfigError(f"{name} = {value!r}: it must be {kinds[wanted]}")
    low, high, choices = (option.metadata[key] for key in ("low", "high", "choices"))
    if choices and value not in choices:
        raise ConfigError(f"{name} = {value!r}: choose one of {', '.join(choices)}")
    if wanted is float and not math.isfinite(value):
        raise ConfigError(f"{name} = {value!r}: it must be finite")
    if low is not None and value < low or high is not None and value > high:
        limits = f"at least {low:g}" if high is None else f"{low:g} to {high:g}"
        raise ConfigError(f"{name} = {value!r}: it must be {limits}")
    return value


def presets() -> list[str]:
    """Return the names of the configurations that come with the project."""
    return sorted(path.name.removesuffix(".toml") for path in _preset_folder().iterdir() if path.name.endswith(".toml"))


def _preset_folder():
    return files("experiments") / "configs"


def load(source: str | Path | None) -> Config:
    """Read a configuration.

    Args:
        source: path of a TOML file, the name of a preset, or None for the defaults.

    Raises:
        ConfigError: there is no such file or preset, or it cannot be used.
    """
    if source is None:
        return Config()
    if str(source) in presets():
        text = (_preset_folder() / f"{source}.toml").read_text()
    else:
        try:
            text = Path(source).read_text()
        except FileNotFoundError:
            raise ConfigError(f"{source}: no such file or preset; presets are {', '.join(presets())}") from None
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{source}: cannot be read: {error}") from None
    try:
        return from_toml(text)
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from None


def from_toml(text: str) -> Config:
    """Read a configuration from TOML text; raises ConfigError."""
    try:
        sections = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"not a TOML file: {error}") from None
    config = Config()
    for section, values in sections.items():
        if not isinstance(values, dict):
            raise ConfigError(f"{section} stands outside of a section: write it below [task], [evolve], ...")
        config = config.change(section, **values)
    return config


def apply_setting(config: Config, setting: str) -> Config:
    """Return the configuration with one `section.key=value` applied; raises ConfigError."""
    name, equals, value = setting.partition("=")
    section, dot, key = name.strip().partition(".")
    if not (equals and dot and key):
        raise ConfigError(f"--set {setting}: write section.key=value, as in --set evolve.population_size=300")
    try:
        parsed = tomllib.loads(f"value = {value.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value.strip()  # a text without quotes
    return config.change(section, **{key: parsed})

"""Assembly: the one place that puts the concrete parts together, from a configuration or a run folder."""

from dataclasses import dataclass
from pathlib import Path

import neat
import numpy as np

from agents.cases import Cases, memory_cases, xor_cases
from agents.evaluator import Boost, Evaluator
from agents.evolution import Evolution
from agents.genome import Genome
from agents.genome_json import genome_from_json
from agents.network_player import NetworkPlayer
from agents.phenotype import network_outputs
from envs.keyboard_env import KeyboardEnv
from experiments.config import Config, ConfigError, from_toml
from experiments.neat_config import neat_ini, read_neat_config
from experiments.run_folder import RunError, RunFolder, write_atomically
from songs.catalog import find_song
from songs.piano_roll import memory_needed
from songs.song import Song

LEAST_MEMORY = 32
"""Steps that are remembered at least where the configuration leaves it to the song: four bars."""


def resolve(config: Config) -> tuple[Config, list[Song]]:
    """Look up the songs of a configuration and fill in what depends on them.

    Returns:
        The configuration with its memory settled, and the songs.

    Raises:
        SongError: there is no such song.
        ConfigError: song, prompt and memory do not go together.
    """
    task = config.task
    if task.kind == "xor":
        return config, []
    song = find_song(task.song, task.folder or None, task.steps, task.track or None)
    if task.prompt >= song.steps:
        raise ConfigError(f"task.prompt = {task.prompt}: {song.name} has only {song.steps} steps")
    if task.memory == 0:
        needed = memory_needed(song.roll, task.prompt)
        config = config.change("task", memory=max(LEAST_MEMORY, needed or 0))
    return config, [song]


def make_cases(config: Config, songs: list[Song]) -> Cases:
    """Return the cases that the task's networks are evaluated on."""
    task = config.task
    return xor_cases() if task.kind == "xor" else memory_cases(songs, task.memory, task.prompt, task.mode_bit)


def make_evolution(config: Config, songs: list[Song], folder: RunFolder) -> Evolution:
    """Return the NEAT run of a resolved configuration; its neat-python file is kept in the run folder."""
    cases = make_cases(config, songs)
    path = folder.path / "neat.ini"
    write_atomically(path, neat_ini(config, len(cases.inputs), len(cases.targets)))
    boost = Boost(config.operators.boost, config.operators.boost_every)
    return Evolution(read_neat_config(path), Evaluator(cases, config.evolve.fitness, boost), config.evolve.seed)


def operators_used(config: Config) -> list[str]:
    """Name the operators beyond plain NEAT that are on, for reports."""
    operators = config.operators
    named = {"modular crossover": operators.modular_crossover, "focus": operators.focus, "boost": operators.boost}
    return [f"{name} {value:g}" for name, value in named.items() if value]


def make_env(config: Config, songs: list[Song], **options) -> KeyboardEnv:
    """Return the environment of a resolved configuration.

    Args:
        config: the experiment.
        songs: what is played.
        **options: further arguments of `KeyboardEnv`.
    """
    task = config.task
    return KeyboardEnv(songs, memory=task.memory, prompt=task.prompt, mode_bit=task.mode_bit, **options)


def make_player(config: Config, genome: neat.DefaultGenome) -> NetworkPlayer:
    """Return a genome as a performer."""
    return NetworkPlayer(genome, config.task.memory, config.task.mode_bit)


@dataclass(frozen=True, eq=False)
class Run:
    """A finished or interrupted run, read back from its folder."""

    folder: RunFolder
    config: Config
    songs: list[Song]
    champion: neat.DefaultGenome
    inputs: int
    outputs: int

    def player(self) -> NetworkPlayer:
        """Return the champion as a performer; raises RunError where it plays no keyboard."""
        if not self.songs:
            raise RunError(f"{self.folder.path}: this run learned {self.config.task.kind}, it plays no song")
        return make_player(self.config, self.champion)


def open_run(path: str | Path) -> Run:
    """Read a run folder.

    Raises:
        RunError: it is not there, is none, or lacks a part.
    """
    folder = RunFolder.open(path)
    try:
        config = from_toml(folder.read_text("config.toml"))
    except ConfigError as error:
        raise RunError(f"{path}: config.toml is broken: {error}") from None
    if not (folder.path / "best" / "genome.json").is_file():
        raise RunError(f"{path}: the run has no champion yet: best/genome.json is missing")
    try:
        champion, inputs, outputs = genome_from_json(folder.read_text("best/genome.json"), Genome)
    except ValueError as error:
        raise RunError(f"{path}: best/genome.json is broken: {error}") from None
    songs = [] if config.task.kind == "xor" else folder.read_songs()
    return Run(folder, config, songs, champion, inputs, outputs)


def truth_table(run: Run) -> dict[str, int]:
    """Return how many of the four cases of exclusive or the champion of an XOR run gets right."""
    cases = xor_cases()
    outputs = network_outputs(run.champion, cases.inputs.astype(np.float64), 1)
    return {"cases": len(cases), "right": int(((outputs > 0) == cases.targets).all(axis=0).sum())}

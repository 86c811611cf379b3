"""Assembly: songs, cases, environments and performers, from a configuration or a run folder.

With `experiments.runs.searches` the only place that puts concrete parts together.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import neat

from agents.cases import Cases, memory_cases, xor_cases
from agents.neat.genome_json import genome_from_json
from agents.neat.network import Network
from agents.neat.network_player import NetworkPlayer, RecurrentPlayer
from agents.neat.recurrent_network import RecurrentNetwork
from agents.performer import Performer
from envs.keyboard_env import KeyboardEnv
from experiments.config.evolve import EvolveConfig, Task
from experiments.config.neat_ini import check_neat_python
from experiments.config.settings import ConfigError
from experiments.runs.folder import RunError, RunFolder
from experiments.runs.improvise import Improvising, improvising_of_run, read_improvising, settle_improvisation
from experiments.runs.lifecycle import name_of_kind, read_config
from songs.catalog import find_song, read_catalog
from songs.keyboard import KEYS
from songs.piano_roll import memory_needed
from songs.song import Song, SongError

if TYPE_CHECKING:
    from experiments.config.dqn import DqnConfig

WithSongs = TypeVar("WithSongs", EvolveConfig, "DqnConfig")

OTHERS = {
    "vae": "trained a MusicVAE, which performs no song: see kuznechik report {path}",
    "listener": "trained a listener, which plays nothing: see kuznechik listener score FILE.mid --listener {path}",
}
"""Runs of these kinds have no performer; what they have instead."""

LEAST_MEMORY = 32
"""Steps that are remembered at least where the configuration leaves it to the song: four bars."""


def resolve(config: EvolveConfig) -> tuple[EvolveConfig, list[Song]]:
    """Look up the songs of a configuration and fill in what depends on them.

    Returns:
        The configuration with its memory settled, and the songs.

    Raises:
        SongError: there is no such song.
        ConfigError: song, prompt and memory, or population and elites, do not go together.
    """
    task, evolve = config.task, config.evolve
    if evolve.elitism >= evolve.population_size:
        raise ConfigError(
            f"evolve.elitism = {evolve.elitism}: the population has only {evolve.population_size} genomes"
        )
    check_neat_python(config)
    if config.improvise.listener:
        config = settle_improvisation(config)
    if task.kind == "xor":
        if config.evolve.algorithm == "verified_prefix":
            raise ConfigError("evolve.algorithm = 'verified_prefix' learns a song, not exclusive or")
        return config, []
    config, songs = resolve_songs(config)
    if config.evolve.algorithm == "verified_prefix" and len(songs) > 1:
        raise ConfigError("evolve.algorithm = 'verified_prefix' learns one song, not several together")
    return config, songs


def resolve_songs(config: WithSongs) -> tuple[WithSongs, list[Song]]:
    """Look up the songs of a configuration of any kind and settle its memory.

    Raises:
        SongError: there is no such song.
        ConfigError: song, prompt and memory do not go together.
    """
    task = config.task
    songs = playable_songs(task) if task.together else named_songs(task)
    for song in songs:
        if task.prompt >= song.steps:
            raise ConfigError(f"task.prompt = {task.prompt}: {song.name} has only {song.steps} steps")
    if task.memory == 0:
        needed = [memory_needed(song.roll, task.prompt) or 0 for song in songs]
        config = config.change("task", memory=max(LEAST_MEMORY, *needed))
    return config, songs


def named_songs(task: Task) -> list[Song]:
    """Return the song that a task names, or the songs, between commas.

    Raises:
        SongError: there is no such song.
        ConfigError: two have the same name.
    """

    def find(name: str) -> Song:
        return find_song(name, task.folder or None, task.steps, task.track or None)

    names = [name.strip() for name in task.song.split(",")]
    if len(names) == 1 or Path(task.song).is_file():
        return [find(task.song)]
    songs = [find(name) for name in names]
    twice = [song.name for song in songs if [one.name for one in songs].count(song.name) > 1]
    if twice:
        raise ConfigError(f"task.song = {task.song!r}: two songs are called {twice[0]!r}")
    return songs


def playable_songs(task: Task) -> list[Song]:
    """Return the songs of a task's catalogue that the keyboard can play; raises SongError if there is none."""
    entries = read_catalog(task.folder or None, task.prompt, task.steps, task.track or None)
    songs = [entry.song for entry in entries if entry.song is not None]
    if not songs:
        raise SongError(f"{task.folder}: none of its {len(entries)} MIDI files can be played; see kuznechik songs")
    return songs


def make_cases(config: EvolveConfig, songs: Sequence[Song]) -> Cases:
    """Return the cases that the task's networks are evaluated on."""
    task = config.task
    cases = xor_cases() if task.kind == "xor" else memory_cases(songs, task.memory, task.prompt, task.mode_bit)
    return dataclasses.replace(cases, recurrent=config.genome.recurrent)


def make_env(task: Task, songs: Sequence[Song], **options) -> KeyboardEnv:
    """Return the environment of a resolved task.

    Args:
        task: memory, prompt and mode bit.
        songs: what is played.
        **options: further arguments of `KeyboardEnv`.
    """
    return KeyboardEnv(songs, memory=task.memory, prompt=task.prompt, mode_bit=task.mode_bit, **options)


@dataclass(frozen=True, eq=False)
class Run:
    """A finished or interrupted run, read back from its folder."""

    folder: RunFolder
    task: Task
    songs: Sequence[Song]
    performer: Performer | None
    """The champion; None where the task is no music."""
    network: Network | None = None
    """The champion where the task is no music."""
    improvising: Improvising | None = None
    """Its improvisation task; None where it memorised a song."""

    @property
    def memorised(self) -> bool:
        """Whether its task was to learn songs; else it only improvises."""
        return self.improvising is None or self.task.mode_bit

    def player(self) -> Performer:
        """Return the champion as a performer; raises RunError where it plays no keyboard."""
        if self.performer is None:
            raise RunError(f"{self.folder.path}: this run learned {self.task.kind}, it plays no song")
        return self.performer

    def improvisation(self) -> Improvising:
        """Return what the run improvises; raises RunError where it memorised a song."""
        if self.improvising is None:
            raise RunError(f"{self.folder.path}: this run memorised its song, it does not improvise")
        return self.improvising


def open_run(path: str | Path) -> Run:
    """Read a run folder whose champion is a performer.

    Raises:
        RunError: it is not there, lacks a part, or trained no performer.
    """
    folder = RunFolder.open(path)
    kind = name_of_kind(folder)
    if kind == "evolve":
        return _open_evolved(folder)
    if kind == "dqn":
        return _open_learned(folder)
    raise RunError(f"{path}: this run {OTHERS[kind].format(path=path)}")


def _open_evolved(folder: RunFolder) -> Run:
    config = read_config(folder)
    try:
        genome, inputs, outputs = genome_from_json(folder.read_text("best/genome.json"))
        player = make_player(config, genome, inputs, outputs)
    except RunError:
        raise
    except ValueError as error:
        raise RunError(f"{folder.path}: best/genome.json is broken: {error}") from None
    if config.task.kind == "xor":
        return Run(folder, config.task, [], None, Network(genome, outputs))
    songs = folder.read_songs(config.task.steps, config.task.prompt)
    improvising = read_improvising(folder, config.improvise, config.task.memory, songs)
    return Run(folder, config.task, songs, player, improvising=improvising)


def make_player(config: EvolveConfig, genome: neat.DefaultGenome, inputs: int, outputs: int) -> Performer:
    """Return a genome as a performer; raises ValueError if its network is not of the configured kind."""
    task = config.task
    wanted = (2, 1) if task.kind == "xor" else (task.memory * KEYS + task.mode_bit, KEYS)
    if (inputs, outputs) != wanted:
        raise ValueError(f"it has {inputs} inputs and {outputs} outputs, the task has {wanted[0]} and {wanted[1]}")
    if config.genome.recurrent:
        return RecurrentPlayer(RecurrentNetwork(genome, inputs, outputs), config.task.mode_bit)
    return NetworkPlayer(Network(genome, outputs), config.task.memory, config.task.mode_bit)


def _open_learned(folder: RunFolder) -> Run:
    try:
        from experiments.runs.dqn_parts import read_player
    except ImportError as error:
        raise RunError(
            f"{folder.path}: this run needs the package {error.name}: pip install 'kuznechik[torch]'"
        ) from None
    config = read_config(folder)
    songs, improvising, options = folder.read_songs(config.task.steps, config.task.prompt), None, config.environment
    if config.improvises:
        improvising = improvising_of_run(folder, options.listener, options.extra_keys, config.task, songs)
    return Run(folder, config.task, songs, read_player(folder, config), improvising=improvising)


def truth_table(run: Run) -> dict[str, int]:
    """Return how many of the four cases of exclusive or the champion of an XOR run gets right.

    Raises:
        RunError: the run learned something else.
    """
    cases = xor_cases()
    if run.network is None:
        raise RunError(f"{run.folder.path}: this run plays music, it did not learn exclusive or")
    return {"cases": len(cases), "right": int(((run.network(cases.inputs) > 0) == cases.targets).all(axis=0).sum())}

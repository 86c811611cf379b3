"""Assembly: songs, cases, environments and performers of a configuration.

Only this module and `experiments.runs.evolve.searches` put concrete parts together.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import neat
import numpy as np

from agents.cases import Cases, memory_cases, xor_cases
from agents.neat.env_evolution import env_cases
from agents.neat.network import Network
from agents.neat.network_player import NetworkPlayer
from agents.neat.prior_player import PriorPlayer
from agents.neat.recurrent_network import RecurrentNetwork
from agents.other_searches.verified_prefix import MOST_KEYS
from agents.performer import Performer
from envs.keyboard_env import KeyboardEnv
from experiments.config.evolve import OTHER_SEARCHES, EvolveConfig, Task
from experiments.config.neat_ini import check_neat_python, improvises
from experiments.config.settings import ConfigError
from experiments.runs.evolve.env_task import make_env as make_gym_env
from experiments.runs.evolve.env_task import settle_environment
from experiments.runs.folder import RunFolder
from experiments.runs.improvise import Improvising
from experiments.runs.named import NO_PRIOR, named_listener
from experiments.runs.plans import check_plan, check_planned_songs
from experiments.runs.settle_improvisation import settle_improvisation
from listener.attachment import hears_any_keyboard
from songs.catalog import (
    Entry,
    changes_in_words,
    check_listenable,
    default_folder,
    find_file,
    midi_files,
    read_catalog,
    read_entry,
    read_song,
    reasons_in_words,
    song_name,
    suits_listeners,
)
from songs.keyboard import common_keyboard
from songs.piano_roll import memory_needed, read_lags, rows_of
from songs.plain_text import plain
from songs.plan import PlanFollower, PlanInputs, input_count
from songs.song import Song, SongError, usual_memory, usual_prompt

if TYPE_CHECKING:
    from experiments.config.dqn import DqnConfig

WithSongs = TypeVar("WithSongs", EvolveConfig, "DqnConfig")

MANY_INPUTS = 500
"""Number of inputs at which evolution uses only those that are ever on; the project's own songs have fewer."""


def resolve(config: EvolveConfig) -> tuple[EvolveConfig, list[Song]]:
    """Return the configuration with prompt and memory resolved, and its songs.

    Raises:
        SongError: The song does not exist.
        ConfigError: Options cannot be combined, such as song, prompt and memory, or population and elites.
    """
    task, evolve, species = config.task, config.evolve, max(1, config.species.target_species)
    if evolve.elitism * species >= evolve.population_size and evolve.algorithm not in OTHER_SEARCHES:
        raise ConfigError(
            f"evolve.population_size = {evolve.population_size}: {species} species with {evolve.elitism} elites each "
            "would leave no room for children: raise it, or lower species.target_species"
        )
    check_neat_python(config)
    one_song = evolve.algorithm in OTHER_SEARCHES and OTHER_SEARCHES[evolve.algorithm].ONE_SONG
    if config.improvise.listener:
        config = settle_improvisation(config)
    elif evolve.algorithm == "map_elites":
        raise ConfigError("evolve.algorithm = 'map_elites' draws an atlas of improvisations: add --listener learned")
    if task.kind == "environment":
        return settle_environment(config), []
    if task.kind == "xor":
        if one_song:
            raise ConfigError(f"evolve.algorithm = {evolve.algorithm!r} learns a song, not exclusive or")
        return config, []
    name = config.improvise.listener
    listened = bool(name) and not hears_any_keyboard(named_listener(name, "improvise.listener"))
    if not name:
        check_plan(task, NO_PRIOR, False, "improvise.prior")
    config, songs = resolve_songs(config, listened or evolve.algorithm == "map_elites" or task.plan)
    check_planned_songs(task, songs)
    if one_song and len(songs) > 1:
        raise ConfigError(f"evolve.algorithm = {evolve.algorithm!r} learns one song, not several together")
    keys = songs[0].keyboard.keys
    if evolve.algorithm == "verified_prefix" and keys > MOST_KEYS:
        raise ConfigError(
            f"evolve.algorithm = 'verified_prefix' guesses on at most {MOST_KEYS} keys, {songs[0].name} has {keys}: "
            "--keys 13 --fold moves notes by octaves"
        )
    return settle_live_inputs(config, songs), songs


def settle_live_inputs(config: EvolveConfig, songs: Sequence[Song]) -> EvolveConfig:
    """Return the configuration with `live_inputs` resolved: NEAT adds connections only from inputs that are ever on.

    This is the default for songs with many inputs if more inputs are ever on than there are steps to learn. Linear
    units are then enough, and no hidden nodes are added unless their probability is set.
    """
    task, operators = config.task, config.operators
    if operators.live_inputs != "auto" or config.evolve.algorithm != "neat":
        return config
    sounding = int(np.any([song.roll.any(axis=0) for song in songs], axis=0).sum())
    steps = sum(song.steps - task.prompt for song in songs)
    rows = rows_of(task.remembered)
    wide = rows * songs[0].keyboard.keys >= MANY_INPUTS and rows * sounding > steps
    if not wide or config.genome.recurrent or improvises(config):
        return config.change("operators", live_inputs="no")
    if config.genome.node_add_prob == EvolveConfig().genome.node_add_prob:
        config = config.change("genome", node_add_prob=0.0)
    return config.change("operators", live_inputs="yes")


def resolve_songs(config: WithSongs, listened: bool) -> tuple[WithSongs, list[Song]]:
    """Look up the songs of a configuration of any kind, and resolve its prompt and memory.

    All songs are put on the same keyboard. With `listened` they must be on 13 keys and eighths, for a melody model.
    Raises SongError or ConfigError.
    """
    task = config.task
    if task.together:
        songs = listenable_songs(task) if listened else playable_songs(task)
    else:
        songs = [check_listenable(song) if listened else song for song in named_songs(task)]
    keyboard = common_keyboard(song.keyboard for song in songs)
    songs = [song.on(keyboard) for song in songs]
    prompt = usual_prompt(songs) if task.prompt < 0 else task.prompt
    for song in songs:
        if prompt >= song.steps:
            raise ConfigError(f"task.prompt = {prompt}: {song.name} has only {song.steps} steps")
    config = config.change("task", prompt=prompt)
    if task.steps == 0:
        config = config.change("task", steps=max(song.steps for song in songs))
    if lags := read_lags(task.lags):
        if task.memory not in (0, lags[0]):
            raise ConfigError(f"task.memory = {task.memory}: task.lags = {task.lags} determines the memory")
        config = config.change("task", memory=lags[0])
    elif task.memory == 0:
        needed = [memory_needed(song.roll, prompt) or 0 for song in songs]
        config = config.change("task", memory=max(usual_memory(songs), *needed))
    return config, songs


def read_songs(config: "EvolveConfig | DqnConfig", folder: RunFolder) -> list[Song]:
    """Return the songs of a run; empty for a task that is not music. Raises RunError."""
    return folder.read_songs(config.task.steps, config.task.prompt) if config.task.kind == "song" else []


def named_songs(task: Task) -> list[Song]:
    """Return the songs that a task names, separated by commas; raise SongError, or ConfigError for equal names."""

    def find(name: str) -> Song:
        try:
            file = find_file(name, task.folder or None)
        except SongError:
            if task.folder and name == Task().song:  # no song was named
                raise ConfigError(f"name a song in {task.folder}, or use all: --each, --together") from None
            raise
        return read_song(file, task)

    names = [name.strip() for name in task.song.split(",")]
    if len(names) == 1 or Path(task.song).is_file():
        return [find(task.song)]
    songs = [find(name) for name in names]
    twice = [song.name for song in songs if [one.name for one in songs].count(song.name) > 1]
    if twice:
        raise ConfigError(f"task.song = {task.song!r}: two songs are called {twice[0]!r}")
    return songs


def playable_songs(task: Task) -> list[Song]:
    """Return the songs of a task's catalogue that the keyboard can play; raise SongError if none can be played."""
    entries = read_catalog(task.folder or None, options=task)
    songs = [entry.song for entry in entries if entry.song is not None]
    if not songs:
        raise SongError(f"{task.folder}: none of its {len(entries)} MIDI files can be played; see kuznechik songs")
    return songs


def listenable_songs(task: Task) -> list[Song]:
    """Return the songs of a task's catalogue that listeners can judge; raise SongError if none can be judged."""
    playable = playable_songs(task)
    songs = [song for song in playable if suits_listeners(song)]
    return songs or [check_listenable(playable[0])]


def what_was_changed(task: Task, songs: Sequence[Song]) -> list[str]:
    """Return lines on how the songs of a task differ from their files, and which files are left out."""
    lines = changes_in_words(songs)
    bars = sorted({song.grid.steps_per_bar for song in songs})
    if len(bars) > 1 and task.memory and task.prompt >= 0:
        steps = f"the prompt is {task.prompt} steps, the memory {task.memory}"
        lines.append(f"the songs have bars of {', '.join(map(str, bars))} steps: {steps}")
    missing = left_out(task, songs)
    return [*lines, *reasons_in_words(missing, len(songs) + len(missing))]


def left_out(task: Task, songs: Sequence[Song]) -> list[str]:
    """Return a line with the reason for each file of a catalogue learned together that is not among the songs."""
    folder = Path(task.folder or default_folder())
    if not task.together or not folder.is_dir():  # a run can be repeated without its catalogue
        return []
    names = {song.name for song in songs}
    paths = [path for path in midi_files(folder) if song_name(path) not in names]
    return [f"{plain(path.name)}: {_reason(read_entry(path, options=task))}" for path in paths]


def _reason(entry: Entry) -> str:
    """Return why a song is left out: it cannot be played, or listeners cannot judge it."""
    try:
        return entry.reason or (check_listenable(entry.song).name if entry.song else "")
    except SongError as error:
        return str(error).removeprefix(f"{entry.name} ")


def make_cases(config: EvolveConfig, songs: Sequence[Song], plans: PlanInputs | None = None) -> Cases:
    """Return the cases that the task's networks are evaluated on; plans of the songs, if given, are further inputs."""
    task = config.task
    if task.kind == "xor":
        cases = xor_cases()
    else:
        cases = memory_cases(songs, task.remembered, task.prompt, task.mode_bit, plans)
    return dataclasses.replace(cases, recurrent=config.genome.recurrent)


def make_env(task: Task, songs: Sequence[Song], **options) -> KeyboardEnv:
    """Return the environment of a resolved task; `options` are passed to `KeyboardEnv`."""
    lags = read_lags(task.lags)
    return KeyboardEnv(songs, memory=task.memory, lags=lags, prompt=task.prompt, mode_bit=task.mode_bit, **options)


def network_shape(config: EvolveConfig, songs: Sequence[Song]) -> tuple[int, int]:
    """Return the numbers of inputs and outputs of a resolved configuration's networks; raises ConfigError."""
    if config.task.kind == "environment":
        cases = env_cases(make_gym_env(config.environment))
        return len(cases.inputs), len(cases.targets)
    if config.task.kind == "xor":
        return 2, 1
    keys = songs[0].keyboard.keys
    planned = input_count(keys) if config.task.plan else 0
    return rows_of(config.task.remembered) * keys + config.task.mode_bit + planned, keys


def make_player(
    config: EvolveConfig,
    genome: neat.DefaultGenome,
    inputs: int,
    outputs: int,
    songs: Sequence[Song],
    improvising: Improvising | None = None,
) -> Performer:
    """Return a genome as a performer, with the plans and the prior of an improvisation task, if it has them.

    Raises:
        ValueError: The network does not have the configured shape.
    """
    task, wanted = config.task, network_shape(config, songs)
    if (inputs, outputs) != wanted:
        raise ValueError(f"it has {inputs} inputs and {outputs} outputs, but the task has {wanted[0]} and {wanted[1]}")
    network = RecurrentNetwork(genome, inputs, outputs) if config.genome.recurrent else Network(genome, outputs)
    planned = improvising.plan_inputs if improvising else None
    player = NetworkPlayer(network, task.mode_bit, PlanFollower(planned, task.prompt) if planned else None)
    prior = improvising.prior if improvising else None
    return PriorPlayer(player, prior, task.prompt) if prior else player

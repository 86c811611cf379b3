"""Runs of breeding by ear: a person chooses among nine networks, and NEAT breeds the next nine.

songs/            melodies that the first networks imitate, if any
start.json        networks of another run that this one starts from, if any
choices.jsonl     all choices; the run is repeated from them
neat.ini          the configuration in neat-python's format
metrics.csv       a row per choice
best/             the network chosen first in the last choice: genome.json, roll.npy, melody.mid, melody.wav
history/          digests of the nine genomes of every generation: genomes.csv
starred/NAME/     a starred network, as a separate run folder
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from agents.neat.breeding import SHOWN, Breeding, Machine, apart, from_parents
from agents.neat.genome import Genome
from agents.neat.genome_json import genome_from_columns, genome_to_columns, genome_to_json
from experiments.config.breed import BreedConfig
from experiments.config.neat_ini import neat_ini, read_neat_config
from experiments.runs.breed.choices import CHOICES, STARRED, Choice, append_choice, read_choices
from experiments.runs.breed.desk import Desk
from experiments.runs.checkpoint import State
from experiments.runs.folder import RunError, RunFolder
from experiments.runs.lifecycle import Kind
from experiments.runs.melody import write_melody
from experiments.runs.named import named_listener
from experiments.runs.trainable import Callback, Log, Status, Trainable
from listener.attachment import attached
from songs.files import write_atomically
from songs.song import Song

START = "start.json"
GENOMES = "history/genomes.csv"
LONGEST_NAME = 40


@dataclass(frozen=True)
class Beginning:
    """Inputs of a run: melodies or networks to start from, if any, and the choices of a repeated run."""

    songs: Sequence[Song] = ()
    genomes: Sequence[Genome] = ()
    choices: Sequence[Choice] = ()


def prepare(config: BreedConfig, folder: RunFolder, beginning: Beginning) -> None:
    """Write the inputs of a new run."""
    (folder.path / "history").mkdir()
    if beginning.songs:
        folder.write_songs(beginning.songs)
    if beginning.genomes:
        task = config.melody.task
        columns = [genome_to_columns(genome, task.inputs, task.keyboard.keys) for genome in beginning.genomes]
        folder.write_json(START, {"genomes": columns})
    for choice in beginning.choices:
        append_choice(folder.path, choice)


def read_beginning(config: BreedConfig, folder: RunFolder) -> Beginning:
    """Return the inputs of a run, including its choices; raises RunError."""
    songs = folder.read_songs() if (folder.path / "songs").is_dir() else []
    choices = read_choices(folder.path) if (folder.path / CHOICES).exists() else []
    return Beginning(songs, _read_start(config, folder), choices)


def _read_start(config: BreedConfig, folder: RunFolder) -> list[Genome]:
    if not (folder.path / START).exists():
        return []
    task = config.melody.task
    try:
        columns = folder.read_json(START)["genomes"]
        read = [genome_from_columns(each) for each in columns]
        if any((inputs, outputs) != (task.inputs, task.keyboard.keys) for _, inputs, outputs in read):
            raise ValueError("the inputs or outputs of a network do not fit the run's melodies")
    except (ValueError, TypeError, LookupError) as error:
        raise RunError(f"{folder.path}: {START} is broken: {error}") from None
    return [genome for genome, _, _ in read]


@contextmanager
def training(config: BreedConfig, folder: RunFolder, desk: Desk | None = None) -> Iterator["BreedingRun"]:
    """Context manager for the breeding of a run folder; without a desk, only the recorded choices are carried out."""
    task, beginning = config.melody.task, read_beginning(config, folder)
    path = folder.path / "neat.ini"
    write_atomically(path, neat_ini(config.as_evolution, task.inputs, task.keyboard.keys))
    breeding = Breeding(read_neat_config(path), task, config.seed, _machine(config))
    breeding.begin([song.roll[: task.steps] for song in beginning.songs], beginning.genomes)
    run = BreedingRun(config, folder, breeding, beginning.choices, desk)
    try:
        yield run
    finally:
        if desk:
            desk.close()


def _machine(config: BreedConfig) -> Machine | None:
    """Return the listener that breeds between two choices, or None."""
    name = config.breed.listener
    if not name:
        return None
    listener = attached(named_listener(name, "breed.listener"), config.melody.keyboard, config.melody.grid)
    return Machine(listener.rewards, config.breed.between)


class BreedingRun(Trainable):
    """Breeding in progress: first the recorded choices, then requests at the desk."""

    name = "breeding"
    tables = ("metrics.csv", GENOMES)

    def __init__(
        self, config: BreedConfig, folder: RunFolder, breeding: Breeding, choices: Sequence[Choice], desk: Desk | None
    ):
        self.config, self.folder, self.breeding, self.desk = config, folder, breeding, desk
        self.choices = list(choices)
        self.song = Song(
            "bred",
            np.zeros((breeding.task.steps, config.melody.keys), dtype=bool),
            tempo_bpm=config.melody.tempo_bpm,
            keyboard=config.melody.keyboard,
            grid=config.melody.grid,
        )
        """A silent song with the keyboard, the grid and the tempo of the melodies."""
        self._log: Log | None = None
        self._open = False

    @property
    def steps(self) -> int:
        return len(self.breeding.generations) - 1

    @property
    def ended(self) -> str:
        if self.steps < len(self.choices):
            return ""
        return "finished" if self.desk is None or self.desk.closed else ""

    @property
    def champion(self) -> Genome | None:
        if not self.steps:
            return None
        last = self.choices[self.steps - 1]
        return self.breeding.generations[last.generation][last.chosen[0]]

    def step(self) -> Log | None:
        self._log = None
        if self.steps < len(self.choices):
            self._breed(self.choices[self.steps])
        elif self.desk:
            if not self._open:
                self._open = True
                self.desk.open(self)
            self.desk.serve()
        return self._log

    def choose(self, generation: int, chosen: Sequence[int], keep: bool) -> None:
        """Record a choice and breed the next generation; raise ValueError if the choice is invalid."""
        if not 0 <= generation < len(self.breeding.generations):
            raise ValueError(f"there is no generation {generation}")
        rolls, melody = self.breeding.rolls[generation], self.config.melody
        choice = Choice(generation, tuple(chosen), rolls, melody.keyboard, melody.grid, keep)
        self.folder.check_is_there()
        append_choice(self.folder.path, choice)
        self.choices.append(choice)
        self._breed(choice)

    def _breed(self, choice: Choice) -> None:
        breeding, shown = self.breeding, self.breeding.rolls
        if choice.generation >= len(shown) or not np.array_equal(choice.rolls, shown[choice.generation]):
            raise RunError(
                f"{self.folder.path / CHOICES}, line {self.steps + 1}: the networks of generation {choice.generation} "
                "now play different melodies: continue with the versions in meta.json"
            )
        breeding.breed(choice.generation, choice.chosen, choice.keep)
        genomes, rolls = breeding.generations[-1], breeding.rolls[-1]
        sizes = [genome.size() for genome in genomes]
        figures = {
            "generation": self.steps,
            "from_generation": choice.generation,
            "chosen": len(choice.chosen),
            "kept": int(choice.keep),
            "apart": apart(rolls),
            "from_parents": from_parents(rolls[int(choice.keep) :], choice.rolls[list(choice.chosen)]),
            "notes": float(rolls.sum(axis=(1, 2)).mean()),
            "connections": float(np.mean([connections for _, connections in sizes])),
            "hidden": float(np.mean([nodes for nodes, _ in sizes])) - self.config.melody.keys,
        }
        if breeding.machine:
            figures["reward_a_step"] = float(breeding.machine.reward_fn(rolls).mean(dtype=np.float64))
        self._log = Log(figures, {GENOMES: [{"generation": self.steps, "sha256": self._digest(genomes)}]})

    def _digest(self, genomes: Sequence[Genome]) -> str:
        task = self.breeding.task
        columns = [genome_to_columns(genome, task.inputs, task.keyboard.keys) for genome in genomes]
        return hashlib.sha256(json.dumps(columns).encode()).hexdigest()

    def melody(self, generation: int, index: int, title: str) -> Song:
        """Return what a network plays; raise ValueError if it does not exist."""
        if not (0 <= generation < len(self.breeding.generations) and 0 <= index < SHOWN):
            raise ValueError(f"there is no network {index} in generation {generation}")
        return self.song.playing(self.breeding.rolls[generation][index], title)

    def star(self, generation: int, index: int, name: str) -> Path:
        """Save a network as a separate run folder in `starred`, and return the folder.

        Raises:
            ValueError: The network does not exist, or the name is not valid for a folder or is taken.
        """
        song, stem = self.melody(generation, index, name), folder_name(name)
        genome, seed = self.breeding.generations[generation][index], self.config.seed
        self.folder.check_is_there()
        self.folder.refuse_links()
        (self.folder.path / STARRED).mkdir(exist_ok=True)
        if stem in self.starred:
            raise ValueError(f"a star named {stem} already exists: choose another name")
        starred = RunFolder.create(self.folder.path / STARRED / stem)
        config = self.config.change("breed", start=stem)
        prepare(config, starred, Beginning(genomes=[genome]))
        self._write_network(starred.path / "best", genome, song)
        starred.write_meta(KIND.name, ["kuznechik", "breed", str(self.folder.path)], seed)
        write_atomically(starred.path / "config.toml", config.to_toml())
        return starred.path

    @property
    def starred(self) -> list[str]:
        """Sorted names of the folders of starred networks."""
        parent = self.folder.path / STARRED
        return sorted(path.name for path in parent.iterdir()) if parent.is_dir() else []

    def status(self) -> Status:
        total = max(1, len(self.choices))
        return Status(self.steps, total, self.steps / total, f"generation {self.steps}")

    def write_champion(self, folder: RunFolder, callbacks: Sequence[Callback]) -> None:
        genome, last = self.champion, self.choices[self.steps - 1]
        assert genome is not None, "it exists after the first choice"
        song = self.melody(last.generation, last.chosen[0], "")
        self._write_network(folder.path / "best", genome, song)
        for callback in callbacks:
            callback.on_melody(self.steps, "champion", song.roll, song, 0, memorised=False)

    def _write_network(self, folder: Path, genome: Genome, song: Song) -> None:
        task = self.breeding.task
        write_atomically(folder / "genome.json", genome_to_json(genome, task.inputs, task.keyboard.keys))
        write_melody(folder, song.roll, replace(song, name=song.title or "network"), "bred")

    def summary(self) -> dict[str, Any]:
        melody, champion = self.config.melody, self.champion
        summary: dict[str, Any] = {
            "search": "NEAT, bred by ear",
            "algorithm": "bred by ear",
            "seed": self.config.seed,
            "start": self.config.breed.start,
            "generations": self.steps,
            "evaluations": SHOWN * (self.steps + 1),
            "keys": melody.keys,
            "bars": melody.bars,
            "starred": self.starred,
        }
        if self.config.breed.listener:
            summary |= {"listener": self.config.breed.listener, "between": self.config.breed.between}
        if champion:
            nodes, summary["connections"] = champion.size()
            summary["hidden"] = nodes - melody.keys
        return summary

    def state(self) -> State:
        return self.breeding.state()

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        self.breeding.restore(arrays, data)
        if self.steps > len(self.choices):
            raise ValueError(f"it is of generation {self.steps}, but {CHOICES} has {len(self.choices)} choices")


def folder_name(name: str) -> str:
    """Return the folder name for a starred network's name; raise ValueError if it is not valid."""
    stem = "-".join(name.split())
    if not 1 <= len(stem) <= LONGEST_NAME or not all(each.isalnum() or each in "-_" for each in stem):
        raise ValueError(f"a name has 1 to {LONGEST_NAME} letters, digits, spaces, - and _: {name[:LONGEST_NAME]!r}")
    return stem


def read_choices_to_repeat(config: BreedConfig, folder: RunFolder) -> Beginning:
    """Return the inputs of a run, including its choices; raise RunError if it has no choices."""
    beginning = read_beginning(config, folder)
    if not beginning.choices:
        raise RunError(f"{folder.path}: nothing was chosen in it: repeat the run that this star comes from")
    return beginning


KIND = Kind("breed", (), prepare, training, read_choices_to_repeat, checkpoint_every=10)

"""`kuznechik evolve`: evolve a network and keep all that came of it in a run folder."""

import dataclasses
import sys
import time
from collections.abc import Callable

from agents.evolution import Evolution, Generation
from agents.genome_json import genome_to_json
from agents.network_player import NetworkPlayer
from agents.phenotype import Network
from agents.rollout import play_episode
from experiments.assembly import make_env, make_evolution, operators_used
from experiments.config import EvolveConfig
from experiments.interrupt import deferred_interrupt
from experiments.melody import write_melody
from experiments.run_folder import RunFolder, write_atomically
from experiments.scores import always_rest
from songs.song import Song

SAVE_SECONDS = 5.0
"""Seconds between two savings of the tables and the champion while a run goes on."""


@dataclasses.dataclass
class Clock:
    """Time since the start of a run."""

    wall: float = dataclasses.field(default_factory=time.monotonic)
    cpu: float = dataclasses.field(default_factory=time.process_time)

    @property
    def wall_seconds(self) -> float:
        return round(time.monotonic() - self.wall, 3)

    @property
    def cpu_seconds(self) -> float:
        return round(time.process_time() - self.cpu, 3)


class Recorder:
    """Writes a run into its folder: rows as they come, the champion when there is a better one."""

    def __init__(self, folder: RunFolder, config: EvolveConfig, songs: list[Song], evolution: Evolution, clock: Clock):
        self.folder, self.config, self.songs = folder, config, songs
        self.evolution, self.clock = evolution, clock
        self._metrics: list[dict] = []
        self._species: list[dict] = []
        self._saved = None
        self._next_save = 0.0

    def record(self, row: Generation) -> None:
        """Take a generation; it is on disk a few seconds later at most."""
        values = dataclasses.asdict(row)
        members = values.pop("species")
        self._metrics.append({**values, "species": len(members), "cpu_seconds": self.clock.cpu_seconds})
        self._species += [
            {"generation": row.generation, "species": key, "members": count} for key, count in members.items()
        ]
        if time.monotonic() >= self._next_save:
            self.save()

    def save(self) -> None:
        """Put everything on disk now."""
        self.folder.append("metrics.csv", self._metrics)
        self.folder.append("species.csv", self._species)
        self._metrics, self._species = [], []
        champion = self.evolution.champion
        if champion is not None and champion is not self._saved:
            save_champion(self.folder, self.config, self.songs, self.evolution)
            self._saved = champion
        self._next_save = time.monotonic() + SAVE_SECONDS


def save_champion(folder: RunFolder, config: EvolveConfig, songs: list[Song], evolution: Evolution) -> None:
    """Write the best genome so far and the melody that it plays."""
    champion, cases = evolution.champion, evolution.evaluator.cases
    text = genome_to_json(champion, len(cases.inputs), len(cases.targets))
    write_atomically(folder.path / "best" / "genome.json", text)
    if songs:
        player = NetworkPlayer(Network(champion, len(cases.targets)), config.task.memory, config.task.mode_bit)
        played = play_episode(make_env(config.task, songs), player, options={"song": 0})
        write_melody(folder.path / "best", played.roll, songs[0])


def evolve(
    config: EvolveConfig,
    folder: RunFolder,
    songs: list[Song],
    command: list[str],
    progress: Callable[[Generation, Evolution], None] = lambda row, evolution: None,
) -> dict:
    """Evolve until solved, until the budget is used, or until interrupted.

    Args:
        config: a resolved configuration.
        folder: a new run folder.
        songs: what is to be learned.
        command: the command line, for the record.
        progress: called after every generation.

    Returns:
        What is also written as summary.json.
    """
    clock = Clock()
    write_atomically(folder.path / "config.toml", config.to_toml())
    folder.write_meta("evolve", command, config.evolve.seed)
    if songs:
        folder.write_songs(songs)
    evolution = make_evolution(config, songs, folder)
    recorder = Recorder(folder, config, songs, evolution, clock)
    with deferred_interrupt() as interrupt:
        while not evolution.solved and evolution.generation < config.evolve.generations and not interrupt.requested:
            row = evolution.step()
            recorder.record(row)
            progress(row, evolution)
    stopped = "solved" if evolution.solved else "interrupted" if interrupt.requested else "budget"
    recorder.save()
    summary = summarise(config, songs, evolution, stopped, clock)
    folder.write_json("summary.json", summary)
    return summary


def summarise(config: EvolveConfig, songs: list[Song], evolution: Evolution, stopped: str, clock: Clock) -> dict:
    """Return how a run ended, as plain numbers."""
    champion = evolution.champion
    summary = {
        "solved": evolution.solved,
        "stopped": stopped,
        "task": config.task.kind,
        "song": songs[0].name if songs else None,
        "seed": config.evolve.seed,
        "generations": evolution.generation,
        "evaluations": evolution.evaluator.evaluations,
        "cpu_seconds": clock.cpu_seconds,
        "wall_seconds": clock.wall_seconds,
        "cases": len(evolution.evaluator.cases),
        "right_teacher_forced": champion.right if champion else 0,
        "fitness": config.evolve.fitness,
        "operators": operators_used(config),
        "python": sys.version.split()[0],
    }
    if champion:
        nodes, summary["connections"] = champion.size()
        summary["hidden"] = nodes - len(evolution.evaluator.cases.targets)
    if songs:
        summary["memory"], summary["prompt"] = config.task.memory, config.task.prompt
        summary["always_rest"] = always_rest(songs[0], config.task.prompt)
    return summary

"""A run of evolution: search for a network and keep all that came of it in a run folder."""

import dataclasses
import sys
import time
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from agents.cases import Cases, ambiguous_steps
from agents.neat.workers import NO_WORKERS, WorkerOptions
from agents.neat.genome_json import genome_to_json
from agents.rollout import play_episode
from agents.search import Generation, Search
from experiments.runs.assembly import make_cases, make_env, make_player, read_config
from experiments.runs.checkpoint import load_checkpoint, save_checkpoint
from experiments.runs.clock import SAVE_SECONDS, Clock
from experiments.config.evolve import EvolveConfig
from experiments.runs.improvise import Improvising, begin_improvising, read_improvising
from experiments.runs.interrupt import deferred_interrupt
from experiments.runs.melody import write_melody
from experiments.runs.folder import RunError, RunFolder
from experiments.runs.scores import always_rest
from experiments.runs.searches import describe, make_search, operators_used
from experiments.runs.callback import SILENCE, Callback
from songs.files import write_atomically
from songs.validate import ByAnyName, validate_like
from songs.song import Song


class Progress(Protocol):
    """Is told how a run goes on."""

    def begin(self, name: str, cases: int, generation: int, generations: int) -> None:
        """Hear what is learned, how many cases there are, the generation to begin with, and the budget."""

    def update(self, row: Generation, search: Search) -> None:
        """Hear of a generation."""


@dataclasses.dataclass(eq=False)
class RunInProgress:
    """A run that is going on: its parts, and what is kept of it."""

    folder: RunFolder
    config: EvolveConfig
    songs: Sequence[Song]
    cases: Cases
    search: Search
    clock: Clock
    checkpoint_every: int
    """Generations between two checkpoints; 0: none."""
    improvising: Improvising | None = None
    """What is improvised, and who pays; None where a song is memorised."""
    watch: Sequence[Callback] = ()
    """Are told of every generation, and of every new champion that is put on disk."""

    def __post_init__(self):
        self._metrics: list[dict] = []
        self._species: list[dict] = []
        self._saved = None
        self._heard: tuple[Any, dict[str, float]] = None, {}
        self._next_save = 0.0

    def continue_until_done(self, progress: Progress) -> dict:
        """Search until solved, until the budget is used, or until interrupted.

        Returns:
            What is also written as summary.json.
        """
        budget = self.config.evolve.generations
        name = ", ".join(song.name for song in self.songs[:3]) + (", ..." if len(self.songs) > 3 else "")
        progress.begin(name or self.config.task.kind, self.cases.most_right, self.search.generation, budget)
        with deferred_interrupt() as interrupt:
            while not self.search.solved and self.search.generation < budget and not interrupt.requested:
                row = self.search.step()
                self._record(row)
                progress.update(row, self.search)
        stopped = "solved" if self.search.solved else "interrupted" if interrupt.requested else "budget"
        self._save()
        if self.checkpoint_every:
            self._checkpoint()
        summary = self._summary(stopped)
        self.folder.write_json("summary.json", summary)
        return summary

    def _record(self, row: Generation) -> None:
        """Take a generation; it is on disk a few seconds later at most, and before the next checkpoint."""
        values = dataclasses.asdict(row)
        members = values.pop("species")
        values |= {"species": len(members), **self._paid(), "cpu_seconds": self.clock.cpu_seconds}
        self._metrics.append(values)
        for told in self.watch:
            told.figures(row.generation, {name: value for name, value in values.items() if name != "generation"})
        self._species += [
            {"generation": row.generation, "species": key, "members": count} for key, count in members.items()
        ]
        due = self.checkpoint_every and self.search.generation % self.checkpoint_every == 0
        if due or time.monotonic() >= self._next_save:
            self._save()
        if due:
            self._checkpoint()

    def _paid(self) -> dict[str, float]:
        """Return what a listener pays the champion."""
        champion = self.search.champion
        if self.improvising and self._heard[0] is not champion:
            self._heard = champion, self.improvising.measured(self.improvising.play_genome(champion))
        return self._heard[1]

    def _save(self) -> None:
        """Put the tables and the champion on disk."""
        self.folder.append("metrics.csv", self._metrics)
        self.folder.append("species.csv", self._species)
        self._metrics, self._species = [], []
        champion = self.search.champion
        if champion is not None and champion is not self._saved:
            self._save_champion()
            self._saved = champion
        self._next_save = time.monotonic() + SAVE_SECONDS

    def _save_champion(self) -> None:
        champion, outputs = self.search.champion, len(self.cases.targets)
        text = genome_to_json(champion, len(self.cases.inputs), outputs)
        write_atomically(self.folder.path / "best" / "genome.json", text)
        best, mode_bit = self.folder.path / "best", self.config.task.mode_bit
        if self.improvising:
            rolls = self.improvising.play_genome(champion)
            self.improvising.write(best / "improvised" if mode_bit else best, rolls)
            self._tell("improvisation", rolls[0], self.improvising.song, memorised=False)
        if self.songs and (mode_bit or not self.improvising):
            player = make_player(self.config, champion, len(self.cases.inputs), outputs)
            played = play_episode(make_env(self.config.task, self.songs), player, options={"song": 0})
            write_melody(self.folder.path / "best", played.roll, self.songs[0])
            self._tell("champion", played.roll, self.songs[0], memorised=True)

    def _tell(self, name: str, roll: np.ndarray, song: Song, memorised: bool) -> None:
        for told in self.watch:
            told.melody(self.search.generation - 1, name, roll, song, self.config.task.prompt, memorised)

    def _checkpoint(self) -> None:
        arrays, data = self.search.state()
        state = {
            "search": data,
            "arrays": {name: [array.dtype.str, array.tolist()] for name, array in arrays.items()},
            "wall_seconds": self.clock.wall_seconds,
            "cpu_seconds": self.clock.cpu_seconds,
        }
        save_checkpoint(self.folder.path / "checkpoints", self.search.generation, state)

    def _summary(self, stopped: str) -> dict:
        """Return how the run ended, as plain numbers."""
        champion, task = self.search.champion, self.config.task
        summary: dict[str, Any] = {
            "solved": self.search.solved,
            "stopped": stopped,
            "task": task.kind,
            "song": self.songs[0].name if len(self.songs) == 1 else None,
            "songs": len(self.songs),
            "algorithm": self.config.evolve.algorithm,
            "search": describe(self.config),
            "operators": operators_used(self.config),
            "fitness": self.config.evolve.fitness,
            "seed": self.config.evolve.seed,
            "generations": self.search.generation,
            "evaluations": self.search.evaluations,
            "cpu_seconds": self.clock.cpu_seconds,
            "wall_seconds": self.clock.wall_seconds,
            "cases": len(self.cases),
            "ceiling": self.cases.most_right,
            "right_teacher_forced": champion.right if champion else 0,
            "python": sys.version.split()[0],
        }
        if champion:
            nodes, summary["connections"] = champion.size()
            summary["hidden"] = nodes - len(self.cases.targets)
        gain = getattr(self.search, "gain_of_workers", None)
        if gain is not None:
            summary["gain_of_workers"] = round(gain, 3)
        if self.songs:
            summary["memory"], summary["prompt"] = task.memory, task.prompt
        if self.improvising:
            summary["listener"] = self.config.improvise.listener
            summary |= self.improvising.summary(self.improvising.play_genome(champion)) if champion else {}
        if self.songs and (task.mode_bit or not self.improvising):
            summary["always_rest"] = sum(always_rest(song, task.prompt) for song in self.songs)
            if summary["ceiling"] < summary["cases"]:
                impossible = ambiguous_steps(self.songs, task.memory, task.prompt)
                steps = {song.name: song.steps - task.prompt for song in self.songs}
                summary["ambiguous"] = {
                    name: {"most_right": steps[name] - len(own), "steps": steps[name]}
                    for name, own in impossible.items()
                }
        elif self.songs:  # there is no song to be right about
            summary = {name: value for name, value in summary.items() if name not in ("right_teacher_forced", "cases")}
            summary["ceiling"] = None
        return summary


def evolve(
    config: EvolveConfig,
    folder: RunFolder,
    songs: Sequence[Song],
    command: Sequence[str],
    progress: Progress = SILENCE,
    checkpoint_every: int = 50,
    workers: WorkerOptions = NO_WORKERS,
    watch: Sequence[Callback] = (),
) -> dict:
    """Search from the beginning.

    Args:
        config: a resolved configuration.
        folder: a new run folder.
        songs: what is to be learned.
        command: the command line, for the record.
        progress: called after every generation.
        checkpoint_every: generations between two checkpoints; 0: none.
        workers: who evaluates; changes no result.
        watch: are told of every generation and new champion.

    Returns:
        What is also written as summary.json.
    """
    clock = Clock()
    write_atomically(folder.path / "config.toml", config.to_toml())
    folder.write_meta("evolve", list(command), config.evolve.seed)
    if songs:
        folder.write_songs(songs)
    cases, improvising = make_cases(config, songs), begin_improvising(config, songs, folder)
    with make_search(config, songs, cases, folder.path, workers, improvising) as search:
        run = RunInProgress(folder, config, songs, cases, search, clock, checkpoint_every, improvising, watch)
        return run.continue_until_done(progress)


def resume(
    folder: RunFolder,
    settings: Sequence[str] = (),
    progress: Progress = SILENCE,
    checkpoint_every: int = 50,
    workers: WorkerOptions = NO_WORKERS,
    watch: Sequence[Callback] = (),
) -> tuple[dict, list[str]]:
    """Go on from the last checkpoint of a run, to the same result as if it had never stopped.

    Args:
        folder: a run folder with checkpoints.
        settings: `evolve.generations=N` may be given to change the budget.
        progress, checkpoint_every, workers, watch: as for `evolve`.

    Returns:
        What is also written as summary.json, and warnings.

    Raises:
        RunError: there is no checkpoint, or it does not belong to this run.
    """
    config = read_config(folder, EvolveConfig)
    for setting in settings:
        if not setting.startswith("evolve.generations="):
            raise RunError(f"--set {setting}: a resumed run keeps its settings; only evolve.generations may change")
        config = config.apply(setting)
    songs = folder.read_songs(config.task.steps, config.task.prompt) if config.task.kind == "song" else []
    state, warnings = load_checkpoint(folder.path / "checkpoints")
    try:
        validate_like({"wall_seconds": 0.0, "cpu_seconds": 0.0, "search": {}, "arrays": ByAnyName(("", []))}, state, "")
    except ValueError as error:
        raise RunError(f"{folder.path}: the checkpoint does not fit the run: {error}") from None
    clock = Clock(state["wall_seconds"], state["cpu_seconds"])
    write_atomically(folder.path / "config.toml", config.to_toml())
    cases, improvising = make_cases(config, songs), None
    if songs:
        improvising = read_improvising(folder, config.improvise, config.task.memory, songs)
    with make_search(config, songs, cases, folder.path, workers, improvising) as search:
        try:
            arrays = {name: np.array(values, dtype=dtype) for name, (dtype, values) in state["arrays"].items()}
            search.restore(arrays, state["search"])
        except ValueError as error:
            raise RunError(f"{folder.path}: the checkpoint does not fit the run: {error}") from None
        rows = folder.cut_table("metrics.csv", "generation", search.generation)
        folder.cut_table("species.csv", "generation", search.generation)
        if rows < search.generation:
            warnings.append(f"{folder.path}: metrics.csv has {rows} of the first {search.generation} generations")
        run = RunInProgress(folder, config, songs, cases, search, clock, checkpoint_every, improvising, watch)
        return run.continue_until_done(progress), warnings

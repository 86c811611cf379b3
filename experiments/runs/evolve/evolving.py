"""A search in progress, as a `Trainable`: what it logs, keeps and reports."""

import dataclasses
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from agents.cases import Cases, ambiguous_steps
from agents.neat.genome_json import genome_to_columns, genome_to_json
from agents.neat.improvisation_switch import SwitchEvolution
from agents.neat.map_elites import MapElites
from agents.rollout import play_episode
from agents.search import Generation, Search
from experiments.config.evolve import EvolveConfig
from experiments.runs.assembly import make_env, make_player
from experiments.runs.checkpoint import State
from experiments.runs.evolve.atlas import write_atlas
from experiments.runs.evolve.searches import describe, operators_used
from experiments.runs.folder import RunFolder
from experiments.runs.history import History
from experiments.runs.improvise import Improvising
from experiments.runs.melody import title_of, write_melody
from experiments.runs.scores import always_rest
from experiments.runs.songs import changes_of
from experiments.runs.trainable import Callback, Log, Status, Trainable
from songs.files import write_atomically
from songs.song import Song


class Evolving(Trainable):
    """A search in progress."""

    tables = ("metrics.csv", "species.csv")
    history: History

    def __init__(
        self,
        config: EvolveConfig,
        songs: Sequence[Song],
        cases: Cases,
        search: Search,
        improvising: Improvising | None,
    ):
        self.config, self.songs, self.cases, self.search, self.improvising = config, songs, cases, search, improvising
        self.name = title_of(songs) or config.task.kind
        self._species = 0
        self._rewarded: tuple[Any, dict[str, float]] = None, {}
        self.history = History()
        self._known_champion: Any = None

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of inputs and outputs of the networks."""
        return len(self.cases.inputs), len(self.cases.targets)

    @property
    def steps(self) -> int:
        return self.search.generation

    @property
    def ended(self) -> str:
        if self.search.solved:
            return "solved"
        done, budget = self._progress
        return "budget" if done >= budget else ""

    @property
    def _progress(self) -> tuple[int, int]:
        """Generations done, and most of them; with a mode bit of the song, and once it is learned of improvising."""
        search, config = self.search, self.config
        if not isinstance(search, SwitchEvolution):
            return search.generation, config.evolve.generations
        if not search.song.solved:
            return search.song.generation, config.of_song.evolve.generations
        return search.generation - search.song.generation, config.evolve.generations

    @property
    def next_row(self) -> int:
        return self.search.generation

    @property
    def champion(self) -> object | None:
        return self.search.elites if isinstance(self.search, MapElites) else self.search.champion

    def step(self) -> Log:
        row, champion = self.search.step(), self.search.champion
        self._species = len(row.species)
        members = [{"generation": row.generation, **dataclasses.asdict(one)} for one in row.species]
        metrics = {**dataclasses.asdict(row), "species": len(row.species), **self._further_metrics()}
        metrics |= self.search.figures if isinstance(self.search, MapElites) else {}
        if champion is not self._known_champion:
            self._known_champion = champion
            self._keep(champion, row)
        return Log(metrics, {"species.csv": members})

    def _keep(self, champion: Any, row: Generation) -> None:
        """Add a new champion to the run's film."""
        if self.history.wants(row.generation):
            fields = {"generation": row.generation, "evaluations": row.evaluations, "fitness": self._worth(champion)}
            right = {} if self.ceiling is None else {"right": champion.right}
            parents, operators = getattr(champion, "parents", ()), getattr(champion, "operators", ())
            family = {"key": champion.key, "parents": parents} if parents else {}
            family |= {"operators": operators} if operators else {}
            genome = genome_to_columns(champion, *self.shape)
            self.history.add({**fields, **right, **family, "genome": genome})

    def _worth(self, champion: Any) -> float:
        """Return the fitness of a champion, for the run's film."""
        return -champion.loss

    def _further_metrics(self) -> dict[str, float]:
        """Return further columns of metrics.csv: the rewards of an improvising champion."""
        champion = self.search.champion
        if self.improvising and self._rewarded[0] is not champion:
            self._rewarded = champion, self.improvising.measured(self.improvising.play_genome(champion))
        return self._rewarded[1]

    def status(self) -> Status:
        (done, budget), champion = self._progress, self.search.champion
        species = f", {self._species} species" if self._species else ""
        text = f"generation {done} of {budget}{species}"
        if self.ceiling is None:
            reward = f"reward {self._worth(champion):.3f}, " if champion else ""
            return Status(done, budget, done / budget, reward + text)
        right = champion.right if champion else 0
        return Status(right, self.ceiling, done / budget, f"{right} of {self.ceiling} right, {text}")

    @property
    def ceiling(self) -> int | None:
        """Most cases that a network can get right; None if a listener decides and nothing is right or wrong."""
        only_improvises = self.improvising and not self.config.task.mode_bit
        return None if only_improvises else self.cases.most_right

    def write_champion(self, folder: RunFolder, callbacks: Sequence[Callback]) -> None:
        champion, best, mode_bit = self.search.champion, folder.path / "best", self.config.task.mode_bit
        assert champion is not None, "it exists after the first step"
        write_atomically(best / "genome.json", genome_to_json(champion, *self.shape))
        if self.improvising:
            rolls = self.improvising.play_genome(champion)
            self.improvising.write(best / "improvised" if mode_bit else best, rolls)
            self._show(callbacks, "improvisation", rolls[0], self.improvising.song, memorised=False)
        if isinstance(self.search, MapElites):
            write_atlas(folder, self.config.map_elites, self.search.elites, self.shape)
        if self.songs and self.ceiling is not None:
            player = make_player(self.config, champion, *self.shape, self.songs, self.improvising)
            played = play_episode(make_env(self.config.task, self.songs), player, options={"song": 0})
            write_melody(best, played.roll, self.songs[0])
            self._show(callbacks, "champion", played.roll, self.songs[0], memorised=True)

    def _show(self, callbacks: Sequence[Callback], name: str, roll: np.ndarray, song: Song, memorised: bool) -> None:
        for callback in callbacks:
            callback.on_melody(self.search.generation - 1, name, roll, song, self.config.task.prompt, memorised)

    def summary(self) -> dict[str, Any]:
        champion, task, evolve = self.search.champion, self.config.task, self.config.evolve
        summary: dict[str, Any] = {
            "solved": self.search.solved,
            "task": task.kind,
            "song": self.songs[0].name if len(self.songs) == 1 else None,
            "songs": len(self.songs),
            "changes": changes_of(self.songs),
            "algorithm": evolve.algorithm,
            "search": describe(self.config),
            "operators": operators_used(self.config),
            "fitness": evolve.fitness,
            "seed": evolve.seed,
            "generations": self.search.generation,
            "evaluations": self.search.evaluations,
            "ceiling": self.ceiling,
            "python": sys.version.split()[0],
        }
        if champion:
            nodes, summary["connections"] = champion.size()
            summary["hidden"] = nodes - len(self.cases.targets)
        gain = getattr(self.search, "gain_of_workers", None)
        if gain is not None:
            summary["gain_of_workers"] = round(gain, 3)
        if isinstance(self.search, MapElites):
            summary |= self.search.figures
        if self.songs:
            summary |= {"memory": task.memory, "prompt": task.prompt}
        if self.improvising:
            summary["listener"] = self.config.improvise.listener
            summary |= self.improvising.summary(self.improvising.play_genome(champion)) if champion else {}
        return summary | self._cases_summary()

    def _cases_summary(self) -> dict[str, Any]:
        """Return how many cases are right, with the score of resting and the cases that are impossible."""
        if self.ceiling is None:
            return {}
        champion, task = self.search.champion, self.config.task
        summary: dict[str, Any] = {"cases": len(self.cases), "right_teacher_forced": champion.right if champion else 0}
        if self.songs:
            summary["always_rest"] = sum(always_rest(song, task.prompt) for song in self.songs)
        if self.songs and self.ceiling < len(self.cases):
            impossible = ambiguous_steps(self.songs, task.remembered, task.prompt)
            judged = {song.name: song.steps - task.prompt for song in self.songs}
            summary["ambiguous"] = {
                name: {"most_right": judged[name] - len(steps), "steps": judged[name]}
                for name, steps in impossible.items()
            }
        return summary

    def state(self) -> State:
        return self.search.state()

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        self.search.restore(arrays, data)
        self._known_champion = self.search.champion

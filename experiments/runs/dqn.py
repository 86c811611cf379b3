"""A run of deep Q-learning: learn to play songs and keep all that came of it in a run folder.

metrics.csv     a row an evaluation
best/           the greedy player that did best so far: model.safetensors, roll.npy, melody.mid, melody.wav
checkpoints/    the last two; the run goes on from one to the same result as if it had never stopped
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from agents.dqn.champion import Champion
from experiments.runs.assembly import read_config, resolve_songs
from experiments.runs.clock import SAVE_SECONDS, Clock
from experiments.runs.dqn_parts import CHAMPION, improvisation_listener, make_agent, make_evaluator, make_loop
from experiments.config.dqn import DqnConfig
from experiments.runs.tensor_checkpoint import load_checkpoint, save_checkpoint, write_tensors
from experiments.runs.interrupt import deferred_interrupt
from experiments.runs.melody import write_melody
from experiments.runs.folder import RunError, RunFolder
from experiments.runs.scores import always_rest
from experiments.runs.callback import SILENCE, Callback
from listener.listener import Listener
from songs.files import write_atomically
from songs.validate import validate_like
from songs.song import Song
from vae.processor import computing

CHANGEABLE = ("dqn.steps=", "dqn.stop_when_solved=")
"""Settings that a resumed run may have other than before."""

MOST_BESIDE = 2**26
"""Bytes of a checkpoint beside what grows with the run's options."""

KEPT: dict[str, Any] = {
    "loop": {},
    "champion": {},
    "solved_at_step": None,
    "next_evaluation": 0,
    "wall_seconds": 0.0,
    "cpu_seconds": 0.0,
}
"""The plain data of a checkpoint, in its kinds."""


@dataclass(frozen=True)
class Evaluation:
    """A row of metrics.csv."""

    step: int
    """Environment steps."""
    episodes: int
    updates: int
    epsilon: float
    loss: float
    """Mean since the last row; 0 before the first update."""
    mean_reward: float
    """Of a step while exploring, since the last row."""
    right_teacher_forced: int
    """Steps that the greedy player gets right."""
    prefix: int
    """Steps before its first wrong one, summed over the songs."""
    whole_songs: int
    cpu_seconds: float
    greedy_reward: float | None
    """What the listener pays the greedy player for a step, free running; None where right and wrong decide."""


class Progress(Protocol):
    """Is told how a run goes on."""

    def begin(self, name: str, ceiling: int, step: int, steps: int) -> None:
        """Hear what is learned, how many steps can be right, where the run stands, and the budget."""

    def update(self, row: Evaluation, best_right: int) -> None:
        """Hear of an evaluation, and of the most steps right so far."""


class DqnRun:
    """A run that is going on: its parts, and what is kept of it."""

    def __init__(
        self,
        folder: RunFolder,
        config: DqnConfig,
        songs: Sequence[Song],
        clock: Clock,
        checkpoint_every: int = 0,
        listener: Listener | None = None,
        watch: Sequence[Callback] = (),
    ):
        """
        Args:
            folder: of the run.
            config: resolved.
            songs: what is played.
            clock: of the run.
            checkpoint_every: environment steps between two checkpoints; 0: none, not even at the end.
            listener: pays instead of the one the configuration names. It may know nothing of right and wrong, so then
                the best player is the one it pays most, and nothing counts as solved.
            watch: is told of every evaluation, and of every new champion that is put on disk.
        """
        self.folder, self.config, self.songs, self.clock = folder, config, songs, clock
        self.checkpoint_every, self.watch = checkpoint_every, watch
        listener = listener or improvisation_listener(config)
        self.loop = make_loop(config, songs, listener)
        self.learner = self.loop.agent.learner
        self.champion = Champion(make_evaluator(config, songs, listener), self.learner.network)
        self.solved_at_step: int | None = None
        self._next_evaluation = config.dqn.evaluate_every
        self._next_checkpoint = checkpoint_every
        self._rows: list[Evaluation] = []
        self._saved_step: int | None = None
        self._next_save = time.monotonic() + SAVE_SECONDS

    @property
    def step(self) -> int:
        """Environment steps done."""
        return self.learner.steps

    def continue_until_done(self, progress: Progress = SILENCE) -> dict:
        """Learn until solved, until the budget is used, or until interrupted.

        Returns:
            What is also written as summary.json.
        """
        name = ", ".join(song.name for song in self.songs[:3]) + (", ..." if len(self.songs) > 3 else "")
        progress.begin(name, self.champion.evaluator.ceiling, self.step, self.config.dqn.steps)
        with computing(), deferred_interrupt() as interrupt:
            while not self._done() and not interrupt.requested:
                self.loop.step()
                if self.step >= self._next_evaluation:
                    progress.update(self._evaluate(), self.champion.right)
                if self.checkpoint_every and self.step >= self._next_checkpoint:
                    self.checkpoint()
                elif time.monotonic() >= self._next_save:
                    self._save()
            if self.checkpoint_every:
                self.checkpoint()
            if self.champion.weights is None:  # so early that the first evaluation is still to come
                self.champion.consider(self.learner.network, self.step)
            self._save()
            stopped = "solved" if self.champion.solved else "budget"
            summary = self._summary(stopped if self._done() else "interrupted")
        self.folder.write_json("summary.json", summary)
        return summary

    def _done(self) -> bool:
        solved = self.config.dqn.stop_when_solved and self.solved_at_step is not None
        return solved or self.step >= self.config.dqn.steps

    def _evaluate(self) -> Evaluation:
        """Evaluate the greedy player and note down how learning goes."""
        learner = self.learner
        loss, reward = self.loop.take_means()
        score = self.champion.consider(learner.network, self.step)
        if self.solved_at_step is None and self.champion.solved:
            self.solved_at_step = self.step
        row = Evaluation(
            step=self.step,
            episodes=self.loop.episodes,
            updates=learner.updates,
            epsilon=self.loop.agent.epsilon.at(self.step),
            loss=loss,
            mean_reward=reward,
            right_teacher_forced=score.right,
            prefix=score.prefix,
            whole_songs=score.whole_songs,
            cpu_seconds=self.clock.cpu_seconds,
            greedy_reward=score.reward,
        )
        every = self.config.dqn.evaluate_every
        self._next_evaluation = (self.step // every + 1) * every
        self._rows.append(row)
        for told in self.watch:
            told.figures(row.step, {name: value for name, value in asdict(row).items() if name != "step"})
        return row

    def _save(self) -> None:
        """Put the table and the champion on disk."""
        if self._rows:
            rows = [{name: value for name, value in asdict(row).items() if value is not None} for row in self._rows]
            self.folder.append("metrics.csv", rows)
            self._rows = []
        champion = self.champion
        if champion.weights is not None and champion.step != self._saved_step:
            write_tensors(self.folder.path / CHAMPION, champion.weights, {"step": champion.step})
            roll = champion.evaluator.play(champion.network())[0]
            write_melody(self.folder.path / "best", roll, self.songs[0], "learned")
            for told in self.watch:
                told.melody(
                    champion.step, "champion", roll, self.songs[0], self.config.task.prompt, not self.config.improvises
                )
            self._saved_step = champion.step
        self._next_save = time.monotonic() + SAVE_SECONDS

    def most_bytes(self) -> int:
        """Return a size that no checkpoint of this run reaches."""
        arrays, _ = self.loop.state()
        now, replay = sum(array.nbytes for array in arrays.values()), self.learner.replay
        # still to come: a full buffer with priorities and priors, moments, the champion, counts of what was tried
        return 4 * now + replay.options.capacity * (replay.nbytes_each + 64) + MOST_BESIDE

    def checkpoint(self) -> None:
        """Put all that the next steps depend on, on disk."""
        self._save()
        arrays, data = self.loop.state()
        champion, champion_data = self.champion.state()
        state = {
            "loop": data,
            "champion": champion_data,
            "solved_at_step": self.solved_at_step,
            "next_evaluation": self._next_evaluation,
            "wall_seconds": self.clock.wall_seconds,
            "cpu_seconds": self.clock.cpu_seconds,
        }
        try:
            save_checkpoint(self.folder.path / "checkpoints", self.step, {**arrays, **champion}, state)
        except ValueError:  # JSON has no other numbers than finite ones
            raise RunError(
                f"{self.folder.path}: what was learned is no number any more: begin anew with a smaller "
                f"dqn.learning_rate than {self.config.dqn.learning_rate:g}"
            ) from None
        self._next_checkpoint = self.step + self.checkpoint_every

    def restore(self, arrays: dict, data: dict) -> None:
        """Go on from a checkpoint; raises ValueError if it does not belong to this run."""
        validate_like(KEPT, data, "")
        if data["solved_at_step"] is not None:
            validate_like(0, data["solved_at_step"], "solved_at_step")
        self.clock = Clock(data["wall_seconds"], data["cpu_seconds"])
        self.loop.restore(arrays, data["loop"])
        self.champion.restore(arrays, data["champion"])
        self.solved_at_step, self._next_evaluation = data["solved_at_step"], data["next_evaluation"]
        self._next_checkpoint = self.step + self.checkpoint_every

    def _summary(self, stopped: str) -> dict:
        """Return how the run ended, as plain numbers."""
        config, champion, task = self.config, self.champion, self.config.task
        score = champion.score
        assert score is not None, "a champion was considered before"
        return {
            "solved": champion.solved,
            "stopped": stopped,
            "solved_at_step": self.solved_at_step,
            "regime": config.regime,
            "song": self.songs[0].name if len(self.songs) == 1 else None,
            "songs": len(self.songs),
            "seed": config.dqn.seed,
            "steps": self.step,
            "episodes": self.loop.episodes,
            "updates": self.learner.updates,
            "cpu_seconds": self.clock.cpu_seconds,
            "wall_seconds": self.clock.wall_seconds,
            "cases": len(champion.evaluator),
            "ceiling": champion.evaluator.ceiling,
            "always_rest": sum(always_rest(song, task.prompt) for song in self.songs),
            "right_teacher_forced": champion.right,
            "right_free_running": champion.evaluator.right_free_running(champion.network()),
            "prefix": score.prefix,
            "whole_songs": score.whole_songs,
            "greedy_reward": score.reward,
            "champion_of_step": champion.step,
            "right_at_the_end": champion.evaluator.evaluate(self.learner.network).right,
            "memory": task.memory,
            "prompt": task.prompt,
            "parameters": sum(weights.numel() for weights in self.learner.network.parameters()),
            "bytes_per_transition": self.learner.replay.nbytes_each,
        }


def resolve_dqn(config: DqnConfig) -> tuple[DqnConfig, list[Song]]:
    """Look up the songs of a configuration and fill in what depends on them.

    Raises:
        SongError: there is no such song.
        ConfigError: parts of the configuration do not go together.
    """
    config.check()
    improvisation_listener(config)
    config, songs = resolve_songs(config)
    make_agent(config)  # an error comes before a folder is made
    return config, songs


def train(
    config: DqnConfig,
    folder: RunFolder,
    songs: Sequence[Song],
    command: Sequence[str],
    progress: Progress = SILENCE,
    checkpoint_every: int = 10_000,
    listener: Listener | None = None,
    watch: Sequence[Callback] = (),
) -> dict:
    """Learn from the beginning.

    Args:
        config: a resolved configuration.
        folder: a new run folder.
        songs: what is to be learned.
        command: the command line, for the record.
        progress: is told of every evaluation.
        checkpoint_every, listener, watch: as for `DqnRun`.

    Returns:
        What is also written as summary.json.
    """
    clock = Clock()
    write_atomically(folder.path / "config.toml", config.to_toml())
    folder.write_meta("dqn", list(command), config.dqn.seed)
    folder.write_songs(songs)
    songs = folder.read_songs(config.task.steps)  # in the order in which a resumed run will find them
    return DqnRun(folder, config, songs, clock, checkpoint_every, listener, watch).continue_until_done(progress)


def resume(
    folder: RunFolder,
    settings: Sequence[str] = (),
    progress: Progress = SILENCE,
    checkpoint_every: int = 10_000,
    listener: Listener | None = None,
    watch: Sequence[Callback] = (),
) -> tuple[dict, list[str]]:
    """Go on from the last checkpoint of a run, to the same result as if it had never stopped.

    Args:
        folder: a run folder with checkpoints.
        settings: `section.key=value`, of those that `CHANGEABLE` names.
        progress, checkpoint_every, listener, watch: as for `train`.

    Returns:
        What is also written as summary.json, and warnings.

    Raises:
        RunError: there is no checkpoint, or it does not belong to this run.
    """
    config = read_config(folder, DqnConfig)
    for setting in settings:
        if not setting.startswith(CHANGEABLE):
            allowed = " and ".join(name.rstrip("=") for name in CHANGEABLE)
            raise RunError(f"--set {setting}: a resumed run keeps its settings; only {allowed} may change")
        config = config.apply(setting)
    songs = folder.read_songs(config.task.steps, config.task.prompt)
    run = DqnRun(folder, config, songs, Clock(), checkpoint_every, listener, watch)
    arrays, data, warnings = load_checkpoint(folder.path / "checkpoints", run.most_bytes())
    try:
        run.restore(arrays, data)
    except (ValueError, TypeError, LookupError, OverflowError) as error:
        reason = error if isinstance(error, ValueError) else repr(error)
        raise RunError(f"{folder.path}: the checkpoint does not fit the run: {reason}") from None
    write_atomically(folder.path / "config.toml", config.to_toml())
    folder.cut_table("metrics.csv", "step", run.step + 1)
    return run.continue_until_done(progress), warnings

"""The lifecycle of all runs: start, resume, repeat; step, log, save, interrupt, finish.

A *kind* of run (evolve, dqn, breed, vae, listener) defines how its inputs are written to the folder and how a trainable
is built from the folder. New, resumed and repeated runs are therefore built in the same way, and a run that was killed
before its first checkpoint starts again with bit-identical results.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pkgutil import resolve_name
from typing import Any

from experiments.config.kinds import CONFIGS, config_class
from experiments.config.settings import ConfigError, Settings
from experiments.runs.checkpoint import State, load_checkpoint, save_checkpoint
from experiments.runs.clock import Clock
from experiments.runs.folder import RunError, RunFolder
from experiments.runs.interrupt import deferred_interrupt
from experiments.runs.origin import Origin
from experiments.runs.progress import ProgressBar
from experiments.runs.trainable import Callback, Log, Trainable
from songs.files import write_atomically
from songs.validate import validate_like

SAVE_SECONDS = 5.0
"""Seconds between saves of the tables and the champion during a run."""


@dataclass(frozen=True)
class Kind:
    """A kind of run."""

    name: str
    changeable: tuple[str, ...]
    """Options, as section.key, that may change when a run is resumed."""
    prepare: Callable[[Any, RunFolder, Any], None]
    """Writes the inputs of a new run (its songs, ...) to its folder: `prepare(config, folder, inputs)`."""
    training: Callable[..., AbstractContextManager[Trainable]]
    """Context manager for the trainable of a folder: `training(config, folder, **resources)`."""
    inputs: Callable[[Any, RunFolder], Any]
    """Reads the inputs of an old run in order to repeat it: `inputs(config, folder)`."""
    origins: tuple[str, ...] = ()
    """Files that a run of this kind may start from, see `experiments.runs.origin`."""
    checkpoint_every: int | None = None
    """Default number of steps between checkpoints; None: one with every log."""


@dataclass(frozen=True)
class Supervision:
    """Progress, callbacks, checkpoints and resources of a run, none of which changes its result."""

    checkpoint_every: int | None = None
    """Steps between checkpoints; 0: none; None: the default of the kind."""
    progress: ProgressBar = field(default_factory=lambda: ProgressBar(quiet=True))
    callbacks: Sequence[Callback] = ()
    resources: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments of the kind's `training`, such as workers or a device."""
    writes: bool = True
    """True if this process writes the run folder; only the first of several processes does."""
    agree: Callable[[bool], bool] = bool
    """Returns True if any of the processes was interrupted."""


def kind_of(folder: RunFolder) -> Kind:
    """Return the kind of a run; raise RunError if it needs a package that is not installed."""
    try:
        return load_kind(name_of_kind(folder))
    except ImportError as error:
        raise RunError(
            f"{folder.path}: this run needs the package {error.name}: pip install 'kuznechik[torch]'"
        ) from None


def load_kind(name: str) -> Kind:
    """Return the kind of run with this name; raise ImportError if a package is missing."""
    return resolve_name(f"experiments.runs.{name}.kind:KIND")


def name_of_kind(folder: RunFolder) -> str:
    """Return the name of a run's kind; raise RunError if meta.json has no valid one."""
    name = folder.read_meta().get("experiment")
    if not isinstance(name, str) or name not in CONFIGS:
        raise RunError(f"{folder.path}: meta.json names the experiment {name!r}; known ones are {', '.join(CONFIGS)}")
    return name


def begin(
    kind: Kind, config: Settings, folder: RunFolder, inputs: Any, command: Sequence[str], supervision: Supervision
) -> dict[str, Any]:
    """Set a run up and start it; return the content of summary.json."""
    set_up(kind, config, folder, inputs, command)
    return start(kind, config, folder, supervision)


def set_up(
    kind: Kind,
    config: Settings,
    folder: RunFolder,
    inputs: Any,
    command: Sequence[str],
    origin: Origin | None = None,
) -> None:
    """Write everything that a run needs to its new folder: configuration, inputs, origin, and the command line."""
    kind.prepare(config, folder, inputs)
    if origin:
        origin.write(folder)
    folder.write_meta(kind.name, list(command), config.seed, origin.about if origin else None)
    write_atomically(folder.path / "config.toml", config.to_toml())  # last, because it marks the folder as complete


def start(kind: Kind, config: Settings, folder: RunFolder, supervision: Supervision) -> dict[str, Any]:
    """Run from the start in a folder that is set up; return the content of summary.json."""
    clock = Clock()
    with kind.training(config, folder, **supervision.resources) as trainable:
        return RunInProgress(kind, folder, trainable, clock, supervision).complete()


def resume(folder: RunFolder, settings: Sequence[str], supervision: Supervision) -> tuple[dict[str, Any], list[str]]:
    """Continue a run from its last checkpoint, or from its start if it has none, with bit-identical results.

    Returns:
        The content of summary.json, and warnings.

    Raises:
        RunError: A setting may not change, or the checkpoint does not belong to this run.
    """
    kind = kind_of(folder)
    config = changed_config(kind, read_config(folder), settings)
    with kind.training(config, folder, **supervision.resources) as trainable:
        state, complaints = load_checkpoint(folder.path / "checkpoints", trainable.largest_checkpoint())
        clock = Clock() if state is None else _restore(folder, trainable, state)
        if supervision.writes:
            for table in trainable.tables:
                folder.cut_table(table, trainable.next_row)
            if trainable.history:
                trainable.history.resume(folder, trainable.next_row)
            write_atomically(folder.path / "config.toml", config.to_toml())
        warnings = [f"{complaint}; resumed from the previous checkpoint" for complaint in complaints]
        return RunInProgress(kind, folder, trainable, clock, supervision).complete(), warnings


def repeat(old: RunFolder, new: RunFolder, command: Sequence[str], supervision: Supervision) -> dict[str, Any]:
    """Run again in a new folder, from the configuration and inputs of an old one; return the new summary."""
    kind = kind_of(old)
    config = read_config(old)
    set_up(kind, config, new, kind.inputs(config, old), command, Origin.of_run(old, kind.origins))
    return start(kind, config, new, supervision)


def read_config(folder: RunFolder) -> Any:
    """Return the configuration of a run; raise RunError if it is missing or broken."""
    try:
        config = config_class(name_of_kind(folder)).from_toml(folder.read_text("config.toml"))
    except ConfigError as error:
        raise RunError(f"{folder.path}: config.toml is broken: {error}") from None
    task = getattr(config, "task", None)
    if task is not None and task.kind == "song":  # in a run, memory and prompt are resolved
        for name, least, what in (("memory", 1, "remembered"), ("prompt", 0, "given")):
            if (value := getattr(task, name)) < least:
                raise RunError(
                    f"{folder.path}: config.toml is broken: task.{name} = {value}: it must be the number of steps "
                    f"{what}"
                )
    return config


def changed_config(kind: Kind, config: Settings, settings: Sequence[str]) -> Settings:
    """Return a configuration with settings applied; raise RunError for one that may not change on resume."""
    for setting in settings:
        if setting.partition("=")[0].strip() not in kind.changeable:
            allowed = f"; only {' and '.join(kind.changeable)} may change" if kind.changeable else ""
            raise RunError(f"--set {setting}: a resumed run keeps its settings{allowed}")
        config = config.apply(setting)
    return config


def _restore(folder: RunFolder, trainable: Trainable, state: State) -> Clock:
    """Restore the state of a checkpoint; return the clock of the run."""
    arrays, data = state
    try:
        validate_like({"wall_seconds": 0.0, "cpu_seconds": 0.0, "state": {}}, data)
        trainable.restore(arrays, data["state"])
    except (ValueError, TypeError, LookupError, OverflowError) as error:
        reason = error if isinstance(error, ValueError) else repr(error)
        raise RunError(f"{folder.path}: the checkpoint does not fit the run: {reason}") from None
    return Clock(data["wall_seconds"], data["cpu_seconds"])


def passes_multiple(every: int, before: int, after: int) -> bool:
    """Return True if a multiple of `every` lies in (before, after]; False if `every` is 0."""
    return every > 0 and after // every > before // every


class RunInProgress:
    """A running trainable, and the folder that its results are written to."""

    def __init__(self, kind: Kind, folder: RunFolder, trainable: Trainable, clock: Clock, supervision: Supervision):
        self.folder, self.trainable, self.clock, self.supervision = folder, trainable, clock, supervision
        every = supervision.checkpoint_every
        self._checkpoint_every = kind.checkpoint_every if every is None else every
        self._rows: dict[str, list[Mapping[str, Any]]] = {table: [] for table in trainable.tables}
        self._saved_champion: object | None = None
        self._next_save = time.monotonic() + SAVE_SECONDS

    def complete(self) -> dict[str, Any]:
        """Step until the trainable has ended or is interrupted; return the content of summary.json."""
        trainable, progress = self.trainable, self.supervision.progress
        progress.begin(trainable)
        interrupted = False
        with deferred_interrupt() as interrupt:
            while not trainable.ended and not interrupted:
                before, log = trainable.steps, trainable.step()
                if log:
                    self._record(log)
                    progress.update(trainable)
                if self._checkpoint_is_due(before, log):
                    self._checkpoint()
                elif time.monotonic() >= self._next_save:
                    self._save()
                interrupted = self.supervision.agree(interrupt.requested)
            if self._checkpoint_every != 0:
                self._checkpoint()
            trainable.finish()
            self._save()
        summary = {
            "stopped": trainable.ended or "interrupted",
            **trainable.summary(),
            "cpu_seconds": self.clock.cpu_seconds,
            "wall_seconds": self.clock.wall_seconds,
        }
        if self.supervision.writes:
            self.folder.write_json("summary.json", summary)
        return summary

    def _record(self, log: Log) -> None:
        """Keep figures until they are saved, and pass them to the callbacks."""
        metrics = {**log.metrics, "cpu_seconds": self.clock.cpu_seconds}
        self._rows[self.trainable.tables[0]].append(metrics)
        for table, rows in log.tables.items():
            self._rows[table] += rows
        (_, step), *figures = metrics.items()
        for callback in self.supervision.callbacks:
            callback.on_metrics(step, dict(figures))

    def _save(self) -> None:
        """Write the tables and the champion to disk."""
        if not self.supervision.writes:
            return
        self.folder.check_is_there()
        for table, rows in self._rows.items():
            self.folder.append(table, rows)
            rows.clear()
        if self.trainable.history:
            self.trainable.history.write(self.folder)
        champion = self.trainable.champion
        if champion is not None and champion is not self._saved_champion:
            self.trainable.write_champion(self.folder, self.supervision.callbacks)
            self._saved_champion = champion
        self._next_save = time.monotonic() + SAVE_SECONDS

    def _checkpoint_is_due(self, before: int, log: Log | None) -> bool:
        """Return True if a checkpoint is due after a step; `before` is the number of steps before it."""
        every = self._checkpoint_every
        return log is not None if every is None else passes_multiple(every, before, self.trainable.steps)

    def _checkpoint(self) -> None:
        """Write a checkpoint: everything that the next steps depend on."""
        if not self.supervision.writes:
            return
        self._save()
        arrays, state = self.trainable.state()
        data = {"wall_seconds": self.clock.wall_seconds, "cpu_seconds": self.clock.cpu_seconds, "state": state}
        try:
            save_checkpoint(self.folder.path / "checkpoints", self.trainable.steps, (arrays, data))
        except ValueError as error:
            raise RunError(
                f"{self.folder.path}: learning has diverged ({error}): start a new run with a smaller learning rate"
            ) from None

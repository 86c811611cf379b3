"""The runs in some folders and what distinguishes them, read only from config.toml, meta.json and summary.json.

Conventions: an option is named `section.key`, as for --set. A cost in environment steps counts every step played by a
network: an evaluation in evolution on a song of 120 scored steps costs 120, and a step of a DQN costs 1.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from experiments.config.kinds import CONFIGS
from experiments.config.settings import parse_toml
from experiments.runs.breed.choices import CHOICES, STARRED
from experiments.runs.folder import RunError, RunFolder
from songs.catalog import song_name
from songs.piano_roll import most_right_steps, read_lags
from songs.validate import ByAnyName, OrNone, validate_like

SWEEP = "sweep.toml"
"""File in a sweep's folder that lists the variants, whose order the run folders have."""
SEEDS = ("evolve.seed", "dqn.seed", "breed.seed", "training.seed", "listener.seed")
SHOWN = (*SEEDS, "task.song", "evolve.algorithm", "listener.kind")
"""Options that are properties of a listed run."""

ALWAYS = {"stopped": "", "cpu_seconds": 0.0}
SUMMARY: dict[str, Any] = dict.fromkeys(("cases", "env_steps", "evaluations", "songs", "steps"), 0)
SUMMARY |= dict.fromkeys(("always_rest", "ceiling", "right_teacher_forced"), OrNone(0))
SUMMARY |= {"song": OrNone(""), "dataset": "", "regime": "", "solved": OrNone(True), "validation": OrNone({})}
SUMMARY |= dict.fromkeys(("reward_a_step", "greedy_reward", "mean_return"), OrNone(-1.0)) | {
    "baselines_a_step": ByAnyName(-1.0)
}
"""Examples of the values read from summary.json; every summary has the first two."""


@dataclass(frozen=True, eq=False)
class ListedRun:
    """A run, as needed by lists and comparisons."""

    folder: RunFolder
    kind: str
    """Name of the kind of run; "" if the folder is broken."""
    started: str
    options: Mapping[str, Any] = field(repr=False)
    """The whole configuration, by `section.key`."""
    summary: Mapping[str, Any] = field(repr=False)
    """Content of summary.json; empty if the run is still running or was killed."""

    @property
    def name(self) -> str:
        return self.folder.path.name

    @property
    def group(self) -> str:
        """Name of its parent folder; in a sweep, the variant."""
        return self.folder.path.absolute().parent.name

    @cached_property
    def state(self) -> str:
        """How it ended, such as solved or budget, or else running, unfinished or broken."""
        if not self.kind:
            return "broken"
        stopped = self.summary.get("stopped")
        if stopped and stopped != "interrupted":
            return str(stopped)
        return "running" if is_locked(self.folder) else str(stopped or "unfinished")

    @property
    def ended(self) -> bool:
        """True if it ended by itself, and was not interrupted or killed."""
        return self.summary.get("stopped", "interrupted") != "interrupted"

    @cached_property
    def song(self) -> str:
        """What is learned: songs, exclusive or, an environment, a VAE's data set, or the start of breeding."""
        task, summary = self.options.get("task.kind"), self.summary
        if task is None:
            return str(self.options.get("breed.start") or summary.get("dataset", ""))
        if task == "environment":
            return str(self.options.get("environment.id"))
        if task != "song":
            return str(task)
        if self.options.get("task.together") or summary.get("songs", 1) > 1:
            return f"{summary['songs']} songs" if "songs" in summary else "all songs"
        return str(summary.get("song") or song_name(Path(str(self.options.get("task.song")))))

    @property
    def algorithm(self) -> str:
        """The search of evolution, the regime of a DQN, or the kind of listener."""
        if self.kind == "breed":
            return "by ear"
        found = self.options.get("evolve.algorithm") or self.options.get("listener.kind")
        return str(found or self.summary.get("regime", ""))

    @property
    def seed(self) -> int | None:
        return next((self.options[name] for name in SEEDS if name in self.options), None)

    @property
    def right(self) -> int | None:
        """The champion's steps right; None if a listener decides, or if unknown."""
        return self.summary.get("right_teacher_forced") if self.reward is None else None

    @property
    def reward(self) -> float | None:
        """The champion's reward per step when improvising, or its mean return in an environment; else None."""
        values = (self.summary.get(name) for name in ("reward_a_step", "greedy_reward", "mean_return"))
        return next((value for value in values if value is not None), None)

    @property
    def loss(self) -> float | None:
        """Loss of the best VAE on held-out melodies; None for other runs."""
        loss = (self.summary.get("validation") or {}).get("loss")
        return loss if isinstance(loss, float) else None

    @property
    def env_steps(self) -> int | None:
        """Environment steps until it stopped; None if it has none or they are unknown."""
        if self.kind == "dqn":
            return self.summary.get("steps")
        if "env_steps" in self.summary:
            return self.summary["env_steps"]
        evaluations, each = self.summary.get("evaluations"), self.steps_per_evaluation
        return None if evaluations is None or each is None else evaluations * each

    @cached_property
    def steps_per_evaluation(self) -> int | None:
        """Environment steps per evaluation of evolution; None if unknown.

        With a mode bit, improvisations count the same as the song learned before.
        """
        if self.kind != "evolve":
            return None
        try:
            if self.options.get("improvise.listener") and not self.options.get("task.mode_bit"):
                starts = self.folder.read_json("starts.json")
                return sum(int(starts["steps"]) - len(prompt) for prompt in starts["prompts"])
            if "cases" in self.summary:
                return int(self.summary["cases"])
            if self.options.get("task.kind") == "xor":
                return 4
            prompt = int(self.options["task.prompt"])
            return sum(song.steps - prompt for song in self.folder.read_songs(int(self.options["task.steps"]), prompt))
        except (ValueError, TypeError, KeyError, OverflowError):
            return None

    @cached_property
    def limits(self) -> tuple[int | None, int | None]:
        """Steps right of always resting, and the most that can be right; None if unknown."""
        if "ceiling" in self.summary or self.options.get("task.kind") != "song":
            return self.summary.get("always_rest"), self.summary.get("ceiling")
        try:
            prompt = int(self.options["task.prompt"])
            memory = read_lags(str(self.options.get("task.lags", ""))) or int(self.options["task.memory"])
            rolls = [song.roll for song in self.folder.read_songs(int(self.options["task.steps"]), prompt)]
        except (ValueError, KeyError, OverflowError):
            return None, None
        return sum(int((~roll[prompt:].any(axis=1)).sum()) for roll in rolls), most_right_steps(rolls, memory, prompt)

    @property
    def left_nothing(self) -> bool:
        """True if it has neither a result nor a checkpoint to continue from, nor a person's choices."""
        folders = (self.folder.path / name for name in ("best", "checkpoints", STARRED))
        kept = any(folder.is_dir() and any(folder.iterdir()) for folder in folders)
        return not kept and not (self.folder.path / CHOICES).exists()


def list_runs(paths: Iterable[str | Path]) -> list[ListedRun]:
    """Return the runs at or below the given folders, at any depth; raise RunError if a folder has none."""
    listed: dict[Path, ListedRun] = {}
    for path in map(Path, paths):
        if not path.is_dir():
            raise RunError(f"{path}: no such folder")
        found = [*_run_folders(path)]
        if not found:
            raise RunError(f"{path}: contains no run folder; a run folder has a config.toml")
        listed |= {each.resolve(): read_run(each) for each in found}
    return list(listed.values())


def _run_folders(path: Path) -> Iterator[Path]:
    """Yield run folders by name or in the order of a sweep's variants, ignoring links and hidden folders."""
    if (path / "config.toml").is_file():
        yield path
        return
    with os.scandir(path) as entries:
        folders = (entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
        names = sorted((name for name in folders if not name.startswith(".")), key=_natural)
    if (path / SWEEP).is_file():
        first = variant_folders(path / SWEEP)
        names.sort(key=lambda name: first.index(name) if name in first else len(first))
    for name in names:
        yield from _run_folders(path / name)


def variant_folders(file: Path) -> list[str]:
    """Return the folder names of a sweep's variants, in the order of its file; raises RunError."""
    try:
        return [folder_name(variant) for variant in parse_toml(RunFolder(file.parent).read_text(file.name))["variants"]]
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(f"{file}: cannot be read: {error}") from None


def folder_name(variant: str) -> str:
    """Return the folder name of a variant."""
    return "".join("-" if c in '/\\:*?"<>|' or not c.isprintable() else c for c in variant).strip(". ")


def _natural(name: str) -> list[tuple[int, int | str]]:
    """Return a key that sorts run-2 before run-10."""
    digits = "".join(c if c.isascii() and c.isdigit() else f" {c} " for c in name).split()
    return [(0, int(part)) if part.isdigit() else (1, part) for part in digits]


def read_run(path: Path) -> ListedRun:
    """Read a run folder; a broken one is listed without its kind."""
    folder = RunFolder(path)
    try:
        meta = folder.read_meta()
        options = _options(folder.read_text("config.toml"))
        summary = _summary(folder)
    except (RunError, ValueError):
        return ListedRun(folder, "", "", {}, {})
    kind, started = meta.get("experiment"), meta.get("started", "")
    return ListedRun(folder, kind if kind in CONFIGS else "", str(started), options, summary)


def _summary(folder: RunFolder) -> dict[str, Any]:
    """Return the content of summary.json; empty if it does not exist. Raises ValueError if it is broken."""
    if not (folder.path / "summary.json").exists():
        return {}
    summary = folder.read_json("summary.json")
    validate_like(ALWAYS | {name: like for name, like in SUMMARY.items() if name in summary}, summary)
    return summary


def _options(toml: str) -> dict[str, Any]:
    """Return the options of a configuration by `section.key`; raises ValueError.

    Sections are parsed separately, and a section that many runs share is parsed only once.
    """
    parts = toml.replace("\n[", "\n\0[").split("\0")
    return {name: value for part in parts for name, value in _section(part)}


@lru_cache(maxsize=4096)
def _section(toml: str) -> tuple[tuple[str, Any], ...]:
    sections = parse_toml(toml)
    return tuple(
        (f"{name}.{key}", value if isinstance(value, str | int | float) else str(value))
        for name, section in sections.items()
        for key, value in section.items()
    )


def is_locked(folder: RunFolder) -> bool:
    """Return True if a process is writing to a run folder."""
    lock = folder.path / ".lock"
    if not lock.exists():
        return False
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True
    except OSError:  # a read-only folder
        return False


def differing_options(runs: Sequence[ListedRun]) -> list[str]:
    """Return the options that differ between runs of the same kind.

    Seed, song and algorithm are left out, as are options that follow from the song, such as its steps and memory.
    """
    names = dict.fromkeys(name for run in runs for name in run.options)
    return [name for name in names if name not in SHOWN and _differs(name, runs)]


def _differs(name: str, runs: Sequence[ListedRun]) -> bool:
    by_song: dict[tuple[str, str], set] = {}
    for run in runs:
        if name in run.options:
            by_song.setdefault((run.kind, run.song), set()).add(run.options[name])
    return any(len(values) > 1 for values in by_song.values())

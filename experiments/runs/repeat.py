"""Repeating a run from what its folder holds, and comparing what came of it."""

import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from experiments.runs.assembly import read_config
from experiments.config.evolve import EvolveConfig
from experiments.config.dqn import DqnConfig
from experiments.runs.folder import RunError, RunFolder
from songs.files import read_whole


def repeat(old: RunFolder, new: RunFolder, command: Sequence[str], quiet: bool = False) -> dict:
    """Do again what a run did, in a new folder.

    Args:
        old: a run folder.
        new: a new one.
        command: the command line, for the record.
        quiet: show no progress.

    Returns:
        The new summary.

    Raises:
        RunError: the folder is not that of a run that can be repeated, or lacks a part.
    """
    experiment = old.read_meta().get("experiment")
    if experiment == "evolve":
        from experiments.runs.evolve import evolve
        from experiments.runs.progress import EvolutionProgress

        config = read_config(old, EvolveConfig)
        songs = [] if config.task.kind == "xor" else old.read_songs(config.task.steps, config.task.prompt)
        with EvolutionProgress(quiet=quiet) as progress:
            return evolve(config, new, songs, command, progress)
    if experiment == "dqn":
        from experiments.runs.dqn import train
        from experiments.runs.progress import DqnProgress

        learned = read_config(old, DqnConfig)
        with DqnProgress(quiet=quiet) as learning:
            return train(learned, new, old.read_songs(learned.task.steps, learned.task.prompt), command, learning)
    raise RunError(f"{old.path}: meta.json names the experiment {experiment!r}, which cannot be repeated")


def compare(old: RunFolder, new: RunFolder) -> dict[str, bool]:
    """Return for every file of the two champions whether it is the same to the byte."""
    names = sorted({path.name for folder in (old, new) for path in (folder.path / "best").glob("*")})
    return {name: _content(old.path / "best" / name) == _content(new.path / "best" / name) for name in names}


def _content(path: Path) -> bytes | None:
    """Return what a file holds, None if there is none, or none that a run has written."""
    try:
        return read_whole(path)
    except OSError:
        return None


def other_versions(folder: RunFolder) -> list[str]:
    """Return a line for everything that is another version now than it was in a run."""
    lines = []
    for package, before in folder.read_meta().get("versions", {}).items():
        now = platform.python_version() if package == "python" else _installed(package)
        if before and now != before:
            lines.append(f"{package} was {before} and is {now}: the result may differ")
    return lines


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None

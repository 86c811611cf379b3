"""Sweeps: variants of an experiment, each with several songs and seeds.

A file of a sweep is TOML:

    kind        kind of run: evolve (the default), dqn, vae or listener
    seeds       a number, or a list of seeds
    songs       names or .mid files; each is learned by every variant
    [base.SECTION]      options that differ from the defaults in all variants
    [variants]  by name, a list of settings as for --set, or a table of kind, config (a file or preset) and set
    [search]    options to search over, see `experiments.studies.search`

A sweep's folder keeps its file, and a run folder for each run:

    sweep.toml                      the file, with the seeds used
    VARIANT/SONG-seed-N/            runs
    table.md, curves.*              the result
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import tomli_w

from experiments.command import configured
from experiments.comparison.run_list import SWEEP, folder_name
from experiments.config.kinds import CONFIGS
from experiments.config.settings import ConfigError, Settings, parse_toml, read_toml_text
from experiments.runs.assembly import resolve
from experiments.runs.folder import RunError, RunFolder
from experiments.runs.lifecycle import load_kind, set_up
from songs.catalog import song_name
from songs.files import write_atomically
from songs.validate import validate_like

KEYS = ("kind", "seeds", "songs", "base", "variants", "search")
VARIANT = ("kind", "config", "set")


@dataclass(frozen=True)
class PlannedRun:
    """A run of a sweep."""

    name: str
    """Its folder, relative to that of the sweep."""
    kind: str
    config: Settings


def sweeps_folder() -> Path:
    """Return the folder of the sweeps that come with the project."""
    return Path(str(files("experiments"))) / "ablations"


def read_sweep(path: Path) -> dict[str, Any]:
    """Return the content of a sweep's file; raise ConfigError if it is invalid."""
    try:
        content = parse_toml(read_toml_text(path))
        plan(content)
        return content
    except FileNotFoundError:
        names = ", ".join(sorted(each.stem for each in sweeps_folder().glob("*.toml")))
        raise ConfigError(f"{path}: no such file or sweep; the sweeps are {names}") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: {error}") from None


def plan(content: Mapping[str, Any]) -> list[PlannedRun]:
    """Return the runs of a sweep ordered by seed, so that variants can be compared early; raises ConfigError."""
    if unknown := sorted(set(content) - set(KEYS)):
        raise ConfigError(f"unknown key {unknown[0]}: the keys are {', '.join(KEYS)}")
    if not content.get("variants") and "search" not in content:
        raise ConfigError("[variants] is missing: it needs at least one variant")
    try:
        example = {"kind": "", "songs": [""], "base": {}, "variants": {}}
        validate_like({name: each for name, each in example.items() if name in content}, content)
        songs, seeds = content.get("songs", []), seeds_of(content)
        variants = [(folder_name(name), *_variant(name, content)) for name in content.get("variants", {})]
        planned = [
            PlannedRun(f"{folder}/{prefix}seed-{seed}", kind, _with(config, kind, song, seed))
            for seed in seeds
            for song, prefix in [(song, f"{folder_name(song_name(Path(song)))}-") for song in songs] or [("", "")]
            for folder, kind, config in variants
        ]
    except ConfigError:
        raise
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise ConfigError(str(error)) from None
    names = [run.name.casefold() for run in planned]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ConfigError(f"two of its runs would have the folder {twice[0]}: choose other names")
    return planned


def seeds_of(content: Mapping[str, Any]) -> list[int]:
    """Return the seeds of a sweep; raises ConfigError."""
    seeds = content.get("seeds", 10)
    listed = list(range(seeds)) if isinstance(seeds, int) else seeds
    if not isinstance(listed, list) or not listed or not all(type(seed) is int and seed >= 0 for seed in listed):
        raise ConfigError(f"seeds = {seeds!r}: it must be a positive number, or a list of seeds")
    return listed


def _variant(name: str, content: Mapping[str, Any]) -> tuple[str, Settings]:
    """Return the kind and configuration of a variant; raises ConfigError."""
    variant = content["variants"][name]
    about: dict[str, Any] = {"set": variant} if isinstance(variant, list) else dict(variant)
    if unknown := sorted(set(about) - set(VARIANT)):
        raise ConfigError(f"variant {name!r}: unknown key {unknown[0]}: the keys are {', '.join(VARIANT)}")
    usual = content.get("kind", "evolve")
    kind = about.get("kind", usual)
    if kind not in CONFIGS:
        raise ConfigError(f"kind = {kind!r}: the kinds are {', '.join(CONFIGS)}")
    if not folder_name(name):
        raise ConfigError(f"variant {name!r}: its name must have a letter, for its folder")
    try:
        base = content.get("base", {})
        sections = {one.name for one in fields(configured(kind, None, {}, ()))}
        flags = {section: values for section, values in base.items() if kind == usual or section in sections}
        return kind, configured(kind, about.get("config"), flags, about.get("set", ()))
    except ImportError as error:
        raise ConfigError(f"variant {name!r} needs the package {error.name}: pip install 'kuznechik[torch]'") from None
    except ConfigError as error:
        raise ConfigError(f"variant {name!r}: {error}") from None


def _with(config: Settings, kind: str, song: str, seed: int) -> Settings:
    section = {"vae": "training"}.get(kind, kind)
    config = config.change(section, seed=seed)
    return config.change("task", song=song) if song else config


def begin(content: dict[str, Any], folder: RunFolder, command: Sequence[str]) -> list[PlannedRun]:
    """Create the folders of all runs of a sweep, so that mistakes are found before the first run starts.

    Existing folders are kept, which continues the sweep.

    Args:
        content: Content of the sweep's file.
        folder: Folder of the sweep.
        command: The command line, for meta.json of each run.

    Returns:
        The runs that have not ended.

    Raises:
        ValueError: A run cannot be created, because a song, data set or package is missing.
    """
    planned = plan(content)
    for left in folder.path.glob("*/.*.incoming/"):  # left when a sweep was killed while a run was returned
        shutil.rmtree(left)
    write_atomically(folder.path / SWEEP, tomli_w.dumps(content))
    for run in planned:
        path = folder.path / run.name
        if not (path / "config.toml").is_file():
            _make(run, path, command)
    return [run for run in planned if not has_ended(RunFolder(folder.path / run.name))]


def _make(run: PlannedRun, path: Path, command: Sequence[str]) -> None:
    if path.exists():  # the sweep was killed during this function
        shutil.rmtree(path)
    config, inputs = _resolved(run.kind, run.config)
    set_up(load_kind(run.kind), config, RunFolder.create(path), inputs, command)


def has_ended(folder: RunFolder) -> bool:
    """Return True if a run has ended by itself."""
    try:
        return folder.read_json("summary.json").get("stopped") != "interrupted"
    except RunError:
        return False


def _resolved(kind: str, config: Any) -> tuple[Any, Any]:
    """Return a resolved configuration, and the inputs of its run; raises ValueError."""
    try:
        if kind == "evolve":
            return resolve(config)
        if kind == "dqn":
            from experiments.runs.dqn.kind import resolve_dqn

            return resolve_dqn(config)
        if kind == "listener":
            from experiments.runs.listener.kind import processor

            processor(config)
            config = config.with_absolute_folders()
            return config, _identity(tuple(config.data.folders), config.listener.keys)
        return config.change("data", folder=str(Path(config.data.folder).resolve())), None
    except ImportError as error:
        raise ConfigError(f"{kind} needs the package {error.name}: pip install 'kuznechik[torch]'") from None


@lru_cache
def _identity(folders: tuple[Path, ...], keys: int) -> dict[str, Any]:
    """Return the digest of the music in folders, which is read only once for all runs."""
    from experiments.runs.listener.music import Music

    return Music.read(folders, keys).identity

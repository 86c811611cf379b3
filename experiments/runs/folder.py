"""A run folder: everything that a run writes, and that plots, scores and reports read.

    config.toml     the resolved configuration, which --config accepts
    meta.json       kind of run, command, versions, commit, start
    metrics.csv     figures over the steps of the run
    checkpoints/    the last two states, from which --resume continues
    best/           the champion
    history/        earlier champions, see `experiments.runs.history`
    summary.json    the result
    plots/          pictures, made by `kuznechik plot`
    .lock           held by the process that writes here

The module of each kind of run lists the other files in its folders. Files are written to a temporary name and then
moved, so that none is ever half-written. Tables grow by whole lines.
"""

import csv
import io
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from experiments.options import RunStopped
from experiments.runs.provenance import provenance
from experiments.runs.songs import DESCRIPTION, check_description, describe, read_songs
from songs.files import (
    MOST_BYTES,
    MOST_TEXT,
    delete_drafts,
    missing_folders,
    read_text,
    read_whole,
    remove_empty,
    write_atomically,
)
from songs.keyboard import MOST_KEYS
from songs.song import Song, SongError
from songs.validate import ByAnyName, OrNone, validate_like


class RunError(ValueError):
    """A run folder that is missing, already exists, or is incomplete; the message says what to do."""


class RunFolder:
    """One run folder, for writing during a run and reading afterwards."""

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self._new_parents: list[Path] = []
        self._identity: tuple[int, int] | None = None

    @classmethod
    def create(cls, path: str | Path) -> "RunFolder":
        """Create a new run folder; raise RunError if the path exists or the folder cannot be created."""
        folder = cls(path)
        path, folder._new_parents = folder.path, missing_folders(folder.path.parent)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.mkdir()
        except OSError as error:
            remove_empty(folder._new_parents)
            if os.path.lexists(path):  # unlike Path.exists, False for a name too long to be one
                raise RunError(f"{path} already exists and is never overwritten: choose another --out") from None
            raise RunError(f"{path}: cannot create the run folder: {error.strerror}") from None
        return folder

    @classmethod
    def create_numbered(cls, parent: str | Path, name: str) -> "RunFolder":
        """Create the first free one of `name-1`, `name-2`, ... in a folder."""
        number = 1
        while True:
            try:
                return cls.create(Path(parent) / f"{name}-{number}")
            except RunError:
                if not os.path.lexists(Path(parent) / f"{name}-{number}"):
                    raise
            number += 1

    @classmethod
    def new(cls, path: str | Path | None, parent: str | Path, name: str) -> "RunFolder":
        """Create a run folder at a path, or without one the first free `name-1`, `name-2`, ... in a parent."""
        return cls.create(path) if path else cls.create_numbered(parent, name)

    @classmethod
    def open(cls, path: str | Path) -> "RunFolder":
        """Open a run folder for reading; raise RunError if it is missing or not a run folder."""
        folder = cls(path)
        if not folder.path.is_dir():
            raise RunError(f"{path}: no such run folder")
        if not (folder.path / "config.toml").is_file():
            raise RunError(f"{path}: not a run folder: it has no config.toml{_runs_below(folder.path)}")
        return folder

    def _repr_html_(self) -> str:
        """Return HTML for a notebook: the result, and the champion's melody."""
        try:
            summary = self.read_json("summary.json")
        except RunError:
            summary = {"state": "still running, or stopped before its end"}
        names = ("search", "solved", "right_teacher_forced", "ceiling", "always_rest", "seed", "cpu_seconds", "state")
        shown = {name: escape(str(summary[name])) for name in names if name in summary}
        rows = "".join(f"<tr><td>{name}</td><td>{value}</td></tr>" for name, value in shown.items())
        table = f"<b>{escape(str(self.path))}</b><table>{rows}</table>"
        try:
            (song, *_), roll = self.read_songs(), self.read_roll()
        except (RunError, ValueError):
            return table
        title = f"{song.title or song.name}, as the champion plays it"
        return table + song.playing(roll, title).html(title)

    # writing

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Lock the folder against other writing processes; raise RunError if another one holds the lock."""
        self.refuse_links()
        try:
            with FileLock(self.path / ".lock", timeout=0):
                self._identity = _identity(self.path)
                delete_drafts(self.path)
                yield
        except Timeout:
            raise RunError(f"{self.path}: another process is writing to this run folder: let it end first") from None

    @contextmanager
    def deleted_if_refused(self) -> Iterator[None]:
        """Delete this new folder, and parents created for it, if the block fails before anything was learned."""
        try:
            yield
        except (ValueError, OSError):
            if self.path.is_dir() and not any(
                path.name in ("metrics.csv", "checkpoints") for path in self.path.rglob("*")
            ):
                shutil.rmtree(self.path)
                remove_empty(self._new_parents)
            raise

    def check_is_there(self) -> None:
        """Raise RunStopped if the folder was deleted or moved since `writing` began; it is not created again."""
        if self._identity and self._identity != _identity(self.path):
            raise RunStopped(f"{self.path}: the run folder was deleted or moved; --resume it at its new path")

    def refuse_links(self) -> None:
        """Raise RunError if the folder contains a link: writing through it would change files elsewhere."""
        for parent, folders, files in os.walk(self.path):
            for path in (Path(parent, name) for name in (*folders, *files)):
                if path.is_symlink():
                    raise RunError(
                        f"{path} is a link, and links in a run folder are not followed: replace it with its target"
                    )

    def file(self, name: str) -> Path:
        """Return the path of a file of the run to write; raise RunError as `refuse_links` does."""
        self.refuse_links()
        return self.path / name

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Write an object as JSON."""
        write_atomically(self.path / name, json.dumps(content, indent=1, allow_nan=False) + "\n")

    def write_meta(
        self, experiment: str, command: list[str], seed: int, origin: Mapping[str, Any] | None = None
    ) -> None:
        """Write meta.json: the kind of run, its command, its provenance, and its origin."""
        began = {"origin": dict(origin)} if origin else {}
        meta = {"experiment": experiment, "command": command, "seed": seed, **began, **provenance()}
        self.write_json("meta.json", meta)

    def write_songs(self, songs: Sequence[Song], left_out: Sequence[str] = ()) -> None:
        """Write the songs of the run, and lines on the files of a catalogue that are left out."""
        (self.path / "songs").mkdir(exist_ok=True)
        for song in songs:
            song.write(self.path / "songs" / f"{song.name}.mid")
        self.write_json(DESCRIPTION, describe(songs, left_out))

    def append(self, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Append rows to a table; a new table gets a header line."""
        rows, path = list(rows), self.path / name
        if not rows:
            return
        lines = io.StringIO()
        for row in rows:
            writer = csv.DictWriter(lines, list(row), lineterminator="\n")
            if not path.exists() and not lines.tell():
                writer.writeheader()
            writer.writerow(row)
        self.append_text(name, lines.getvalue())

    def append_text(self, name: str, text: str) -> None:
        """Append text to a file."""
        path = self.path / name
        try:
            with path.open("a", newline="") as file:
                file.write(text)
        except OSError as error:
            error.filename = str(path)
            raise

    def cut_table(self, name: str, end: int) -> None:
        """Keep only the complete rows of a table whose first column is below `end`; a missing table is left missing."""
        path = self.path / name
        if not path.exists():
            return
        lines = [line for line in self.read_text(name, MOST_BYTES).splitlines(keepends=True) if line.endswith("\n")]
        try:
            kept = lines[:1] + [line for line in lines[1:] if float(line.rstrip("\n").split(",")[0]) < end]
        except ValueError as error:
            raise RunError(f"{self.path}: {name} is broken: {error}") from None
        if kept:
            write_atomically(path, "".join(kept))
        else:
            path.unlink()  # so that the next rows write the header line

    # reading

    def read_text(self, name: str, most_bytes: int = MOST_TEXT) -> str:
        """Return the text of a file; raise RunError if it is missing or cannot be read."""
        try:
            return read_text(self.path / name, most_bytes)
        except FileNotFoundError:
            raise RunError(f"{self.path}: {name} is missing: the run was stopped before it was written") from None
        except (OSError, UnicodeDecodeError) as error:
            raise RunError(f"{self.path}: {name} cannot be read: {error}") from None

    def read_json(self, name: str) -> dict[str, Any]:
        """Return an object written by `write_json`; raises RunError if it is missing or broken."""
        try:
            content = json.loads(self.read_text(name))
        except (ValueError, RecursionError) as error:  # not only JSONDecodeError: a number may have too many digits
            raise RunError(f"{self.path}: {name} is broken: {error}") from None
        if not isinstance(content, dict):
            raise RunError(f"{self.path}: {name} is broken: it is not a JSON object")
        return content

    def read_meta(self) -> dict[str, Any]:
        """Return the content of meta.json; raise RunError if it is missing or broken."""
        meta = self.read_json("meta.json")
        example = {"experiment": "", "command": [""], "versions": ByAnyName(OrNone(""))}
        try:
            validate_like({name: each for name, each in example.items() if name in meta}, meta)
        except ValueError as error:
            raise RunError(f"{self.path}: meta.json is broken: {error}") from None
        return meta

    def read_table(self, name: str) -> dict[str, np.ndarray]:
        """Return the columns of a table as float64 arrays, without an incomplete last line. Raises RunError."""
        lines = self.read_text(name, MOST_BYTES).splitlines(keepends=True)
        if lines and not lines[-1].endswith("\n"):
            lines.pop()
        try:
            rows = list(csv.DictReader(lines))
            table = {column: np.array([float(row[column]) for row in rows]) for column in rows[0]} if rows else {}
        except (TypeError, ValueError, csv.Error) as error:
            raise RunError(f"{self.path}: {name} is broken: {error}") from None
        if not table:
            raise RunError(f"{self.path}: {name} has no rows: the run was stopped before its first generation")
        return table

    def read_songs(self, steps: int = 0, prompt: int = 0) -> list[Song]:
        """Return the songs of the run; raise RunError if none exist, or one is broken or no longer than the prompt.

        Args:
            steps: Length that longer songs are cut to; 0 keeps all.
            prompt: Steps given at the start.
        """
        try:
            songs = read_songs(self.path / "songs", self._read_description(), steps)
        except SongError as error:
            reason = str(error).removeprefix(f"{self.path}/")
            raise RunError(f"{self.path}: the songs of the run are missing: {reason}") from None
        except RunError:
            raise
        except ValueError as error:
            raise RunError(f"{self.path}: {error}") from None
        for song in songs:
            if song.steps <= prompt:
                raise RunError(
                    f"{self.path}: config.toml is broken: task.prompt = {prompt}: "
                    f"{song.name} has only {song.steps} steps"
                )
        return songs

    def read_left_out(self) -> list[str]:
        """Return lines on the files of a catalogue that are left out; raise RunError if songs.json is broken."""
        return self._read_description()["left_out"]

    def _read_description(self) -> dict[str, Any]:
        """Return the content of songs.json; raises RunError if it is broken."""
        if not (self.path / DESCRIPTION).exists():
            return describe([])
        content = self.read_json(DESCRIPTION)
        try:
            check_description(content)
        except (ValueError, TypeError) as error:
            raise RunError(f"{self.path}: {DESCRIPTION} is broken: {error}") from None
        return content

    def read_roll(self) -> np.ndarray:
        """Return the champion's roll (T, K) bool; raises RunError if it is missing or broken."""
        try:
            content = read_whole(self.path / "best" / "roll.npy")
            roll = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
            if roll.dtype != bool or roll.ndim != 2 or not 1 <= roll.shape[1] <= MOST_KEYS:
                raise ValueError(f"it holds {roll.dtype} {roll.shape}, not a roll (T, K)")
        except FileNotFoundError:
            raise RunError(f"{self.path}: best/roll.npy is missing: the run has no champion yet") from None
        except (OSError, ValueError, EOFError, MemoryError) as error:
            raise RunError(f"{self.path}: best/roll.npy is broken: {error}") from None
        return roll


def _identity(folder: Path) -> tuple[int, int] | None:
    """Return the device and inode of a folder, which change if it is replaced or moved; None if it is missing."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _runs_below(folder: Path) -> str:
    """Return a remark that names one of the run folders in a folder of runs, as written by `evolve --each`."""
    below = min(folder.glob("*/config.toml"), default=None)
    return f"; name one of the runs in it, such as {below.parent}" if below else ""

"""The film of a run: its successive champions, as many as fit in two megabytes.

history/champions.jsonl   a line of JSON for each: the generation or step, figures, and its genome or what it plays

Every new champion is kept until half of the space is used; after that, champions are kept so that the other half is
spread evenly over the logarithm of the generation. This depends only on the previous lines, so a run that was killed
and resumed ends with the same bytes, however often it was saved.

Conventions: the first field of a line counts generations or environment steps.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

from experiments.runs.folder import RunError, RunFolder
from songs.files import write_atomically
from songs.validate import validate_like

HISTORY = "history/champions.jsonl"
MOST_BYTES = 2_000_000
"""Maximum size of the file."""
HORIZON = 1_000_000
"""Number of generations or steps that the space always suffices for."""


class History:
    """The champions of a run that are kept in its folder."""

    def __init__(self) -> None:
        self._next = 0.0
        """Earliest generation of the next line."""
        self._bytes = 0
        self._unwritten: list[str] = []

    def wants(self, generation: int) -> bool:
        """Return True if a champion of this generation should be kept."""
        return generation >= self._next

    def add(self, fields: Mapping[str, Any]) -> None:
        """Keep a champion if it fits; its first field is its generation, in ascending order."""
        line = json.dumps(fields, separators=(",", ":"), allow_nan=False) + "\n"
        if self._bytes + len(line) <= MOST_BYTES:
            self._unwritten.append(line)
            self._count(line, next(iter(fields.values())))

    def _count(self, line: str, generation: int) -> None:
        """Set when the next line is due, assuming further lines have the size of this one."""
        self._bytes += len(line)
        left, now = MOST_BYTES - self._bytes, generation + 1
        if left <= MOST_BYTES / 2:
            self._next = now * max(2, HORIZON / now) ** (len(line) / left) - 1 if left > 0 else math.inf

    def write(self, folder: RunFolder) -> None:
        """Append new lines to the file."""
        if self._unwritten:
            (folder.path / HISTORY).parent.mkdir(exist_ok=True)
            folder.append_text(HISTORY, "".join(self._unwritten))
            self._unwritten.clear()

    def resume(self, folder: RunFolder, end: int) -> None:
        """Continue from the lines of the file below generation `end`, and delete the others; raises RunError."""
        kept = [line for line in _whole_lines(folder) if generation_of(_parsed(folder, line)) < end]
        for line in kept:
            self._count(line, generation_of(_parsed(folder, line)))
        if (folder.path / HISTORY).exists():
            write_atomically(folder.path / HISTORY, "".join(kept))


def read_history(folder: RunFolder) -> list[dict[str, Any]]:
    """Return the lines of a run's film by generation; empty for a run without one. Raises RunError if it is broken."""
    return [_parsed(folder, line) for line in _whole_lines(folder)]


def generation_of(line: Mapping[str, Any]) -> int:
    """Return the generation, or the step of a DQN, of a line."""
    return next(iter(line.values()))


def _whole_lines(folder: RunFolder) -> list[str]:
    if not (folder.path / HISTORY).exists():
        return []
    lines = folder.read_text(HISTORY, 2 * MOST_BYTES).splitlines(keepends=True)
    return [line for line in lines if line.endswith("\n")]


def _parsed(folder: RunFolder, line: str) -> dict[str, Any]:
    try:
        fields = json.loads(line)
        validate_like({}, fields, "a line")
        validate_like(0, next(iter(fields.values()), None), "its first field")
    except (ValueError, RecursionError) as error:
        raise RunError(f"{folder.path}: {HISTORY} is broken: {error}") from None
    return fields

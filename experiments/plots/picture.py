"""Pictures of a run, and the run as pictures need it, read only from its folder.

A module of this package that draws a picture of runs has a constant `PICTURE`; `experiments.plots.run` lists them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from experiments.config.breed import BreedConfig
from experiments.config.dqn import DqnConfig
from experiments.config.evolve import EvolveConfig
from experiments.plots.sheet import font_shows
from experiments.runs.folder import RunError, RunFolder
from experiments.runs.lifecycle import name_of_kind, read_config
from songs.keyboard import DEFAULT_GRID, DEFAULT_KEYBOARD, Grid, Keyboard
from songs.song import Song

Columns = Mapping[str, np.ndarray]
"""A table: columns by name, as in metrics.csv of a run folder, (rows,) float each."""

UNDRAWABLE = 1e100
"""Numbers at or beyond this are taken as a sign of a broken table."""

LONGEST_TITLE = 150
"""Maximum number of characters shown of a song's title."""


@dataclass(frozen=True, eq=False)
class PlottedRun:
    """A run, as needed by its pictures."""

    folder: RunFolder
    experiment: str
    """Kind of run, as in meta.json."""
    config: Any
    songs: list[Song]
    """Songs of the run; empty if it has none, or if they cannot be read."""
    heading: str

    @property
    def improvises(self) -> bool:
        """True if a listener rewards the champion."""
        if isinstance(self.config, DqnConfig):
            return self.config.improvises
        return isinstance(self.config, EvolveConfig) and bool(self.config.improvise.listener)

    @property
    def acts(self) -> bool:
        """True if the champion acts in a Gymnasium environment."""
        return isinstance(self.config, EvolveConfig) and self.config.task.kind == "environment"

    @property
    def missing_title(self) -> str:
        """Title of the first song if the font lacks some of its characters, so that pictures show the name; else ""."""
        return self.songs[0].title if self.songs and not font_shows(self.songs[0].title) else ""

    @property
    def layout(self) -> tuple[Keyboard, Grid]:
        """Keyboard and grid of the first song, or of the melodies bred."""
        if isinstance(self.config, BreedConfig):
            return self.config.melody.keyboard, self.config.melody.grid
        return (self.songs[0].keyboard, self.songs[0].grid) if self.songs else (DEFAULT_KEYBOARD, DEFAULT_GRID)

    def table(self, name: str, columns: tuple[str, ...]) -> Columns:
        """Return a table of the run; see `drawable_table`."""
        return drawable_table(self.folder, name, columns)

    def ending(self) -> str:
        """Return a description of how the run ended."""
        summary = read_summary(self.folder)
        if not summary:
            return "no summary: cut short or still running"
        return "solved" if summary.get("solved") else "not solved"


@dataclass(frozen=True)
class Picture:
    """A picture that some runs have."""

    name: str
    """Name of its files, also used in messages."""
    caption: str
    """Text below it in the report."""
    suits: Callable[[PlottedRun], bool]
    """True if a run has this picture."""
    draw: Callable[[PlottedRun], Figure]
    """Raises RunError if the run folder lacks what it needs."""
    in_report: Callable[[PlottedRun], bool] = lambda run: True
    """True if the run's report shows this picture."""


def read_summary(folder: RunFolder) -> dict[str, Any]:
    """Return the summary of a run; empty if it is still running or was killed."""
    try:
        return folder.read_json("summary.json")
    except RunError:
        return {}


def open_plotted(folder: RunFolder) -> PlottedRun:
    """Read everything that the pictures of a run need.

    Raises:
        RunError: The configuration is broken.
    """
    experiment, config = name_of_kind(folder), read_config(folder)
    if not isinstance(config, EvolveConfig | DqnConfig):
        return PlottedRun(folder, experiment, config, [], folder.path.name)
    task = config.task
    try:
        songs = folder.read_songs(task.steps, task.prompt) if task.kind == "song" else []
    except RunError:
        songs = []  # the curves can be drawn without them; drawing the roll reports the error
    names = {"song": task.song, "xor": "exclusive or"}
    heading = _heading(songs) if songs else names.get(task.kind) or str(getattr(config.environment, "id", ""))
    return PlottedRun(folder, experiment, config, songs, heading)


def _heading(songs: list[Song]) -> str:
    first = songs[0]
    title = first.title if len(first.title) <= LONGEST_TITLE else f"{first.title[:LONGEST_TITLE]}..."
    heading = first.name + (f": {title}" if title not in ("", first.name) and font_shows(first.title) else "")
    return heading + (f" and {len(songs) - 1} more" if len(songs) > 1 else "")


def drawable_table(folder: RunFolder, name: str, columns: tuple[str, ...]) -> Columns:
    """Return a table that can be drawn.

    Args:
        folder: The run folder.
        name: Name of the file.
        columns: The columns to draw; the first is the x axis.

    Raises:
        RunError: The table is missing or broken, lacks a column, or holds numbers that cannot be drawn.
    """
    table = folder.read_table(name)
    lacking = [column for column in columns if column not in table]
    if lacking:
        raise RunError(f"{folder.path}: {name} is broken: it has no column {', '.join(lacking)}")
    beyond = [column for column in columns if (np.abs(table[column]) >= UNDRAWABLE).any()]
    beyond += [columns[0]] if np.isnan(table[columns[0]]).any() else []  # only the axis: a loss may be NaN
    if beyond:
        raise RunError(f"{folder.path}: {name} is broken: the numbers of {', '.join(beyond)} cannot be drawn")
    return table

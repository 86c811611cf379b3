"""The atlas of a run of MAP-Elites: its two features, and a file with the best network of every cell.

best/atlas.json    features, their bounds, and for each cell its quality and its genome in columns

Conventions: cells as in `agents.neat.map_elites`; a cell is written as 3,7, with the first feature first.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from agents.neat.genome import Genome
from agents.neat.genome_json import genome_from_columns, genome_to_columns
from agents.neat.map_elites import MOST_CELLS, Cell, MapElitesOptions, MelodyMap
from experiments.config.settings import ConfigError
from experiments.runs.assembly import make_player
from experiments.runs.champion import Run
from experiments.runs.folder import RunError, RunFolder
from experiments.runs.lifecycle import read_config
from listener import theory
from listener.melody_features import features
from songs.files import MOST_BYTES, write_atomically
from songs.keyboard import STEPS_PER_BAR
from songs.validate import Within, validate_like

ATLAS = "best/atlas.json"
BOUNDS: dict[str, tuple[float, float]] = {
    "entropy": (1.83, 3.05),
    "different keys": (5, 10),
    "share in key": (0.874, 1),
    "notes a bar": (2.12, 7.5),
    "notes on the beat": (0.371, 1),
    "longest gap": (2, 17),
    "mean interval": (1.18, 4.57),
    "intervals above a fifth": (0, 0.262),
    "commonest interval": (0.156, 0.572),
    "repeated notes": (0, 0.572),
    "longest run of one key": (1, 8.22),
    "repeated bars": (0, 0.688),
    "longest repeat": (8, 64),
    "rest share": (0.0625, 0.734),
    "two-note share": (0.0078, 0.383),
    "loop share": (0.222, 0.929),
}
"""1st and 99th percentile of the features in `listener.melody_features`, for the 1,779 melodies of 16 bars on 13 keys
that listeners learn from (POP909 and the Nottingham collection, the training split of `listener.corpus`)."""


def named_features(options: MapElitesOptions) -> tuple[str, str]:
    """Return the two features of a map; raise ConfigError if they are not two of `BOUNDS`."""
    names = tuple(name.strip() for name in options.features.split(","))
    if len(set(names)) != 2 or len(names) != 2 or not set(names) <= BOUNDS.keys():
        raise ConfigError(
            f"map_elites.features = {options.features!r}: name two of {', '.join(BOUNDS)}, such as "
            f"{MapElitesOptions().features!r}"
        )
    return names


def melody_map(options: MapElitesOptions) -> MelodyMap:
    """Return the map of a configuration; raise ConfigError if a feature does not exist."""
    names = named_features(options)

    def measure(rolls: np.ndarray) -> np.ndarray:
        rests = -rolls.shape[1] % STEPS_PER_BAR
        values = features(theory.highest_keys(np.pad(rolls, ((0, 0), (0, rests), (0, 0)))))
        return np.stack([values[name] for name in names], axis=1)

    low, high = np.array([BOUNDS[name] for name in names]).T
    return MelodyMap(measure, low, high, options.cells)


@dataclass(frozen=True, eq=False)
class Atlas:
    """The atlas of a run, as read from its folder."""

    features: tuple[str, str]
    low: tuple[float, float]
    high: tuple[float, float]
    cells: int
    """Number of cells along each feature."""
    qualities: Mapping[Cell, float]
    """Quality by cell, without empty cells."""
    genomes: Mapping[Cell, tuple[Genome, int, int]]
    """Genome, inputs and outputs by cell."""

    def bounds(self, axis: int, index: int) -> tuple[float, float]:
        """Return the lower and upper bound of a cell along a feature, 0 or 1."""
        width = (self.high[axis] - self.low[axis]) / self.cells
        return self.low[axis] + index * width, self.low[axis] + (index + 1) * width


def write_atlas(folder: RunFolder, options: MapElitesOptions, elites: Mapping[Cell, Genome], size: tuple[int, int]):
    """Write the atlas of a run; `size` is the number of inputs and outputs of its networks."""
    names = named_features(options)
    low, high = zip(*(BOUNDS[name] for name in names), strict=True)
    cells = [
        {"cell": list(cell), "quality": -genome.loss, "genome": genome_to_columns(genome, *size)}
        for cell, genome in sorted(elites.items())
    ]
    head = {"features": list(names), "low": list(low), "high": list(high), "cells": options.cells}
    write_atomically(folder.path / ATLAS, json.dumps({**head, "elites": cells}, separators=(",", ":")) + "\n")


def has_atlas(folder: RunFolder) -> bool:
    """Return True if a run has an atlas."""
    return (folder.path / ATLAS).exists()


def read_atlas(folder: RunFolder) -> Atlas:
    """Read the atlas of a run; raise RunError if it is missing or broken."""
    if not has_atlas(folder):
        raise RunError(f"{folder.path}: it has no atlas: --set evolve.algorithm=map_elites makes one")
    try:
        content = json.loads(folder.read_text(ATLAS, MOST_BYTES))
        validate_like({"cells": Within(0, 1, MOST_CELLS)}, content, "the atlas")
        index = Within(0, 0, content["cells"] - 1)
        elite = {"cell": (index, index), "quality": -1.0, "genome": {}}
        pair = (-1.0, -1.0)
        validate_like({"features": ("", ""), "low": pair, "high": pair, "elites": [elite]}, content, "the atlas")
        elites = {(one["cell"][0], one["cell"][1]): one for one in content["elites"]}
        genomes = {cell: genome_from_columns(one["genome"]) for cell, one in elites.items()}
    except RunError:
        raise
    except (ValueError, RecursionError) as error:
        raise RunError(f"{folder.path}: {ATLAS} is broken: {error}") from None
    head: dict[str, Any] = {name: tuple(content[name]) for name in ("features", "low", "high")}
    qualities = {cell: float(one["quality"]) for cell, one in elites.items()}
    return Atlas(**head, cells=content["cells"], qualities=qualities, genomes=genomes)


def at_cell(run: Run, cell: Cell) -> Run:
    """Return a run with the network of a cell as its champion; raise RunError if the cell is empty or invalid."""
    atlas = read_atlas(run.folder)
    if max(cell) >= atlas.cells:
        last = atlas.cells - 1
        raise RunError(f"{run.folder.path}: there is no cell {cell[0]},{cell[1]}: cells are 0,0 to {last},{last}")
    if cell not in atlas.genomes:
        near = sorted(atlas.genomes, key=lambda one: (abs(one[0] - cell[0]) + abs(one[1] - cell[1]), one))[:3]
        others = "; ".join(f"{first},{second}" for first, second in near)
        raise RunError(f"{run.folder.path}: the cell {cell[0]},{cell[1]} is empty; the nearest ones are {others}")
    return player_of(run, atlas, cell)


def player_of(run: Run, atlas: Atlas, cell: Cell) -> Run:
    """Return a run with the network of a cell as its champion; raise RunError if it does not fit the task."""
    try:
        player = make_player(read_config(run.folder), *atlas.genomes[cell], run.songs, run.improvising)
    except ValueError as error:
        raise RunError(f"{run.folder.path}: {ATLAS} is broken: {error}") from None
    return replace(run, performer=player)

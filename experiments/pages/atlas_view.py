"""The part of a report on MAP-Elites: a map whose cells play what their networks improvise.

Conventions: `tiles` are rows of the map, from the highest values of the second feature down; each is a list of cells,
from the lowest values of the first feature up. An empty cell is None. A tile gives its stage, an index into
`roll["cells_of_map"]`, which has lists of cells and notes as in `experiments.pages.roll_view`.
"""

from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_hex

from experiments.pages.roll_view import key_roll
from experiments.runs.champion import Run
from experiments.runs.evolve.atlas import Atlas, Cell, read_atlas

TEXT = "Each square is a cell of the map; brighter means a higher reward. Click one to hear its network."


def atlas_group(run: Run) -> dict[str, Any]:
    """Return the map and melodies of a run of MAP-Elites as plain data; raise RunError if they are broken."""
    improvising, prompt, atlas = run.improvisation(), run.task.prompt, read_atlas(run.folder)
    cells = sorted(atlas.genomes)
    rolls = improvising.play_genomes([atlas.genomes[cell][0] for cell in cells])[:, 0]
    melodies = [key_roll({"played": roll}, {"played": roll}, prompt, improvising.song) for roll in rolls]
    best = max(range(len(cells)), key=lambda index: atlas.qualities[cells[index]])
    stages = [{"cells": one["cells"], "played": _rounded(one["notes"]["played"])} for one in melodies]
    labels = [label(atlas, cell) for cell in cells]
    return {
        "title": "Listen: the atlas",
        "text": TEXT,
        "melodies": [
            {
                "parts": {"played": "this cell"},
                "text": labels[best],
                "legend": {"played": "keys played", "prompt": f"prompt, {prompt} steps given"},
                "roll": {**melodies[best], "cells_of_map": stages},
                "map": {
                    "axes": list(atlas.features),
                    "bounds": [[f"{value:.3g}" for value in pair] for pair in zip(atlas.low, atlas.high, strict=True)],
                    "tiles": _tiles(atlas, cells, labels, best),
                },
            }
        ],
    }


def label(atlas: Atlas, cell: Cell) -> str:
    """Return a description of a cell."""
    bounds = [atlas.bounds(axis, index) for axis, index in enumerate(cell)]
    parts = [f"{name} {low:.2f} to {high:.2f}" for name, (low, high) in zip(atlas.features, bounds, strict=True)]
    return f"Cell {cell[0]},{cell[1]}: {', '.join(parts)}; quality {atlas.qualities[cell]:.2f}"


def _rounded(notes: list[list[float]]) -> list[list[float]]:
    return [[*note[:3], *(round(loudness, 2) for loudness in note[3:])] for note in notes]


def _tiles(atlas: Atlas, cells: list[Cell], labels: list[str], best: int) -> list[list[dict[str, Any] | None]]:
    """Return the rows of the map, coloured by the rank of quality, so that a few bad cells do not hide the rest."""
    order = np.argsort(np.argsort([atlas.qualities[cell] for cell in cells]))
    shades = [to_hex(colormaps["viridis"](rank / max(1, len(cells) - 1))) for rank in order.tolist()]
    tiles = {
        cell: {"stage": stage, "label": text, "colour": shade, "best": stage == best}
        for stage, (cell, text, shade) in enumerate(zip(cells, labels, shades, strict=True))
    }
    side = range(atlas.cells)
    return [[tiles.get((first, second)) for first in side] for second in reversed(side)]

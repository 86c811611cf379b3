"""The picture of an atlas: the quality of each cell, and the QD score over the generations.

Conventions: the map has S cells per side; qualities are (S, S) float, the first feature first, NaN for an empty cell.
"""

import numpy as np
from matplotlib.figure import Figure

from experiments.config.evolve import EvolveConfig
from experiments.plots.picture import Columns, Picture, PlottedRun
from experiments.plots.sheet import BEST, GRID, headed, sheet
from experiments.runs.evolve.atlas import Atlas, read_atlas
from experiments.runs.evolve.searches import describe


def qualities_of(atlas: Atlas) -> np.ndarray:
    """Return the quality of every cell, (S, S) float64, with NaN for empty ones."""
    qualities = np.full((atlas.cells, atlas.cells), np.nan)
    for cell, quality in atlas.qualities.items():
        qualities[cell] = quality
    return qualities


def atlas_figure(atlas: Atlas, metrics: Columns) -> Figure:
    """Draw the map of an atlas at the top, and its QD score over the generations below.

    Args:
        atlas: The atlas of the run.
        metrics: Columns of metrics.csv.
    """
    figure, (above, below) = sheet(9, 9, rows=2, height_ratios=(3, 1), left=0.95, right=1.3, bottom=0.6, gap=0.75)
    edges = [np.linspace(low, high, atlas.cells + 1) for low, high in zip(atlas.low, atlas.high, strict=True)]
    image = above.pcolormesh(*edges, np.ma.masked_invalid(qualities_of(atlas).T), cmap="viridis", edgecolors="white")
    figure.colorbar(image, ax=above, label="quality: reward after the prompt")
    above.set(xlabel=atlas.features[0], ylabel=atlas.features[1])
    marker = "o" if len(metrics["generation"]) == 1 else None
    below.plot(metrics["generation"], metrics["qd_score"], color=BEST, marker=marker)
    below.set(xlabel="generation", ylabel="QD score", ylim=(0, None))
    below.grid(color=GRID)
    return figure


def _draw(run: PlottedRun) -> Figure:
    atlas = read_atlas(run.folder)
    metrics = run.table("metrics.csv", ("generation", "evaluations", "qd_score", "coverage", "cpu_seconds"))
    caption = f"{describe(run.config)}; {len(atlas.qualities)} of {atlas.cells**2} cells, QD score "
    caption += f"{metrics['qd_score'][-1]:.1f}, {metrics['cpu_seconds'][-1]:.1f} CPU seconds"
    return headed(atlas_figure(atlas, metrics), run.heading, caption)


def draws_atlas(run: PlottedRun) -> bool:
    """Return True if the run used MAP-Elites."""
    return isinstance(run.config, EvolveConfig) and run.config.evolve.algorithm == "map_elites"


PICTURE = Picture("atlas", "Quality of the cells of the atlas, and its QD score", suits=draws_atlas, draw=_draw)

"""The network picture: the champion's graph, and for each key its weights from the memory.

A network for the keyboard shows its inputs as a piano roll of the memory and its outputs as the keys. Any
other network has its inputs and outputs in columns.

Conventions: see `experiments.plots.network_layout`. Only enabled connections are drawn. Blue is positive, orange
negative.
"""

import neat
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure

from agents.neat.genome_json import genome_from_json
from agents.neat.network import hidden_nodes
from experiments.plots.network_graph import NEGATIVE, POSITIVE, bar_ticks, draw_graph
from experiments.plots.network_layout import direct_weights, enabled_weights, memory_steps
from experiments.plots.picture import Picture, PlottedRun
from experiments.plots.sheet import headed
from experiments.runs.folder import RunError
from songs.keyboard import BLACK_KEYS, KEY_NAMES, KEYS

_WEIGHTS = LinearSegmentedColormap.from_list(
    "weights",
    [(0, "#7a3300"), (0.25, NEGATIVE), (0.5, "#fadcc4"), (0.5, "#c9e4f5"), (0.75, POSITIVE), (1, "#00294a")],
)
"""Colours of weights, with a step at 0, so that the sign of the smallest shows."""

WIDTH, GRAPH_HEIGHT = 14.0, 6.5
"""Inches."""


def network_figure(genome: neat.DefaultGenome, inputs: int, outputs: int) -> Figure:
    """Draw a network; one for the keyboard also as a table of direct weights for each key it uses.

    Raises:
        ValueError: the network is recurrent.
    """
    weights = enabled_weights(genome)
    memory = memory_steps(inputs, outputs)
    used = sorted({sink for _, sink in weights if sink < outputs}) if memory else []
    columns = 3 if len(used) <= 6 else 4
    rows, row_height = -(-len(used) // columns), 8.4 / columns
    height = GRAPH_HEIGHT + row_height * rows
    figure = Figure(figsize=(WIDTH, height))
    grid = figure.add_gridspec(
        1 + rows,
        columns + 1,  # the last is the scale of the weights
        height_ratios=[GRAPH_HEIGHT - 1] + [row_height - 0.6] * rows,
        width_ratios=[1] * columns + [0.06],
        hspace=0.18,
        wspace=0.1,
    )
    figure.subplots_adjust(left=0.05, right=0.95, bottom=0.5 / height, top=1 - 0.2 / height)
    draw_graph(figure.add_subplot(grid[0, :]), genome, inputs, outputs, weights)
    limit = max((abs(weight) for weight in weights.values()), default=0) or 1.0
    for n, key in enumerate(used):
        axes = figure.add_subplot(grid[1 + n // columns, n % columns])
        table = direct_weights(weights, memory, key)
        cells = _draw_direct_weights(axes, table, limit)
        count, bias = int(np.isfinite(table).sum()), genome.nodes[key].bias
        axes.set_title(f"into {KEY_NAMES[key]}: {count} direct weights, bias {bias:.2f}", fontsize=9)
        if n % columns == 0:
            axes.set_yticks(range(KEYS), KEY_NAMES)
        else:
            axes.set_yticks([])
        if n + columns >= len(used):
            axes.set_xlabel("steps back", fontsize=9)
    if used:
        figure.colorbar(cells, cax=figure.add_subplot(grid[1:, -1]), label="weight (white: no connection)")
    return figure


def _draw_direct_weights(axes: Axes, table: np.ndarray, limit: float) -> PolyCollection:
    """Draw the direct weights (13, memory) of a key, NaN where there is none, and return their squares."""
    memory = table.shape[1]
    for key in BLACK_KEYS:
        axes.axhspan(key - 0.5, key + 0.5, color="#ececee", linewidth=0, zorder=0)
    keys, steps = np.nonzero(np.isfinite(table))
    centres = np.column_stack([memory - steps, keys])
    square = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])
    cells = PolyCollection(list(centres[:, None] + square), cmap=_WEIGHTS, norm=Normalize(-limit, limit))
    cells.set_array(table[keys, steps])
    axes.add_collection(cells)
    axes.set(xlim=(memory + 0.5, 0.5), ylim=(-0.5, KEYS - 0.5))
    axes.set_xticks(bar_ticks(memory))
    axes.tick_params(labelsize=7)
    return cells


def _draw(run: PlottedRun) -> Figure:
    text = run.folder.read_text("best/genome.json")
    try:
        genome, inputs, outputs = genome_from_json(text)
        figure = network_figure(genome, inputs, outputs)
    except ValueError as error:
        raise RunError(f"{run.folder.path}: best/genome.json is broken: {error}") from None
    connections, hidden = len(enabled_weights(genome)), len(hidden_nodes(genome, outputs))
    caption = f"champion; enabled connections: {connections}; hidden nodes: {hidden}; "
    caption += "an output is on where its bias and weighted inputs sum to more than 0"
    return headed(figure, run.heading, caption)


PICTURE = Picture(
    "network",
    "The champion: its inputs from the memory, and the keys they turn on",
    suits=lambda run: run.experiment == "evolve",
    draw=_draw,
)

"""The network picture: the champion's graph, and the weights from the memory to each key.

A keyboard network shows its inputs as a piano roll of the memory and its outputs as keys. Any
other network has its inputs and outputs in columns.

Conventions: see `experiments.plots.network_layout`. Only enabled connections are drawn. Blue is positive, orange
negative.
"""

import neat
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection, PolyCollection
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from agents.neat.genome_json import genome_from_json
from agents.neat.network import hidden_nodes
from experiments.plots.network_graph import NEGATIVE, POSITIVE, bar_ticks, draw_graph
from experiments.plots.network_layout import direct_weights, enabled_weights, memory_steps
from experiments.plots.picture import Picture, PlottedRun
from experiments.plots.sheet import headed
from experiments.runs.folder import RunError
from songs.keyboard import DEFAULT_GRID, DEFAULT_KEYBOARD, KEYS, Grid, Keyboard

_WEIGHTS = LinearSegmentedColormap.from_list(
    "weights",
    [(0, "#7a3300"), (0.25, NEGATIVE), (0.5, "#fadcc4"), (0.5, "#c9e4f5"), (0.75, POSITIVE), (1, "#00294a")],
)
"""Colours of weights, with a step at 0 so that the sign of the smallest weights is visible."""

WIDTH, GRAPH_HEIGHT = 14.0, 6.5
"""Inches."""


def network_figure(
    genome: neat.DefaultGenome,
    inputs: int,
    outputs: int,
    keyboard: Keyboard = DEFAULT_KEYBOARD,
    grid: Grid = DEFAULT_GRID,
) -> Figure:
    """Draw a network; a keyboard network also as a table of direct weights for each key it uses.

    Raises:
        ValueError: The network is recurrent.
    """
    weights = enabled_weights(genome)
    memory, bar = memory_steps(inputs, outputs, keyboard.keys), grid.steps_per_bar
    used = sorted({sink for _, sink in weights if sink < outputs}) if memory else []
    columns = 3 if len(used) <= 6 else 4
    tall = max(1.0, keyboard.keys / KEYS) if memory else 1.0
    tables_height = -(-len(used) // columns) * 8.4 / columns * tall
    height = GRAPH_HEIGHT * tall + tables_height
    figure = Figure(figsize=(WIDTH, height))
    cells = figure.add_gridspec(
        2,
        2,  # the last column is the colour bar of the weights
        height_ratios=(GRAPH_HEIGHT * tall - 1, max(tables_height - 0.7, 0.01)),
        width_ratios=(1, 0.015),
        hspace=0.06,
        wspace=0.04,
    )
    figure.subplots_adjust(left=0.05, right=0.95, bottom=0.5 / height)
    draw_graph(figure.add_subplot(cells[0, :]), genome, inputs, outputs, weights, keyboard, bar)
    if used:
        tables = {key: direct_weights(weights, memory, key, keyboard.keys) for key in used}
        squares = _draw_tables(figure.add_subplot(cells[1, 0]), tables, genome, columns, keyboard, bar)
        figure.colorbar(squares, cax=figure.add_subplot(cells[1, 1]), label="weight (white: no connection)")
    return figure


def _draw_tables(
    axes: Axes,
    tables: dict[int, np.ndarray],
    genome: neat.DefaultGenome,
    columns: int,
    keyboard: Keyboard,
    bar: int,
) -> PolyCollection:
    """Draw the tables (K, memory) of the direct weights into some keys, and return their squares.

    They share one axes, because matplotlib needs 20 ms of CPU time for each.
    """
    keys, memory = next(iter(tables.values())).shape
    rows, wide, high = -(-len(tables) // columns), memory * 1.06, keys + 2.5
    lefts, bottoms = np.arange(columns) * wide, np.arange(rows)[::-1] * high
    corners, stripes = [], []
    for n, (key, table) in enumerate(tables.items()):
        left, bottom = lefts[n % columns], bottoms[n // columns]
        cells = np.argwhere(np.isfinite(table))
        corners.append((left, bottom) + cells[:, ::-1])
        stripes += [((left, bottom + black), memory, 1) for black in keyboard.black_keys]
        title = f"into {keyboard.names[key]}: {len(cells)} direct weights, bias {genome.nodes[key].bias:.2f}"
        axes.text(left + memory / 2, bottom + keys + 0.4, title, ha="center", fontsize=9)
    axes.add_collection(PatchCollection([Rectangle(*stripe) for stripe in stripes], color="#ececee", linewidth=0))
    square = np.array([(0, 0), (1, 0), (1, 1), (0, 1)])
    weights = np.concatenate([table[np.isfinite(table)] for table in tables.values()])
    limit = np.abs(weights).max(initial=0) or 1.0
    drawn = PolyCollection(np.concatenate(corners)[:, None] + square, cmap=_WEIGHTS, norm=Normalize(-limit, limit))
    drawn.set_array(weights)
    axes.add_collection(drawn)
    axes.set(xlim=(0, columns * wide), ylim=(0, rows * high), xlabel="steps back")
    axes.set_yticks(np.add.outer(bottoms, np.arange(keys) + 0.5).ravel(), keyboard.names * rows)
    steps_back = np.array(bar_ticks(memory, bar))
    centres = np.add.outer(lefts[: len(tables)] + memory + 0.5, -steps_back)
    axes.set_xticks(centres.ravel(), [str(back) for back in steps_back] * len(centres))
    axes.tick_params(labelsize=7, length=2)
    axes.spines[:].set_visible(False)
    return drawn


def _draw(run: PlottedRun) -> Figure:
    text = run.folder.read_text("best/genome.json")
    try:
        genome, inputs, outputs = genome_from_json(text)
        figure = network_figure(genome, inputs, outputs, *run.layout)
    except ValueError as error:
        raise RunError(f"{run.folder.path}: best/genome.json is broken: {error}") from None
    connections, hidden = len(enabled_weights(genome)), len(hidden_nodes(genome, outputs))
    caption = f"champion; enabled connections: {connections}; hidden nodes: {hidden}; "
    caption += (
        "outputs determine the action: the greatest one, or the distance from the middle"
        if run.acts
        else "an output is on if its bias and weighted inputs sum to more than 0"
    )
    return headed(figure, run.heading, caption)


PICTURE = Picture(
    "network",
    "The champion: its inputs, and the outputs they connect to",
    suits=lambda run: run.experiment == "evolve",
    draw=_draw,
)

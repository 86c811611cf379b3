"""The graph of a network: nodes and connections, with the memory as a piano roll.

Conventions: see `experiments.plots.network_layout`. Blue is positive, orange negative.
"""

import neat
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.path import Path

from agents.neat.network import hidden_nodes
from experiments.plots.network_layout import MODE_BIT_Y, OUTPUT_X, Position, memory_steps, positions
from songs.keyboard import DEFAULT_KEYBOARD, STEPS_PER_BAR, Keyboard

POSITIVE, NEGATIVE = "#0072B2", "#D55E00"
"""Okabe and Ito's palette, suitable for colour-blind readers."""

_MOST_LABELS = 40
"""Maximum number of connections, and of nodes in a column, that get a label each."""

_LABEL_BOX = {"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.8}


def draw_graph(
    axes: Axes,
    genome: neat.DefaultGenome,
    inputs: int,
    outputs: int,
    weights: dict[tuple[int, int], float],
    keyboard: Keyboard = DEFAULT_KEYBOARD,
    bar: int = STEPS_PER_BAR,
) -> None:
    """Draw the nodes and connections of a network.

    Args:
        axes: The axes to draw on.
        genome, inputs, outputs: The network.
        weights: Weights of its enabled connections, weakest first.
        keyboard: The keyboard that it plays, if any.
        bar: Steps per bar.
    """
    count = keyboard.keys
    position = positions(genome, inputs, outputs, count)
    memory = memory_steps(inputs, outputs, count)
    if memory:
        _draw_memory(axes, memory, keyboard, bar)
        _draw_keys(axes, {sink for _, sink in weights}, keyboard)
    _draw_connections(axes, position, weights)
    cells = {source for source, _ in weights if -memory * count <= source < 0}
    nodes = [key for key in position if not memory or key >= outputs or key < -memory * count]
    for keys, size in ((sorted(cells), 7), (nodes, 60)):
        x, y = np.array([position[key] for key in keys]).reshape(-1, 2).T
        axes.scatter(x, y, s=size, color="white", edgecolor="black", linewidth=0.8, zorder=3)
    _label_nodes(axes, genome, inputs, outputs, position, count)
    if not memory and len(weights) <= _MOST_LABELS:
        _label_weights(axes, position, weights)
    axes.set(xlim=(-0.08 if memory else 0.9, OUTPUT_X + 0.25), ylim=(-2.6, count - 0.4))
    axes.set_axis_off()


def _draw_memory(axes: Axes, memory: int, keyboard: Keyboard, bar: int) -> None:
    """Draw the memory as an empty piano roll."""
    for key, name in enumerate(keyboard.names):
        shade = "#e2e3e6" if key in keyboard.black_keys else "#f6f6f3"
        axes.add_patch(Rectangle((0, key - 0.5), 1, 1, facecolor=shade, edgecolor="white", linewidth=0.8))
        axes.text(-0.012, key, name, ha="right", va="center", fontsize=8)
    for back in bar_ticks(memory, bar):
        x = (memory - back + 0.5) / memory
        axes.text(x, -0.65, str(back), ha="center", va="top", fontsize=8)
        if back % bar == 0:
            axes.plot([x - 0.5 / memory] * 2, [-0.5, keyboard.keys - 0.5], color="#b8bac0", linewidth=0.8, zorder=1)
    axes.text(0.5, -1.25, "memory: steps before the one to be played", ha="center", va="top", fontsize=9)


def bar_ticks(memory: int, bar: int = STEPS_PER_BAR) -> list[int]:
    """Return the lags to label: 1 and whole bars, about ten at most."""
    stride = bar * -(-memory // (8 * bar))
    return [1, *range(stride, memory + 1, stride)]


def _draw_keys(axes: Axes, used: set[int], keyboard: Keyboard) -> None:
    """Draw the outputs as the keys of a keyboard; those without connections are pale."""
    for key, name in enumerate(keyboard.names):
        black = key in keyboard.black_keys
        box = Rectangle((OUTPUT_X, key - 0.5), 0.14 if black else 0.22, 1, edgecolor="#55585f", linewidth=0.8)
        box.set(facecolor="#2f3136" if black else "white", alpha=1 if key in used else 0.3)
        axes.add_patch(box)
        axes.text(OUTPUT_X + 0.05, key, name, color="white" if black else "black", va="center", fontsize=9)
    axes.text(OUTPUT_X + 0.11, -1.25, "keys", ha="center", va="top", fontsize=9)


def _draw_connections(axes: Axes, position: dict[int, Position], weights: dict[tuple[int, int], float]) -> None:
    """Draw the connections as curves with horizontal ends; the strongest are on top."""
    if not weights:
        return
    strongest = max(map(abs, weights.values())) or 1.0
    paths, colours, widths = [], [], []
    for (source, sink), weight in weights.items():
        paths.append(Path(_curve(position[source], position[sink]), [Path.MOVETO, *[Path.CURVE4] * 3]))
        strength = abs(weight) / strongest
        colours.append((*to_rgb(POSITIVE if weight > 0 else NEGATIVE), 0.2 + 0.7 * strength))
        widths.append(0.4 + 2.6 * strength)
    curves = PathCollection(paths, facecolors="none", edgecolors=colours, linewidths=widths, zorder=2)
    axes.add_collection(curves)
    handles = [
        Line2D([], [], color=POSITIVE, linewidth=2, label="positive weight"),
        Line2D([], [], color=NEGATIVE, linewidth=2, label="negative weight"),
        Line2D([], [], color="#777777", linewidth=3, label=f"strongest: {strongest:.2f}"),
        Line2D([], [], color="#777777", linewidth=1, alpha=0.4, label=f"a quarter: {strongest / 4:.2f}"),
    ]
    axes.legend(handles=handles, loc="lower center", ncols=4, fontsize=8, frameon=False)


def _curve(start: Position, end: Position) -> list[Position]:
    """Return the four control points of a Bezier curve that turns right of the memory."""
    bend = (max(start[0], min(1.0, end[0])) + end[0]) / 2
    return [start, (bend, start[1]), (bend, end[1]), end]


def _label_nodes(axes: Axes, genome: neat.DefaultGenome, inputs: int, outputs: int, position: dict, keys: int) -> None:
    """Label the nodes that are neither a memory cell nor a key."""
    memory = memory_steps(inputs, outputs, keys)
    for key in hidden_nodes(genome, outputs):
        x, y = position[key]
        text = f"hidden {key}\n{genome.nodes[key].activation}, bias {genome.nodes[key].bias:.2f}"
        axes.text(x, y - 0.35, text, ha="center", va="top", fontsize=7, bbox=_LABEL_BOX)
    if memory and inputs > memory * keys:
        axes.text(0.98, MODE_BIT_Y, "mode bit", ha="right", va="center", fontsize=8)
    if memory or max(inputs, outputs) > _MOST_LABELS:
        return
    for i in range(inputs):
        x, y = position[-1 - i]
        axes.text(x - 0.03, y, f"input {i + 1}", ha="right", va="center", fontsize=9)
    for key in range(outputs):
        x, y = position[key]
        text = f"output {key + 1}\n{genome.nodes[key].activation}, bias {genome.nodes[key].bias:.2f}"
        axes.text(x + 0.03, y, text, ha="left", va="center", fontsize=9)


def _label_weights(axes: Axes, position: dict[int, Position], weights: dict[tuple[int, int], float]) -> None:
    for (source, sink), weight in weights.items():
        x, y = np.array([1, 3, 3, 1]) / 8 @ _curve(position[source], position[sink])
        axes.text(x, y, f"{weight:.2f}", ha="center", va="center", fontsize=8, bbox=_LABEL_BOX)

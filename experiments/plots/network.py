"""The picture of a network: its nodes and connections, and what each key looks for in the memory.

A network for the keyboard shows its inputs as a piano roll of the memory and its outputs as the keys. Any
other network has its inputs and outputs in columns.

Conventions:
    Node keys are neat-python's: inputs -1, -2, ..., outputs 0, 1, ..., hidden nodes above. Input -1 - i is
    key i % 13 of remembered step i // 13, oldest step first; one input more is the mode bit.
    Places are (x, y): the memory stands between x = 0 and 1, outputs at `OUTPUT_X`; y is the key.
    Only enabled connections are drawn. Blue is positive, orange negative.
"""

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter

import neat
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.colors import LinearSegmentedColormap, Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.path import Path

from agents.neat.network import hidden_nodes
from songs.keyboard import BLACK_KEYS, KEY_NAMES, KEYS, STEPS_PER_BAR

POSITIVE, NEGATIVE = "#0072B2", "#D55E00"
"""From the palette of Okabe and Ito, which colour-blind readers can tell apart."""

_WEIGHTS = LinearSegmentedColormap.from_list(
    "weights",
    [(0, "#7a3300"), (0.25, NEGATIVE), (0.5, "#fadcc4"), (0.5, "#c9e4f5"), (0.75, POSITIVE), (1, "#00294a")],
)
"""Of weights: with a step at 0, so that the sign of the smallest can be seen."""

OUTPUT_X = 1.75
_HIDDEN_X = (1.15, OUTPUT_X - 0.15)
_MODE_BIT_Y = -1.4
_MOST_LABELS = 40
"""Connections and nodes of a column up to which each gets a label."""

_LABEL_BOX = {"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.8}

Place = tuple[float, float]


def enabled_weights(genome: neat.DefaultGenome) -> dict[tuple[int, int], float]:
    """Return the weights of the enabled connections by source and sink, weakest first."""
    weights = {key: gene.weight for key, gene in genome.connections.items() if gene.enabled}
    return dict(sorted(weights.items(), key=lambda item: (abs(item[1]), item[0])))


def memory_steps(inputs: int, outputs: int) -> int:
    """Return how many steps a network for the keyboard remembers; 0 if it is none."""
    memory, rest = divmod(inputs, KEYS)
    return memory if outputs == KEYS and rest in (0, 1) else 0


def layers(hidden: Iterable[int], links: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Return the layer of every hidden node: 0, or one more than the last of those that feed it.

    Raises:
        ValueError: the links run in a circle.
    """
    sources: dict[int, list[int]] = {node: [] for node in hidden}
    for source, sink in links:
        if source in sources and sink in sources:
            sources[sink].append(source)
    layer: dict[int, int] = {}
    try:
        for node in TopologicalSorter(sources).static_order():
            layer[node] = max((layer[source] + 1 for source in sources[node]), default=0)
    except CycleError:
        raise ValueError("the network is recurrent: its connections run in a circle") from None
    return layer


def places(genome: neat.DefaultGenome, inputs: int, outputs: int) -> dict[int, Place]:
    """Return where every node stands."""
    memory = memory_steps(inputs, outputs)
    if memory:
        cells = {-1 - i: ((i // KEYS + 0.5) / memory, float(i % KEYS)) for i in range(memory * KEYS)}
        standing = cells | {key: (OUTPUT_X, float(key)) for key in range(outputs)}
        if inputs > len(cells):
            standing[-inputs] = (1.0, _MODE_BIT_Y)
    else:
        standing = _column([-1 - i for i in range(inputs)], 1.0) | _column(list(range(outputs)), OUTPUT_X)
    layer = layers(hidden_nodes(genome, outputs), enabled_weights(genome))
    columns = [[node for node in sorted(layer) if layer[node] == n] for n in sorted(set(layer.values()))]
    for n, nodes in enumerate(columns):
        standing |= _column(nodes, _HIDDEN_X[0] + (n + 0.5) / len(columns) * (_HIDDEN_X[1] - _HIDDEN_X[0]))
    return standing


def _column(nodes: list[int], x: float) -> dict[int, Place]:
    """Spread nodes over the height of the keyboard, the first at the top."""
    gap = KEYS / max(len(nodes), 1)
    return {node: (x, KEYS - 0.5 - gap * (n + 0.5)) for n, node in enumerate(nodes)}


def direct_weights(weights: dict[tuple[int, int], float], memory: int, output: int) -> np.ndarray:
    """Return the weights (13, memory) from the memory straight into an output, NaN where nothing connects."""
    table = np.full(memory * KEYS, np.nan)
    for (source, sink), weight in weights.items():
        if sink == output and -memory * KEYS <= source < 0:
            table[-1 - source] = weight
    return table.reshape(memory, KEYS).T


def network_figure(genome: neat.DefaultGenome, inputs: int, outputs: int) -> Figure:
    """Draw a network; one for the keyboard also as a table of direct weights for each key it uses.

    Raises:
        ValueError: the network is recurrent.
    """
    weights = enabled_weights(genome)
    memory = memory_steps(inputs, outputs)
    used = sorted({sink for _, sink in weights if sink < outputs}) if memory else []
    columns = 3 if len(used) <= 6 else 4
    rows, height = -(-len(used) // columns), 8.4 / columns
    figure = Figure(figsize=(14, 6.5 + height * rows), layout="constrained")
    grid = figure.add_gridspec(1 + rows, columns, height_ratios=[6.5] + [height] * rows)
    _draw_graph(figure.add_subplot(grid[0, :]), genome, inputs, outputs, weights)
    tables = {key: direct_weights(weights, memory, key) for key in used}
    limit = max((abs(weight) for weight in weights.values()), default=0) or 1.0
    panels = [figure.add_subplot(grid[1 + n // columns, n % columns]) for n in range(len(used))]
    for axes, key in zip(panels, used, strict=True):
        image = _draw_direct_weights(axes, tables[key], limit)
        count = int(np.isfinite(tables[key]).sum())
        bias = genome.nodes[key].bias
        axes.set_title(f"into {KEY_NAMES[key]}: {count} direct weights, bias {bias:.2f}", fontsize=9)
    if used:
        figure.colorbar(image, ax=panels, label="weight (white: no connection)", fraction=0.02, aspect=30)
    return figure


def _draw_graph(axes: Axes, genome: neat.DefaultGenome, inputs: int, outputs: int, weights: dict) -> None:
    standing = places(genome, inputs, outputs)
    memory = memory_steps(inputs, outputs)
    if memory:
        _draw_memory(axes, memory)
        _draw_keys(axes, {sink for _, sink in weights})
    _draw_connections(axes, standing, weights)
    cells = {source for source, _ in weights if -memory * KEYS <= source < 0}
    nodes = [key for key in standing if not memory or key >= outputs or key < -memory * KEYS]
    for keys, size in ((sorted(cells), 7), (nodes, 60)):
        x, y = np.array([standing[key] for key in keys]).reshape(-1, 2).T
        axes.scatter(x, y, s=size, color="white", edgecolor="black", linewidth=0.8, zorder=3)
    _label_nodes(axes, genome, inputs, outputs, standing)
    if not memory and len(weights) <= _MOST_LABELS:
        _label_weights(axes, standing, weights)
    axes.set(xlim=(-0.08 if memory else 0.9, OUTPUT_X + 0.25), ylim=(-2.6, KEYS - 0.4))
    axes.set_axis_off()


def _draw_memory(axes: Axes, memory: int) -> None:
    """Draw the memory as an empty piano roll."""
    for key, name in enumerate(KEY_NAMES):
        shade = "#e2e3e6" if key in BLACK_KEYS else "#f6f6f3"
        axes.add_patch(Rectangle((0, key - 0.5), 1, 1, facecolor=shade, edgecolor="white", linewidth=0.8))
        axes.text(-0.012, key, name, ha="right", va="center", fontsize=8)
    for back in _bar_ticks(memory):
        x = (memory - back + 0.5) / memory
        axes.text(x, -0.65, str(back), ha="center", va="top", fontsize=8)
        if back % STEPS_PER_BAR == 0:
            axes.plot([x - 0.5 / memory] * 2, [-0.5, KEYS - 0.5], color="#b8bac0", linewidth=0.8, zorder=1)
    axes.text(0.5, -1.25, "memory: steps back from the step to be played", ha="center", va="top", fontsize=9)


def _bar_ticks(memory: int) -> list[int]:
    """Return the steps back that are labelled: 1 and whole bars, not more than about ten."""
    stride = STEPS_PER_BAR * -(-memory // (8 * STEPS_PER_BAR))
    return [1, *range(stride, memory + 1, stride)]


def _draw_keys(axes: Axes, used: set[int]) -> None:
    """Draw the outputs as the keys of a keyboard; those that nothing feeds are pale."""
    for key, name in enumerate(KEY_NAMES):
        black = key in BLACK_KEYS
        box = Rectangle((OUTPUT_X, key - 0.5), 0.14 if black else 0.22, 1, edgecolor="#55585f", linewidth=0.8)
        box.set(facecolor="#2f3136" if black else "white", alpha=1 if key in used else 0.3)
        axes.add_patch(box)
        axes.text(OUTPUT_X + 0.05, key, name, color="white" if black else "black", va="center", fontsize=9)
    axes.text(OUTPUT_X + 0.11, -1.25, "keys", ha="center", va="top", fontsize=9)


def _draw_connections(axes: Axes, standing: dict[int, Place], weights: dict[tuple[int, int], float]) -> None:
    """Draw the connections as curves that leave and arrive level; the strongest lie on top."""
    if not weights:
        return
    strongest = max(map(abs, weights.values())) or 1.0
    paths, colours, widths = [], [], []
    for (source, sink), weight in weights.items():
        paths.append(Path(_curve(standing[source], standing[sink]), [Path.MOVETO, *[Path.CURVE4] * 3]))
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


def _curve(start: Place, end: Place) -> list[Place]:
    """Return the four control points of a Bezier curve that turns right of the memory."""
    bend = (max(start[0], min(1.0, end[0])) + end[0]) / 2
    return [start, (bend, start[1]), (bend, end[1]), end]


def _label_nodes(axes: Axes, genome: neat.DefaultGenome, inputs: int, outputs: int, standing: dict) -> None:
    """Name the nodes that are no cell of the memory and no key."""
    memory = memory_steps(inputs, outputs)
    for key in hidden_nodes(genome, outputs):
        x, y = standing[key]
        text = f"hidden {key}\n{genome.nodes[key].activation}, bias {genome.nodes[key].bias:.2f}"
        axes.text(x, y - 0.35, text, ha="center", va="top", fontsize=7, bbox=_LABEL_BOX)
    if memory and inputs > memory * KEYS:
        axes.text(0.98, _MODE_BIT_Y, "mode bit", ha="right", va="center", fontsize=8)
    if memory or max(inputs, outputs) > _MOST_LABELS:
        return
    for i in range(inputs):
        x, y = standing[-1 - i]
        axes.text(x - 0.03, y, f"input {i + 1}", ha="right", va="center", fontsize=9)
    for key in range(outputs):
        x, y = standing[key]
        text = f"output {key + 1}\n{genome.nodes[key].activation}, bias {genome.nodes[key].bias:.2f}"
        axes.text(x + 0.03, y, text, ha="left", va="center", fontsize=9)


def _label_weights(axes: Axes, standing: dict[int, Place], weights: dict[tuple[int, int], float]) -> None:
    for (source, sink), weight in weights.items():
        x, y = np.array([1, 3, 3, 1]) / 8 @ _curve(standing[source], standing[sink])
        axes.text(x, y, f"{weight:.2f}", ha="center", va="center", fontsize=8, bbox=_LABEL_BOX)


def _draw_direct_weights(axes: Axes, table: np.ndarray, limit: float) -> QuadMesh:
    """Draw what a key looks for in the memory: its direct weights (13, memory), NaN where there is none."""
    memory = table.shape[1]
    across, up = np.arange(memory, -1, -1) + 0.5, np.arange(KEYS + 1) - 0.5
    image = axes.pcolormesh(across, up, table, cmap=_WEIGHTS, norm=Normalize(-limit, limit))
    for key in BLACK_KEYS:
        axes.axhspan(key - 0.5, key + 0.5, color="#ececee", linewidth=0, zorder=0)
    axes.set(xlim=(memory + 0.5, 0.5), xlabel="steps back", ylabel="key")
    axes.set_xticks(_bar_ticks(memory))
    axes.set_yticks(range(KEYS), KEY_NAMES)
    axes.tick_params(labelsize=7)
    return image

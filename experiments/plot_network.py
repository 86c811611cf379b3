"""The picture of a network: its nodes and connections, and what each key looks for in the memory.

A network for the keyboard shows its inputs as a piano roll of the memory and its outputs as the keys. Any
other network has its inputs and outputs in columns.

Conventions:
    Node keys are neat-python's: inputs -1, -2, ..., outputs 0, 1, ..., hidden nodes above. Input -1 - i is
    key i % 13 of remembered step i // 13, oldest step first; one input more is the mode bit.
    Places are (x, y): inputs stand between x = 0 and 1, outputs at `OUTPUT_X`; y is the key.
    Only enabled connections are drawn. Blue is positive, orange negative.
"""

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter

import neat
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.path import Path

from agents.phenotype import hidden_nodes
from songs.keyboard import BLACK_KEYS, KEY_NAMES, KEYS, STEPS_PER_BAR

POSITIVE, NEGATIVE = "#0072B2", "#D55E00"
"""From the palette of Okabe and Ito, which colour-blind readers can tell apart."""

OUTPUT_X = 1.75
_HIDDEN_X = (1.15, OUTPUT_X - 0.15)
_MODE_BIT_Y = -1.4
_PANELS_PER_ROW = 3
_MOST_LABELS = 40
"""Connections and nodes of a column up to which each gets a label."""

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
    sources = {node: [] for node in hidden}
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
        standing = _column([-1 - i for i in range(inputs)], 0.5) | _column(list(range(outputs)), OUTPUT_X)
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
    rows = -(-len(used) // _PANELS_PER_ROW)
    figure = Figure(figsize=(14, 6.5 + 2.6 * rows), layout="constrained")
    grid = figure.add_gridspec(1 + rows, _PANELS_PER_ROW, height_ratios=[6.5] + [2.6] * rows)
    axes = figure.add_subplot(grid[0, :])
    _draw_graph(axes, genome, inputs, outputs, weights)
    panels = [figure.add_subplot(grid[1 + n // _PANELS_PER_ROW, n % _PANELS_PER_ROW]) for n in range(len(used))]
    if used:
        _draw_direct_weights(panels, genome, weights, memory, used)
    return figure


def _draw_graph(axes: Axes, genome: neat.DefaultGenome, inputs: int, outputs: int, weights: dict) -> None:
    standing = places(genome, inputs, outputs)
    memory = memory_steps(inputs, outputs)
    if memory:
        _draw_memory(axes, memory)
        _draw_keys(axes, {sink for _, sink in weights})
    _draw_connections(axes, standing, weights)
    wired = {key for connection in weights for key in connection if key < 0}
    shown = [key for key in standing if not memory or key in wired or key >= outputs or key == -KEYS * memory - 1]
    x, y = np.array([standing[key] for key in shown]).reshape(-1, 2).T
    sizes = [60 if key >= outputs or not memory else 7 for key in shown]
    axes.scatter(x, y, s=sizes, color="white", edgecolor="black", linewidth=0.8, zorder=3)
    _label_nodes(axes, genome, inputs, outputs, standing)
    if not memory and len(weights) <= _MOST_LABELS:
        _label_weights(axes, standing, weights)
    axes.set(xlim=(-0.12, OUTPUT_X + 0.3), ylim=(-2.6, KEYS - 0.4))
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
        (x0, y0), (x1, y1) = standing[source], standing[sink]
        bend = max(x0, min(1.0, x1)) * 0.5 + x1 * 0.5
        paths.append(Path([(x0, y0), (bend, y0), (bend, y1), (x1, y1)], [Path.MOVETO, *[Path.CURVE4] * 3]))
        strength = abs(weight) / strongest
        colours.append((*to_rgb(POSITIVE if weight > 0 else NEGATIVE), 0.2 + 0.7 * strength))
        widths.append(0.4 + 2.6 * strength)
    axes.add_collection(PathCollection(paths, facecolors="none", edgecolors=colours, linewidths=widths, zorder=2))
    handles = [
        Line2D([], [], color=POSITIVE, linewidth=2, label="positive weight"),
        Line2D([], [], color=NEGATIVE, linewidth=2, label="negative weight"),
        Line2D([], [], color="#777777", linewidth=3.0, label=f"|weight| {strongest:.2f}"),
        Line2D([], [], color="#777777", linewidth=0.4 + 2.6 / 4, alpha=0.4, label=f"|weight| {strongest / 4:.2f}"),
    ]
    axes.legend(handles=handles, loc="lower center", ncols=4, fontsize=8, frameon=False)


def _label_nodes(axes: Axes, genome: neat.DefaultGenome, inputs: int, outputs: int, standing: dict) -> None:
    """Name the nodes that are no cell of the memory and no key."""
    memory = memory_steps(inputs, outputs)
    for key in hidden_nodes(genome, outputs):
        x, y = standing[key]
        axes.text(x, y - 0.3, f"hidden {key}\n{genome.nodes[key].activation}", ha="center", va="top", fontsize=7)
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
        (x0, y0), (x1, y1) = standing[source], standing[sink]
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.8}
        axes.text((x0 + x1) / 2, (y0 + y1) / 2, f"{weight:.2f}", ha="center", va="center", fontsize=8, bbox=box)


def _draw_direct_weights(
    panels: list[Axes], genome: neat.DefaultGenome, weights: dict[tuple[int, int], float], memory: int, used: list[int]
) -> None:
    """Draw what each used key looks for in the memory: its direct weights, all on one scale."""
    tables = [direct_weights(weights, memory, key) for key in used]
    limit = max((np.nanmax(np.abs(table)) for table in tables if np.isfinite(table).any()), default=1.0) or 1.0
    ticks = _bar_ticks(memory)
    for axes, key, table in zip(panels, used, tables, strict=True):
        edges = np.arange(memory, -1, -1) + 0.5
        image = axes.pcolormesh(
            edges, np.arange(KEYS + 1) - 0.5, table, cmap="RdBu", norm=Normalize(-limit, limit), linewidth=0
        )
        axes.set_facecolor("#dcdde0")
        axes.set(xlim=(memory + 0.5, 0.5), xticks=ticks, yticks=range(KEYS), yticklabels=KEY_NAMES)
        axes.tick_params(labelsize=7)
        count = int(np.isfinite(table).sum())
        axes.set_title(f"into {KEY_NAMES[key]}: {count} direct weights, bias {genome.nodes[key].bias:.2f}", fontsize=9)
        axes.set_xlabel("steps back", fontsize=8)
        axes.set_ylabel("key", fontsize=8)
    panels[0].figure.colorbar(image, ax=panels, label="weight (grey: no connection)", fraction=0.02)

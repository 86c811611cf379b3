"""The picture of a comparison: each group's curve with its band, and below it the share of runs solved."""

from collections.abc import Sequence
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments.comparison.curves import Comparison, Curve, Group
from experiments.comparison.statistics import share_solved
from experiments.plots.sheet import BASELINE, CEILING, GRID, legend_below, literal, sheet, symmetric_log

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's palette, suitable for colour-blind readers; more groups use matplotlib's tab20."""
STYLES: tuple[Any, ...] = ("--", ":", "-.", (0, (1, 4)))
"""Styles of the reference lines, in turn."""
LONGEST_LABEL = 48
ROW = 0.22
"""Height of a row of the legend, in inches."""


def curves_figure(comparison: Comparison, grid: np.ndarray, by_factor: bool, bands: Sequence[np.ndarray]) -> Figure:
    """Draw a comparison.

    Args:
        comparison: The groups.
        grid: Costs, (G,).
        by_factor: True for a logarithmic cost axis.
        bands: (3, G) for each group: value, low and high.
    """
    panels = 1 + comparison.solvable
    handles = _handles(comparison)
    bottom = 0.7 + ROW * -(-len(handles) // 2)
    figure, axes = sheet(9, bottom + 0.4 + 3.3 * panels, panels, sharex=True, bottom=bottom, top=0.2, gap=0.25)
    for group, colour, band in zip(comparison.groups, colours(comparison), bands, strict=True):
        _draw_group(axes[0], group, colour, grid, band)
        if comparison.solvable:
            axes[1].step(*share_solved(group), where="post", color=colour, linewidth=1.8)
    for (_, value), look in zip(comparison.lines.items(), _looks(comparison), strict=True):
        axes[0].axhline(value, **look)
    axes[0].set_ylabel(comparison.y_label)
    if comparison.measure == "reward" and comparison.reward_name != "mean return":
        symmetric_log(axes[0])
    if comparison.solvable:
        axes[1].set(ylabel="share of runs solved", ylim=(-0.03, 1.03))
    axes[-1].set_xlabel(comparison.x_label)
    if by_factor:
        axes[-1].set_xscale("log")
        axes[-1].set_xlim(grid[0], grid[-1] * 1.05)
    else:
        axes[-1].set_xlim(0, grid[-1] * 1.02)
        axes[-1].xaxis.set_major_formatter("{x:,g}" if grid[-1] < 1e5 else "{x:,.0f}")
    for one in axes:
        one.grid(color=GRID)
    legend_below(figure, handles, 2)
    return figure


def _draw_group(axes: Axes, group: Group, colour: tuple | str, grid: np.ndarray, band: np.ndarray) -> None:
    value, low, high = band
    runs = [_points(curve, grid) for curve in group.curves]
    thin = LineCollection(runs, colors=[colour], linewidths=0.6, alpha=max(0.08, min(0.35, 4 / len(runs))), zorder=2)
    axes.add_collection(thin)
    thin.set_rasterized(True)  # hundreds of runs would make an SVG of many megabytes
    axes.fill_between(grid, low, high, color=colour, alpha=0.2, linewidth=0, zorder=3)
    axes.plot(grid, value, color=colour, linewidth=2, zorder=4)


def _points(curve: Curve, grid: np.ndarray) -> np.ndarray:
    """Return the points of a run to draw, (at most G, 2): at the costs of the grid, and the last one."""
    costs = np.append(grid[(grid >= curve.x[0]) & (grid < curve.x[-1])], curve.x[-1])
    return np.column_stack([costs, curve.on(costs)])


def colours(comparison: Comparison) -> list:
    """Return a colour for each group."""
    if len(comparison.groups) <= len(COLOURS):
        return list(COLOURS[: len(comparison.groups)])
    return [colormaps["tab20"](number % 20) for number in range(len(comparison.groups))]


def _handles(comparison: Comparison) -> list[Line2D]:
    """Return the legend's entries: groups and reference lines."""
    handles = [
        Line2D([], [], color=colour, linewidth=2, label=_label(group))
        for group, colour in zip(comparison.groups, colours(comparison), strict=True)
    ]
    for (name, value), look in zip(comparison.lines.items(), _looks(comparison), strict=True):
        label = name if comparison.normalised else f"{name}: {value:.4g}"
        handles.append(Line2D([], [], label=label, **look))
    return handles


def _looks(comparison: Comparison) -> list[dict[str, Any]]:
    """Return the drawing style of each reference line."""
    return [
        {"color": CEILING, "linestyle": "--", "linewidth": 1.2}
        if name == "ceiling"
        else {"color": BASELINE, "linestyle": linestyle, "linewidth": 1.2}
        for name, linestyle in zip(comparison.lines, cycle(STYLES), strict=False)
    ]


def _label(group: Group) -> str:
    text, count = group.label, len(group.curves)
    text = text if len(text) <= LONGEST_LABEL else f"{text[:LONGEST_LABEL]}..."
    return literal(f"{text} ({count} run{'s' * (count != 1)})")

"""The pictures of a search over its generations: how it got better, and the species it was divided into.

Conventions:
    Tables are columns by name, as in metrics.csv and species.csv of a run folder. G generations, S species.
    The loss is minus the fitness.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib import color_sequences
from matplotlib.figure import Figure
from matplotlib.ticker import SymmetricalLogLocator

BEST, MEAN, CEILING, BASELINE = "#0072B2", "#E69F00", "#555555", "#CC79A7"
"""From the palette of Okabe and Ito, which colour-blind readers can tell apart."""

MOST_SPECIES = 20
_SPECIES_LOOKS: list[dict[str, Any]] = [
    {"facecolor": colour, "edgecolor": "white"} for colour in color_sequences["tab20"]
]
_MERGED_LOOK = {"facecolor": "#444444", "edgecolor": "white", "hatch": "////"}

Columns = Mapping[str, np.ndarray]


def fitness_figure(metrics: Columns, loss: str, ceiling: int | None, resting: int | None) -> Figure:
    """Draw how a population got better.

    Args:
        metrics: columns of metrics.csv, (G,) each.
        loss: name of the loss.
        ceiling: most cases that can be right, None if not known.
        resting: cases that are right when nothing is ever played, None if there is no such baseline.
    """
    figure = Figure(figsize=(11, 7), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    generation = metrics["generation"]
    best, mean, deviation = -metrics["best_fitness"], -metrics["mean_fitness"], metrics["std_fitness"]
    curves = ((above, metrics["best_right"], metrics["mean_right"]), (below, best, mean))
    marker = "o" if len(generation) == 1 else None
    for axes, highest, average in curves:
        axes.plot(generation, highest, color=BEST, marker=marker, label="best genome", zorder=4)
        axes.plot(generation, average, color=MEAN, marker=marker, label="mean", zorder=3)
        axes.grid(color="#e4e4e4")
    for value, name, colour in ((ceiling, "ceiling", CEILING), (resting, "always rest", BASELINE)):
        if value is not None:
            above.axhline(value, color=colour, linestyle="--", linewidth=1.2, label=f"{name}: {value}")
    low = np.maximum(mean - deviation, best)  # no genome lies below the best
    label = "mean loss ± 1 standard deviation, cut off at the best"
    look = {"color": MEAN, "alpha": 0.25, "linewidth": 0, "label": label}
    band = below.fill_between(generation, low, mean + deviation, **look)
    below.set_yscale("symlog", linthresh=1)
    below.yaxis.set_major_locator(SymmetricalLogLocator(base=10, linthresh=1, subs=(1, 2, 5)))
    below.yaxis.set_major_formatter("{x:,g}")
    above.set(ylabel="cases right" if resting is None else "steps right", ylim=(0, None))
    below.set(xlabel="generation", ylabel=f"loss ({loss}), lower is better")
    below.set_xlim(generation[0] - 0.5, generation[-1] + 0.5)
    for axis in (above.yaxis, below.xaxis):
        axis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    handles = [*above.get_legend_handles_labels()[0], band]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False, fontsize=9)
    return figure


def species_members(table: Columns) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the generations (G,), the species (S,) in order of appearance, and their members (S, G)."""
    generations, column = np.unique(table["generation"].astype(int), return_inverse=True)
    species, row = np.unique(table["species"].astype(int), return_inverse=True)
    members = np.zeros((len(species), len(generations)))
    members[row, column] = table["members"]
    order = np.argsort((members > 0).argmax(axis=1), kind="stable")
    return generations, species[order], members[order]


def species_figure(generations: np.ndarray, species: np.ndarray, members: np.ndarray) -> Figure:
    """Draw the members of each species, stacked; of many species only the longest-lived stand alone.

    Args:
        generations: (G,) int, ascending.
        species: (S,) int.
        members: (S, G).
    """
    lifetime = (members > 0).sum(axis=1)
    alone = np.sort(np.argsort(-lifetime, kind="stable")[:MOST_SPECIES])
    heights, labels = members[alone], [f"species {key}" for key in species[alone]]
    if len(alone) < len(members):
        heights = np.vstack([heights, members.sum(axis=0) - heights.sum(axis=0)])
        labels.append(f"{len(members) - len(alone)} shorter-lived")
    tops = np.vstack([np.zeros(len(generations)), np.cumsum(heights, axis=0)])
    tops = np.column_stack([tops, tops[:, -1]])
    figure = Figure(figsize=(11, 6), layout="constrained")
    axes = figure.subplots()
    # a generation is a block from its number to the next, so that one alone can be seen
    edges = np.append(generations, generations[-1] + 1)
    looks = [*_SPECIES_LOOKS[: len(alone)], _MERGED_LOOK][: len(labels)]
    for low, high, label, look in zip(tops[:-1], tops[1:], labels, looks, strict=True):
        axes.fill_between(edges, low, high, step="post", linewidth=0.3, label=label, **look)
    axes.locator_params(axis="x", integer=True, min_n_ticks=1)
    axes.set(xlabel="generation", ylabel="genomes", xlim=(edges[0], edges[-1]), ylim=(0, None))
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=9, reverse=True)
    return figure

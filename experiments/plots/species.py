"""The species picture: the members of each species over the generations.

Conventions: tables are columns by name, as in species.csv of a run folder. G generations, S species.
"""

from typing import Any

import numpy as np
from matplotlib import color_sequences
from matplotlib.figure import Figure

from experiments.plots.picture import Columns, Picture, PlottedRun
from experiments.plots.sheet import headed, legend_beside, sheet

MOST_SPECIES = 20
_LOOKS: list[dict[str, Any]] = [{"facecolor": colour, "edgecolor": "white"} for colour in color_sequences["tab20"]]
_MERGED_LOOK = {"facecolor": "#444444", "edgecolor": "white", "hatch": "////"}


def species_members(table: Columns) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the generations (G,), the species (S,) in order of appearance, and their members (S, G)."""
    generations, column = np.unique(table["generation"].astype(int), return_inverse=True)
    species, row = np.unique(table["species"].astype(int), return_inverse=True)
    members = np.zeros((len(species), len(generations)))
    members[row, column] = table["members"]
    order = np.argsort((members > 0).argmax(axis=1), kind="stable")
    return generations, species[order], members[order]


def species_figure(generations: np.ndarray, species: np.ndarray, members: np.ndarray) -> Figure:
    """Draw the members of each species, stacked; of many species all but the longest-lived are merged.

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
    figure, (axes,) = sheet(11, 6, right=1.85, bottom=0.6)
    # a generation is a block from its number to the next, so that one alone can be seen
    edges = np.append(generations, generations[-1] + 1)
    looks = [*_LOOKS[: len(alone)], _MERGED_LOOK][: len(labels)]
    for low, high, label, look in zip(tops[:-1], tops[1:], labels, looks, strict=True):
        axes.fill_between(edges, low, high, step="post", linewidth=0.3, label=label, **look)
    axes.locator_params(axis="x", integer=True, min_n_ticks=1)
    axes.set(xlabel="generation", ylabel="genomes", xlim=(edges[0], edges[-1]), ylim=(0, None))
    legend_beside(axes, reverse=True)
    return figure


def _draw(run: PlottedRun) -> Figure:
    table = run.table("species.csv", ("generation", "species", "members"))
    generations, species, members = species_members(table)
    alive = (members > 0).sum(axis=0)
    caption = f"species: {len(species)}, at most {alive.max()} at a time; generations: {len(generations)}"
    return headed(species_figure(generations, species, members), run.heading, caption)


PICTURE = Picture(
    "species",
    "Members of each species over the generations",
    suits=lambda run: run.experiment == "evolve" and run.config.evolve.algorithm != "map_elites",
    draw=_draw,
    in_report=lambda run: run.config.species.target_species != 1,  # one alone is a plain block
)

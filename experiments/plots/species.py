"""The species picture: the tree of species over the generations, and the size of each.

Conventions: tables are columns by name, as in species.csv of a run folder. G generations, S species. The first species
of a run are named 1, 2, ..., and the descendants of species 1 are named 1.1, 1.2, ...
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle

import numpy as np
from matplotlib import color_sequences
from matplotlib.figure import Figure

from experiments.plots.picture import Columns, Picture, PlottedRun
from experiments.plots.sheet import headed, sheet

COLUMNS = ("generation", "species", "members")
LINE = "#888888"
MOST_SPECIES = 24
"""Most species in the picture: those with the most genomes over the run."""
LONGEST_NAME = 8
"""Most numbers in a name; the middle of a longer one is left out."""


@dataclass(frozen=True, eq=False)
class SpeciesTree:
    """The species of a run."""

    generations: np.ndarray
    """(G,) int, ascending."""
    species: np.ndarray
    """(S,) int, keys in the order of appearance."""
    ancestors: np.ndarray
    """(S,) int, key of the species each descends from; 0 if there is none."""
    members: np.ndarray
    """(S, G), number of genomes."""

    @classmethod
    def of_table(cls, table: Columns) -> "SpeciesTree":
        """Return the species of a table; in older runs none has an ancestor."""
        generations, column = np.unique(table["generation"].astype(int), return_inverse=True)
        species, first, row = np.unique(table["species"].astype(int), return_index=True, return_inverse=True)
        members = np.zeros((len(species), len(generations)))
        members[row, column] = table["members"]
        ancestors = table.get("ancestor", np.zeros(len(row))).astype(int)[first]
        known = np.isin(ancestors, species) & (ancestors < species)
        return cls(generations, species, np.where(known, ancestors, 0), members)

    @property
    def founded(self) -> np.ndarray:
        """(S,) int, first generation of each species."""
        return self.generations[(self.members > 0).argmax(axis=1)]

    def names(self, drawn: Collection[int]) -> dict[int, str]:
        """Return the names of some species by key: the name of the ancestor, and a number."""
        children: Counter[int] = Counter()
        ancestors, numbers = self._by_key(self.ancestors), {}
        for key, ancestor in ancestors.items():
            children[ancestor] += 1
            numbers[key] = str(children[ancestor])
        names = {}
        for key in drawn:
            line, one = [numbers[key]], key
            while one := ancestors[one]:
                line.append(numbers[one])
            names[key] = _joined(line[::-1])
        return names

    def branches(self, drawn: Collection[int]) -> dict[int, tuple[int, int]]:
        """Return the tree of some species, each followed by its descendants, the newest first.

        Args:
            drawn: their keys.

        Returns:
            For each key, the nearest ancestor among them (0 if there is none) and the generation of the branch: the
            first one of the species itself, or of the oldest species between the two.
        """
        ancestors, founded = self._by_key(self.ancestors), self._by_key(self.founded)
        found = {}
        for key in drawn:
            child = key
            while (ancestor := ancestors[child]) and ancestor not in drawn:
                child = ancestor
            found[key] = ancestor, founded[child]

        def below(ancestor: int) -> Iterator[int]:
            for key in sorted(found, key=lambda key: (-found[key][1], key)):
                if found[key][0] == ancestor:
                    yield key
                    yield from below(key)

        return {key: found[key] for key in below(0)}

    def _by_key(self, column: np.ndarray) -> dict[int, int]:
        return dict(zip(self.species.tolist(), column.tolist(), strict=True))


def _joined(numbers: Sequence[str]) -> str:
    if len(numbers) <= LONGEST_NAME:
        return ".".join(numbers)
    return f"{'.'.join(numbers[: LONGEST_NAME // 2])}…{'.'.join(numbers[-LONGEST_NAME // 2 :])}"


def species_figure(tree: SpeciesTree) -> Figure:
    """Draw each species as a band, as thick as its number of genomes, with a line from its ancestor."""
    total = tree.members.sum(axis=1)
    largest = np.argsort(-total, kind="stable")[:MOST_SPECIES]
    branches = tree.branches(set(tree.species[largest].tolist()))
    names = tree.names(branches)
    figure, (axes,) = sheet(9, 1.3 + 0.26 * len(branches), right=1.4, bottom=0.6)
    rows = {key: row for row, key in enumerate(branches)}
    for (key, (ancestor, left)), colour in zip(branches.items(), cycle(color_sequences["tab20"])):
        row, members = rows[key], tree.members[np.searchsorted(tree.species, key)]
        alive = np.flatnonzero(members)
        # a generation is a block from its number to the next, so that one alone can be seen
        edges = np.append(tree.generations[alive], tree.generations[alive[-1]] + 1)
        half = 0.45 * np.append(members[alive], members[alive[-1]]) / tree.members.max()
        axes.fill_between(edges, row - half, row + half, step="post", color=colour, linewidth=0.8)
        axes.annotate(names[key], (edges[-1], row), (4, 0), textcoords="offset points", va="center", fontsize=8)
        if ancestor:
            axes.plot([left, left, edges[0]], [rows[ancestor], row, row], color=LINE, linewidth=0.8, zorder=0)
    axes.locator_params(axis="x", integer=True, min_n_ticks=1)
    axes.set(xlabel="generation", xlim=(tree.generations[0], tree.generations[-1] + 1), ylim=(len(rows) - 0.4, -0.6))
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    return figure


def _draw(run: PlottedRun) -> Figure:
    tree = SpeciesTree.of_table(run.table("species.csv", COLUMNS))
    alive, total = (tree.members > 0).sum(axis=0), tree.members.sum(axis=1)
    caption = f"species: {len(tree.species)}, at most {alive.max()} at a time"
    if len(total) > MOST_SPECIES:
        share = np.sort(total)[-MOST_SPECIES:].sum() / total.sum()
        caption += f"; drawn: the {MOST_SPECIES} with most genomes, {share:.0%} of all"
    return headed(species_figure(tree), run.heading, f"{caption}; thickness: genomes, at most {tree.members.max():.0f}")


PICTURE = Picture(
    "species",
    "The tree of species over the generations; thickness: genomes",
    suits=lambda run: (
        run.experiment == "evolve"
        and run.config.evolve.algorithm != "map_elites"
        and run.config.species.target_species != 1  # one alone is a plain block
    ),
    draw=_draw,
)

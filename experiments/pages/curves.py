"""The files of a comparison of runs: a picture, its curves as CSV, and a page with both and the tables."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import style

from experiments.comparison.curves import Comparison
from experiments.comparison.run_list import ListedRun, differing_options
from experiments.comparison.run_rows import result_of, row_of
from experiments.comparison.statistics import NAMES, STATISTICS, band, better, table
from experiments.pages.page import fill, picture
from experiments.plots.curves import curves_figure
from experiments.plots.sheet import STYLE, save
from songs.files import write_atomically

SUFFIXES = (".png", ".svg", ".csv", ".html")
MOST_NAMED = 5
"""Maximum number of runs that a remark names."""


@dataclass(frozen=True)
class Compared:
    """A comparison with its statistics."""

    comparison: Comparison
    statistic: str
    """A key of `STATISTICS`."""
    rows: list[dict[str, Any]]
    """A row for each group, as returned by `statistics.table`."""
    better: list[dict[str, Any]]
    """Pairs of groups, as returned by `statistics.better`."""

    @classmethod
    def of(cls, comparison: Comparison, statistic: str) -> "Compared":
        """Compute the statistics of a comparison."""
        return cls(comparison, statistic, table(comparison, STATISTICS[statistic]), better(comparison))

    @property
    def columns(self) -> list[str]:
        """Headings of the table."""
        comparison = self.comparison
        result = {"right": "steps right", "reward": comparison.reward_name, "loss": "lowest loss"}[comparison.measure]
        result = "steps right, normalised" if comparison.normalised else result
        solved, to_solve = (["solved"], " to solve") if comparison.solvable else ([], "")
        axis = comparison.x_label
        return [
            "group",
            *solved,
            f"{result} ({NAMES[self.statistic]}, 95%)",
            f"{axis}{to_solve} (median, 95%)",
            "CPU s",
        ]

    @property
    def cells(self) -> list[list[str]]:
        """Cells of the table, as text."""
        return [self._cells(row) for row in self.rows]

    def _cells(self, row: dict[str, Any]) -> list[str]:
        if not row["ended"]:
            return [f"{row['group']} (none has ended)", *[""] * (len(self.columns) - 1)]
        cost = _with_interval(row, "cost", ",.1f" if self.comparison.axis == "cpu" else ",.0f")
        cost = f"> {cost}" if row.get("lower_bound") else cost
        result = _with_interval(row, "result", ".5g")
        solved = [f"{row['solved']} of {row['ended']}"] if "solved" in row else []
        return [row["group"], *solved, result, cost, f"{row['cpu_seconds']:,.1f}"]

    @property
    def remarks(self) -> list[str]:
        """Remarks on runs that are not counted."""
        running = [curve.run for group in self.comparison.groups for curve in group.curves if not curve.run.ended]
        kinds = {
            "Drawn but not counted in the tables, because they have not ended": running,
            "Left out, because they have no such figures": self.comparison.left_out,
        }
        return [f"{what}: {_names(runs)}" for what, runs in kinds.items() if runs]

    def markdown(self) -> str:
        """Return the table as Markdown."""
        lines = [self.columns, ["---"] * len(self.columns), *self.cells]
        return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _with_interval(row: dict[str, Any], name: str, form: str) -> str:
    """Return a figure as text, with its interval if it has one."""
    value, low, high = (row[f"{name}{end}"] for end in ("", "_low", "_high"))
    return format(value, form) + (f" ({low:{form}} to {high:{form}})" if low is not None else "")


def _names(runs: Sequence[ListedRun]) -> str:
    more = len(runs) - MOST_NAMED
    return ", ".join(run.name for run in runs[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def write_comparison(compared: Compared, stem: Path) -> list[Path]:
    """Write a comparison as STEM.png, .svg, .csv and .html; return the paths."""
    comparison = compared.comparison
    grid, by_factor = comparison.grid()
    bands = [band(group, grid, STATISTICS[compared.statistic]) for group in comparison.groups]
    paths = [stem.with_name(stem.name + suffix) for suffix in SUFFIXES]
    with style.context(STYLE):
        figure = curves_figure(comparison, grid, by_factor, bands)
        save(figure, paths[0])
    write_atomically(paths[2], _csv(comparison, grid, bands))
    write_atomically(paths[3], _page(compared, picture(figure)))
    return paths


def _csv(comparison: Comparison, grid: np.ndarray, bands: Sequence[np.ndarray]) -> str:
    """Return a row for each group and cost at which all of its runs have a value."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["group", comparison.axis, comparison.measure, "low", "high", "runs"])
    for group, values in zip(comparison.groups, bands, strict=True):
        for cost, *figures in zip(grid.tolist(), *values.tolist(), strict=True):
            if np.isfinite(figures[0]):
                writer.writerow([group.label, f"{cost:.8g}", *(f"{one:.8g}" for one in figures), len(group.ended)])
    return text.getvalue()


def _page(compared: Compared, image: str) -> str:
    groups = compared.comparison.groups
    runs = [curve.run for group in groups for curve in group.curves]
    differing = differing_options(runs)
    rows = [{"group": group.label, **row_of(curve.run, differing)} for group in groups for curve in group.curves]
    return fill(
        "curves.html",
        [],
        title=f"{len(runs)} run{'s' * (len(runs) != 1)} in {len(groups)} group{'s' * (len(groups) != 1)}",
        compared=compared,
        statistic=NAMES[compared.statistic],
        image=image,
        runs=[{**row, "result": result_of(row) or ""} for row in rows],
        differing=differing,
    )

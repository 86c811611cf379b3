"""The curves of several runs in one figure."""

from collections.abc import Iterator, Sequence

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.comparison.curves import AXES, cost_of
from experiments.comparison.run_list import read_run
from experiments.plots.losses import COLUMNS, losses_overlay
from experiments.plots.picture import Columns, drawable_table
from experiments.plots.sheet import STYLE, literal, sheet, symmetric_log
from experiments.runs.folder import RunError, RunFolder

EFFORTS = ("evaluations", "step")
"""Columns that measure the effort of a search."""
RIGHT = ("best_right", "right_teacher_forced")
REWARDS = ("reward_a_step", "greedy_reward")
REWARD = "reward per step"


def overlay_figure(folders: Sequence[RunFolder]) -> Figure | None:
    """Draw the steps right or rewards of all runs over environment steps; None if no run has such figures."""
    curves: dict[str, list] = {}
    for number, (folder, table) in enumerate(_tables(folders)):
        steps = cost_of(read_run(folder.path), table, "steps")
        if steps is None:
            continue
        for name, column in _curves(table).items():
            curves.setdefault(name, []).append((number, literal(folder.path.name), steps, table[column]))
    if not curves:
        return None
    with style.context(STYLE):
        figure, panels = sheet(10, 0.8 + 3.8 * len(curves), len(curves), sharex=True, left=1.0, bottom=0.6)
        for axes, (name, runs) in zip(panels, curves.items(), strict=True):
            _draw_runs(axes, name, runs, with_legend=len(folders) <= 20)
        panels[-1].set_xlabel(AXES["steps"])
        return figure


def _draw_runs(axes: Axes, name: str, runs: list, with_legend: bool) -> None:
    for number, label, effort, values in runs:
        marker = "o" if len(effort) == 1 else None
        axes.plot(effort, values, label=label, color=f"C{number}", linewidth=1.5, marker=marker)
    if name == REWARD:
        symmetric_log(axes)
    axes.set_xscale("symlog", linthresh=100)
    axes.set_xlim(left=0)
    axes.set_ylabel(name)
    axes.grid(alpha=0.3)
    if with_legend:
        axes.legend(frameon=False, loc="lower right")


def vae_overlay(folders: Sequence[RunFolder]) -> Figure | None:
    """Draw the losses of all VAE runs over their steps; None if no run has such figures."""
    tables = [(literal(folder.path.name), table) for folder, table in _tables(folders, COLUMNS)]
    with style.context(STYLE):
        return losses_overlay(tables) if tables else None


def _tables(folders: Sequence[RunFolder], columns: tuple[str, ...] = ()) -> Iterator[tuple[RunFolder, Columns]]:
    """Yield the runs that have figures to draw, with these; without `columns`, all that exist."""
    for folder in folders:
        try:
            there = folder.read_table("metrics.csv")
            drawn = columns or tuple(name for name in (*EFFORTS, *RIGHT, *REWARDS) if name in there)
            yield folder, drawable_table(folder, "metrics.csv", drawn) if drawn else there
        except RunError:
            continue


def _curves(table: Columns) -> dict[str, str]:
    """Return the columns that measure the result of a run, by axis label.

    If a listener rewards, the steps right are only meaningful if a song was also learned.
    """
    right = next((name for name in RIGHT if name in table), None)
    reward = next((name for name in REWARDS if name in table), None)
    curves = {"steps right": right} if right else {}
    if reward:
        learned = right == "best_right" and table[right].any()
        curves = {**(curves if learned else {}), REWARD: reward}
    return curves

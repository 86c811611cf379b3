"""The curves of several runs in one picture."""

from collections.abc import Iterator, Sequence

from matplotlib import style
from matplotlib.figure import Figure

from experiments.plots.curves import Columns
from experiments.plots.run import STYLE, figures_table, literal
from experiments.plots.vae import COLUMNS, losses_overlay
from experiments.runs.folder import RunError, RunFolder

EFFORTS = {"evaluations": "networks evaluated", "step": "environment steps"}
"""Columns that tell how much was tried, and what an axis calls them."""
RIGHT = ("best_right", "right_teacher_forced")
REWARDS = ("reward_a_step", "greedy_reward")
REWARD = "reward a step"


def overlay_figure(folders: Sequence[RunFolder]) -> Figure | None:
    """Draw the steps right of all runs, or what a listener paid, over what each has tried; None if no run tells."""
    drawn: dict[str, list] = {}
    units = set()
    for number, (folder, table) in enumerate(_tables(folders)):
        effort = next((name for name in EFFORTS if name in table), None)
        if effort is None:
            continue
        for name, column in _curves(table).items():
            drawn.setdefault(name, []).append((number, literal(folder.path.name), table[effort], table[column]))
            units.add(EFFORTS[effort])
    if not drawn:
        return None
    with style.context(STYLE):
        figure = Figure(figsize=(10, 0.5 + 4 * len(drawn)), layout="constrained")
        for axes, (name, curves) in zip(
            figure.subplots(len(drawn), 1, sharex=True, squeeze=False)[:, 0], drawn.items(), strict=True
        ):
            for number, label, tried, reached in curves:
                look = {"color": f"C{number}", "linewidth": 1.5, "marker": "o" if len(tried) == 1 else None}
                axes.plot(tried, reached, label=label, **look)
            if name == REWARD:
                axes.set_yscale("symlog", linthresh=1)
                axes.yaxis.set_major_formatter("{x:,g}")
            axes.set_xscale("symlog", linthresh=100)
            axes.set_xlim(left=0)
            axes.set_ylabel(name)
            axes.grid(alpha=0.3)
            if len(folders) <= 20:
                axes.legend(frameon=False, loc="lower right")
        axes.set_xlabel(" or ".join(sorted(units)))
        return figure


def vae_overlay(folders: Sequence[RunFolder]) -> Figure | None:
    """Draw the losses of all runs of VAEs over their steps; None if no run tells."""
    tables = [(literal(folder.path.name), table) for folder, table in _tables(folders, COLUMNS)]
    with style.context(STYLE):
        return losses_overlay(tables) if tables else None


def _tables(folders: Sequence[RunFolder], columns: tuple[str, ...] = ()) -> Iterator[tuple[RunFolder, Columns]]:
    """Yield the runs that have figures to draw, with these; without columns, of those that are there."""
    for folder in folders:
        try:
            there = folder.read_table("metrics.csv")
            drawn = columns or tuple(name for name in (*EFFORTS, *RIGHT, *REWARDS) if name in there)
            yield folder, figures_table(folder, "metrics.csv", drawn) if drawn else there
        except RunError:
            continue


def _curves(table: Columns) -> dict[str, str]:
    """Return the columns that tell how far a run came, by the name of their axis.

    Where a listener pays, the steps right mean something only if a song was learned, too.
    """
    right = next((name for name in RIGHT if name in table), None)
    reward = next((name for name in REWARDS if name in table), None)
    curves = {"steps right": right} if right else {}
    if reward:
        learned = right == "best_right" and table[right].any()
        curves = {**(curves if learned else {}), REWARD: reward}
    return curves

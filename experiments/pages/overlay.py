"""The curves of several runs in one picture."""

from collections.abc import Sequence

from matplotlib import style
from matplotlib.figure import Figure

from experiments.plot import STYLE
from experiments.run_folder import RunError, RunFolder

EFFORTS = {"evaluations": "networks evaluated", "step": "environment steps"}
"""Columns that tell how much was tried, and what an axis calls them."""
RIGHT = ("best_right", "right_teacher_forced")


def overlay_figure(folders: Sequence[RunFolder]) -> Figure | None:
    """Draw the steps right of all runs over what each has tried; None if no run tells."""
    with style.context(STYLE):
        figure = Figure(figsize=(10, 4.5), layout="constrained")
        axes = figure.add_subplot()
        units = set()
        for folder in folders:
            try:
                table = folder.read_table("metrics.csv")
            except RunError:
                continue
            effort = next((name for name in EFFORTS if name in table), None)
            right = next((name for name in RIGHT if name in table), None)
            if effort and right and len(table[effort]):
                axes.plot(table[effort], table[right], label=folder.path.name.replace("$", r"\$"), linewidth=1.5)
                units.add(EFFORTS[effort])
        if not units:
            return None
        axes.set_xscale("symlog", linthresh=100)
        axes.set_xlim(left=0)
        axes.set_xlabel(" or ".join(sorted(units)))
        axes.set_ylabel("steps right")
        axes.grid(alpha=0.3)
        if len(folders) <= 20:
            axes.legend(frameon=False, loc="lower right")
        return figure

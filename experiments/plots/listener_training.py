"""The picture of a listener's training: the loss of each stage, and the scores of attacks and tests.

Conventions: tables are columns by name, as in metrics.csv of a listener's run folder, (E,) each; E steps. A missing
loss or score is NaN.
"""

import numpy as np
from matplotlib.figure import Figure

from experiments.plots.picture import Columns, Picture, PlottedRun
from experiments.plots.sheet import BEST, GRID, MEAN, headed, sheet, symmetric_log
from experiments.runs.folder import RunError

COLUMNS = ("step", "stage", "loss", "score", "cpu_seconds")


def training_figure(metrics: Columns) -> Figure:
    """Draw losses as a line for each stage, and below them any scores as points."""
    scored = np.isfinite(metrics["score"])
    figure, panels = sheet(10, 7, rows=1 + int(scored.any()), sharex=True, bottom=0.6)
    above, below = panels[0], panels[-1]
    for stage in np.unique(metrics["stage"]):
        step, loss = (metrics[name][metrics["stage"] == stage] for name in ("step", "loss"))
        above.plot(step, loss, color=BEST, marker="." if len(step) == 1 else None)
    above.set(ylabel="loss of each stage", ylim=(0, None))
    if scored.any():
        below.plot(metrics["step"][scored], metrics["score"][scored], ".", color=MEAN)
        below.set(ylabel="score of an attack (sd) or a test")
        symmetric_log(below)  # percentiles and standard deviations share the axis
    for axes in panels:
        axes.grid(color=GRID)
    below.set(xlabel="training step", xlim=(0, metrics["step"][-1] + 1))
    return figure


def _draw(run: PlottedRun) -> Figure:
    metrics = run.table("metrics.csv", COLUMNS)
    if not np.isfinite(metrics["loss"]).any():
        raise RunError(f"{run.folder.path}: this training has no losses, because an n-gram is counted in one step")
    steps, seconds = metrics["step"][-1], metrics["cpu_seconds"][-1]
    caption = f"listener, kind {run.config.listener.kind}; {steps:,.0f} steps, {seconds:.0f} CPU seconds"
    return headed(training_figure(metrics), run.heading, caption)


PICTURE = Picture(
    "training",
    "Losses of the training stages, and scores of attacks and tests",
    lambda run: run.experiment == "listener",
    _draw,
)

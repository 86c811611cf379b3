"""The pictures of a VAE in training: the loss and its parts over the steps.

Conventions: tables are columns by name, as in metrics.csv of a VAE's run folder, (E,) each; E validations. Losses are
nats per melody; the loss is reconstruction + beta KL, with the last beta.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from experiments.plots.picture import Columns, Picture, PlottedRun
from experiments.plots.sheet import BEST, GRID, MEAN, headed, legend_below, sheet

PARTS = {
    "cross_entropy": "reconstruction, nats",
    "kl": "KL, nats",
    "free_running": "accuracy,\nfree running",
}
"""Columns with their own axes, and the labels of these."""
COLUMNS = ("step", "train_loss", "loss", *PARTS, "cpu_seconds")
"""The columns drawn; the first is the x axis."""


def losses_figure(metrics: Columns) -> Figure:
    """Draw a VAE's loss in training and on held-out melodies, and below it the parts of the latter."""
    figure, axes = _panels(bottom=0.6)
    step = metrics["step"]
    marker = "o" if len(step) == 1 else None
    axes[0].plot(step, metrics["train_loss"], color=MEAN, marker=marker, label="training, beta as it rises")
    axes[0].plot(step, metrics["loss"], color=BEST, marker=marker, label="validation")
    axes[0].set(ylabel="loss, nats per melody", ylim=(0, None))
    axes[0].legend(frameon=False)
    for one, (column, name) in zip(axes[1:], PARTS.items(), strict=True):
        one.plot(step, metrics[column], color=BEST, marker=marker)
        one.set(ylabel=name)
    axes[-1].set_xlim(0, None)
    return figure


def losses_overlay(runs: Sequence[tuple[str, Columns]]) -> Figure:
    """Draw the losses of several VAEs on held-out melodies, and their parts.

    Args:
        runs: The legend name and columns of each.
    """
    named = len(runs) <= 20
    figure, axes = _panels(bottom=0.65 + 0.2 * -(-len(runs) // 2) * named)
    for name, metrics in runs:
        marker = "o" if len(metrics["step"]) == 1 else None
        for one, column in zip(axes, ("loss", *PARTS), strict=True):
            one.plot(metrics["step"], metrics[column], marker=marker, label=name, linewidth=1.5)
    for one, name in zip(axes, ("validation loss,\nits last beta, nats", *PARTS.values()), strict=True):
        one.set_ylabel(name)
    if named:
        legend_below(figure, axes[0].get_legend_handles_labels()[0], columns=2)
    return figure


def _panels(bottom: float) -> tuple[Figure, np.ndarray]:
    """Return a figure with axes for the loss and for each of its parts."""
    figure, axes = sheet(8, 9, 1 + len(PARTS), sharex=True, height_ratios=(2, 1, 1, 1), bottom=bottom)
    for one in axes:
        one.grid(color=GRID)
    axes[-1].set_xlabel("training step")
    axes[-1].xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    return figure, axes


def _draw(run: PlottedRun) -> Figure:
    metrics = run.table("metrics.csv", COLUMNS)
    caption = f"MusicVAE; {metrics['step'][-1]:,.0f} steps, {metrics['cpu_seconds'][-1]:.0f} CPU seconds"
    return headed(losses_figure(metrics), run.heading, caption)


PICTURE = Picture("losses", "Loss and its parts over the training steps", lambda run: run.experiment == "vae", _draw)

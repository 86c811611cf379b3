"""The pictures of a VAE in training: loss, and its parts, over the steps.

Conventions: tables are columns by name, as in metrics.csv of a VAE's run folder, (E,) each; E validations. Losses are
nats a melody; the loss is reconstruction + beta KL, with the last beta.
"""

from collections.abc import Sequence

from matplotlib.figure import Figure

from experiments.plots.curves import BEST, MEAN, Columns

PARTS = {
    "cross_entropy": "reconstruction, nats",
    "kl": "KL, nats",
    "free_running": "steps rebuilt right,\nfree running",
}
"""Columns that get axes of their own, and what these are called."""
COLUMNS = ("step", "train_loss", "loss", *PARTS)
"""What is drawn; the first is the axis."""


def losses_figure(metrics: Columns) -> Figure:
    """Draw how a VAE learned: its loss in training and on held-out melodies, and below what the latter consists of."""
    figure = Figure(figsize=(8, 9), layout="constrained")
    axes = figure.subplots(1 + len(PARTS), 1, sharex=True, height_ratios=(2, 1, 1, 1))
    marker = "o" if len(metrics["step"]) == 1 else None
    axes[0].plot(metrics["step"], metrics["train_loss"], color=MEAN, marker=marker, label="training, beta as it rises")
    axes[0].plot(metrics["step"], metrics["loss"], color=BEST, marker=marker, label="validation")
    axes[0].set(ylabel="loss, nats a melody", ylim=(0, None))
    axes[0].legend(frameon=False)
    for one, (column, name) in zip(axes[1:], PARTS.items(), strict=True):
        one.plot(metrics["step"], metrics[column], color=BEST, marker=marker)
        one.set(ylabel=name)
    axes[-1].set(xlabel="step of training", xlim=(0, None))
    for one in axes:
        one.grid(color="#e4e4e4")
    return figure


def losses_overlay(runs: Sequence[tuple[str, Columns]]) -> Figure:
    """Draw the losses of several VAEs on held-out melodies, and what they consist of.

    Args:
        runs: the name of each in the legend, and its columns.
    """
    figure = Figure(figsize=(8, 9), layout="constrained")
    axes = figure.subplots(1 + len(PARTS), 1, sharex=True, height_ratios=(2, 1, 1, 1))
    for name, metrics in runs:
        marker = "o" if len(metrics["step"]) == 1 else None
        for one, column in zip(axes, ("loss", *PARTS), strict=True):
            one.plot(metrics["step"], metrics[column], marker=marker, label=name, linewidth=1.5)
    for one, name in zip(axes, ("validation loss,\nown beta, nats", *PARTS.values()), strict=True):
        one.set_ylabel(name)
        one.grid(color="#e4e4e4")
    axes[-1].set(xlabel="step of training", xlim=(0, None))
    if len(runs) <= 20:
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    return figure

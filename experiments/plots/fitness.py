"""The fitness picture: the improvement of a population over its generations.

Conventions: tables are columns by name, as in metrics.csv, (G,) each; G generations. The loss is minus the fitness.
"""

import numpy as np
from matplotlib.figure import Figure

from experiments.config.evolve import EvolveConfig
from experiments.plots.picture import Columns, Picture, PlottedRun
from experiments.plots.sheet import BASELINE, BEST, CEILING, GRID, MEAN, headed, legend_below, sheet, symmetric_log
from experiments.runs.assembly import make_cases
from experiments.runs.evolve.searches import describe
from experiments.runs.scores import always_rest

COLUMNS = ("generation", "evaluations", "best_fitness", "mean_fitness", "std_fitness", "best_right", "mean_right",
           "cpu_seconds")  # fmt: skip


def fitness_figure(metrics: Columns, loss: str, ceiling: int | None, resting: int | None) -> Figure:
    """Draw the steps right and the loss over the generations.

    Args:
        metrics: Columns of metrics.csv, (G,) each.
        loss: Name of the loss.
        ceiling: Most cases that can be right; None if unknown.
        resting: Cases that are right when nothing is played; None without such a baseline.
    """
    figure, (above, below) = sheet(11, 7, rows=2, sharex=True)
    generation = metrics["generation"]
    best, mean, deviation = -metrics["best_fitness"], -metrics["mean_fitness"], metrics["std_fitness"]
    curves = ((above, metrics["best_right"], metrics["mean_right"]), (below, best, mean))
    marker = "o" if len(generation) == 1 else None
    for axes, highest, average in curves:
        axes.plot(generation, highest, color=BEST, marker=marker, label="best genome", zorder=4)
        axes.plot(generation, average, color=MEAN, marker=marker, label="mean", zorder=3)
        axes.grid(color=GRID)
    for value, name, colour in ((ceiling, "ceiling", CEILING), (resting, "always rest", BASELINE)):
        if value is not None:
            above.axhline(value, color=colour, linestyle="--", linewidth=1.2, label=f"{name}: {value}")
    low = np.maximum(mean - deviation, best)  # no genome is below the best
    label = "mean loss ± 1 standard deviation, cut off at the best"
    band = below.fill_between(generation, low, mean + deviation, color=MEAN, alpha=0.25, linewidth=0, label=label)
    symmetric_log(below)
    above.set(ylabel="cases right" if resting is None else "steps right", ylim=(0, None))
    below.set(xlabel="generation", ylabel=f"loss ({loss}), lower is better")
    below.set_xlim(generation[0] - 0.5, generation[-1] + 0.5)
    for axis in (above.yaxis, below.xaxis):
        axis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    handles = [*above.get_legend_handles_labels()[0], band]
    legend_below(figure, handles, len(handles))
    return figure


def _draw(run: PlottedRun) -> Figure:
    metrics = run.table("metrics.csv", COLUMNS)
    assert isinstance(run.config, EvolveConfig)
    task, songs = run.config.task, run.songs
    ceiling = make_cases(run.config, songs).most_right if songs or task.kind == "xor" else None
    resting = sum(always_rest(song, task.prompt) for song in songs) if songs else None
    evaluations, seconds = metrics["evaluations"][-1], metrics["cpu_seconds"][-1]
    caption = describe(run.config)
    caption += f"; {evaluations:,.0f} evaluations, {seconds:.1f} CPU seconds; {run.ending()}"
    figure = fitness_figure(metrics, run.config.evolve.fitness.replace("_", " "), ceiling, resting)
    return headed(figure, run.heading, caption)


PICTURE = Picture(
    "fitness",
    "Steps right and loss over the generations",
    suits=lambda run: run.experiment == "evolve" and not (run.improvises or run.acts),
    draw=_draw,
)

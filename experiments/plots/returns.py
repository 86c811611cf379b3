"""The return picture: the improvement of a population in a Gymnasium environment.

Conventions: tables are columns by name, as in metrics.csv, (G,) each; G generations. A return is that of an episode.
"""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from experiments.config.evolve import EvolveConfig
from experiments.plots.picture import Columns, Picture, PlottedRun, read_summary
from experiments.plots.sheet import BASELINE, BEST, CEILING, GRID, MEAN, headed, legend_below, sheet
from experiments.runs.evolve.searches import describe

CHAMPION = "#009E73"
COLUMNS = ("generation", "best_fitness", "mean_fitness", "std_fitness", "champion_return", "env_steps", "cpu_seconds")


def returns_figure(metrics: Columns, solved_at: float, baselines: Mapping[str, float]) -> Figure:
    """Draw the mean returns of the champion, of the best genome and of all genomes over the generations.

    Args:
        metrics: Columns of metrics.csv.
        solved_at: Mean return that solves the environment; 0 if none is defined.
        baselines: Mean returns of random and constant actions, by name; empty if not yet known.
    """
    figure, (axes,) = sheet(11, 5.5, bottom=1.1)
    generation, mean, deviation = metrics["generation"], metrics["mean_fitness"], metrics["std_fitness"]
    marker = "o" if len(generation) == 1 else None
    for column, colour, label in (
        ("champion_return", CHAMPION, "champion, over the validation episodes"),
        ("best_fitness", BEST, "best genome"),
        ("mean_fitness", MEAN, "mean"),
    ):
        axes.plot(generation, metrics[column], color=colour, marker=marker, label=label, zorder=4)
    high = np.minimum(mean + deviation, metrics["best_fitness"])  # no genome is above the best
    axes.fill_between(generation, mean - deviation, high, color=MEAN, alpha=0.25, linewidth=0)
    if solved_at:
        axes.axhline(solved_at, color=CEILING, linestyle="--", linewidth=1.2, label=f"solved at {solved_at:g}")
    for name, linestyle in (("random", ":"), (best_alone(baselines), "-.")):
        if name in baselines:
            label = f"{name}: {baselines[name]:.1f}"
            axes.axhline(baselines[name], color=BASELINE, linestyle=linestyle, linewidth=1.2, label=label)
    axes.set(xlabel="generation", ylabel="mean return", xlim=(generation[0] - 0.5, generation[-1] + 0.5))
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    axes.grid(color=GRID)
    handles = axes.get_legend_handles_labels()[0]
    legend_below(figure, handles, 3)
    return figure


def best_alone(baselines: Mapping[str, float]) -> str:
    """Return the name of the best constant action; "" if unknown."""
    return max((name for name in baselines if name != "random"), key=lambda name: baselines[name], default="")


def _draw(run: PlottedRun) -> Figure:
    metrics = run.table("metrics.csv", COLUMNS)
    assert isinstance(run.config, EvolveConfig)
    summary, options = read_summary(run.folder), run.config.environment
    figure = returns_figure(metrics, options.solved_at, summary.get("baselines", {}))
    caption = f"{describe(run.config)}; {metrics['env_steps'][-1]:,.0f} environment steps, "
    caption += f"{metrics['cpu_seconds'][-1]:.1f} CPU seconds; {run.ending()}"
    return headed(figure, run.heading, caption)


PICTURE = Picture(
    "returns",
    "Mean returns of the champion, of the best genome and of all genomes over the generations",
    suits=lambda run: run.experiment == "evolve" and run.acts,
    draw=_draw,
)

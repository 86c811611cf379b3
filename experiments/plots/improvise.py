"""The pictures of an improvisation: what a listener paid over the generations, term by term.

Conventions: tables are columns by name, as in metrics.csv, (G,) each. Rewards are those of a step, on average.
"""

from collections.abc import Mapping

from matplotlib.figure import Figure
from matplotlib.ticker import SymmetricalLogLocator

from experiments.plots.curves import BASELINE, BEST, CEILING, MEAN, Columns

BASELINES = {"silence": (BASELINE, ":"), "random": (MEAN, "--"), "the_song": (CEILING, "--")}


def reward_figure(metrics: Columns, baselines: Mapping[str, float]) -> Figure:
    """Draw what the champion was paid, above, and what each term of the listener was, below.

    Args:
        metrics: columns of metrics.csv.
        baselines: what else is paid, by name; those of `BASELINES` are drawn.
    """
    figure = Figure(figsize=(11, 7), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    generation = metrics["generation"]
    marker = "o" if len(generation) == 1 else None
    above.plot(generation, metrics["reward_a_step"], color=BEST, marker=marker, label="champion", zorder=4)
    for name, (colour, line) in BASELINES.items():
        if name in baselines:
            label = f"{name.replace('_', ' ')}: {baselines[name]:.3g}"
            above.axhline(baselines[name], color=colour, linestyle=line, linewidth=1.2, label=label)
    for name in metrics:
        if name.startswith("term_"):
            below.plot(generation, metrics[name], marker=marker, label=name.removeprefix("term_").replace("_", " "))
    for axes in (above, below):
        axes.set_yscale("symlog", linthresh=1)
        axes.yaxis.set_major_locator(SymmetricalLogLocator(base=10, linthresh=1, subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:,g}")
        axes.grid(color="#e4e4e4")
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=9)
    above.set(ylabel="reward a step")
    below.set(
        xlabel="generation", ylabel="terms of the champion's reward", xlim=(generation[0] - 0.5, generation[-1] + 0.5)
    )
    below.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    return figure

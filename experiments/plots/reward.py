"""The reward picture: the rewards of an improvising champion over the generations, term by term.

Conventions: tables are columns by name, as in metrics.csv, (G,) each; G generations. Rewards are means over steps.
"""

from collections.abc import Mapping

from matplotlib.figure import Figure

from experiments.config.evolve import EvolveConfig
from experiments.plots.picture import Columns, Picture, PlottedRun, read_summary
from experiments.plots.sheet import BASELINE, BEST, CEILING, GRID, MEAN, headed, legend_beside, sheet, symmetric_log
from experiments.runs.evolve.searches import describe

BASELINES = {"silence": (BASELINE, ":"), "random": (MEAN, "--"), "the_song": (CEILING, "--")}


def reward_figure(metrics: Columns, baselines: Mapping[str, float]) -> Figure:
    """Draw the champion's reward at the top, and each term of the listener below.

    Args:
        metrics: Columns of metrics.csv.
        baselines: Rewards of other players, by name; those in `BASELINES` are drawn.
    """
    figure, (above, below) = sheet(11, 7, rows=2, sharex=True, left=0.85, right=2.1, bottom=0.6)
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
        symmetric_log(axes)
        axes.grid(color=GRID)
        legend_beside(axes)
    above.set(ylabel="reward per step")
    below.set(xlabel="generation", ylabel="terms of the champion's reward")
    below.set_xlim(generation[0] - 0.5, generation[-1] + 0.5)
    below.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    return figure


def _draw(run: PlottedRun) -> Figure:
    metrics = run.table("metrics.csv", ("generation", "evaluations", "reward_a_step", "cpu_seconds"))
    assert isinstance(run.config, EvolveConfig)
    baselines = read_summary(run.folder).get("baselines_a_step", {})
    caption = f"{describe(run.config)}; {metrics['evaluations'][-1]:,.0f} evaluations, "
    caption += f"{metrics['cpu_seconds'][-1]:.1f} CPU seconds; the highest possible reward is not known"
    return headed(reward_figure(metrics, baselines), run.heading, caption)


PICTURE = Picture(
    "reward",
    "Reward of the champion over the generations, and its terms",
    suits=lambda run: run.experiment == "evolve" and run.improvises,
    draw=_draw,
)

"""The picture of deep Q-learning over its environment steps: what the greedy player gets right, reward and loss.

Conventions: tables are columns by name, as in metrics.csv of a run folder. E evaluations.
"""

from matplotlib.figure import Figure

from experiments.plots.curves import BASELINE, BEST, CEILING, MEAN, Columns


def learning_figure(metrics: Columns, ceiling: int | None, resting: int | None) -> Figure:
    """Draw how a player got better.

    Args:
        metrics: columns of metrics.csv, (E,) each.
        ceiling: most steps that can be right, None if not known.
        resting: steps that are right when nothing is ever played, None if not known.
    """
    figure = Figure(figsize=(11, 8), layout="constrained")
    above, middle, below = figure.subplots(3, 1, sharex=True, height_ratios=(2, 1, 1))
    step = metrics["step"]
    marker = "o" if len(step) == 1 else None
    if "greedy_reward" in metrics:  # a listener pays: right and wrong mean nothing
        above.plot(step, metrics["greedy_reward"], color=BEST, marker=marker, label="what the listener pays")
        above.set(ylabel="reward of a step,\ngreedy player")
        ceiling = resting = None
    else:
        above.plot(step, metrics["right_teacher_forced"], color=BEST, marker=marker, label="steps right", zorder=4)
        above.plot(step, metrics["prefix"], color=MEAN, marker=marker, label="before the first mistake", zorder=3)
        above.set(ylabel="greedy player", ylim=(0, None))
    for value, name, colour in ((ceiling, "ceiling", CEILING), (resting, "always rest", BASELINE)):
        if value is not None:
            above.axhline(value, color=colour, linestyle="--", linewidth=1.2, label=f"{name}: {value}")
    middle.plot(step, metrics["mean_reward"], color=BEST, marker=marker)
    below.plot(step, metrics["loss"], color=BEST, marker=marker)
    for axes in (above, middle, below):
        axes.grid(color="#e4e4e4")
    middle.set(ylabel="reward of a step,\nexploring")
    below.set(xlabel="environment step", ylabel="loss", ylim=(0, None), xlim=(0, step[-1]))
    figure.legend(*above.get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    return figure

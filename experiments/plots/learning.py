"""The learning picture of deep Q-learning: score of the greedy player, reward and loss over the environment steps.

Conventions: tables are columns by name, as in metrics.csv of a run folder, (E,) each; E evaluations.
"""

from matplotlib.figure import Figure

from agents.cases import memory_cases
from experiments.config.dqn import DqnConfig
from experiments.plots.picture import Columns, Picture, PlottedRun
from experiments.plots.sheet import BASELINE, BEST, CEILING, GRID, MEAN, headed, legend_below, sheet
from experiments.runs.scores import always_rest

COLUMNS = ("step", "updates", "mean_reward", "loss", "right_teacher_forced", "prefix", "cpu_seconds")


def learning_figure(metrics: Columns, ceiling: int | None, resting: int | None) -> Figure:
    """Draw the improvement of a player.

    Args:
        metrics: Columns of metrics.csv, (E,) each.
        ceiling: Most steps that can be right; None if unknown.
        resting: Steps that are right when nothing is played; None if unknown.
    """
    figure, panels = sheet(11, 8, rows=3, sharex=True, height_ratios=(2, 1, 1))
    above, middle, below = panels
    step = metrics["step"]
    marker = "o" if len(step) == 1 else None
    if "greedy_reward" in metrics:  # a listener rewards, so nothing is right or wrong
        above.plot(step, metrics["greedy_reward"], color=BEST, marker=marker, label="reward from the listener")
        above.set(ylabel="reward per step,\ngreedy player")
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
    for axes in panels:
        axes.grid(color=GRID)
    middle.set(ylabel="reward per step,\nexploring")
    below.set(xlabel="environment step", ylabel="loss", ylim=(0, None), xlim=(0, step[-1]))
    legend_below(figure, above.get_legend_handles_labels()[0], columns=4)
    return figure


def _draw(run: PlottedRun) -> Figure:
    metrics = run.table("metrics.csv", COLUMNS)
    assert isinstance(run.config, DqnConfig)
    task, songs, ceiling, resting = run.config.task, run.songs, None, None
    if songs:
        cases = memory_cases(songs, task.remembered, task.prompt, task.mode_bit)
        ceiling = (cases if run.config.plays_chords else cases.without_chords()).most_right
        resting = sum(always_rest(song, task.prompt) for song in songs)
    steps, updates, seconds = (metrics[name][-1] for name in ("step", "updates", "cpu_seconds"))
    caption = f"deep Q-learning, regime: {run.config.regime}; {steps:,.0f} environment steps, {updates:,.0f} updates, "
    caption += f"{seconds:.1f} CPU seconds; {run.ending()}"
    return headed(learning_figure(metrics, ceiling, resting), run.heading, caption)


PICTURE = Picture(
    "learning", "Score, reward and loss over the environment steps", lambda run: run.experiment == "dqn", _draw
)

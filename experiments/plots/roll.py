"""The picture of a roll: the keys played, compared with the song.

Conventions:
    Rolls are (T, K) bool; low keys are at the bottom. A step is right if all its keys are; steps are counted
    after the prompt, which is given.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from experiments.plots.picture import Picture, PlottedRun
from experiments.plots.sheet import PROMPT, headed, legend_below, sheet
from experiments.runs.folder import RunError
from experiments.runs.scores import always_rest
from songs.keyboard import DEFAULT_GRID, DEFAULT_KEYBOARD, KEYS, Grid, Keyboard

CELLS: dict[str, dict[str, Any]] = {
    "right": {"facecolor": "#009E73", "edgecolor": "#00614a"},
    "wrong": {"facecolor": "#D55E00", "edgecolor": "black", "hatch": "xxxx"},
    "missed": {"facecolor": "white", "edgecolor": "black", "hatch": "....", "linestyle": "--"},
    "played": {"facecolor": "#0072B2", "edgecolor": "black"},
}
"""Styles of a roll's cells; hatches and edges distinguish the kinds without colour."""

ROW_STEPS = 64
"""Maximum number of steps in a row, which has whole bars."""
ROW_INCHES = 0.15
"""Additional height of a row for every key beyond 13, in inches."""
MOST_ROWS = 16
"""Maximum number of rows drawn; a taller picture would be hard to open."""


def steps_per_row(grid: Grid) -> int:
    """Return the steps per row: whole bars, eight of them in 4/4 and eighths."""
    return max(1, ROW_STEPS // grid.steps_per_bar) * grid.steps_per_bar


def classify(played: np.ndarray, target: np.ndarray, prompt: int) -> dict[str, np.ndarray]:
    """Return masks (T, K) of the cells that are right, wrong (played, not in the song) and missed.

    The prompt, which is given, counts as right wherever it sounds.

    Raises:
        ValueError: The rolls have different shapes or differ in the prompt.
    """
    if played.shape != target.shape:
        raise ValueError(f"the played roll has the shape {played.shape}, the song {target.shape}")
    if (played[:prompt] != target[:prompt]).any():
        raise ValueError(f"the first {prompt} steps are given, but differ from the song")
    return {"right": played & target, "wrong": played & ~target, "missed": target & ~played}


def roll_figure(
    cells: Mapping[str, np.ndarray],
    prompt: int,
    keyboard: Keyboard = DEFAULT_KEYBOARD,
    grid: Grid = DEFAULT_GRID,
) -> Figure:
    """Draw a played roll compared with its target, or a roll without a target, in rows of whole bars.

    Args:
        cells: The return value of `classify`, or the whole roll as `played`.
        prompt: Steps given at the start.
        keyboard: The keyboard of K keys.
        grid: The grid of the steps.
    """
    width, steps = steps_per_row(grid), len(next(iter(cells.values())))
    rows = min(-(-steps // width), MOST_ROWS)
    height = 2.8 + ROW_INCHES * max(0, keyboard.keys - KEYS)
    figure, panels = sheet(14, 1.6 + height * rows, rows, left=0.65, right=0.1)
    for row, axes in enumerate(panels):
        first = row * width
        _draw_bars(axes, first, min(first + width, steps), keyboard, grid)
        if first < prompt:
            axes.axvspan(first, min(prompt, first + width), **PROMPT)
        for kind, where in cells.items():
            for step, key in zip(*np.nonzero(where[first : first + width]), strict=True):
                corner = (first + step + 0.06, key - 0.44)
                axes.add_patch(Rectangle(corner, 0.88, 0.88, **CELLS[kind], zorder=3))
    panels[-1].set_xlabel("bar")
    counts = {kind: int(where[prompt:].sum()) for kind, where in cells.items()}
    names = {"right": "right", "wrong": "wrong (not in the song)", "missed": "missed (not played)", "played": "played"}
    handles = [Patch(**CELLS[kind], label=f"keys {names[kind]}: {count}") for kind, count in counts.items()]
    handles.append(Patch(**PROMPT, label=f"prompt: {prompt} steps given"))
    legend_below(figure, handles, columns=4, handleheight=1.5)
    return figure


def _draw_bars(axes: Axes, first: int, last: int, keyboard: Keyboard, grid: Grid) -> None:
    """Draw an empty roll from step `first` to step `last`."""
    keys, bar, width = keyboard.keys, grid.steps_per_bar, steps_per_row(grid)
    for key in keyboard.black_keys:
        axes.axhspan(key - 0.5, key + 0.5, xmax=(last - first) / width, color="#ececee", linewidth=0)
    bars = np.arange(first, last, bar)
    axes.vlines(range(first, last + 1), -0.5, keys - 0.5, color="#dddddd", linewidth=0.4)
    axes.vlines([*bars, last], -0.5, keys - 0.5, color="#888888", linewidth=1)
    axes.set(xlim=(first, first + width), ylim=(-0.5, keys - 0.5), ylabel="key")
    axes.set_yticks(range(keys), keyboard.names, fontsize=8)
    axes.set_xticks(bars, [str(step // bar + 1) for step in bars], ha="left")
    axes.tick_params(length=0)


def _draw(run: PlottedRun) -> Figure:
    if run.experiment == "breed":
        cells = {"played": run.folder.read_roll()}
        return headed(roll_figure(cells, 0, *run.layout), run.heading, "played by the network that was chosen last")
    played, task = run.folder.read_roll(), run.config.task
    song = (run.songs or run.folder.read_songs(task.steps, task.prompt))[0]
    most = MOST_ROWS * steps_per_row(song.grid)
    if run.improvises and not task.mode_bit:
        caption = f"improvised after the prompt; {min(len(played), most):,} of {len(played):,} steps are drawn"
        return headed(roll_figure({"played": played}, task.prompt, *run.layout), run.heading, caption)
    try:
        cells = classify(played, song.roll, task.prompt)
    except ValueError as error:
        raise RunError(f"{run.folder.path}: best/roll.npy is broken: {error}") from None
    right = int((played == song.roll).all(axis=1)[task.prompt :].sum())
    caption = f"played alone after the prompt: {right} of {song.steps - task.prompt} steps right"
    caption += f" (always rest: {always_rest(song, task.prompt)})"
    if song.steps > most:
        caption += f"; the first {most:,} of {song.steps:,} steps are drawn"
    return headed(roll_figure(cells, task.prompt, *run.layout), run.heading, caption)


PICTURE = Picture(
    "roll",
    "Keys the champion played, compared with the song",
    suits=lambda run: (
        run.experiment == "breed" or (run.experiment in ("evolve", "dqn") and run.config.task.kind == "song")
    ),
    draw=_draw,
    # the report shows the roll itself, with a playhead
    in_report=lambda run: run.experiment != "breed" and not run.songs,
)

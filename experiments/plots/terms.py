"""The picture of a listener's rewards for one melody, by step and term.

Conventions: rewards are (T,) float, one per step of the melody, the prompt included.
"""

from collections.abc import Mapping

import numpy as np
from matplotlib.colors import SymLogNorm
from matplotlib.figure import Figure

from experiments.plots.sheet import BASELINE, BEST, GRID, PROMPT, sheet
from songs.keyboard import STEPS_PER_BAR


def terms_figure(terms: Mapping[str, np.ndarray], prompt: int) -> Figure:
    """Draw the sum of all terms at the top, and each term below.

    Args:
        terms: Rewards of each term, by name.
        prompt: Steps given at the start, which are not rewarded.
    """
    names, rewards = list(terms), np.array([*terms.values()], dtype=float)
    steps, table_height = rewards.shape[1], 0.32 * len(names) + 0.1
    figure, (above, below) = sheet(
        9,
        2.8 + table_height,
        2,
        sharex=True,
        height_ratios=(2.0, table_height),
        left=1.6,
        bottom=0.55,
        gap=0.1,
        right=1,
    )
    above.step(np.arange(steps + 1), np.append(rewards.sum(axis=0), np.nan), where="post", color=BEST, linewidth=1)
    above.axhline(0, color=BASELINE, linestyle=":", linewidth=1)
    above.axvspan(0, prompt, **PROMPT)
    above.set_yscale("symlog", linthresh=1)
    above.yaxis.set_major_formatter("{x:,g}")
    above.set(ylabel="all terms,\nper step", xlim=(0, steps))
    above.grid(color=GRID)
    most = max(1.0, np.abs(rewards).max(initial=0))
    image = below.pcolormesh(
        np.arange(steps + 1),
        np.arange(len(names) + 1),
        rewards,
        cmap="PuOr",
        norm=SymLogNorm(0.1, vmin=-most, vmax=most),
    )
    below.set_yticks(np.arange(len(names)) + 0.5, [name.replace("_", " ") for name in names])
    below.invert_yaxis()
    bars = np.arange(0, steps, STEPS_PER_BAR * max(1, steps // (16 * STEPS_PER_BAR)))
    below.set_xticks(bars, [str(step // STEPS_PER_BAR + 1) for step in bars])
    below.set(xlabel="bar", ylabel="term")
    box = below.get_position()
    scale = figure.add_axes((box.x1 + 0.01, box.y0, 0.015, box.height))
    figure.colorbar(image, cax=scale, label="reward", ticks=[-most, 0, most], format="{x:.3g}")
    return figure

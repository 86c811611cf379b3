"""The picture of what a listener pays for a melody, step by step and term by term.

Conventions: payments are (T,) float, one a step of the melody, the prompt included.
"""

from collections.abc import Mapping

import numpy as np
from matplotlib.colors import SymLogNorm
from matplotlib.figure import Figure

from experiments.plots.curves import BASELINE, BEST
from songs.keyboard import STEPS_PER_BAR


def terms_figure(terms: Mapping[str, np.ndarray], prompt: int) -> Figure:
    """Draw what all terms pay together, above, and what each of them pays, below.

    Args:
        terms: what each term pays, by name.
        prompt: steps at the start that are given; nobody is paid for them.
    """
    names, paid = list(terms), np.array([*terms.values()], dtype=float)
    steps = paid.shape[1]
    figure = Figure(figsize=(9, 2.6 + 0.32 * len(names)), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2.2, 0.32 * len(names) + 0.2))
    above.step(np.arange(steps + 1), np.append(paid.sum(axis=0), np.nan), where="post", color=BEST, linewidth=1)
    above.axhline(0, color=BASELINE, linestyle=":", linewidth=1)
    above.axvspan(0, prompt, color="#56B4E9", alpha=0.3, linewidth=0)
    above.set_yscale("symlog", linthresh=1)
    above.yaxis.set_major_formatter("{x:,g}")
    above.set(ylabel="all terms,\nat a step", xlim=(0, steps))
    above.grid(color="#e4e4e4")
    most = max(1.0, np.abs(paid).max(initial=0))
    image = below.pcolormesh(
        np.arange(steps + 1), np.arange(len(names) + 1), paid, cmap="PuOr", norm=SymLogNorm(0.1, vmin=-most, vmax=most)
    )
    below.set_yticks(np.arange(len(names)) + 0.5, [name.replace("_", " ") for name in names])
    below.invert_yaxis()
    bars = np.arange(0, steps, STEPS_PER_BAR * max(1, steps // (16 * STEPS_PER_BAR)))
    below.set_xticks(bars, [str(step // STEPS_PER_BAR + 1) for step in bars])
    below.set(xlabel="bar", ylabel="term")
    figure.colorbar(image, ax=below, label="paid at a step", ticks=[-most, 0, most], format="{x:.3g}", pad=0.01)
    return figure

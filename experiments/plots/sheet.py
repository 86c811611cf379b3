"""Figures with fixed margins, a heading above them, and the colours that all pictures share.

The margins are fixed because matplotlib's constrained layout measures every text several times: it took 2 of the 5 CPU
seconds needed for the pictures of a run.

Conventions: sizes, margins and gaps in inches.
"""

import textwrap
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import SymmetricalLogLocator

from experiments.figures import write_figure

BEST, MEAN, CEILING, BASELINE = "#0072B2", "#E69F00", "#555555", "#CC79A7"
"""Okabe and Ito's palette, suitable for colour-blind readers."""
PROMPT: dict[str, Any] = {"color": "#56B4E9", "alpha": 0.3, "linewidth": 0}
GRID = "#e4e4e4"

DOTS_PER_INCH = 120
STYLE: list[str | dict[str, Any]] = [
    "default",
    {"svg.hashsalt": "kuznechik", "axes.spines.top": False, "axes.spines.right": False},
]


def sheet(
    width: float,
    height: float,
    rows: int = 1,
    *,
    left: float = 0.75,
    right: float = 0.3,
    bottom: float = 0.85,
    top: float = 0.15,
    gap: float = 0.3,
    **subplots: Any,
) -> tuple[Figure, np.ndarray]:
    """Return a figure and its panels, stacked vertically, as an array (rows,) of axes.

    Args:
        width, height: Size of the whole figure.
        rows: Number of panels.
        left, right, bottom, top: Margins around the panels.
        gap: Gap between two panels.
        **subplots: Arguments of `Figure.subplots`, such as sharex.
    """
    figure = Figure(figsize=(width, height))
    panels = figure.subplots(rows, squeeze=False, **subplots)[:, 0]
    figure.subplots_adjust(
        left=left / width,
        right=1 - right / width,
        bottom=bottom / height,
        top=1 - top / height,
        hspace=gap * rows / (height - bottom - top - gap * (rows - 1)),  # relative to the mean panel height
    )
    return figure, panels


def headed(figure: Figure, heading: str, caption: str) -> Figure:
    """Put a heading above a figure, and a caption above its first axes."""
    width, height = figure.get_size_inches()
    lines, notes = [literal(line) for line in textwrap.wrap(heading, 90)], textwrap.wrap(caption, 130)
    figure.text(0.1 / width, 1 - 0.1 / height, "\n".join(lines), ha="left", va="top", fontsize=13, fontweight="bold")
    figure.axes[0].set_title("\n".join(notes), loc="left", fontsize=9)
    figure.subplots_adjust(top=1 - (0.22 + 0.22 * len(lines) + 0.15 * len(notes)) / height)
    return figure


def legend_below(figure: Figure, handles: list, columns: int, **look: Any) -> None:
    """Put a legend at the bottom of a figure."""
    figure.legend(handles=handles, loc="lower center", ncols=columns, frameon=False, fontsize=9, **look)


def legend_beside(axes: Axes) -> None:
    """Put the legend of axes to their right; the figure needs a wide right margin."""
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=9)


def symmetric_log(axes: Axes) -> None:
    """Set a vertical scale that is linear from -1 to 1 and logarithmic beyond, with labels 1, 2, 5, 10, ...

    Call it after drawing: axes whose values are all between -1 and 1 keep their linear scale and its labels.
    """
    if np.abs(axes.dataLim.intervaly).max() <= 1:  # reading the view limits would fix them
        return
    axes.set_yscale("symlog", linthresh=1)
    axes.yaxis.set_major_locator(SymmetricalLogLocator(base=10, linthresh=1, subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:,g}")


def literal(text: str) -> str:
    """Return text that matplotlib shows literally: no formula, no line break, no glyph that the font lacks."""
    known = _characters()
    spaced = "".join(" " if c.isspace() else c for c in text)
    shown = (c if c.isprintable() and ord(c) in known else "\N{REPLACEMENT CHARACTER}" for c in spaced)
    return "".join(shown).replace("$", r"\$")


def font_shows(text: str) -> bool:
    """Return True if the pictures' font has all characters of a text."""
    return {ord(c) for c in text if c.isprintable()} <= _characters()


def _characters() -> set[int]:
    """Return the code points of the font's characters."""
    return set(font_manager.get_font(font_manager.findfont("DejaVu Sans")).get_charmap())


def figure_paths(path: Path) -> list[Path]:
    """Return the paths of a figure's files, PNG and SVG."""
    return [path.with_suffix(".png"), path.with_suffix(".svg")]


def save(figure: Figure, path: Path) -> list[Path]:
    """Write a figure as PNG and SVG, and return both paths."""
    options: tuple[dict, ...] = {"pil_kwargs": {"compress_level": 1}}, {"metadata": {"Date": None}}
    for file, option in zip(figure_paths(path), options, strict=True):
        write_figure(figure, file, DOTS_PER_INCH, **option)
    return figure_paths(path)

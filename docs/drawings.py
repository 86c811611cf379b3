"""Draw the pictures of `How it works`: `python docs/drawings.py` writes docs/pictures/*.svg.

Conventions: positions are in hundredths of an inch from the lower left corner, so that text keeps its size; a box is
(left, bottom, width, height).
"""

from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from songs.catalog import find_song

PICTURES = Path(__file__).resolve().parent / "pictures"

Box = tuple[float, float, float, float]

INK, DATA, PLAYS, HEARS, KEPT = "#222222", "#e8eef7", "#e3f1e3", "#fbecd9", "#eee8f5"
SIZE = 10
"""Points; a page 390 pixels wide still shows them as 8 or 9 pixels."""


def sheet(width: float, height: float) -> Axes:
    """Return an empty sheet."""
    figure = Figure(figsize=(width / 100, height / 100))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.axis("off")
    return axes


def box(axes: Axes, where: Box, title: str, text: str = "", colour: str = DATA) -> None:
    """Draw a box with a title in bold and lines below it."""
    left, bottom, width, height = where
    style = "round,pad=0,rounding_size=6"
    axes.add_patch(FancyBboxPatch((left, bottom), width, height, boxstyle=style, fc=colour, ec=INK, lw=0.8))
    middle, centre = left + width / 2, bottom + height / 2
    up = 8.5 * text.count("\n") + 8.5 if text else 0
    axes.text(middle, centre + up, title, ha="center", va="center", size=SIZE, weight="bold", color=INK)
    if text:
        axes.text(middle, centre - 8.5, text, ha="center", va="center", size=SIZE - 1, color=INK, linespacing=1.3)


def arrow(axes: Axes, start: tuple, end: tuple, label: str = "", at: tuple | None = None, bend: float = 0.0) -> None:
    """Draw an arrow, with a label in the middle or at a position of its own."""
    curve = f"arc3,rad={bend}"
    axes.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", connectionstyle=curve, mutation_scale=11, color=INK))
    if label:
        x, y = at or ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
        axes.text(x, y, label, ha="center", va="center", size=SIZE - 1, color=INK, linespacing=1.2)


def file_to_report() -> Axes:
    """Draw the way from a MIDI file to a report."""
    axes = sheet(560, 530)
    box(axes, (10, 455, 150, 60), "my.mid", "any MIDI file")
    box(axes, (240, 455, 310, 60), "Song", "notes on a grid and a keyboard: a roll (T, K)")
    arrow(axes, (160, 485), (240, 485), "arrange", (200, 497))
    box(axes, (185, 330, 190, 65), "Environment", "memory (M, K) of what\nwas played so far")
    arrow(axes, (280, 455), (280, 395), "prompt, and the song to play", (378, 425))
    box(axes, (10, 330, 110, 65), "Performer", "a network", PLAYS)
    box(axes, (440, 330, 110, 65), "Listener", "a reward\nfor each step", HEARS)
    arrow(axes, (185, 375), (120, 375), "memory", (152, 386))
    arrow(axes, (120, 347), (185, 347), "keys", (152, 337))
    arrow(axes, (375, 375), (440, 375), "roll", (407, 386))
    arrow(axes, (440, 347), (375, 347), "reward", (407, 337))
    box(
        axes,
        (10, 205, 540, 60),
        "Learner",
        "NEAT, other searches, deep Q-learning: looks for a better performer",
        PLAYS,
    )
    arrow(axes, (65, 265), (65, 330), "networks", (104, 298))
    arrow(axes, (280, 330), (280, 265), "steps right, or rewards", (360, 298))
    box(axes, (10, 105, 340, 60), "Run folder", "config, metrics, checkpoints, champion, history", KEPT)
    box(axes, (390, 105, 160, 60), "Other sources", "files, MusicVAE, chance", KEPT)
    arrow(axes, (180, 205), (180, 165))
    box(
        axes,
        (10, 10, 540, 60),
        "What reads them",
        "report, plot, curves, play, score, leaderboard, duet, listening-test",
    )
    arrow(axes, (180, 105), (180, 70))
    arrow(axes, (470, 105), (470, 70))
    return axes


def one_step() -> Axes:
    """Draw one step of the game, with the memory of a real song."""
    axes = sheet(560, 330)
    axes.text(10, 315, "memory: the last 32 steps of 13 keys", size=SIZE, color=INK, weight="bold")
    roll = find_song("grasshopper").roll[8:40]
    for step in range(32):
        for key in range(13):
            colour = "#2b5d9b" if roll[step, key] else DATA
            axes.add_patch(Rectangle((10 + 10 * step, 175 + 10 * key), 9, 9, fc=colour, lw=0))
    for bar in range(5):
        axes.plot([9.5 + 80 * bar] * 2, [171, 308], color=INK, lw=0.6)
    axes.text(312, 158, "now", ha="center", size=SIZE - 1, color=INK)
    axes.text(10, 158, "four bars ago", size=SIZE - 1, color=INK)
    box(axes, (410, 205, 140, 70), "Performer", "416 inputs,\n13 outputs", PLAYS)
    arrow(axes, (335, 240), (410, 240))
    box(axes, (410, 85, 140, 65), "Keys", "each pressed or not:\n(13,) bool")
    arrow(axes, (480, 205), (480, 150))
    box(axes, (215, 10, 150, 65), "Listener", "a reward: is it the\nsong, or is it music?", HEARS)
    arrow(axes, (480, 85), (365, 42), bend=-0.25)
    arrow(axes, (410, 118), (346, 178), "join the memory;\nthe oldest step leaves it", (275, 118), bend=-0.2)
    return axes


def main() -> None:
    """Write all the pictures."""
    matplotlib.rcParams["svg.hashsalt"] = "kuznechik"  # the same file each time
    for draw in (file_to_report, one_step):
        path = PICTURES / f"{draw.__name__}.svg"
        draw().figure.savefig(path, facecolor="white", metadata={"Date": None})
        print(path)


if __name__ == "__main__":
    main()

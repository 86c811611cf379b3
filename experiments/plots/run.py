"""`kuznechik plot`: the pictures of a run, drawn only from its folder, as PNG and SVG.

A new picture is a module with a constant `PICTURE`, and a line for it in `PICTURES`; the report shows it too.

Conventions:
    Every figure function takes data and returns a matplotlib `Figure`; none needs a display or pyplot. The
    same run gives the same bytes.
"""

import sys
from pathlib import Path

from matplotlib import style
from matplotlib.figure import Figure

from experiments.plots import (
    atlas,
    fitness,
    learning,
    listener_training,
    losses,
    network,
    returns,
    reward,
    roll,
    species,
)
from experiments.plots.picture import Picture, open_plotted
from experiments.plots.sheet import STYLE, save
from experiments.runs.folder import RunError, RunFolder

PICTURES: tuple[Picture, ...] = (
    atlas.PICTURE,
    fitness.PICTURE,
    reward.PICTURE,
    returns.PICTURE,
    learning.PICTURE,
    losses.PICTURE,
    listener_training.PICTURE,
    species.PICTURE,
    network.PICTURE,
    roll.PICTURE,
)


def plot_run(folder: RunFolder) -> list[Path]:
    """Draw all pictures of a run to its folder `plots`; print on stderr which could not be drawn, and why.

    Sets matplotlib's global style while drawing, so call it from one thread at a time.

    Args:
        folder: A finished, interrupted or still growing run.

    Returns:
        The files written: NAME.png and NAME.svg for each picture.

    Raises:
        RunError: The configuration is broken, the folder contains a link, or no picture can be drawn at all.
    """
    folder.refuse_links()
    figures, missing = draw_run(folder)
    message = f"{folder.path}: not drawn: {'; '.join(missing)}"
    if not figures:
        raise RunError(message)
    with style.context(STYLE):
        paths = [path for name, figure in figures.items() for path in save(figure, folder.path / "plots" / name)]
    if missing:
        print(message, file=sys.stderr)
    return paths


def draw_run(folder: RunFolder, for_report: bool = False) -> tuple[dict[str, Figure], list[str]]:
    """Draw the pictures of a run without writing them.

    Args:
        folder: The run folder.
        for_report: Draw only the pictures that the report shows.

    Returns:
        The figures by name, and a line with the reason for each one that could not be drawn.

    Raises:
        RunError: The configuration is broken.
    """
    run = open_plotted(folder)
    figures, missing = {}, []
    with style.context(STYLE):
        for picture in PICTURES:
            if not picture.suits(run) or (for_report and not picture.in_report(run)):
                continue
            try:
                figures[picture.name] = picture.draw(run)
            except RunError as error:
                missing.append(f"{picture.name} ({str(error).removeprefix(f'{folder.path}: ')})")
    if figures and run.missing_title:
        missing.append(f"the title {run.missing_title} (the font lacks some of its characters)")
    return figures, missing

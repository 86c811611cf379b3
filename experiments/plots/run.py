"""`kuznechik plot`: the pictures of a run, drawn from its folder alone, as PNG and SVG.

A new picture is a module with a constant `PICTURE`, and its line in `PICTURES`; the report shows it too.

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
    """Draw all pictures of a run into its folder `plots`; name on stderr those that could not be drawn, and why.

    Sets matplotlib's global style while it draws: call it from one thread at a time.

    Args:
        folder: of a finished, interrupted or still growing run.

    Returns:
        The files written: NAME.png and NAME.svg for each picture.

    Raises:
        RunError: the configuration is broken, a link is in the folder, or no picture can be drawn at all.
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
    """Draw the pictures of a run and write none of them.

    Args:
        folder: of the run.
        for_report: draw only the pictures that the report shows.

    Returns:
        The figures by name, and what could not be drawn, each with the reason.

    Raises:
        RunError: the configuration is broken.
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

"""`kuznechik plot`: pictures of a run, drawn from its folder alone, as PNG and SVG.

    fitness   steps right and loss over the generations
    species   members of each species over the generations
    network   the champion
    roll      what the champion played, over what it should have played

Conventions:
    Every figure function takes data and returns a matplotlib `Figure`; none needs a display or pyplot. The
    same run gives the same bytes.
    Rolls are (T, 13) bool with low keys below. A step is right if all its 13 keys are; steps are counted
    after the prompt, which is given.
    The loss is minus the fitness.
"""

import io
import sys
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import colormaps, font_manager, style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import SymmetricalLogLocator

from agents.genome_json import genome_from_json
from agents.phenotype import hidden_nodes
from experiments.assembly import make_cases, operators_used, read_config
from experiments.config import EvolveConfig
from experiments.plot_network import enabled_weights, network_figure
from experiments.run_folder import RunError, RunFolder, write_atomically
from experiments.scores import always_rest
from songs.keyboard import BLACK_KEYS, KEY_NAMES, KEYS, STEPS_PER_BAR
from songs.song import Song, SongError

DOTS_PER_INCH = 150
STYLE = ["default", {"svg.hashsalt": "kuznechik", "axes.spines.top": False, "axes.spines.right": False}]
BEST, MEAN, CEILING, BASELINE = "#0072B2", "#E69F00", "#555555", "#CC79A7"
"""From the palette of Okabe and Ito, which colour-blind readers can tell apart."""

CELLS = {
    "right": {"facecolor": "#009E73", "edgecolor": "#00614a"},
    "wrong": {"facecolor": "#D55E00", "edgecolor": "black", "hatch": "xxxx"},
    "missed": {"facecolor": "white", "edgecolor": "black", "hatch": "....", "linestyle": "--"},
}
"""How a cell of the roll looks; hatches and edges tell the kinds apart without colour."""

MOST_SPECIES = 20
_SPECIES_LOOKS = [{"facecolor": colour, "edgecolor": "white"} for colour in colormaps["tab20"].colors]
_MERGED_LOOK = {"facecolor": "#444444", "edgecolor": "white", "hatch": "////"}
STEPS_PER_ROW = 8 * STEPS_PER_BAR
MOST_ROWS = 16
"""Rows of a roll that are drawn; a picture of more would be too tall to open."""

Columns = Mapping[str, np.ndarray]

LONGEST_TITLE = 150
"""Characters of the title of a song that are shown."""


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr)


def plot_run(folder: RunFolder, say: Callable[[str], None] = _to_stderr) -> list[Path]:
    """Draw all pictures of a run into its folder `plots`.

    Sets matplotlib's global style while it draws: call it from one thread at a time.

    Args:
        folder: a finished, interrupted or still growing run.
        say: takes one line that names the pictures that could not be drawn, and why.

    Returns:
        The files written: NAME.png and NAME.svg for each picture.

    Raises:
        RunError: the configuration is broken, or no picture can be drawn at all.
    """
    run = _read_run(folder)
    paths, missing = [], []
    with style.context(STYLE):
        for name, draw in _DRAWINGS.items():
            if name == "roll" and run.config.task.kind == "xor":
                continue
            try:
                figure = draw(run)
            except (RunError, SongError) as error:
                missing.append(f"{name} ({str(error).removeprefix(f'{folder.path}: ')})")
            else:
                paths += save(figure, folder.path / "plots" / name)
    if missing:
        message = f"{folder.path}: not drawn: {'; '.join(missing)}"
        if not paths:
            raise RunError(message)
        say(message)
    return paths


def save(figure: Figure, path: Path) -> list[Path]:
    """Write a figure as PNG and as SVG, and return both paths."""
    written = []
    for ending, metadata in (("png", {}), ("svg", {"Date": None})):
        picture = io.BytesIO()
        figure.savefig(picture, format=ending, dpi=DOTS_PER_INCH, metadata=metadata)
        written.append(path.with_suffix(f".{ending}"))
        write_atomically(written[-1], picture.getvalue())
    return written


@dataclass(frozen=True, eq=False)
class _Run:
    """What all pictures of a run need."""

    folder: RunFolder
    config: EvolveConfig
    songs: list[Song]
    heading: str


def _read_run(folder: RunFolder) -> _Run:
    config = read_config(folder, EvolveConfig)
    try:
        songs = [] if config.task.kind == "xor" else folder.read_songs()
    except (RunError, SongError):
        songs = []  # the curves can be drawn without; the roll says what it lacks
    if songs:
        first = songs[0]
        title = first.title if len(first.title) <= LONGEST_TITLE else f"{first.title[:LONGEST_TITLE]}..."
        heading = first.name + (f": {title}" if title not in ("", first.name) else "")
        heading += f" and {len(songs) - 1} more" if len(songs) > 1 else ""
    else:
        heading = "exclusive or" if config.task.kind == "xor" else config.task.song
    return _Run(folder, config, songs, heading)


def literal(text: str) -> str:
    """Return text that matplotlib shows as it is: no formula, no line break, no glyph the font lacks."""
    known = font_manager.get_font(font_manager.findfont("DejaVu Sans")).get_charmap()
    spaced = "".join(" " if c.isspace() else c for c in text)
    shown = (c if c.isprintable() and ord(c) in known else "\N{REPLACEMENT CHARACTER}" for c in spaced)
    return "".join(shown).replace("$", r"\$")


def _headed(figure: Figure, heading: str, caption: str) -> Figure:
    """Put a heading above a figure, and a caption above its first axes."""
    lines = [literal(line) for line in textwrap.wrap(heading, 90)]
    figure.suptitle("\n".join(lines), x=0.01, ha="left", fontsize=13, fontweight="bold")
    figure.axes[0].set_title("\n".join(textwrap.wrap(caption, 130)), loc="left", fontsize=9)
    return figure


def _table(folder: RunFolder, name: str, columns: tuple[str, ...]) -> Columns:
    table = folder.read_table(name)
    lacking = [column for column in columns if column not in table]
    if lacking:
        raise RunError(f"{folder.path}: {name} is broken: it has no column {', '.join(lacking)}")
    return table


# fitness


def fitness_figure(metrics: Columns, loss: str, ceiling: int | None, resting: int | None) -> Figure:
    """Draw how a population got better.

    Args:
        metrics: columns of metrics.csv, (G,) each.
        loss: name of the loss.
        ceiling: most cases that can be right, None if not known.
        resting: cases that are right when nothing is ever played, None if there is no such baseline.
    """
    figure = Figure(figsize=(11, 7), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    generation = metrics["generation"]
    best, mean, deviation = -metrics["best_fitness"], -metrics["mean_fitness"], metrics["std_fitness"]
    curves = ((above, metrics["best_right"], metrics["mean_right"]), (below, best, mean))
    marker = "o" if len(generation) == 1 else None
    for axes, highest, average in curves:
        axes.plot(generation, highest, color=BEST, marker=marker, label="best genome", zorder=4)
        axes.plot(generation, average, color=MEAN, marker=marker, label="mean", zorder=3)
        axes.grid(color="#e4e4e4")
    for value, name, colour in ((ceiling, "ceiling", CEILING), (resting, "always rest", BASELINE)):
        if value is not None:
            above.axhline(value, color=colour, linestyle="--", linewidth=1.2, label=f"{name}: {value}")
    low = np.maximum(mean - deviation, best)  # no genome lies below the best
    label = "mean loss ± 1 standard deviation, cut off at the best"
    look = {"color": MEAN, "alpha": 0.25, "linewidth": 0, "label": label}
    band = below.fill_between(generation, low, mean + deviation, **look)
    below.set_yscale("symlog", linthresh=1)
    below.yaxis.set_major_locator(SymmetricalLogLocator(base=10, linthresh=1, subs=(1, 2, 5)))
    below.yaxis.set_major_formatter("{x:,g}")
    above.set(ylabel="cases right" if resting is None else "steps right", ylim=(0, None))
    below.set(xlabel="generation", ylabel=f"loss ({loss}), lower is better")
    below.set_xlim(generation[0] - 0.5, generation[-1] + 0.5)
    for axis in (above.yaxis, below.xaxis):
        axis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    handles = [*above.get_legend_handles_labels()[0], band]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False, fontsize=9)
    return figure


def _draw_fitness(run: _Run) -> Figure:
    names = ("best_fitness", "mean_fitness", "std_fitness", "best_right", "mean_right", "cpu_seconds")
    metrics = _table(run.folder, "metrics.csv", ("generation", "evaluations", *names))
    task, songs = run.config.task, run.songs
    ceiling = make_cases(run.config, songs).most_right if songs or task.kind == "xor" else None
    resting = sum(always_rest(song, task.prompt) for song in songs) if songs else None
    try:
        ending = "solved" if run.folder.read_json("summary.json").get("solved") else "not solved"
    except RunError:
        ending = "no summary: cut short or still running"
    evaluations, seconds = metrics["evaluations"][-1], metrics["cpu_seconds"][-1]
    operators = ", ".join(operators_used(run.config)) or "no operator beyond plain NEAT"
    caption = f"{run.config.evolve.algorithm.upper()} with {operators}"
    caption += f"; {evaluations:,.0f} evaluations, {seconds:.1f} CPU seconds; {ending}"
    figure = fitness_figure(metrics, run.config.evolve.fitness.replace("_", " "), ceiling, resting)
    return _headed(figure, run.heading, caption)


# species


def species_members(table: Columns) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the generations (G,), the species (S,) in order of appearance, and their members (S, G)."""
    generations, column = np.unique(table["generation"].astype(int), return_inverse=True)
    species, row = np.unique(table["species"].astype(int), return_inverse=True)
    members = np.zeros((len(species), len(generations)))
    members[row, column] = table["members"]
    order = np.argsort((members > 0).argmax(axis=1), kind="stable")
    return generations, species[order], members[order]


def species_figure(generations: np.ndarray, species: np.ndarray, members: np.ndarray) -> Figure:
    """Draw the members of each species, stacked; of many species only the longest-lived stand alone.

    Args:
        generations: (G,) int, ascending.
        species: (S,) int.
        members: (S, G).
    """
    lifetime = (members > 0).sum(axis=1)
    alone = np.sort(np.argsort(-lifetime, kind="stable")[:MOST_SPECIES])
    heights, labels = members[alone], [f"species {key}" for key in species[alone]]
    if len(alone) < len(members):
        heights = np.vstack([heights, members.sum(axis=0) - heights.sum(axis=0)])
        labels.append(f"{len(members) - len(alone)} shorter-lived")
    tops = np.vstack([np.zeros(len(generations)), np.cumsum(heights, axis=0)])
    tops = np.column_stack([tops, tops[:, -1]])
    figure = Figure(figsize=(11, 6), layout="constrained")
    axes = figure.subplots()
    # a generation is a block from its number to the next, so that one alone can be seen
    edges = np.append(generations, generations[-1] + 1)
    looks = [*_SPECIES_LOOKS[: len(alone)], _MERGED_LOOK][: len(labels)]
    for low, high, label, look in zip(tops[:-1], tops[1:], labels, looks, strict=True):
        axes.fill_between(edges, low, high, step="post", linewidth=0.3, label=label, **look)
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    axes.set(xlabel="generation", ylabel="genomes", xlim=(edges[0], edges[-1]), ylim=(0, None))
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=9, reverse=True)
    return figure


def _draw_species(run: _Run) -> Figure:
    table = _table(run.folder, "species.csv", ("generation", "species", "members"))
    generations, species, members = species_members(table)
    alive = (members > 0).sum(axis=0)
    caption = f"species: {len(species)}, at most {alive.max()} at a time; generations: {len(generations)}"
    return _headed(species_figure(generations, species, members), run.heading, caption)


# network


def _draw_network(run: _Run) -> Figure:
    text = run.folder.read_text("best/genome.json")
    try:
        genome, inputs, outputs = genome_from_json(text)
        figure = network_figure(genome, inputs, outputs)
    except ValueError as error:
        raise RunError(f"{run.folder.path}: best/genome.json is broken: {error}") from None
    connections, hidden = len(enabled_weights(genome)), len(hidden_nodes(genome, outputs))
    caption = f"champion; enabled connections: {connections}; hidden nodes: {hidden}; "
    caption += "an output is on where its bias and weighted inputs sum to more than 0"
    return _headed(figure, run.heading, caption)


# roll


def classify(played: np.ndarray, target: np.ndarray, prompt: int) -> dict[str, np.ndarray]:
    """Return which cells (T, 13) of a roll are right, wrong (played in vain) and missed.

    Cells of the prompt, which is given, are right where it sounds.

    Raises:
        ValueError: the rolls have different shapes or differ in the prompt.
    """
    if played.shape != target.shape:
        raise ValueError(f"the played roll has the shape {played.shape}, the song {target.shape}")
    if (played[:prompt] != target[:prompt]).any():
        raise ValueError(f"the first {prompt} steps are given, but differ from the song")
    return {"right": played & target, "wrong": played & ~target, "missed": target & ~played}


def roll_figure(cells: Mapping[str, np.ndarray], prompt: int) -> Figure:
    """Draw a played roll over its target, in rows of eight bars.

    Args:
        cells: what `classify` returns.
        prompt: steps that are given.
    """
    steps = len(cells["right"])
    rows = min(-(-steps // STEPS_PER_ROW), MOST_ROWS)
    figure = Figure(figsize=(14, 1.6 + 2.8 * rows), layout="constrained")
    panels = figure.subplots(rows, 1, squeeze=False)[:, 0]
    for row, axes in enumerate(panels):
        first = row * STEPS_PER_ROW
        _draw_bars(axes, first, min(first + STEPS_PER_ROW, steps))
        if first < prompt:
            axes.axvspan(first, min(prompt, first + STEPS_PER_ROW), color="#56B4E9", alpha=0.3, linewidth=0)
        for kind, where in cells.items():
            for step, key in zip(*np.nonzero(where[first : first + STEPS_PER_ROW]), strict=True):
                corner = (first + step + 0.06, key - 0.44)
                axes.add_patch(Rectangle(corner, 0.88, 0.88, **CELLS[kind], zorder=3))
    panels[-1].set_xlabel("bar")
    counts = {kind: int(where[prompt:].sum()) for kind, where in cells.items()}
    names = {"right": "right", "wrong": "wrong (played in vain)", "missed": "missed (not played)"}
    handles = [Patch(**CELLS[kind], label=f"keys {names[kind]}: {count}") for kind, count in counts.items()]
    handles.append(Patch(color="#56B4E9", alpha=0.3, label=f"prompt: {prompt} steps given"))
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False, handleheight=1.5)
    return figure


def _draw_bars(axes: Axes, first: int, last: int) -> None:
    """Draw an empty roll from one step to another."""
    for key in BLACK_KEYS:
        axes.axhspan(key - 0.5, key + 0.5, xmax=(last - first) / STEPS_PER_ROW, color="#ececee", linewidth=0)
    bars = np.arange(first, last, STEPS_PER_BAR)
    axes.vlines(range(first, last + 1), -0.5, KEYS - 0.5, color="#dddddd", linewidth=0.4)
    axes.vlines([*bars, last], -0.5, KEYS - 0.5, color="#888888", linewidth=1)
    axes.set(xlim=(first, first + STEPS_PER_ROW), ylim=(-0.5, KEYS - 0.5), ylabel="key")
    axes.set_yticks(range(KEYS), KEY_NAMES, fontsize=8)
    axes.set_xticks(bars, [str(step // STEPS_PER_BAR + 1) for step in bars], ha="left")
    axes.tick_params(length=0)


def _draw_roll(run: _Run) -> Figure:
    played = run.folder.read_roll()
    song = (run.songs or run.folder.read_songs())[0]
    prompt = run.config.task.prompt
    try:
        cells = classify(played, song.roll, prompt)
    except ValueError as error:
        raise RunError(f"{run.folder.path}: best/roll.npy is broken: {error}") from None
    right = int((played == song.roll).all(axis=1)[prompt:].sum())
    caption = f"played alone after the prompt: {right} of {song.steps - prompt} steps right"
    caption += f" (always rest: {always_rest(song, prompt)})"
    if song.steps > MOST_ROWS * STEPS_PER_ROW:
        caption += f"; the first {MOST_ROWS * STEPS_PER_ROW:,} of {song.steps:,} steps are drawn"
    return _headed(roll_figure(cells, prompt), run.heading, caption)


_DRAWINGS: dict[str, Callable[[_Run], Figure]] = {
    "fitness": _draw_fitness,
    "species": _draw_species,
    "network": _draw_network,
    "roll": _draw_roll,
}

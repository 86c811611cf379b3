"""`kuznechik plot`: pictures of a run, drawn from its folder alone, as PNG and SVG.

    fitness   evolution: steps right and loss over the generations
    species   evolution: members of each species over the generations
    network   evolution: the champion
    reward    improvisation: what the listener paid, and for what; instead of fitness
    learning  deep Q-learning: steps right, reward and loss over the environment steps
    roll      what the champion played, over what it should have played

Conventions:
    Every figure function takes data and returns a matplotlib `Figure`; none needs a display or pyplot. The
    same run gives the same bytes.
    A step is right if all its 13 keys are; steps are counted after the prompt, which is given.
"""

import io
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import font_manager, style
from matplotlib.figure import Figure

from agents.cases import memory_cases
from agents.neat.genome_json import genome_from_json
from agents.neat.network import hidden_nodes
from experiments.config.dqn import DqnConfig
from experiments.config.evolve import EvolveConfig
from experiments.plots.curves import Columns, fitness_figure, species_figure, species_members
from experiments.plots.improvise import reward_figure
from experiments.plots.learning import learning_figure
from experiments.plots.network import enabled_weights, network_figure
from experiments.plots.roll import MOST_STEPS, classify, roll_figure
from experiments.runs.assembly import make_cases, read_config
from experiments.runs.folder import RunError, RunFolder
from experiments.runs.scores import always_rest
from experiments.runs.searches import describe
from songs.files import write_atomically
from songs.song import Song

DOTS_PER_INCH = 150
STYLE: list[str | dict[str, Any]] = [
    "default",
    {"svg.hashsalt": "kuznechik", "axes.spines.top": False, "axes.spines.right": False},
]

BEYOND_FIGURES = 1e100
"""From here on numbers are the mark of a broken table."""

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
    figures, missing = draw_run(folder)
    message = f"{folder.path}: not drawn: {'; '.join(missing)}"
    if not figures:
        raise RunError(message)
    with style.context(STYLE):
        paths = [path for name, figure in figures.items() for path in save(figure, folder.path / "plots" / name)]
    if missing:
        say(message)
    return paths


def draw_run(folder: RunFolder) -> tuple[dict[str, Figure], list[str]]:
    """Draw all pictures of a run and write none of them.

    Returns:
        The figures by name, and for each one that could not be drawn its name and the reason.

    Raises:
        RunError: the configuration is broken.
    """
    run = _read_run(folder)
    figures, missing = {}, []
    with style.context(STYLE):
        for name, draw in _drawings(run.config).items():
            if name == "roll" and run.config.task.kind == "xor":
                continue
            try:
                figures[name] = draw(run)
            except RunError as error:
                missing.append(f"{name} ({str(error).removeprefix(f'{folder.path}: ')})")
    return figures, missing


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
    config: EvolveConfig | DqnConfig
    songs: list[Song]
    heading: str


def _read_run(folder: RunFolder) -> _Run:
    config = read_config(folder, _kind(folder))
    try:
        songs = [] if config.task.kind == "xor" else folder.read_songs(config.task.steps, config.task.prompt)
    except RunError:
        songs = []  # the curves can be drawn without; the roll says what it lacks
    if songs:
        first = songs[0]
        title = first.title if len(first.title) <= LONGEST_TITLE else f"{first.title[:LONGEST_TITLE]}..."
        heading = first.name + (f": {title}" if title not in ("", first.name) else "")
        heading += f" and {len(songs) - 1} more" if len(songs) > 1 else ""
    else:
        heading = "exclusive or" if config.task.kind == "xor" else config.task.song
    return _Run(folder, config, songs, heading)


def _kind(folder: RunFolder) -> type[EvolveConfig] | type[DqnConfig]:
    """Return the kind of configuration a run has: that of evolution if it does not say."""
    try:
        experiment = folder.read_meta().get("experiment")
    except RunError:
        experiment = "evolve"
    kinds = {"evolve": EvolveConfig, "dqn": DqnConfig}
    if experiment not in kinds:
        raise RunError(f"{folder.path}: there are no pictures of the experiment {experiment!r}")
    return kinds[experiment]


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


def figures_table(folder: RunFolder, name: str, columns: tuple[str, ...]) -> Columns:
    """Return a table that can be drawn.

    Args:
        folder: of the run.
        name: of the file.
        columns: what is drawn; the first is the axis.

    Raises:
        RunError: the table is missing or broken, lacks a column, or holds numbers that no figure shows.
    """
    table = folder.read_table(name)
    lacking = [column for column in columns if column not in table]
    if lacking:
        raise RunError(f"{folder.path}: {name} is broken: it has no column {', '.join(lacking)}")
    beyond = [column for column in columns if (np.abs(table[column]) >= BEYOND_FIGURES).any()]
    beyond += [columns[0]] if np.isnan(table[columns[0]]).any() else []  # the axis; a loss may be none
    if beyond:
        raise RunError(f"{folder.path}: {name} is broken: no figure shows the numbers of {', '.join(beyond)}")
    return table


def _draw_fitness(run: _Run) -> Figure:
    names = ("best_fitness", "mean_fitness", "std_fitness", "best_right", "mean_right", "cpu_seconds")
    metrics = figures_table(run.folder, "metrics.csv", ("generation", "evaluations", *names))
    assert isinstance(run.config, EvolveConfig)
    task, songs = run.config.task, run.songs
    ceiling = make_cases(run.config, songs).most_right if songs or task.kind == "xor" else None
    resting = sum(always_rest(song, task.prompt) for song in songs) if songs else None
    evaluations, seconds = metrics["evaluations"][-1], metrics["cpu_seconds"][-1]
    caption = describe(run.config)
    caption += f"; {evaluations:,.0f} evaluations, {seconds:.1f} CPU seconds; {_ending(run.folder)}"
    figure = fitness_figure(metrics, run.config.evolve.fitness.replace("_", " "), ceiling, resting)
    return _headed(figure, run.heading, caption)


def _ending(folder: RunFolder) -> str:
    try:
        return "solved" if folder.read_json("summary.json").get("solved") else "not solved"
    except RunError:
        return "no summary: cut short or still running"


def _draw_learning(run: _Run) -> Figure:
    names = ("updates", "mean_reward", "loss", "right_teacher_forced", "prefix", "cpu_seconds")
    metrics = figures_table(run.folder, "metrics.csv", ("step", *names))
    assert isinstance(run.config, DqnConfig)
    task, songs, ceiling, resting = run.config.task, run.songs, None, None
    if songs:
        cases = memory_cases(songs, task.memory, task.prompt, task.mode_bit)
        ceiling = (cases if run.config.plays_chords else cases.without_chords()).most_right
        resting = sum(always_rest(song, task.prompt) for song in songs)
    steps, updates, seconds = (metrics[name][-1] for name in ("step", "updates", "cpu_seconds"))
    caption = f"deep Q-learning, regime: {run.config.regime}; {steps:,.0f} environment steps, {updates:,.0f} updates, "
    caption += f"{seconds:.1f} CPU seconds; {_ending(run.folder)}"
    return _headed(learning_figure(metrics, ceiling, resting), run.heading, caption)


def _draw_reward(run: _Run) -> Figure:
    metrics = figures_table(run.folder, "metrics.csv", ("generation", "evaluations", "reward_a_step", "cpu_seconds"))
    assert isinstance(run.config, EvolveConfig)
    try:
        baselines = run.folder.read_json("summary.json").get("baselines_a_step", {})
    except RunError:
        baselines = {}
    caption = f"{describe(run.config)}; {metrics['evaluations'][-1]:,.0f} evaluations, "
    caption += f"{metrics['cpu_seconds'][-1]:.1f} CPU seconds; the most that can be paid is not known"
    return _headed(reward_figure(metrics, baselines), run.heading, caption)


def _draw_species(run: _Run) -> Figure:
    table = figures_table(run.folder, "species.csv", ("generation", "species", "members"))
    generations, species, members = species_members(table)
    alive = (members > 0).sum(axis=0)
    caption = f"species: {len(species)}, at most {alive.max()} at a time; generations: {len(generations)}"
    return _headed(species_figure(generations, species, members), run.heading, caption)


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


def _draw_roll(run: _Run) -> Figure:
    played = run.folder.read_roll()
    song = (run.songs or run.folder.read_songs(run.config.task.steps, run.config.task.prompt))[0]
    prompt = run.config.task.prompt
    if _improvises(run.config) and not run.config.task.mode_bit:
        caption = (
            f"improvised alone after the prompt; {min(len(played), MOST_STEPS):,} of {len(played):,} steps are drawn"
        )
        return _headed(roll_figure({"played": played}, prompt), run.heading, caption)
    try:
        cells = classify(played, song.roll, prompt)
    except ValueError as error:
        raise RunError(f"{run.folder.path}: best/roll.npy is broken: {error}") from None
    right = int((played == song.roll).all(axis=1)[prompt:].sum())
    caption = f"played alone after the prompt: {right} of {song.steps - prompt} steps right"
    caption += f" (always rest: {always_rest(song, prompt)})"
    if song.steps > MOST_STEPS:
        caption += f"; the first {MOST_STEPS:,} of {song.steps:,} steps are drawn"
    return _headed(roll_figure(cells, prompt), run.heading, caption)


def _improvises(config: EvolveConfig | DqnConfig) -> bool:
    """Return whether the roll of a run is an improvisation, which no song is laid under."""
    if isinstance(config, DqnConfig):
        return config.improvises
    return bool(config.improvise.listener)


def _drawings(config: EvolveConfig | DqnConfig) -> dict[str, Callable[[_Run], Figure]]:
    drawings = _DRAWINGS[type(config)]
    if isinstance(config, DqnConfig) or not _improvises(config):
        return drawings
    return {"reward": _draw_reward, **{name: draw for name, draw in drawings.items() if name != "fitness"}}


_DRAWINGS: dict[type, dict[str, Callable[[_Run], Figure]]] = {
    EvolveConfig: {
        "fitness": _draw_fitness,
        "species": _draw_species,
        "network": _draw_network,
        "roll": _draw_roll,
    },
    DqnConfig: {"learning": _draw_learning, "roll": _draw_roll},
}

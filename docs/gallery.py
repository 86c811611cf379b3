"""Make the gallery: `python docs/gallery.py` runs the commands that its pages show, and writes docs/gallery/.

Runs go to runs/gallery; existing ones are reused. All of them together take about four CPU minutes.
With `--soundfont FILE.sf2` the report, the duet and the listening test play through a SoundFont.

Conventions: a picture is a list of rectangles: left, top, width, height, colour of the page and opacity, in cells.
"""

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from experiments.pages.page import fill
from experiments.runs.evolve.atlas import read_atlas
from experiments.runs.folder import RunFolder
from experiments.runs.source import Playing
from experiments.runs.sources import read_source
from songs.files import write_atomically

ROOT = Path(__file__).resolve().parents[1]
PAGES = Path("docs/gallery")
RUNS = Path("runs/gallery")
BAR = 8
"""Steps in a bar; improvisations get one bar as their prompt."""
WALK = (("start", "prompt"), ("step-4", "played"), ("end", "right"))
"""Melodies shown in the picture of the walk, with their colours."""

SOUNDING = ("report", "duet", "listening-test")
"""Verbs whose pages use the SoundFont of --soundfont."""

Rectangle = tuple[float, float, float, float, str, float]


@dataclass(frozen=True)
class Exhibit:
    """A page of the gallery."""

    page: str
    title: str
    text: str
    """Description; names in braces refer to `figures`."""
    commands: tuple[str, ...]
    """Commands that make the page, run from the root of the project."""


EXHIBITS = (
    Exhibit(
        "film.html",
        "The grasshopper, learned",
        "Evolution from a network that knows nothing to one that plays the tune by itself: {evaluations} networks in "
        "{generations} generations. Move the slider: the network grows, and the errors in the roll disappear.",
        (
            "kuznechik evolve grasshopper --seed 0 --out runs/gallery/grasshopper",
            "kuznechik report runs/gallery/grasshopper --out docs/gallery/film.html",
        ),
    ),
    Exhibit(
        "atlas.html",
        "An atlas of improvisations",
        "MAP-Elites keeps the best network for each combination of how many notes it plays and how much it repeats. "
        "{cells} networks in one map; click a square to hear its network.",
        (
            "kuznechik evolve grasshopper --listener learned --set evolve.algorithm=map_elites "
            "--set evolve.generations=40 --seed 41 --out runs/gallery/atlas",
            "kuznechik report runs/gallery/atlas --out docs/gallery/atlas.html",
        ),
    ),
    Exhibit(
        "improvisations.html",
        "Improvisations and songs",
        "Networks continue the first bar of the grasshopper on their own. A judge that rewarded none of them ranks "
        "their melodies among real ones: deep Q-learning at percentile {deep_q}, the best of the atlas at {atlas}. "
        "The median of the project's songs is at {real}, random keys are at {random}. One run each; "
        "docs/improvising.md has more seeds.",
        (
            "kuznechik dqn grasshopper --listener learned --seed 41 --out runs/gallery/deep-q",
            "kuznechik leaderboard runs/gallery/deep-q runs/gallery/atlas --listener learned --seed 0 "
            "--out runs/gallery/leaderboard",
            "cp runs/gallery/leaderboard/leaderboard.html docs/gallery/improvisations.html",
        ),
    ),
    Exhibit(
        "walk.html",
        "A walk from one tune to another",
        "The MusicVAE turns four bars into a vector and back. Between the vectors of two songs lie melodies that "
        "nobody wrote.",
        (
            "kuznechik vae interpolate 4 7 -pt -f ode_to_joy -e oh_susanna --seed 0 --no-wav --page "
            "-s runs/gallery/walk",
            "cp runs/gallery/walk/picture.html docs/gallery/walk.html",
        ),
    ),
    Exhibit(
        "duet.html",
        "A duet",
        "Play a bar on the keyboard; the network that learned the grasshopper answers, and finds its way back to the "
        "tune. It runs in the page.",
        ("kuznechik duet runs/gallery/grasshopper --out docs/gallery/duet.html",),
    ),
    Exhibit(
        "blind-test.html",
        "Human or machine?",
        "Pairs of melodies in random order; one of each pair is a song. Which one? Your answers stay in the browser.",
        (
            "kuznechik listening-test --machine runs/gallery/deep-q vae:16 melody --seed 0 "
            "--out docs/gallery/blind-test.html",
        ),
    ),
)


def carry_out(command: str) -> None:
    """Run a command, unless it would make a folder in runs/gallery that already exists."""
    program, *arguments = shlex.split(command)
    if program == "cp":
        shutil.copy(*arguments)
        return
    if any(Path(one).parent == RUNS and Path(one).exists() for one in arguments[-1:]):
        print(f"{arguments[-1]} already exists")
        return
    print(command, flush=True)
    subprocess.run([sys.executable, "-m", "experiments", *arguments], check=True)


def sounding(command: str, soundfont: str) -> str:
    """Return a command with --soundfont added, if its verb writes a page that takes it."""
    program, verb, arguments = command.split(" ", 2)
    return f"{program} {verb} --soundfont {shlex.quote(soundfont)} {arguments}" if verb in SOUNDING else command


def figures() -> dict[str, str]:
    """Return the figures of the runs, by their names in the texts."""
    summary = json.loads((RUNS / "grasshopper/summary.json").read_text(encoding="utf-8"))
    rows = json.loads((RUNS / "leaderboard/leaderboard.json").read_text(encoding="utf-8"))["rows"]
    ranks = {row["name"].replace("-", "_"): f"{row['percentile']['median']:.0f}" for row in rows}
    counted = {name: f"{summary[name]:,}" for name in ("evaluations", "generations")}
    return ranks | counted | {"cells": str(len(read_atlas(RunFolder(RUNS / "atlas")).genomes))}


def roll_picture(parts: Sequence[tuple[str, str]], steps: int, prompt: int = 0) -> list[Rectangle]:
    """Return the first steps of several sources, one after another, each in its colour.

    Args:
        parts: sources and colours.
        steps: number of steps of each source.
        prompt: number of first steps that are drawn in the colour of the prompt.
    """
    drawn: list[Rectangle] = []
    for number, (text, colour) in enumerate(parts):
        roll = read_source(text, Playing()).songs[0].roll[:steps]
        for step, key in np.argwhere(roll).tolist():
            seen = "prompt" if step < prompt else colour
            drawn.append((number * steps + step, roll.shape[1] - 1 - key, 1, 1, seen, 1))
    return drawn


def atlas_picture() -> list[Rectangle]:
    """Return the cells of the atlas; better ones are more opaque."""
    atlas = read_atlas(RunFolder(RUNS / "atlas"))
    order = sorted(atlas.genomes, key=lambda cell: atlas.qualities[cell])
    return [
        (2 * first, atlas.cells - second, 1.9, 0.9, "right", round(0.15 + 0.85 * rank / len(order), 2))
        for rank, (first, second) in enumerate(order, start=1)
    ]


def piano_picture() -> list[Rectangle]:
    """Return a piano of one octave with one key pressed by a person and another by a network."""
    pressed = {2: "prompt", 4: "right"}
    white: list[Rectangle] = [(key, 0, 0.94, 4, pressed.get(key, "line"), 1) for key in range(8)]
    return white + [(place - 0.3, 0, 0.6, 2.4, "ink", 1) for place in (1, 2, 4, 5, 6)]


def question_picture() -> list[Rectangle]:
    """Return two rolls in the same colour."""
    return roll_picture([("oh_susanna", "quiet"), ("melody", "quiet")], 4 * BAR)


PICTURES: dict[str, Callable[[], list[Rectangle]]] = {
    "film.html": lambda: roll_picture([("runs/gallery/grasshopper", "right")], 8 * BAR, BAR),
    "atlas.html": atlas_picture,
    "improvisations.html": lambda: roll_picture([("runs/gallery/deep-q", "played")], 8 * BAR, BAR),
    "walk.html": lambda: roll_picture([(f"runs/gallery/walk/{name}.mid", colour) for name, colour in WALK], 4 * BAR),
    "duet.html": piano_picture,
    "blind-test.html": question_picture,
}
"""Thumbnails of the exhibits."""


def view_box(rectangles: Sequence[Rectangle]) -> str:
    """Return the viewBox of a picture for SVG."""
    left, top = (min(one[axis] for one in rectangles) for axis in (0, 1))
    right, bottom = (max(one[axis] + one[axis + 2] for one in rectangles) for axis in (0, 1))
    return f"{left:g} {top:g} {right - left:g} {bottom - top:g}"


def write_index(exhibits: Sequence[Exhibit]) -> None:
    """Write the index page."""
    reached, shown = figures(), []
    for one in exhibits:
        rectangles = PICTURES[one.page]()
        about = {"page": one.page, "title": one.title, "text": one.text.format(**reached), "commands": one.commands}
        shown.append({**about, "rectangles": rectangles, "box": view_box(rectangles)})
    write_atomically(PAGES / "index.html", fill("gallery.html", (), exhibits=shown))


def main() -> None:
    """Write all pages."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--soundfont", metavar="FILE.sf2", help="SoundFont for the pages, relative to the root of the project"
    )
    soundfont = parser.parse_args().soundfont
    exhibits = EXHIBITS
    if soundfont:
        exhibits = tuple(
            replace(one, commands=tuple(sounding(command, soundfont) for command in one.commands)) for one in EXHIBITS
        )
    os.chdir(ROOT)
    PAGES.mkdir(exist_ok=True)
    for exhibit in exhibits:
        (PAGES / exhibit.page).unlink(missing_ok=True)
        for command in exhibit.commands:
            carry_out(command)
    write_index(exhibits)
    print(PAGES / "index.html")


if __name__ == "__main__":
    main()

"""`kuznechik report`: one HTML file that shows runs, and lets one hear them.

The page is self-contained: pictures and sound lie in it as data, nothing is loaded from anywhere, and it opens
from disk. Whatever comes from a file (titles, paths, configurations) is escaped by the template.
"""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.assembly import open_run
from experiments.pages.overlay import overlay_figure
from experiments.pages.page import fill, picture, tones
from experiments.plot import draw_run
from experiments.plot_roll import classify
from experiments.run_folder import RunError, RunFolder
from experiments.scores import score
from songs.files import write_atomically
from songs.keyboard import KEY_NAMES, STEPS_PER_BAR
from songs.song import Song
from songs.synth import step_seconds

CAPTIONS = {
    "fitness": "Steps right and loss over the generations",
    "learning": "Steps right, reward and loss over the environment steps",
    "species": "Members of each species over the generations",
    "network": "The champion: what it looks at and which keys that lights",
    "roll": "What the champion played, over what it should have played",
}


def write_report(folders: Sequence[RunFolder], path: Path, refresh: float | None = None) -> None:
    """Write the page of one run or several.

    Args:
        folders: of finished, interrupted or growing runs.
        path: of the page.
        refresh: seconds after which a browser reads the page again; None: never.

    Raises:
        RunError: a folder is no run, or nothing of it can be shown.
    """
    views = [run_view(folder) for folder in folders]
    overlay = overlay_figure(folders) if len(folders) > 1 else None
    page = fill(
        "report.html",
        ("player.js", "report.js"),
        refresh=refresh,
        title=views[0]["heading"] if len(views) == 1 else f"{len(views)} runs",
        runs=views,
        overlay=overlay and picture(overlay),
        tones=tones() if any(view["melodies"] for view in views) else [],
    )
    write_atomically(path, page)


def run_view(folder: RunFolder) -> dict[str, Any]:
    """Return what the page shows of a run, as plain data."""
    run = open_run(folder.path)
    meta = folder.read_json("meta.json")
    try:
        summary = folder.read_json("summary.json")
    except RunError:
        summary = {}  # still growing
    figures, missing = draw_run(folder)
    if run.songs:
        # the page shows the roll itself, with a playhead
        figures.pop("roll", None)
    scores = score(run) if run.songs else None
    return {
        "heading": _heading(run.songs, run.task.kind),
        "folder": folder.path.name,
        "search": summary.get("search", meta["experiment"]),
        "state": _state(summary),
        "scores": _score_tiles(scores) if scores else [],
        "songs": _song_rows(scores) if scores and "songs" in scores else [],
        "melodies": _melodies(folder, run.songs, run.task.prompt) if run.songs else [],
        "pictures": [{"caption": CAPTIONS.get(name, name), "data": picture(one)} for name, one in figures.items()],
        "missing": missing,
        "facts": _facts(summary),
        "config": folder.read_text("config.toml"),
        "command": shlex.join(meta["command"]),
        "versions": {name: version for name, version in meta["versions"].items() if version},
        "started": meta["started"],
        "commit": meta.get("commit"),
    }


def _heading(songs: Sequence[Song], kind: str) -> str:
    if not songs:
        return "Exclusive or" if kind == "xor" else kind
    first = songs[0].title or songs[0].name
    return first if len(songs) == 1 else f"{first} and {len(songs) - 1} more songs"


def _state(summary: dict) -> str:
    if not summary:
        return "still running, or stopped without an end"
    return "solved" if summary.get("solved") else f"not solved: {summary.get('stopped', 'ended')}"


def _score_tiles(scores: dict) -> list[dict]:
    """Return the figures at the top: the score between its baselines and its ceiling."""
    names = {
        "right_free_running": "steps right, playing alone",
        "right_teacher_forced": "steps right, teacher forced",
        "always_rest": "always resting would get",
        "random": "a random player gets",
        "ceiling": "the most that is possible",
    }
    return [{"value": f"{scores[key]:.4g}", "of": scores["steps"], "name": name} for key, name in names.items()]


def _song_rows(scores: dict) -> list[dict]:
    keys = ("song", "right_free_running", "steps", "always_rest", "ceiling")
    return [{key: row[key] for key in keys} for row in scores["songs"]]


def _melodies(folder: RunFolder, songs: Sequence[Song], prompt: int) -> list[dict]:
    """Return the champion's melody over the song, with both sounds; the run folder keeps that of the first song."""
    song, played = songs[0], folder.read_roll()
    cells = classify(played, song.roll, prompt)
    return [
        {
            "title": song.title or song.name,
            "prompt": prompt,
            "roll": _roll(cells, prompt, step_seconds(song.tempo_bpm)),
            "counts": {kind: int(where[prompt:].sum()) for kind, where in cells.items()},
            "exact": bool((played == song.roll).all()),
        }
    ]


def _roll(cells: dict[str, np.ndarray], prompt: int, seconds: float) -> dict[str, Any]:
    """Return what the page's script draws: cells as [step, key, number of the kind]."""
    return {
        "steps": len(cells["right"]),
        "prompt": prompt,
        "bar": STEPS_PER_BAR,
        "seconds": seconds,
        "names": list(KEY_NAMES),
        "kinds": list(cells),
        "cells": [
            [int(step), int(key), number]
            for number, where in enumerate(cells.values())
            for step, key in zip(*where.nonzero(), strict=True)
        ],
    }


def _facts(summary: dict) -> dict[str, Any]:
    """Return the rest of the summary for the table of figures."""
    names = ("seed", "generations", "evaluations", "steps", "solved_at_step", "episodes", "connections", "hidden",
             "memory", "prompt", "cpu_seconds", "wall_seconds")  # fmt: skip
    return {name.replace("_", " "): summary[name] for name in names if summary.get(name) is not None}

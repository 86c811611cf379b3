"""The report: one HTML page with the curves, pictures, scores and melodies of runs.

The page is self-contained: pictures and sounds are embedded, and it opens from disk. All text from files (titles,
paths, configurations) is escaped by the template.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.pages.atlas_view import atlas_group
from experiments.pages.film import MOST_STAGES, bred_stages, stages
from experiments.pages.improvised_view import improvised
from experiments.pages.overlay import overlay_figure, vae_overlay
from experiments.pages.page import fill, picture, provenance, sounds
from experiments.pages.roll_view import key_roll
from experiments.plots import listener_training
from experiments.plots.picture import read_summary
from experiments.plots.returns import best_alone
from experiments.plots.roll import classify
from experiments.plots.run import PICTURES, draw_run
from experiments.runs.breed.choices import CHOICES
from experiments.runs.champion import Run, open_run
from experiments.runs.evolve.atlas import has_atlas
from experiments.runs.folder import RunError, RunFolder
from experiments.runs.lifecycle import name_of_kind, read_config
from experiments.runs.scores import score
from songs.files import write_atomically
from songs.instrument import tone
from songs.song import Song
from songs.synth import Instrument

RUN_FACTS = (
    "seed", "generations", "evaluations", "env_steps", "steps", "solved_at_step", "episodes", "test_episodes",
    "connections", "hidden", "memory", "prompt", "cpu_seconds", "wall_seconds",
)  # fmt: skip
"""Figures of a run's summary that its report shows."""
LISTENER_FACTS = ("pieces", "excerpts", "seed", "steps", "cpu_seconds", "wall_seconds")
"""Figures of a listener's summary that its report shows."""


def write_report(
    folders: Sequence[RunFolder],
    path: Path,
    refresh: float | None = None,
    data: Path | None = None,
    others: Sequence[dict[str, Any]] = (),
    instrument: Instrument = tone,
) -> None:
    """Write a page on runs and other sources.

    Args:
        folders: Finished, interrupted or growing runs, either all of VAEs or none.
        path: Path of the page.
        refresh: Seconds after which a browser reloads the page; None: never.
        data: Folder of the VAEs' data sets; None: the one in the run's command.
        others: Content of the page for sources other than runs, from `source_view`.
        instrument: The instrument that the page plays.

    Raises:
        RunError: A folder is not a run or has nothing to show, or the runs cannot be compared.
    """
    vaes = [folder for folder in folders if is_vae_run(folder)]
    if vaes and len(vaes) < len(folders):
        other = next(folder for folder in folders if folder not in vaes)
        raise RunError(
            f"{vaes[0].path} is a VAE run and {other.path} is not: their curves cannot be compared; "
            "write a report of each kind"
        )
    most = MOST_STAGES // max(1, len(folders))
    views = [_vae_view(folder, data) if vaes else run_view(folder, most) for folder in folders]
    views = [{"changes": "", "left_out": [], **view} for view in (*views, *others)]
    overlay = None
    if len(folders) > 1:
        overlay = vae_overlay(folders) if vaes else overlay_figure(folders)
    page = fill(
        "report.html",
        ("player.js", "film.js", "report.js"),
        refresh=refresh,
        title=views[0]["heading"] if len(views) == 1 else f"{len(views)} {'sources' if others else 'runs'}",
        runs=views,
        overlay=overlay and picture(overlay),
        sounds=sounds(instrument) if any(view["groups"] for view in views) else {},
    )
    write_atomically(path, page)


def is_vae_run(folder: RunFolder) -> bool:
    """Return True if a run trained a MusicVAE."""
    return name_of_kind(folder) == "vae"


def _vae_view(folder: RunFolder, data: Path | None) -> dict[str, Any]:
    try:
        from experiments.pages.vae_view import vae_view
    except ImportError as error:
        raise RunError(
            f"{folder.path}: this run needs the package {error.name}: pip install 'kuznechik[torch]'"
        ) from None
    return vae_view(folder, data)


def has_ended(folder: RunFolder) -> bool:
    """Return True if a run has ended."""
    return (folder.path / "summary.json").exists()


def has_begun(folder: RunFolder) -> bool:
    """Return True if a run has something to show."""
    return (folder.path / "best").exists()


def run_view(folder: RunFolder, most_stages: int = MOST_STAGES) -> dict[str, Any]:
    """Return the page's content for a run as plain data, with a film of at most `most_stages` stages."""
    if name_of_kind(folder) == "listener":
        return _listener_view(folder)
    run = open_run(folder.path)
    meta = folder.read_meta()
    summary = read_summary(folder)
    figures, missing = draw_run(folder, for_report=True)
    captions = {one.name: one.caption for one in PICTURES}
    memorised = bool(run.songs) and run.memorised
    scores = score(run) if memorised else None
    improvisation = improvised(run, most_stages) if run.improvising else None
    groups = [_song_group(run, most_stages)] if memorised else []
    groups += [atlas_group(run)] if has_atlas(folder) else []
    groups += [_bred_group(run, most_stages)] if run.bred else []
    return {
        "heading": run.environment.id if run.environment else _heading(run.songs, run.task.kind),
        "search": _search(summary, meta["experiment"]),
        "state": _state(summary, memorised or not (improvisation or run.bred)),
        "scores": (_score_tiles(scores) if scores else [])
        + (improvisation["tiles"] if improvisation else [])
        + (_return_tiles(summary) if "mean_return" in summary else []),
        "changes": ", ".join(run.songs[0].changes) if len(run.songs) == 1 else "",
        "left_out": folder.read_left_out(),
        "songs": _song_rows(scores, run.songs) if scores and "songs" in scores else [],
        "groups": groups + ([improvisation["group"]] if improvisation else []),
        "pictures": ([improvisation["picture"]] if improvisation else [])
        + [{"caption": captions[name], "data": picture(one)} for name, one in figures.items()],
        "missing": missing,
        "facts": _facts(summary, RUN_FACTS),
        **provenance(folder, meta, [_again(folder) if run.bred else meta.get("command", [])]),
    }


def _again(folder: RunFolder) -> list[str]:
    """Return the command that rebuilds the networks of a bred run; a star has no choices and is resumed instead."""
    return ["kuznechik", "repeat" if (folder.path / CHOICES).exists() else "breed", str(folder.path)]


def _listener_view(folder: RunFolder) -> dict[str, Any]:
    """Return the page's content for a listener's run as plain data."""
    config, meta = read_config(folder), folder.read_meta()
    summary = read_summary(folder)
    figures, missing = draw_run(folder)
    return {
        "heading": "Held-out judge" if config.is_judge else f"Listener, kind {config.listener.kind}",
        "search": f"Trained on {', '.join(path.name for path in config.data.folders)}",
        "state": str(summary.get("stopped", "still running, or killed")),
        "scores": [],
        "songs": [],
        "groups": [],
        "pictures": [{"caption": listener_training.PICTURE.caption, "data": picture(one)} for one in figures.values()],
        "missing": missing,
        "facts": _facts(summary, LISTENER_FACTS),
        **provenance(folder, meta, [meta.get("command", [])]),
    }


def _heading(songs: Sequence[Song], kind: str) -> str:
    if not songs:
        return "Exclusive or" if kind == "xor" else kind
    first = songs[0].title or songs[0].name
    return first if len(songs) == 1 else f"{first} and {len(songs) - 1} more songs"


def _search(summary: dict, experiment: str) -> str:
    if "regime" in summary:
        return f"Deep Q-learning, regime {summary['regime']}"
    return summary.get("search", experiment)


def _state(summary: dict, solvable: bool) -> str:
    if not summary:
        return "still running, or killed"
    if summary.get("solved"):
        return "solved"
    ending = summary.get("stopped", "ended")
    return f"not solved: {ending}" if solvable else {"budget": "budget used"}.get(ending, ending)


def _score_tiles(scores: dict) -> list[dict]:
    """Return the figures at the top: the score, its baselines and its ceiling."""
    names = {
        "right_free_running": "steps right, playing alone",
        "right_teacher_forced": "steps right, teacher forced",
        "always_rest": "always resting gets",
        "random": "a random player gets",
        "ceiling": "ceiling: the highest possible",
    }
    return [{"value": f"{scores[key]:.4g}", "of": scores["steps"], "name": name} for key, name in names.items()]


def _return_tiles(summary: dict) -> list[dict]:
    """Return the figures at the top for an environment: the mean return and baselines without learning."""
    figures = {f"mean return over {summary['test_episodes']} fresh episodes": summary["mean_return"]}
    baselines = summary["baselines"]
    fixed = best_alone(baselines)
    figures |= {
        f"{fixed}, the best constant action": baselines[fixed],
        "random actions": baselines["random"],
    }
    return [{"value": f"{value:.4g}", "of": None, "name": name} for name, value in figures.items()]


def _song_rows(scores: dict, songs: Sequence[Song]) -> list[dict]:
    keys = ("song", "right_free_running", "steps", "always_rest", "ceiling")
    changes = {song.name: ", ".join(song.changes) for song in songs}
    return [{key: row[key] for key in keys} | {"changes": changes[row["song"]]} for row in scores["songs"]]


def _song_group(run: Run, most_stages: int) -> dict[str, Any]:
    """Return the champion's melody compared with the first song, with both sounds and the film."""
    song, played = run.songs[0], run.folder.read_roll()
    film = stages(run, played, lambda roll: _song_melody(run, roll), most_stages)
    melody = _song_melody(run, played)
    if film or (played != song.roll).any():
        melody["parts"] = {"played": "the champion", "song": "the song"}
    melody["roll"]["stages"] = film
    return {"title": f"Listen: {song.title or song.name}", "text": "", "melodies": [melody]}


def _bred_group(run: Run, most_stages: int) -> dict[str, Any]:
    """Return the melody of a network bred by ear, with a film of the choices."""
    melody = _bred_melody(run, run.songs[0].roll)
    melody["roll"]["stages"] = bred_stages(run, lambda roll: _bred_melody(run, roll), most_stages)
    return {"title": "Listen: the network chosen last", "text": "", "melodies": [melody]}


def _bred_melody(run: Run, roll: np.ndarray) -> dict[str, Any]:
    cells = {"played": roll}
    return {
        "parts": {"played": "the network"},
        "text": "",
        "legend": {"played": f"keys played {int(roll.sum())}"},
        "roll": key_roll(cells, cells, 0, run.songs[0]),
    }


def _song_melody(run: Run, played: np.ndarray) -> dict[str, Any]:
    """Return a roll compared with the first song, with its sound."""
    song, prompt = run.songs[0], run.task.prompt
    cells = classify(played, song.roll, prompt)
    counts = {kind: int(where[prompt:].sum()) for kind, where in cells.items()}
    return {
        "parts": {"played": "the champion"},
        "text": "Note for note the song." if (played == song.roll).all() else "",
        "legend": {
            "right": f"right {counts['right']}",
            "wrong": f"wrong {counts['wrong']}",
            "missed": f"missed {counts['missed']}",
            "prompt": f"prompt, {prompt} steps given",
        },
        "roll": key_roll(cells, {"played": played, "song": song.roll}, prompt, song),
    }


def _facts(summary: dict, names: Sequence[str]) -> dict[str, Any]:
    """Return values of the summary by label, for the table of figures."""
    labels = {name: name.replace("cpu", "CPU").replace("_", " ") for name in names if summary.get(name) is not None}
    return {label: summary[name] for name, label in labels.items()}

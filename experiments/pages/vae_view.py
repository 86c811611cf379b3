"""The report of a VAE run: its losses, reconstructions, an interpolation between two of them, and new melodies.

Conventions: tokens (N, T) of a representation. A run folder is one written by `kuznechik vae train`; the model with the
best validation loss is shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from experiments.pages.film import MOST_STAGES, spread, stage
from experiments.pages.page import picture, provenance
from experiments.pages.roll_view import held_roll
from experiments.pages.source_view import plain_view
from experiments.plots import losses
from experiments.plots.picture import read_summary
from experiments.plots.run import draw_run
from experiments.runs.folder import RunError, RunFolder
from experiments.runs.history import HISTORY, read_history
from experiments.runs.lifecycle import read_config
from experiments.runs.vae.kind import MODEL, about_of
from songs.catalog import default_folder
from songs.keyboard import LOWEST_PITCH
from songs.validate import Within, validate_like
from vae import sampling
from vae.checkpoint import load_model
from vae.config import ModelConfig
from vae.dataset import DatasetError, read_meta, read_split
from vae.melody import read_piece
from vae.model import MusicVAE, parameter_count
from vae.tokens import REST, Representation, notes
from vae.windows import cut_windows

REBUILT = 3
"""Number of reconstructed melodies."""
BETWEEN = 5
"""Number of melodies between the two ends of the interpolation."""
SAMPLES = 4
BAR_SECONDS = 2.0
RIFF_BARS = 2


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Melodies to reconstruct, and where they come from."""

    tokens: np.ndarray
    titles: list[str]
    origin: str
    baselines: dict[str, float]
    """Share of steps right without any model; empty if the melodies are not a data set."""


def vae_view(folder: RunFolder, data: Path | None = None) -> dict[str, Any]:
    """Return the page's content for a run, as plain data.

    Args:
        folder: The run folder.
        data: Folder of data sets; None for the one in the run's configuration.

    Raises:
        ModelError: The model is missing or damaged.
    """
    (model, _), about, config = load_model(folder.path / MODEL), about_of(folder.path), read_config(folder)
    held_out = find_melodies(model, about, data or Path(config.data.folder))
    figures, missing = draw_run(folder)
    summary = read_summary(folder)
    return {
        "heading": f"MusicVAE of {config.model.bars} bars",
        "search": f"Trained on {config.dataset} ({config.model.representation})",
        "state": str(summary.get("stopped", "still running, or killed")),
        "scores": _tiles(about.get("validation") or {}, held_out.baselines),
        "songs": [],
        "groups": [
            *(_rebuilt(model, held_out), _between(model, held_out), _new(model)),
            *_film(folder, config.model),
        ],
        "pictures": [{"caption": losses.PICTURE.caption, "data": picture(one)} for one in figures.values()],
        "missing": missing,
        "facts": _facts(model, about, summary),
        **provenance(folder, about["provenance"], about["commands"]),
    }


# the melodies


def find_melodies(model: MusicVAE, about: dict, data: Path) -> HeldOut:
    """Return melodies that the model was not trained on, or the project's riffs if its data set is not available."""
    name, config = str(about.get("name")), model.config
    folder = data / name
    try:
        if read_meta(folder) != about.get("data"):
            raise DatasetError(f"{folder}: is not the run's data set")
        split = read_split(folder, "test")
    except DatasetError as error:
        return _riffs(model, bool((about.get("data") or {}).get("transposed")), str(error))
    tokens = split.tokens()
    roll, _ = config.form.read(tokens)
    baselines = {
        "always resting gets": float((roll == REST).mean()),
        "repeating the last note gets": float((roll[:, 1:] == roll[:, :-1]).mean()),
    }
    chosen = np.sort(np.random.default_rng(0).choice(len(tokens), min(REBUILT, len(tokens)), replace=False))
    titles = [f"test melody {number + 1}" for number in chosen]
    return HeldOut(tokens[chosen], titles, f"Melodies of the test set ({name}), which is never trained on.", baselines)


def _riffs(model: MusicVAE, to_c: bool, why: str) -> HeldOut:
    tokens, titles = [np.zeros((0, model.config.steps), dtype=np.int64)], []
    for path in sorted((default_folder() / "riffs").glob("*.midi")):
        windows = cut_windows([read_piece(path)], RIFF_BARS, RIFF_BARS, to_c)
        times = (1, model.config.bars // RIFF_BARS)
        written = model.config.form.write(np.tile(windows.roll, times), np.tile(windows.onsets, times))[:1]
        tokens.append(written)
        titles += [path.stem] * len(written)
    origin = f"The project's riffs, repeated, because the data set is not available ({why})."
    return HeldOut(np.concatenate(tokens)[:REBUILT], titles[:REBUILT], origin, {})


# melodies to play


def melodies_view(
    form: Representation, tokens: np.ndarray, names: Sequence[str], tempo_bpm: float, command: Sequence[str]
) -> dict[str, Any]:
    """Return the page's content for melodies (N, T) played by a model, as plain data: one roll of all of them.

    Args:
        form: The representation of the tokens.
        tokens: The melodies.
        names: A name for each melody.
        tempo_bpm: Quarter notes per minute.
        command: The command that writes the page again.
    """
    melody = melody_view(form, tokens, "all of them" if len(names) > 1 else names[0], _span(form, tokens))
    melody["roll"] |= {"seconds": 60 / tempo_bpm * 4 / form.steps_per_bar, "titles": list(names)}
    group = {"title": "Listen", "text": "", "melodies": [melody]}
    count = f"{len(names)} {'melody' if len(names) == 1 else 'melodies'}"
    return plain_view("MusicVAE", "Played by a MusicVAE", count, [group], command)


def melody_view(
    form: Representation, tokens: np.ndarray, label: str, keys: tuple[int, int], same: np.ndarray | None = None
) -> dict[str, Any]:
    """Return melodies (N, T), one after another, with a button.

    Args:
        form: The representation of the tokens.
        tokens: The melodies.
        label: Label of the button.
        keys: Lowest and highest key to draw.
        same: (N, T) bool, True where the melodies equal the original; None: unknown.
    """
    played = [note for number, row in enumerate(tokens) for note in _notes(row, form, number * len(row))]
    right = np.ones(tokens.size, dtype=bool) if same is None else same.ravel()
    names = ("played", "played") if same is None else ("wrong", "right")
    seen = [(step, key, held, names[int(right[step : step + held].all())]) for step, key, held in played]
    counts = {kind: sum(one[3] == kind for one in seen) for kind in names[::-1]}
    texts = {"played": "notes", "right": "notes as in the original", "wrong": "other notes"}
    return {
        "parts": {"played": label},
        "text": "",
        "legend": {kind: f"{texts[kind]}: {count}" for kind, count in counts.items()},
        "roll": held_roll(seen, list(counts), tokens.size, form.steps_per_bar, BAR_SECONDS / form.steps_per_bar, keys)
        | {"part": tokens.shape[1]},
    }


def _notes(tokens: np.ndarray, form: Representation, first: int) -> list[tuple[int, int, int]]:
    """Return step, key and length of the notes of a melody (T,) that starts at step `first`."""
    beat = form.steps_per_bar // 4
    return [
        (first + round(start * beat), int(pitch) - LOWEST_PITCH, round(length * beat))
        for start, length, pitch in notes(tokens, form).tolist()
    ]


def _span(form: Representation, tokens: np.ndarray) -> tuple[int, int]:
    """Return the lowest and highest key of melodies (N, T)."""
    keys = [key for row in tokens for _, key, _ in _notes(row, form, 0)]
    return min(keys, default=0), max(keys, default=0)


def _rebuilt(model: MusicVAE, held_out: HeldOut) -> dict[str, Any]:
    form, melodies = model.config.form, []
    for row, title in zip(held_out.tokens, held_out.titles, strict=True):
        again = sampling.reconstruct(model, torch.from_numpy(row[None])).numpy()
        same = form.read(again)[0] == form.read(row[None])[0]
        keys = _span(form, np.stack((row, again[0])))
        rebuilt = melody_view(form, again, f"{title}, reconstructed", keys, same)
        rebuilt["text"] = f"{same.mean():.0%} of the steps equal the original"
        melodies += [melody_view(form, row[None], f"{title}, original", keys), rebuilt]
    return {"title": "Melodies and their reconstructions", "text": held_out.origin, "melodies": melodies}


def _film(folder: RunFolder, config: ModelConfig) -> list[dict[str, Any]]:
    """Return a melody as reconstructed by successive best models; empty if the run kept none."""
    lines, form = spread(read_history(folder), config.steps, MOST_STAGES), config.form
    if not lines:
        return []
    token = Within(0, 0, form.classes - 1)
    example = {"step": 0, "free_running": 0.0, "tokens": [token], "melody": [token]}
    try:
        for line in lines:
            validate_like(example, line, "a line")
        rebuilt, (melody, *_) = (np.array([line[name] for line in lines]) for name in ("tokens", "melody"))
        if rebuilt.shape != (len(lines), config.steps) or melody.shape != (config.steps,):
            raise ValueError("the length of its melodies is not the model's")
    except ValueError as error:
        raise RunError(f"{folder.path}: {HISTORY} is broken: {error}") from None
    keys, film = _span(form, np.vstack((rebuilt, melody))), []
    for line, row in zip(lines, rebuilt, strict=True):
        same = form.read(row[None])[0] == form.read(melody[None])[0]
        shown = melody_view(form, row[None], "the last stage", keys, same)
        label = (
            f"step {line['step']}, {same.mean():.0%} of its steps right, {line['free_running']:.1%} over all melodies"
        )
        film.append(stage(label, shown, []))
    shown["roll"]["stages"] = film
    text = "A validation melody, which is never trained on, as reconstructed by the best model of each stage."
    original = melody_view(form, melody[None], "the original", keys)
    return [{"title": "A melody over training", "text": text, "melodies": [original, shown]}]


def _between(model: MusicVAE, held_out: HeldOut) -> dict[str, Any]:
    form, means = model.config.form, sampling.draw_latent(model, 2)
    if len(held_out.tokens) >= 2:
        means = sampling.encode(model, torch.from_numpy(held_out.tokens[:2]))[0]
    melodies = sampling.interpolate(model, means[0], means[1], BETWEEN).numpy()
    way = melody_view(form, melodies, "from one to the other", _span(form, melodies))
    ends = held_out.titles[:2] if len(held_out.tokens) >= 2 else ["one draw", "another draw"]
    way["roll"]["titles"] = [ends[0], *(f"{number} of {BETWEEN} between" for number in range(1, BETWEEN + 1)), ends[1]]
    text = "Melodies between two reconstructions, in even steps."
    return {"title": "From one melody to another", "text": text, "melodies": [way]}


def _new(model: MusicVAE) -> dict[str, Any]:
    form, drawn = model.config.form, sampling.sample(model, SAMPLES).numpy()
    keys = _span(form, drawn)
    melodies = [melody_view(form, row[None], f"sample {number}", keys) for number, row in enumerate(drawn, start=1)]
    return {"title": "New melodies", "text": "Drawn from the prior, with the likeliest notes.", "melodies": melodies}


# the figures


def _tiles(validation: dict, baselines: dict[str, float]) -> list[dict]:
    tiles = []
    if "free_running" in validation:
        tiles.append({"name": "steps reconstructed right, free running", "value": f"{validation['free_running']:.1%}"})
    tiles += [{"name": name, "value": f"{share:.1%}"} for name, share in baselines.items()]
    names = {"loss": "loss", "cross_entropy": "reconstruction", "kl": "KL"}
    tiles += [
        {"name": f"{name}, nats per melody", "value": f"{validation[key]:.3g}"}
        for key, name in names.items()
        if key in validation
    ]
    return [{"of": None, **tile} for tile in tiles]


def _facts(model: MusicVAE, about: dict, summary: dict) -> dict[str, Any]:
    training, data = about.get("training", {}), about.get("data") or {}
    facts = {name: training.get(name) for name in ("seed", "batch", "beta", "minutes")}
    facts |= {"parameters": f"{parameter_count(model):,}", "latent": model.config.latent, "steps": about.get("steps")}
    facts |= {"pieces": data.get("pieces"), "CPU seconds": summary.get("cpu_seconds")}
    return {name: value for name, value in facts.items() if value is not None}

"""The actions of `kuznechik vae` that play: sample, reconstruct, infill, interpolate, attribute."""

import argparse
import secrets
import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from experiments.musicvae.data import asked_form, in_c
from experiments.musicvae.files import (
    Reading,
    draw_melodies,
    melody_paths,
    most_bars,
    read_folder,
    read_sequence,
    write_melody_files,
)
from experiments.musicvae.train import device
from experiments.options import UsageError, print_json, refuse_existing
from experiments.runs.folder import RunFolder
from songs.arrange import DEFAULTS, ArrangeOptions
from vae import attributes, sampling
from vae.dataset import dataset_name, read_split
from vae.model import MusicVAE
from vae.shipped import find_model
from vae.tokens import Representation

OUT = Path("vae-out")
MOST_SEED = 1_000_000
"""Seeds chosen automatically are below this, so that they are easy to type."""


def sample(options: argparse.Namespace) -> int:
    """Play melodies from the prior."""
    model, reading = _open(options)
    tokens = sampling.sample(model, options.number, options.temperature, options.seed).numpy()
    path = options.save_location or _free(OUT, "sample")
    if path.is_dir():
        raise UsageError(f"{path}: is a folder: sample's -s is the MIDI file to write")
    stem = path.with_suffix("") if path.suffix.lower() in (".mid", ".midi", ".wav") else path
    names = [stem.name if len(tokens) == 1 else f"{stem.name}-{number}" for number in range(1, len(tokens) + 1)]
    return _write(options, stem.parent, tokens, names, model, reading, picture=stem.name)


def reconstruct(options: argparse.Namespace) -> int:
    """Play repeated reconstructions of a melody."""
    model, reading = _open_for_melody(options)
    original = read_sequence(options.file, reading) if options.file else _held_out(options, model, reading)
    again = sampling.reconstruct(
        model, torch.from_numpy(original), options.times, options.temperature, options.seed
    ).numpy()
    tokens = np.concatenate((original, again))
    names = ["original", *(f"reconstruction-{number}" for number in range(1, len(again) + 1))]
    form = model.config.form
    right = (form.read(again)[0] == form.read(original)[0]).mean(axis=1)
    report = {"right": [round(float(share), 4) for share in right]}
    return _write(options, _folder(options, "reconstruct"), tokens, names, model, reading, report=report)


def interpolate(options: argparse.Namespace) -> int:
    """Play an interpolation between two melodies."""
    model, reading = _open(options)
    start = _latent(options, model, reading, options.start_sequence, 0)
    end = _latent(options, model, reading, options.end_sequence, 1)
    tokens = sampling.interpolate(model, start, end, options.steps).numpy()
    names = ["start", *(f"step-{number}" for number in range(1, options.steps + 1)), "end"]
    return _write(options, _folder(options, "interpolate"), tokens, names, model, reading)


def attribute(options: argparse.Namespace) -> int:
    """Move a melody along an attribute."""
    model, reading = _open(options)
    try:
        amounts = [float(amount) for amount in options.amounts.split(",")]
    except ValueError:
        raise UsageError(f"--amounts {options.amounts}: write numbers, as in -1,0,1") from None
    having, lacking = (torch.from_numpy(read_folder(folder, reading)) for folder in (options.having, options.lacking))
    learned = attributes.learn_attribute(model, having, lacking)
    start = _latent(options, model, reading, options.start_sequence, 0)
    moved = [attributes.move(model, start, learned, amount, options.seed) for amount in amounts]
    tokens = torch.stack(moved).numpy()
    names = [f"amount-{amount:g}" for amount in amounts]
    return _write(options, _folder(options, "attribute"), tokens, names, model, reading)


def infill(options: argparse.Namespace) -> int:
    """Keep some bars of a melody and generate the others."""
    model, reading = _open_for_melody(options)
    if not options.file:
        raise UsageError("write FILE, as in kuznechik vae infill song.mid --keep 1,4")
    bars = model.config.bars
    if max(options.keep) > bars:
        raise UsageError(f"--keep {max(options.keep)}: the melody has {bars} bars")
    original = read_sequence(options.file, reading)
    keep = torch.isin(torch.arange(1, bars + 1), torch.tensor(sorted(options.keep)))
    made = sampling.infill(
        model, torch.from_numpy(original), keep, options.number, options.temperature, options.seed
    ).numpy()
    names = ["original", *(f"infill-{number}" for number in range(1, len(made) + 1))]
    tokens = np.concatenate((original, made))
    return _write(options, _folder(options, "infill"), tokens, names, model, reading)


def _open(options: argparse.Namespace) -> tuple[MusicVAE, Reading]:
    """Return the model and the options for reading melodies; choose a seed if none is given."""
    if options.seed is None:
        options.seed = secrets.randbelow(MOST_SEED)
        options.command_line = [*options.command_line, "--seed", str(options.seed)]  # a page prints it
    form, transposed = asked_form(options)
    model, about = find_model(options.bars, form, transposed, options.model, device(options))
    return model, Reading(model.config, in_c(transposed, about), _arranging(options))


def _arranging(options: argparse.Namespace) -> ArrangeOptions:
    """Return the options that select a part and bars of a file; sample has none."""
    chosen = {
        "track": getattr(options, "track", None),
        "channel": getattr(options, "channel", None),
        "bars": getattr(options, "excerpt", None),
    }
    return DEFAULTS.change(**{name: value for name, value in chosen.items() if value is not None})


def _open_for_melody(options: argparse.Namespace) -> tuple[MusicVAE, Reading]:
    """Do the same for [BARS] [FILE]: without BARS, use the model with the melody's number of bars."""
    named = [name for name in (options.bars, options.file, options.start_sequence) if isinstance(name, str)]
    if len(named) > 1:
        raise UsageError(f"{', '.join(named)}: write one FILE")
    options.file = named[0] if named else None
    if not isinstance(options.bars, int):
        options.bars = None
        if named and not options.model:
            options.bars = most_bars(named[0], _arranging(options))
    return _open(options)


def _held_out(options: argparse.Namespace, model: MusicVAE, reading: Reading) -> np.ndarray:
    """Return a melody (1, T) of the test set, chosen by the seed."""
    config = model.config
    name = dataset_name(config.bars, config.representation, reading.transposed)
    tokens = read_split(options.data / name, "test").tokens()
    number = int(np.random.default_rng(options.seed).integers(len(tokens)))
    reading.remarks.append(f"the original is melody {number + 1} of the test set {options.data / name}")
    return tokens[number : number + 1]


def _latent(options: argparse.Namespace, model: MusicVAE, reading: Reading, name: str | None, number: int) -> Tensor:
    """Return the latent vector (latent,) of a file's melody, or a draw from the prior if no file is given."""
    if name is None:
        return sampling.draw_latent(model, 1, options.seed + number)[0]
    return sampling.encode(model, torch.from_numpy(read_sequence(name, reading)))[0][0]


def _folder(options: argparse.Namespace, action: str) -> Path:
    """Return the folder to write to: the given one, or a new one."""
    if options.save_location is None:
        return RunFolder.create_numbered(OUT, action).path
    if options.save_location.exists() and not options.save_location.is_dir():
        raise UsageError(f"{options.save_location}: is a file: for this action, -s must be a folder")
    return options.save_location


def _free(folder: Path, name: str) -> Path:
    """Return the first path NAME-K.mid such that neither NAME-K nor NAME-K-1, the first of several, exists."""
    number = 1
    while any(folder.glob(f"{name}-{number}.*")) or any(folder.glob(f"{name}-{number}-1.*")):
        number += 1
    return folder / f"{name}-{number}.mid"


def _write(
    options: argparse.Namespace,
    folder: Path,
    tokens: np.ndarray,
    names: list[str],
    model: MusicVAE,
    reading: Reading,
    picture: str = "picture",
    report: dict | None = None,
) -> int:
    """Write melodies (N, T) under their names, and a picture if requested."""
    drawing = folder / f"{picture}.png"
    page = drawing.with_suffix(".html")
    files = [path for name in names for path in melody_paths(folder / name, not options.no_wav)]
    refuse_existing(options, *files, *([drawing] if options.visualize else []), *([page] if options.page else []))
    for remark in reading.remarks:
        print(f"kuznechik: {remark}", file=sys.stderr)
    form = model.config.form
    paths = []
    for row, name in zip(tokens, names, strict=True):
        paths += write_melody_files(folder / name, row, form, options.tempo, not options.no_wav)
    if options.visualize:
        paths.append(draw_melodies(drawing, tokens, form, names))
    if options.page:
        paths.append(_write_page(page, tokens, names, form, options))
    if options.json:
        print_json({"files": [str(path) for path in paths], "seed": options.seed, **(report or {})})
        return 0
    for share, name in zip((report or {}).get("right", []), names[1:], strict=False):
        print(f"{name}: {share:.1%} of the steps equal the original")
    print("Written:", *(f"  {path}" for path in paths), f"To repeat: --seed {options.seed}", sep="\n")
    return 0


def _write_page(
    path: Path, tokens: np.ndarray, names: list[str], form: Representation, options: argparse.Namespace
) -> Path:
    """Write a page with one roll of all melodies (N, T), one after another; return its path."""
    from experiments.pages.report import write_report
    from experiments.pages.vae_view import melodies_view

    write_report([], path, others=[melodies_view(form, tokens, names, options.tempo, options.command_line)])
    return path

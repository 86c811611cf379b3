"""The actions of `kuznechik vae` that train, evaluate, export and import models."""

import argparse
import dataclasses
import json
import os
import shlex
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress

from experiments.command import ALONE, Processes, begin_or_resume, configured, finish
from experiments.config.vae import VaeConfig
from experiments.musicvae.card import model_card, without_machine
from experiments.musicvae.data import asked_form, form_name, in_c
from experiments.options import UsageError, print_json, refuse_existing
from experiments.runs.folder import RunFolder
from experiments.runs.interrupt import deferred_interrupt
from experiments.runs.lifecycle import read_config
from experiments.runs.vae.kind import about_of, make_trainer, model_of
from songs.files import free_path, write_atomically
from vae.checkpoint import load_model, save_model
from vae.config import ModelConfig, ModelError, preset
from vae.critic import form_figures, train_critic
from vae.dataset import Split, dataset_name, read_split
from vae.echoes import find_relations
from vae.evaluation import evaluate as evaluate_split
from vae.model import MusicVAE, make_model, parameter_count
from vae.sampling import affected_bars, encode, sample_unchosen
from vae.sampling import sample as sample_prior
from vae.seed_checkpoint import STATE_KEYS, import_checkpoint
from vae.shipped import find_model
from vae.slot_prior import Melodies
from vae.slot_prior import train_prior as learn_prior
from vae.statistics import distances, statistics
from vae.training import has_bfloat16

JUDGED = 200
"""Number of samples for the statistics in an export."""
CRITICIZED = 1000
"""Number of draws that a critic learns from."""
NEVER = 10**6
"""Number of epochs that is never reached, because a time budget ends the run first."""


def device(options: argparse.Namespace) -> torch.device:
    """Return the given device, or else a GPU if available; raise UsageError if torch has no such device."""
    name = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(name)
        torch.zeros(1, device=chosen)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise UsageError(f"--device {name}: {str(error).splitlines()[0]}") from None
    return chosen


FIXED = ("epochs", "batch", "bars", "pianoroll", "onsets", "transposed", "initialize", "architecture", "config", "data")


def train(options: argparse.Namespace) -> int:
    """Train a model, in one process or in several started by torchrun."""
    rank, count = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    where = device(options)
    if count == 1:
        return _train(options, where, 0, 1, ALONE)
    torch.distributed.init_process_group("nccl" if where.type == "cuda" else "gloo")
    if where.type == "cuda":
        where = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(where)

    def agree(answer: bool) -> bool:
        shared = torch.tensor(float(answer), device=where)
        torch.distributed.all_reduce(shared, torch.distributed.ReduceOp.MAX)
        return shared.item() > 0

    try:
        return _train(options, where, rank, count, Processes(rank == 0, torch.distributed.barrier, agree))
    finally:
        torch.distributed.destroy_process_group()


def _train(options: argparse.Namespace, where: torch.device, rank: int, count: int, processes: Processes) -> int:
    def resolved() -> tuple[VaeConfig, Path | None, str]:
        if count > 1 and not options.out:
            raise UsageError("several processes need --out DIR, a run folder that they share")
        config, initial = resolve(options), options.initialize and model_of(options.initialize)
        make_trainer(config, where, initial)  # raises errors before a folder is created
        return config, initial, f"vae-{config.dataset}"

    if options.minutes:
        options.set = [*options.set, f"training.minutes={options.minutes}"]
    resources = {"device": where, "rank": rank, "processes": count, "threads": options.threads}
    folder, summary = begin_or_resume(options, "vae", resolved, FIXED, resources, processes)
    return finish(options, "vae", folder.path, summary, _lines(folder, summary)) if processes.first else 0


def resolve(options: argparse.Namespace) -> VaeConfig:
    """Return the configuration that the command line describes; raises UsageError or ConfigError."""
    if None in (options.epochs, options.batch, options.bars):
        raise UsageError("write EPOCHS BATCH BARS, as in kuznechik vae train 10 64 2 -pt, or --resume RUN")
    form = form_name(options)
    model = {"bars": options.bars, "representation": form}
    if options.architecture or not options.config:
        model = dataclasses.asdict(preset(options.architecture or "fast", options.bars, form))
    epochs = NEVER if options.minutes and options.epochs == 1 else options.epochs
    training = {"epochs": epochs, "batch": options.batch, "seed": options.seed}
    if not options.config:
        training["augment"] = 0.0 if options.transposed else 0.5
    folder = str(options.data) if options.data else None
    flags = {"model": model, "training": training, "data": {"transposed": options.transposed, "folder": folder}}
    return configured("vae", options.config, flags, options.set)


def _lines(folder: RunFolder, summary: dict) -> list[str]:
    """Return the lines that print the result and the next commands."""
    config = read_config(folder)
    flags = " ".join(
        filter(None, (str(config.model.bars), FLAGS[config.model.representation], "-t" * config.data.transposed))
    )
    lines = [
        f"{summary['stopped'].capitalize()} after {summary['steps']} steps, {summary['epochs']:.1f} epochs, "
        f"{summary['cpu_seconds']:.0f} CPU seconds; {summary['parameters']:,} parameters."
    ]
    figures = summary["validation"]
    if figures:
        lines.append(
            f"Best validation, at step {summary['best_step']}: loss {figures['loss']:.2f} nats, "
            f"free-running accuracy {figures['free_running']:.4f}."
        )
    run = shlex.quote(str(folder.path))
    return [*lines, f"Next: kuznechik report|plot|play {run}, or vae evaluate {flags} --model {run}"]


FLAGS = {"pianoroll": "-p", "onsets": "--onsets", "midilike": ""}


def _source(options: argparse.Namespace) -> Path:
    """Return RUN; raise UsageError if no such folder or file exists."""
    if not options.source.exists():
        raise UsageError(f"{options.source}: no such run folder or .safetensors file")
    return options.source


def _model_paths(out: Path) -> tuple[Path, Path]:
    """Return the paths of a model's files; raise UsageError if the name has the wrong suffix."""
    if out.suffix != ".safetensors":
        raise UsageError(f"{out}: the name must end in .safetensors")
    return out, out.with_suffix(".json")


def _dataset_of(options: argparse.Namespace, path: Path, config: ModelConfig, about: dict) -> Path:
    """Return the folder of the data set that a model was trained on; raise ModelError if the model does not name it."""
    meta = about.get("data") or {}
    if "transposed" not in meta:
        raise ModelError(f"{path}: does not name the data it was trained on")
    return options.data / dataset_name(config.bars, config.representation, meta["transposed"])


def train_prior(options: argparse.Namespace) -> int:
    """Learn the prior that samples are drawn from; the rest of the model does not change."""
    where = device(options)
    path = model_of(_source(options))
    if not options.out and options.source.is_dir():
        RunFolder(options.source).refuse_links()
    out = options.out or free_path(path.with_name("prior.safetensors"))
    refuse_existing(options, *_model_paths(out))
    base, about = load_model(path)[0], about_of(options.source)
    config = dataclasses.replace(base.config, prior_layers=options.layers, prior_width=options.width)
    model = make_model(config, options.seed)
    model.load_state_dict(
        {name: value for name, value in base.state_dict().items() if not name.startswith("prior.")}, strict=False
    )
    model = model.to(where)
    assert model.prior is not None, "--layers is at least 1"
    data = _dataset_of(options, path, config, about)
    splits = [_of_source(read_split(data, name), options.of) for name in ("train", "validation")]
    learned, held_out = (_codes(model, split, options.spread) for split in splits)
    with deferred_interrupt() as interrupt, Progress(disable=options.json, console=Console(stderr=True)) as bar:
        task = bar.add_task("learning the prior", total=1.0)
        figures = learn_prior(
            model.prior,
            learned,
            held_out,
            options.minutes,
            options.seed,
            options.batch,
            bfloat16=has_bfloat16(where),
            report=lambda share, loss: bar.update(task, completed=share, description=f"held-out loss {loss:.4f}"),
            interrupted=lambda: interrupt.requested,
        )
    learn_critic(model, splits[0], options.seed)
    prior = {name: getattr(options, name) for name in ("minutes", "seed", "batch", "spread", "of")}
    commands = [*about.get("commands", []), options.command_line]
    save_model(out, model, {**about, "commands": commands, "prior": {**figures, **prior}})
    if options.json:
        print_json({"model": str(out), **figures})
    else:
        print(f"Written: {out}, held-out loss {figures['loss']:.4f} at step {figures['best_step']}")
    return 0


def _of_source(split: Split, source: str | None) -> Split:
    """Return the melodies of one source of a split, or all for None."""
    if source is None:
        return split
    if source not in split.source_names:
        raise UsageError(f"--of {source}: the sources of the data set are {', '.join(split.source_names)}")
    chosen = split.sources == split.source_names.index(source)
    return dataclasses.replace(split, windows=split.windows.where(chosen), sources=split.sources[chosen])


def _codes(model: MusicVAE, split: Split, spread: float) -> Melodies:
    """Return the training data of a prior from a split; melodies count as often as they occur."""
    tokens, bars = split.tokens(), model.config.bars
    parts = [each.reshape(len(tokens), bars, -1).to(model.device) for each in encode(model, torch.from_numpy(tokens))]
    relations = torch.from_numpy(find_relations(*split.form.read(tokens), bars)).to(model.device)
    return Melodies(parts[0], spread * parts[1], relations)


def learn_critic(model: MusicVAE, split: Split, seed: int) -> None:
    """Train the critic of a model's prior on a split's melodies and as many draws as needed."""
    assert model.prior is not None, "it was just learned"
    form, tokens = model.config.form, split.tokens()
    some = np.random.default_rng(seed).permutation(len(tokens))[: 4 * CRITICIZED]
    drawn = sample_unchosen(model, CRITICIZED, seed=seed + 1).numpy()
    real, made = (form_figures(*form.read(each), form.steps_per_bar) for each in (tokens[some], drawn))
    train_critic(model.prior.critic, real, made, seed)


def evaluate(options: argparse.Namespace) -> int:
    """Print the figures of a model."""
    if options.save_location:
        refuse_existing(options, options.save_location)
    form, transposed = asked_form(options)
    model, about = find_model(options.bars, form, transposed, options.model, device(options))
    name = dataset_name(options.bars, model.config.representation, in_c(transposed, about))
    split = read_split(options.data / name, options.split)
    figures = judge(model, split, options.samples, options.temperature, options.seed)
    result = {"model": about.get("name"), "split": options.split, "seed": options.seed, **figures}
    if options.save_location:
        write_atomically(options.save_location, json.dumps(result, indent=1) + "\n")
    print_json(result)
    return 0


def judge(model: MusicVAE, split: Split, samples: int, temperature: float = 0.0, seed: int = 0) -> dict:
    """Return the figures of a model on a split, and statistics of its samples compared with real melodies."""
    figures = {"reconstruction": evaluate_split(model, split, seed)}
    if samples:
        form = model.config.form
        real = split.form.read(split.tokens())
        figures["statistics"] = {
            "real": statistics(*real, form.steps_per_bar),
            "samples": statistics(
                *form.read(sample_prior(model, samples, temperature, seed).numpy()), form.steps_per_bar
            ),
        }
        figures["distances"] = distances(*figures["statistics"].values())
        figures["affected_bars"] = affected_bars(model, seed=seed)
    return json.loads(json.dumps(figures), parse_float=lambda number: round(float(number), 5))


def export(options: argparse.Namespace) -> int:
    """Write a model for distribution: smaller, with its figures and a card."""
    path = model_of(_source(options))
    model, about = load_model(path)[0], about_of(options.source)
    test = read_split(_dataset_of(options, path, model.config, about), "test")
    known = {**about, **{f"training.{name}": value for name, value in (about.get("training") or {}).items()}}
    lacking = [name for name in ("commands", "steps", "training.batch", "training.beta") if known.get(name) is None]
    if lacking:
        raise ModelError(
            f"{path.with_suffix('.json')}: does not state how it was trained: {', '.join(lacking)} missing"
        )
    refuse_existing(options, *_model_paths(options.out), options.out.with_suffix(".md"))
    save_model(options.out, model, about, options.dtype)
    model, _ = load_model(options.out)  # evaluate the written file, because rounding may cost accuracy
    about = {
        **without_machine(about),
        "figures": judge(model, test, JUDGED),
        "licence": options.licence,
        "hardware": options.hardware,
    }
    save_model(options.out, model, about, options.dtype)
    card = model_card(options.out.stem, model, {**about, "dtype": options.dtype}, options.out)
    write_atomically(options.out.with_suffix(".md"), card)
    print(f"Written: {options.out}, {options.out.with_suffix('.json')}, {options.out.with_suffix('.md')}")
    return 0


def import_seed_checkpoint(options: argparse.Namespace) -> int:
    """Convert a checkpoint of the MusicVAE thesis project to a model."""
    refuse_existing(options, *_model_paths(options.out))
    model = import_checkpoint(options.file, options.bars, STATE_KEYS[1 if options.best else 0])
    save_model(options.out, model, {"name": options.file.stem, "origin": options.file.name})
    print(f"Written: {options.out}, {parameter_count(model)} parameters, {model.config.representation}")
    return 0

"""The actions of `kuznechik vae` that train, judge, export and import models."""

import argparse
import dataclasses
import json
import os
import tomllib
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from experiments.musicvae.card import model_card, without_machine
from experiments.musicvae.data import form_name, place
from experiments.musicvae.training_run import TrainingRun, read_run
from experiments.runs.folder import RunFolder, provenance
from experiments.runs.interrupt import deferred_interrupt
from experiments.verbs.options import UsageError, print_json
from songs.files import write_atomically
from songs.options import checked_value
from vae.checkpoint import load_model, save_model
from vae.config import ModelConfig, ModelError, TrainingOptions, preset
from vae.dataset import Split, dataset_name, read_meta, read_split
from vae.evaluation import check_split
from vae.evaluation import evaluate as evaluate_split
from vae.latent_flow import train_flow
from vae.model import MusicVAE, make_model, parameter_count
from vae.sampling import bars_heard, encode
from vae.sampling import sample as sample_prior
from vae.seed_checkpoint import STATE_KEYS, import_checkpoint
from vae.shipped import find_model
from vae.statistics import distances, statistics
from vae.training import Trainer, has_bfloat16

STATISTICS_WINDOWS = 2000
REPORTED_STEPS = 50
NEVER = 10**6
"""Epochs where a budget of time is to end the run first."""


def device(options: argparse.Namespace) -> torch.device:
    """Return the device asked for, else a GPU where there is one.

    Raises:
        UsageError: torch has no such device here.
    """
    name = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(name)
        torch.zeros(1, device=chosen)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise UsageError(f"--device {name}: {str(error).splitlines()[0]}") from None
    return chosen


def train(options: argparse.Namespace) -> int:
    """Train a model, in one process or in those that torchrun started."""
    rank, processes = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    where = device(options)
    if processes > 1:
        torch.distributed.init_process_group("nccl" if where.type == "cuda" else "gloo")
        if where.type == "cuda":
            where = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
            torch.cuda.set_device(where)
    try:
        return _train(options, where, rank, processes)
    finally:
        if processes > 1:
            torch.distributed.destroy_process_group()


def _train(options: argparse.Namespace, where: torch.device, rank: int, processes: int) -> int:
    data = place(options)
    splits = {name: read_split(data, name) for name in ("train", "validation")}
    if options.resume:
        folder = _folder(options, data.name, rank, processes)
        arrays, state = read_run(folder)
        config = ModelConfig.from_dict(state["model"])
        training = TrainingOptions.from_dict(state["training"])
        _check_same(options, config, training)
        about = state["about"]
        training = dataclasses.replace(
            training, epochs=max(options.epochs, training.epochs), minutes=options.minutes or training.minutes
        )
    else:
        config, training = resolve(options)
        commands = (
            [*_commands(options.initialize), options.command_line] if options.initialize else [options.command_line]
        )
        about = {"name": data.name, "data": read_meta(data), "commands": commands, "provenance": provenance()}
    model = make_model(config, training.seed).to(where)
    if options.initialize and not options.resume:
        _initialize(model, options.initialize, rank)
    check_split(model, splits["validation"])
    if not options.resume:  # now that nothing in the command line is wrong
        folder = _folder(options, data.name, rank, processes)
    trainer = Trainer(
        model,
        training,
        torch.from_numpy(splits["train"].unique_tokens()),
        torch.from_numpy(splits["validation"].tokens()),
        rank,
        processes,
    )
    run = TrainingRun(trainer, folder, about)
    if options.resume:
        run.restore(arrays, state["progress"])
    alone = RunFolder(folder).writing() if rank == 0 else nullcontext()
    with alone, deferred_interrupt() as interrupt, TrainingProgress(rank > 0 or options.json) as progress:
        stopped = run.run(progress.report, lambda: interrupt.requested)
    if rank == 0:
        _print_end(options, run, stopped)
    return 130 if stopped == "interrupted" else 0


def resolve(options: argparse.Namespace) -> tuple[ModelConfig, TrainingOptions]:
    """Return the configurations that the command line asks for.

    Raises:
        UsageError: --set names no option, or gives it no value of its kind.
    """
    config = preset(options.architecture, options.bars, form_name(options))
    epochs = NEVER if options.minutes and options.epochs == 1 else options.epochs
    training = TrainingOptions(
        epochs=epochs,
        batch=options.batch,
        minutes=options.minutes or 0.0,
        seed=options.seed or 0,
        augment=0.0 if options.transposed else 0.5,
    )
    for setting in options.set:
        name, _, text = setting.partition("=")
        name = name.strip().removeprefix("model.").removeprefix("training.")
        sections = [section for section in (config, training) if name in section.to_dict()]
        if not sections:
            known = ", ".join([*config.to_dict(), *training.to_dict()])
            raise UsageError(f"--set {setting}: no option {name!r}; there are {known}")
        try:
            value = tomllib.loads(f"value = {text.strip()}")["value"]
        except (ValueError, RecursionError):
            value = text.strip()  # a text without quotes
        field = next(each for each in dataclasses.fields(sections[0]) if each.name == name)
        change: dict[str, Any] = {name: checked_value(name, field, value)}
        if sections[0] is config:
            config = dataclasses.replace(config, **change)
        else:
            training = dataclasses.replace(training, **change)
    return config, training


def _folder(options: argparse.Namespace, name: str, rank: int, processes: int) -> Path:
    """Return the run folder: a new one, or that of the run to resume."""
    if options.resume:
        if not options.out:
            raise UsageError("--resume needs --out RUN, the run to go on with")
        return options.out
    if processes > 1 and not options.out:
        raise UsageError("several processes need --out DIR, the run folder they share")
    if rank > 0:
        return options.out
    created = RunFolder.create(options.out) if options.out else RunFolder.create_numbered("runs", f"vae-{name}")
    return created.path


def _check_same(options: argparse.Namespace, config: ModelConfig, training: TrainingOptions) -> None:
    asked = {"BARS": options.bars, "BATCH": options.batch, "representation": form_name(options)}
    was = {"BARS": config.bars, "BATCH": training.batch, "representation": config.representation}
    for name, value in asked.items():
        if value != was[name]:
            raise UsageError(f"--resume: {name} is {value}, but the run has {was[name]}")


def _commands(path: Path) -> list[list[str]]:
    """Return the commands that made a model or a run."""
    _, about = load_model(path / "best.safetensors" if path.is_dir() else path)
    return about.get("commands", [])


def _initialize(model: MusicVAE, path: Path, rank: int) -> None:
    """Give a model those parameters of another one that have the same name and shape."""
    other, _ = load_model(path / "best.safetensors" if path.is_dir() else path)
    own, theirs = model.state_dict(), other.state_dict()
    fitting = {name: value for name, value in theirs.items() if name in own and own[name].shape == value.shape}
    if not fitting:
        raise ModelError(f"{path}: none of its parameters fit this model: choose the same --architecture")
    model.load_state_dict(fitting, strict=False)
    if rank == 0:
        Console(stderr=True, highlight=False).print(f"{len(fitting)} of {len(own)} arrays are those of {path}")


class TrainingProgress:
    """A bar in the terminal, or a line a validation where there is none."""

    def __init__(self, quiet: bool):
        self._console = Console(stderr=True, highlight=False)
        self._quiet = quiet
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[state]}"),
            TimeElapsedColumn(),
            console=self._console,
            disable=quiet or not self._console.is_terminal,
        )
        self._task = self._bar.add_task("training", total=1.0, state="")

    def __enter__(self) -> "TrainingProgress":
        self._bar.start()
        return self

    def __exit__(self, *error) -> None:
        self._bar.stop()

    def report(self, trainer: Trainer, row: dict | None) -> None:
        """Show a step, and the figures of a validation."""
        if self._quiet:
            return
        if row:
            state = (
                f"step {row['step']}, epoch {row['epoch']:.1f}, {row['seconds']:.0f} s, loss {row['loss']:.2f}, "
                f"cross entropy {row['cross_entropy']:.2f}, KL {row['kl']:.1f}, free running {row['free_running']:.4f}"
            )
            self._bar.update(self._task, state=state)
            if not self._console.is_terminal:
                self._console.print(state, soft_wrap=True)
        self._bar.update(self._task, completed=trainer.progress)


def _print_end(options: argparse.Namespace, run: TrainingRun, stopped: str) -> None:
    trainer, folder = run.trainer, run.folder
    summary = {
        "run": str(folder),
        "stopped": stopped,
        "steps": trainer.steps,
        "seconds": round(trainer.seconds, 1),
        "parameters": parameter_count(trainer.model),
        "precision": "bfloat16" if trainer.bfloat16 else "float32",
        "validation": run.rows[-1] if run.rows else {},
    }
    if options.json:
        print_json(summary)
        return
    print(f"{stopped}: {trainer.steps} steps, {trainer.seconds:.0f} s, {summary['parameters']} parameters.")
    print(f"Written: {folder}/best.safetensors, last.safetensors, metrics.csv, resume.safetensors")
    flags = f"{options.bars}{' -p' if options.pianoroll else ''}{' -t' if options.transposed else ''}"
    print(f"Next: kuznechik vae evaluate {flags} --model {folder}")


def _source(options: argparse.Namespace) -> Path:
    """Return the model of RUN: of a run folder, its best."""
    if not options.source.exists():
        raise UsageError(f"{options.source}: no such run folder or .safetensors file")
    return options.source / "best.safetensors" if options.source.is_dir() else options.source


def train_prior(options: argparse.Namespace) -> int:
    """Learn the flow that draws from the prior go through; all else of the model stays as it is."""
    where = device(options)
    path = _source(options)
    base, about = load_model(path)
    config = dataclasses.replace(base.config, prior_layers=options.layers, prior_width=options.width)
    model = make_model(config, options.seed)
    model.load_state_dict(
        {name: value for name, value in base.state_dict().items() if "prior." not in name}, strict=False
    )
    model = model.to(where)
    assert model.prior is not None, "--layers is at least 1"
    meta = about.get("data") or {}
    if "transposed" not in meta:
        raise ModelError(f"{path}: does not say what data it was trained on")
    data = options.data / dataset_name(config.bars, config.representation, meta["transposed"])
    means, deviations = encode(model, torch.from_numpy(read_split(data, "train").tokens()))  # as often as they occur
    with deferred_interrupt() as interrupt, Progress(disable=options.json, console=Console(stderr=True)) as bar:
        task = bar.add_task("learning the prior", total=1.0)

        def report(step: int, share: float, loss: torch.Tensor) -> None:
            if step % REPORTED_STEPS == 1:  # to look at a loss is to wait for the GPU
                bar.update(task, completed=share, description=f"loss {loss:.4f}")

        steps = train_flow(
            model.prior,
            means.to(where),
            options.spread * deviations.to(where),
            options.minutes,
            options.seed,
            options.batch,
            bfloat16=has_bfloat16(where),
            report=report,
            interrupted=lambda: interrupt.requested,
        )
    out = options.out or path.with_name("prior.safetensors")
    prior = {name: getattr(options, name) for name in ("minutes", "seed", "batch", "spread")}
    commands = [*about.get("commands", []), options.command_line]
    save_model(out, model, {**about, "commands": commands, "prior": {"steps": steps, **prior}})
    print_json({"model": str(out), "steps": steps}) if options.json else print(f"Written: {out}, after {steps} steps")
    return 0


def evaluate(options: argparse.Namespace) -> int:
    """Print the figures of a model."""
    model, about = find_model(options.bars, form_name(options), options.transposed, options.model, device(options))
    split = read_split(place(options), options.split)
    figures = judge(model, split, options.samples, options.temperature, options.seed)
    result = {"model": about.get("name"), "split": options.split, "seed": options.seed, **figures}
    if options.save_location:
        write_atomically(options.save_location, json.dumps(result, indent=1) + "\n")
    print_json(result)
    return 0


def judge(model: MusicVAE, split: Split, samples: int, temperature: float = 1.0, seed: int = 0) -> dict:
    """Return the figures of a model on a split, and statistics of its samples beside real melodies."""
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
        figures["bars_heard"] = bars_heard(model, seed=seed)
    return _rounded(figures)


def _rounded(content):
    if isinstance(content, dict):
        return {name: _rounded(value) for name, value in content.items()}
    if isinstance(content, list):
        return [_rounded(value) for value in content]
    return round(content, 5) if isinstance(content, float) else content


def export(options: argparse.Namespace) -> int:
    """Write a model for others: smaller, with its figures and a card."""
    path = _source(options)
    model, about = load_model(path)
    meta = about.get("data") or {}
    if "transposed" not in meta:
        raise ModelError(f"{path}: does not say what data it was trained on")
    told = {**about, **{f"training.{name}": value for name, value in (about.get("training") or {}).items()}}
    lacking = [name for name in ("commands", "steps", "training.batch", "training.beta") if told.get(name) is None]
    if lacking:
        raise ModelError(f"{path.with_suffix('.json')}: does not say how it was trained: {', '.join(lacking)} missing")
    if options.out.suffix != ".safetensors":
        raise UsageError(f"{options.out}: the name must end in .safetensors")
    name = dataset_name(model.config.bars, model.config.representation, meta["transposed"])
    test = read_split(options.data / name, "test")
    save_model(options.out, model, about, options.dtype)
    model, _ = load_model(options.out)  # judge what is written: rounding may cost something
    about = {
        **without_machine(about),
        "figures": judge(model, test, 1000),
        "licence": options.licence,
        "hardware": options.hardware,
    }
    save_model(options.out, model, about, options.dtype)
    card = model_card(options.out.stem, model, {**about, "dtype": options.dtype}, options.out)
    write_atomically(options.out.with_suffix(".md"), card)
    print(f"Written: {options.out}, {options.out.with_suffix('.json')}, {options.out.with_suffix('.md')}")
    return 0


def import_seed_checkpoint(options: argparse.Namespace) -> int:
    """Turn a checkpoint of the seed into a model."""
    if options.out.suffix != ".safetensors":
        raise UsageError(f"{options.out}: the name must end in .safetensors")
    model = import_checkpoint(options.file, options.bars, STATE_KEYS[1 if options.best else 0])
    save_model(options.out, model, {"name": options.file.stem, "origin": options.file.name})
    print(f"Written: {options.out}, {parameter_count(model)} parameters, {model.config.representation}")
    return 0

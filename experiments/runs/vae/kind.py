"""Runs that train a MusicVAE.

data.json     the data set's description, from its dataset.json
initial.*     the model that training started from, if one was given
metrics.csv   a row per validation
best/         the model with the best validation: model.safetensors, model.json
history/      a melody as reconstructed by earlier best models: champions.jsonl
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from experiments.config.settings import ConfigError
from experiments.config.vae import VaeConfig
from experiments.runs.checkpoint import State
from experiments.runs.folder import RunError, RunFolder
from experiments.runs.history import History
from experiments.runs.lifecycle import Kind
from experiments.runs.trainable import Callback, Log, Status, Trainable
from vae.checkpoint import load_model, read_about, save_model
from vae.config import ModelError
from vae.dataset import read_meta, read_split
from vae.evaluation import check_split
from vae.model import MusicVAE, make_model, parameter_count
from vae.processor import computing
from vae.sampling import reconstruct
from vae.training import Trainer

MODEL = Path("best") / "model.safetensors"
INITIAL = "initial.safetensors"
LARGEST_BESIDE = 2**26
"""Size of a checkpoint without its arrays, in bytes."""


def prepare(config: VaeConfig, folder: RunFolder, initial: Path | None) -> None:
    """Write the description of a new run's data set, and the model that it starts from."""
    folder.write_json("data.json", read_meta(data_folder(config)))
    if initial:
        for suffix in (".safetensors", ".json"):
            shutil.copyfile(initial.with_suffix(suffix), (folder.path / INITIAL).with_suffix(suffix))


def initial_model(config: VaeConfig, folder: RunFolder) -> Path | None:
    """Return the file of the model that a run started from, or None."""
    path = folder.path / INITIAL
    return path if path.exists() else None


def data_folder(config: VaeConfig) -> Path:
    """Return the folder of the data set of a configuration."""
    return Path(config.data.folder) / config.dataset


@contextmanager
def training(
    config: VaeConfig,
    folder: RunFolder,
    device: str | torch.device = "cpu",
    rank: int = 0,
    processes: int = 1,
    threads: int = 1,
) -> Iterator["VaeTraining"]:
    """Context manager for a run folder's training in process `rank`; raises RunError if the data set has changed."""
    if read_meta(data_folder(config)) != folder.read_json("data.json"):
        raise RunError(f"{data_folder(config)}: is not the data set that {folder.path} was trained on")
    with computing(threads):
        trainer = make_trainer(config, device, initial_model(config, folder), rank, processes)
        yield VaeTraining(config, trainer)


def make_trainer(
    config: VaeConfig,
    device: str | torch.device = "cpu",
    initial: Path | None = None,
    rank: int = 0,
    processes: int = 1,
) -> Trainer:
    """Return the trainer of a configuration; raise ValueError if its parts do not fit together."""
    splits = {name: read_split(data_folder(config), name) for name in ("train", "validation")}
    model = make_model(config.model, config.training.seed).to(device)
    if initial:
        initialize(model, initial)
    check_split(model, splits["validation"])
    melodies, batch = splits["train"].unique_tokens(), config.training.batch * processes
    if batch > len(melodies):
        raise ConfigError(f"training.batch = {batch} for all processes: the data set has only {len(melodies)} melodies")
    return Trainer(
        model,
        config.training,
        torch.from_numpy(melodies),
        torch.from_numpy(splits["validation"].tokens()),
        rank,
        processes,
    )


def initialize(model: MusicVAE, path: Path) -> None:
    """Load those parameters of another model that have the same name and shape; raise ModelError if none fit."""
    other, _ = load_model(path)
    ours, theirs = model.state_dict(), other.state_dict()
    fitting = {name: value for name, value in theirs.items() if name in ours and ours[name].shape == value.shape}
    if not fitting:
        raise ModelError(f"{path}: none of its parameters fit this model: choose the same --architecture")
    model.load_state_dict(fitting, strict=False)


class VaeTraining(Trainable):
    """A MusicVAE in training."""

    def __init__(self, config: VaeConfig, trainer: Trainer):
        self.config, self.trainer = config, trainer
        self.name = config.dataset
        self._row: dict[str, Any] = {}
        self.history: History = History()

    @property
    def steps(self) -> int:
        return self.trainer.steps

    @property
    def ended(self) -> str:
        return self.trainer.finished

    @property
    def champion(self) -> object | None:
        return self.trainer.best

    def step(self) -> Log | None:
        row = self.trainer.step()
        if row is None:
            return None
        self._row = row
        if self.trainer.best_row is row and self.history.wants(self.steps):
            self._keep(row)
        return Log(_figures(row))

    def _keep(self, row: dict[str, Any]) -> None:
        """Add how the model, a new best one, reconstructs the first validation melody to the run's film."""
        assert self.trainer.best is not None, "it comes with its figures"
        melody = self.trainer.validation[:1]
        rebuilt = reconstruct(self.trainer.best, melody)[0].tolist()
        figures = {"step": self.steps, "loss": row["loss"], "free_running": row["free_running"]}
        self.history.add({**figures, "tokens": rebuilt, "melody": melody[0].tolist()})

    def status(self) -> Status:
        trainer = self.trainer
        text = f"step {trainer.steps}"
        if self._row:
            loss, right = self._row["loss"], self._row["free_running"]
            text += f", loss {loss:.2f}, KL {self._row['kl']:.1f}, free running {right:.4f}"
        return Status(trainer.progress, 1.0, trainer.progress, text)

    def finish(self) -> None:
        if self.trainer.best is None:  # stopped before the first validation
            self.trainer.best, self.trainer.best_row = self.trainer.model, {"step": self.trainer.steps}

    def write_champion(self, folder: RunFolder, callbacks: Sequence[Callback]) -> None:
        trainer = self.trainer
        assert trainer.best is not None, "`finish` ensures this"
        assert trainer.best_row is not None, "it comes with the best model"
        validation = _figures(trainer.best_row)
        about = {
            "name": self.config.dataset,
            "data": folder.read_json("data.json"),
            "training": trainer.options.to_dict(),
            "steps": validation["step"],
            "validation": validation,
        }
        save_model(folder.path / MODEL, trainer.best, about)

    def summary(self) -> dict[str, Any]:
        trainer = self.trainer
        best = trainer.best_row or {}
        return {
            "solved": None,
            "dataset": self.config.dataset,
            "seed": self.config.seed,
            "steps": trainer.steps,
            "epochs": round(trainer.steps / trainer.steps_per_epoch, 3),
            "parameters": parameter_count(trainer.model),
            "precision": "bfloat16" if trainer.bfloat16 else "float32",
            "best_step": best.get("step"),
            "validation": _figures(best, "step", "epoch"),
        }

    def largest_checkpoint(self) -> int:
        copies = 5  # parameters, the best ones, two moments, and steps; float32 each
        return 4 * copies * parameter_count(self.trainer.model) + LARGEST_BESIDE

    def state(self) -> State:
        return self.trainer.state()

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        self.trainer.restore(arrays, data)


def _figures(row: dict[str, Any], *without: str) -> dict[str, Any]:
    """Return the figures of a validation without its time, which differs between runs."""
    return {name: value for name, value in row.items() if name not in ("seconds", *without)}


def model_of(path: Path) -> Path:
    """Return the file of a model; a run folder means its best model."""
    return path / MODEL if path.is_dir() else path


def about_of(path: Path) -> dict[str, Any]:
    """Return the JSON of a model; for a run folder, with its commands and provenance from meta.json."""
    about = read_about(model_of(path))
    if not path.is_dir():
        return about
    folder = RunFolder.open(path)
    meta, initial = folder.read_meta(), folder.path / INITIAL
    before = read_about(initial).get("commands", []) if initial.exists() else []
    provenance = {name: meta[name] for name in ("started", "commit", "versions", "platform") if name in meta}
    return {**about, "commands": [*before, meta.get("command", [])], "provenance": provenance}


KIND = Kind("vae", ("training.epochs", "training.minutes", "data.folder"), prepare, training, initial_model)

"""Training a MusicVAE, with validation, the best and the last model kept apart, and going on to the same bits.

A run folder holds best.safetensors and last.safetensors with their JSON, metrics.csv, a row a validation, and
resume.safetensors: parameters, the optimiser's state and where the run stands.

Conventions:
    tokens int64 (N, T) on the model's device. Steps count from 0. All randomness of a step comes from a generator
    seeded by the run's seed, the process and the step, so a run needs no memory of its draws to go on.
    Several processes (torchrun) each take their part of a batch; their gradients are averaged.
"""

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from songs.files import check_file, write_atomically
from songs.validate import validate_like
from vae.checkpoint import fill, save_model
from vae.config import ModelConfig
from vae.elbo import beta_loss, cross_entropy, kl_divergence
from vae.evaluation import validate
from vae.model import MusicVAE
from vae.model_check import check_about, check_progress, shapes
from vae.recorded_step import RecordedStep, make_optimizer, set_rate
from vae.schedule import TrainingError, TrainingOptions
from vae.tokens import Representation, previous_tokens

LARGEST_SHIFT = 6
MOST_BESIDE = 2**26
"""Bytes of a state beside its arrays."""


def has_bfloat16(device: torch.device) -> bool:
    """Return whether a processor computes with bfloat16 rather than imitating it."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    tests = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(test() for test in tests if test)


@dataclass
class Progress:
    """Where a run stands."""

    step: int = 0
    seconds: float = 0.0
    best_loss: float | None = None
    stale: int = 0
    """Validations since the best."""
    rows: list[dict] = field(default_factory=list)
    stopped: str = ""


class Trainer:
    """One run of training."""

    def __init__(
        self,
        model: MusicVAE,
        options: TrainingOptions,
        train: Tensor,
        validation: Tensor,
        folder: Path,
        about: dict | None = None,
        rank: int = 0,
        processes: int = 1,
    ):
        """
        Args:
            model: on its device.
            options: how.
            train: (N, T) unique melodies.
            validation: (N, T) melodies; the first ones of a fixed shuffle are used.
            folder: the run folder.
            about: plain data for the JSON of the models.
            rank: which process this is.
            processes: how many there are.

        Raises:
            TrainingError: there are no melodies, or they are of another length than the model's.
        """
        for name, tokens in (("training", train), ("validation", validation)):
            if tokens.ndim != 2 or not len(tokens) or tokens.shape[1] != model.config.steps:
                raise TrainingError(
                    f"{name} melodies have the shape {tuple(tokens.shape)}: the model wants one or more of "
                    f"{model.config.steps} steps"
                )
        self.model, self.options, self.folder, self.about = model, options, folder, about or {}
        self.rank, self.processes = rank, processes
        self.train = train.to(model.device)
        order = torch.randperm(len(validation), generator=torch.Generator().manual_seed(options.seed))
        self.validation = validation[order[: options.validation_windows]]
        self.parallel = DistributedDataParallel(model) if processes > 1 else model
        recorded = model.device.type == "cuda" and processes == 1
        self.optimizer = make_optimizer(list(model.parameters()), options.learning_rate, options.weight_decay, recorded)
        self.descend = RecordedStep(self.descend_unrecorded, self.optimizer) if recorded else self.descend_unrecorded
        wants = {"auto": has_bfloat16(model.device), "float32": False, "bfloat16": True}
        self.bfloat16 = wants[options.precision]
        self.steps_an_epoch = -(-len(train) // (options.batch * processes))
        self.steps = options.epochs * self.steps_an_epoch
        self.progress = Progress()
        self.done = 0.0
        """The share of the course that is done, on which all processes agree."""
        self._order: tuple[int, Tensor] | None = None

    # one step

    def share(self) -> float:
        """Return the share of the course that is done, by steps or by time, whichever is further."""
        by_time = self.progress.seconds / (60 * self.options.minutes) if self.options.minutes else 0.0
        return max(self.progress.step / self.steps, by_time)

    def batch(self, step: int) -> Tensor:
        """Return the melodies (batch, T) of a step."""
        epoch, place = divmod(step, self.steps_an_epoch)
        if self._order is None or self._order[0] != epoch:
            generator = torch.Generator().manual_seed(_mix(self.options.seed, epoch, 0xE90C))
            self._order = (epoch, torch.randperm(len(self.train), generator=generator).to(self.train.device))
        first = (place * self.processes + self.rank) * self.options.batch
        places = torch.arange(first, first + self.options.batch, device=self.train.device) % len(self.train)
        return self.train[self._order[1][places]]

    def learn(self) -> Tensor:
        """Take one step and return its loss."""
        step, options, config = self.progress.step, self.options, self.model.config
        device = self.train.device
        generator = torch.Generator(device).manual_seed(_mix(options.seed, step, self.rank))
        tokens = transpose_some(self.batch(step), config.form, options.augment, generator)
        previous = previous_tokens(tokens, config.classes)
        noise = torch.randn((len(tokens), config.latent), generator=generator, device=device)
        self.model.train()
        if options.scheduled_sampling:
            previous = self._with_own_guesses(tokens, previous, noise, generator)
        if options.word_dropout:
            withheld = torch.rand(previous.shape, generator=generator, device=device) < options.word_dropout
            previous = torch.where(withheld, config.classes, previous)
        set_rate(self.optimizer, options.rate(step, self.done))
        return self.descend(tokens, previous, noise, torch.tensor(options.beta_at(step), device=device))

    def descend_unrecorded(self, tokens: Tensor, previous: Tensor, noise: Tensor, beta: Tensor) -> Tensor:
        """Take a step of the optimiser and return the loss before it."""
        with torch.autocast(tokens.device.type, torch.bfloat16, enabled=self.bfloat16):
            logits, mean, deviation = self.parallel(tokens, previous, noise)
        nats, divergence = cross_entropy(logits, tokens), kl_divergence(mean, deviation)
        loss = beta_loss(nats, divergence, beta, self.options.free_bits)
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.options.clip)
        self.optimizer.step()
        return loss.detach()

    @torch.no_grad()
    def _with_own_guesses(self, tokens: Tensor, previous: Tensor, noise: Tensor, generator: torch.Generator) -> Tensor:
        """Return the previous tokens with some replaced by what the model says there, all steps at once."""
        with torch.autocast(tokens.device.type, torch.bfloat16, enabled=self.bfloat16):
            guesses = self.model(tokens, previous, noise)[0].argmax(dim=2)
        guessed = previous_tokens(guesses, self.model.config.classes)
        chosen = torch.rand(previous.shape, generator=generator, device=previous.device)
        return torch.where(chosen < self.options.scheduled_sampling, guessed, previous)

    # the whole run

    def run(
        self,
        report: Callable[["Trainer", dict | None], None] = lambda trainer, row: None,
        interrupted: Callable[[], bool] = lambda: False,
    ) -> Progress:
        """Train to the end of the course, and write models and the state to resume from.

        Args:
            report: is told after every step; with a row after a validation.
            interrupted: asked after every step; if true, the run is saved and left.
        """
        progress = self.progress
        progress.stopped = self._ended(self.share())  # a run that ended is left as it is
        clock = time.process_time if self.train.device.type == "cpu" else time.monotonic
        begun, losses = clock() - progress.seconds, []
        while not progress.stopped:
            losses.append(self.learn())
            progress.step += 1
            progress.seconds = clock() - begun
            self.done = share = self._agree(self.share())
            stop = self._agree(float(interrupted())) > 0
            row = None
            if share >= 1 or (len(progress.rows) + 1) / self.options.evaluations <= share:
                row = self._validate(losses)
                losses = []
                progress.seconds = clock() - begun
            progress.stopped = self._ended(share) or ("interrupted" if stop else "")
            if (row or progress.stopped) and self.rank == 0:
                self.save()
            report(self, row)
        return progress

    def _ended(self, share: float) -> str:
        """Return why the run is over when so much of its course is done, or nothing."""
        if share >= 1:
            return "finished"
        stale = bool(self.options.patience) and self.progress.stale >= self.options.patience
        return "no longer better" if stale else ""

    def _agree(self, value: float) -> float:
        """Return the largest value of all processes, so that they stop together."""
        if self.processes == 1:
            return value
        shared = torch.tensor(value, device=self.train.device)
        torch.distributed.all_reduce(shared, torch.distributed.ReduceOp.MAX)
        return shared.item()

    def _validate(self, losses: list[Tensor]) -> dict:
        figures = validate(self.model, self.validation, self.options.beta)
        step = self.progress.step
        if not math.isfinite(figures["loss"]):
            raise TrainingError(
                f"{self.folder}: the loss is no number any more after {step} steps: begin anew with a smaller "
                f"learning_rate than {self.options.learning_rate:g}"
            )
        row = {
            "step": step,
            "epoch": round(step / self.steps_an_epoch, 3),
            "seconds": round(self.progress.seconds, 2),
            "train_loss": round(torch.stack(losses).mean().item(), 5) if losses else None,
            **{name: round(value, 5) for name, value in figures.items()},
        }
        self.progress.rows.append(row)
        self.progress.stale += 1
        if self.progress.best_loss is None or figures["loss"] < self.progress.best_loss:  # with the last beta, always
            self.progress.best_loss, self.progress.stale = figures["loss"], 0
            if self.rank == 0:
                save_model(self.folder / "best.safetensors", self.model, self._about(row))
        return row

    def _about(self, row: dict | None) -> dict:
        return {**self.about, "training": self.options.to_dict(), "steps": self.progress.step, "validation": row}

    # state

    def save(self) -> None:
        """Write the last model, the metrics, and the state to resume from."""
        progress = self.progress
        row = progress.rows[-1] if progress.rows else None
        save_model(self.folder / "last.safetensors", self.model, self._about(row))
        if progress.rows:
            lines = [",".join(progress.rows[0])]
            lines += [
                ",".join("" if value is None else str(value) for value in each.values()) for each in progress.rows
            ]
            write_atomically(self.folder / "metrics.csv", "\n".join(lines) + "\n")
        arrays = {f"model.{name}": value.detach().cpu().contiguous() for name, value in self.model.state_dict().items()}
        for name, parameter in self.model.named_parameters():
            for key, value in self.optimizer.state.get(parameter, {}).items():
                arrays[f"{key}.{name}"] = value.detach().cpu().contiguous()
        data = {
            "model": self.model.config.to_dict(),
            "training": self.options.to_dict(),
            "about": self.about,
            "progress": vars(progress),
        }
        write_atomically(self.folder / "resume.safetensors", save(arrays, {"run": json.dumps(data)}))

    def restore(self, arrays: dict[str, Tensor], progress: dict) -> None:
        """Go back to a state that `read_run` returned.

        Raises:
            ModelError: the parameters are those of another model.
            TrainingError: where the run stands is not to be understood.
        """
        origin = str(self.folder / "resume.safetensors")
        fill(self.model, {name[6:]: value for name, value in arrays.items() if name.startswith("model.")}, origin)
        for name, parameter in self.model.named_parameters():
            for key, value in _moments(arrays, name, parameter.shape, origin).items():
                self.optimizer.state[parameter][key] = value.to(parameter.device)
        try:
            self.progress = Progress(**progress)
            self.done = self.share()
        except TypeError as error:
            raise TrainingError(f"{origin}: is damaged: {error}") from None


def _moments(arrays: dict[str, Tensor], name: str, shape: torch.Size, origin: str) -> dict[str, Tensor]:
    """Return the optimiser's state of a parameter, empty before the first step; raises TrainingError if it is none."""
    wanted = {"step": torch.Size([]), "exp_avg": shape, "exp_avg_sq": shape}
    found = {key: arrays[f"{key}.{name}"] for key in wanted if f"{key}.{name}" in arrays}
    for key, value in found.items():
        if len(found) < len(wanted) or (value.shape, value.dtype) != (wanted[key], torch.float32):
            raise TrainingError(
                f"{origin}: is damaged: {key}.{name} is {value.dtype} {tuple(value.shape)}, or not alone"
            )
        if not torch.isfinite(value).all() or (key != "exp_avg" and (value < 0).any()):
            raise TrainingError(f"{origin}: is damaged: {key}.{name} holds what it cannot")
    return found


def read_run(folder: Path) -> tuple[dict[str, Tensor], dict]:
    """Return the arrays and the plain data of a run to resume.

    Raises:
        TrainingError: there is none, or it is damaged.
    """
    path = folder / "resume.safetensors"
    try:
        check_file(path)
        with safe_open(path, framework="pt") as file:
            data = json.loads((file.metadata() or {})["run"])
            _check_run(data, path.stat().st_size)
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, it is no dictionary
    except FileNotFoundError:
        raise TrainingError(f"{folder}: no run to resume: resume.safetensors is missing") from None
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        offer = f"a new run can begin with the last model: --initialize {folder / 'last.safetensors'}"
        raise TrainingError(f"{path}: is damaged: {error}; {offer}") from None
    return arrays, data


def _check_run(data: Any, size: int) -> None:
    """Raise ValueError if the plain data of a run is none, or goes with no file of so many bytes."""
    validate_like({"model": {}, "training": {}, "progress": {}, "about": {}}, data, "")
    config = ModelConfig.from_dict(data["model"])
    TrainingOptions.from_dict(data["training"])
    check_progress(data["progress"])
    check_about(data["about"])
    parameters = sum(shape.numel() for shape in shapes(config).values())
    if size > 4 * 4 * parameters + MOST_BESIDE:  # the parameters and three arrays of the optimiser's
        raise ValueError(f"it has {size // 2**20} MiB, more than a model of {parameters} parameters needs")


def transpose_some(tokens: Tensor, form: Representation, share: float, generator: torch.Generator) -> Tensor:
    """Return tokens (B, T) of which a share of melodies is moved by -6 to 6 semitones, if they stay in range."""
    if not share:
        return tokens
    size, device = (len(tokens), 1), tokens.device
    shift = torch.randint(-LARGEST_SHIFT, LARGEST_SHIFT + 1, size, generator=generator, device=device)
    shift = shift * (torch.rand(size, generator=generator, device=device) < share)
    notes = (tokens >= form.first_pitch) & (tokens < form.first_pitch + form.pitches)
    moved = tokens + shift
    out = notes & ((moved < form.first_pitch) | (moved >= form.first_pitch + form.pitches))
    return torch.where(notes & ~out.any(dim=1, keepdim=True), moved, tokens)


def _mix(seed: int, number: int, kind: int) -> int:
    """Return a seed for torch of three numbers."""
    return int(np.random.SeedSequence([seed, number, kind]).generate_state(1, np.uint64)[0] >> 1)

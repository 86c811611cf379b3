"""Training of a MusicVAE, step by step, with validations.

A `Trainer` writes no files: `state` returns all that is needed to resume bit for bit, and `restore` takes it back.

Conventions:
    tokens int64 (N, T) on the model's device. Steps count from 0. All random numbers of a step come from a generator
    seeded by the seed of the run, the process and the step, so no generator is part of the state.
    With several processes (torchrun) each takes its part of a batch, and gradients are averaged.
"""

import copy
import math
import time
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from songs.validate import AnyLength, OrNone, Within, validate_like
from vae.checkpoint import METRICS
from vae.config import TrainingError, TrainingOptions
from vae.elbo import beta_loss, cross_entropy, kl_divergence
from vae.evaluation import validate
from vae.fit import Fit
from vae.model import MusicVAE
from vae.recorded_step import RecordedStep, make_optimizer
from vae.schedule import beta_at, learning_rate_at
from vae.tokens import Representation, previous_tokens

LARGEST_SHIFT = 6
COUNTERS = {"steps": 0, "seconds": Within(0.0, 0, 1e12), "validations": 0, "stale": 0}


def has_bfloat16(device: torch.device) -> bool:
    """Return True if a processor supports bfloat16 natively."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    tests = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(test() for test in tests if test)


class Trainer:
    """Training of one model."""

    def __init__(
        self,
        model: MusicVAE,
        options: TrainingOptions,
        train: Tensor,
        validation: Tensor,
        rank: int = 0,
        processes: int = 1,
    ):
        """
        Args:
            model: the model, on its device; it is trained in place.
            options: options of the training.
            train: (N, T) unique melodies.
            validation: (N, T) melodies; the first ones of a seeded shuffle are used.
            rank: index of this process.
            processes: number of processes.

        Raises:
            TrainingError: there are no melodies, or they have another length than the model.
        """
        for name, tokens in (("training", train), ("validation", validation)):
            if tokens.ndim != 2 or not len(tokens) or tokens.shape[1] != model.config.steps:
                raise TrainingError(
                    f"{name} melodies have the shape {tuple(tokens.shape)}: the model needs one or more of "
                    f"{model.config.steps} steps"
                )
        self.model, self.options = model, options
        self.rank, self.processes = rank, processes
        self.train = train.to(model.device)
        order = torch.randperm(len(validation), generator=torch.Generator().manual_seed(options.seed))
        self.validation = validation[order[: options.validation_windows]]
        self.parallel = DistributedDataParallel(model) if processes > 1 else model
        self.recorded = model.device.type == "cuda" and processes == 1
        optimizer = make_optimizer(list(model.parameters()), options.learning_rate, options.weight_decay, self.recorded)
        self.fit = Fit(model, options.learning_rate, clip=options.clip, optimizer=optimizer)
        self.descend = RecordedStep(self.descend_unrecorded, optimizer) if self.recorded else self.descend_unrecorded
        self.bfloat16 = {"auto": has_bfloat16(model.device), "float32": False, "bfloat16": True}[options.precision]
        self.steps_per_epoch = -(-len(train) // (options.batch * processes))
        self.total_steps = options.epochs * self.steps_per_epoch

        self.steps = 0
        """Steps done."""
        self.seconds = 0.0
        """CPU time (wall time on a GPU) so far."""
        self.progress = 0.0
        """Share of the run that is done, 0 to 1, the same in all processes."""
        self.validations = 0
        self.stale = 0
        """Validations since the best one."""
        self.best: MusicVAE | None = None
        """A copy of the model at the best validation."""
        self.best_row: dict[str, Any] | None = None
        self._best_loss = math.inf
        self._losses: list[Tensor] = []
        self._clock = time.process_time if model.device.type == "cpu" else time.monotonic
        self._started: float | None = None
        self._order: tuple[int, Tensor] | None = None

    @property
    def finished(self) -> str:
        """The reason why training has ended, "" while it continues."""
        if self.progress >= 1:
            return "finished"
        return "no longer better" if self.options.patience and self.stale >= self.options.patience else ""

    def step(self) -> dict[str, Any] | None:
        """Take a step; return the metrics of a validation if one was due after it.

        Raises:
            TrainingError: the loss is no longer finite.
        """
        if self._started is None:
            self._started = self._clock() - self.seconds
        self._losses.append(self.update())
        self.steps += 1
        self.seconds = self._clock() - self._started
        self.progress = self.agree(self._share())
        if self.progress < min(1.0, (self.validations + 1) / self.options.evaluations):
            return None
        row = self._validate()
        self.seconds = self._clock() - self._started
        return row

    def agree(self, value: float) -> float:
        """Return the largest value over all processes, so that they stay in step."""
        if self.processes == 1:
            return value
        shared = torch.tensor(value, device=self.train.device)
        torch.distributed.all_reduce(shared, torch.distributed.ReduceOp.MAX)
        return shared.item()

    def _share(self) -> float:
        """Return the share of the run that is done, by steps or by time, whichever is larger."""
        by_time = self.seconds / (60 * self.options.minutes) if self.options.minutes else 0.0
        return max(self.steps / self.total_steps, by_time)

    # one step

    def batch(self, step: int) -> Tensor:
        """Return the melodies (batch, T) of a step."""
        epoch, index = divmod(step, self.steps_per_epoch)
        if self._order is None or self._order[0] != epoch:
            generator = torch.Generator().manual_seed(_mix(self.options.seed, epoch, 0xE90C))
            self._order = (epoch, torch.randperm(len(self.train), generator=generator).to(self.train.device))
        first = (index * self.processes + self.rank) * self.options.batch
        chosen = torch.arange(first, first + self.options.batch, device=self.train.device) % len(self.train)
        return self.train[self._order[1][chosen]]

    def update(self) -> Tensor:
        """Update the parameters with one batch and return its loss."""
        step, options, config = self.steps, self.options, self.model.config
        device = self.train.device
        generator = torch.Generator(device).manual_seed(_mix(options.seed, step, self.rank))
        tokens = transpose_some(self.batch(step), config.form, options.augment, generator)
        previous = previous_tokens(tokens, config.classes)
        noise = torch.randn((len(tokens), config.latent), generator=generator, device=device)
        self.model.train()
        if options.scheduled_sampling:
            previous = self._with_guesses(tokens, previous, noise, generator)
        if options.word_dropout:
            hidden = torch.rand(previous.shape, generator=generator, device=device) < options.word_dropout
            previous = torch.where(hidden, config.classes, previous)
        self.fit.set_rate(learning_rate_at(options, step, self.progress))
        return self.descend(tokens, previous, noise, torch.tensor(beta_at(options, step), device=device))

    def descend_unrecorded(self, tokens: Tensor, previous: Tensor, noise: Tensor, beta: Tensor) -> Tensor:
        """Take a step of the optimiser and return the loss before it."""
        with torch.autocast(tokens.device.type, torch.bfloat16, enabled=self.bfloat16):
            logits, mean, deviation = self.parallel(tokens, previous, noise)
        nats, divergence = cross_entropy(logits, tokens), kl_divergence(mean, deviation)
        loss = beta_loss(nats, divergence, beta, self.options.free_bits)
        self.fit.descend(loss)
        return loss.detach()

    @torch.no_grad()
    def _with_guesses(self, tokens: Tensor, previous: Tensor, noise: Tensor, generator: torch.Generator) -> Tensor:
        """Return the previous tokens with some replaced by the model's guesses, for all steps in parallel."""
        with torch.autocast(tokens.device.type, torch.bfloat16, enabled=self.bfloat16):
            guesses = self.model(tokens, previous, noise)[0].argmax(dim=2)
        guessed = previous_tokens(guesses, self.model.config.classes)
        chosen = torch.rand(previous.shape, generator=generator, device=previous.device)
        return torch.where(chosen < self.options.scheduled_sampling, guessed, previous)

    def _validate(self) -> dict[str, Any]:
        figures = validate(self.model, self.validation, self.options.beta)
        if not math.isfinite(figures["loss"]):
            raise TrainingError(
                f"the loss is no longer finite after {self.steps} steps: start again with a learning_rate below "
                f"{self.options.learning_rate:g}"
            )
        row = {
            "step": self.steps,
            "epoch": round(self.steps / self.steps_per_epoch, 3),
            "seconds": round(self.seconds, 2),
            "train_loss": round(torch.stack(self._losses).mean().item(), 5),
            **{name: round(value, 5) for name, value in figures.items()},
        }
        self._losses = []
        self.validations += 1
        self.stale += 1
        if figures["loss"] < self._best_loss:  # always computed with the final beta
            self._best_loss, self.stale = figures["loss"], 0
            self.best, self.best_row = copy.deepcopy(self.model), row
        return row

    # state

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return copies of the parameters, the optimiser's state and the best model, and the counters as plain data."""
        arrays, data = self.fit.state()
        arrays["losses"] = np.array([loss.item() for loss in self._losses], dtype=np.float32)
        if self.best is not None:
            arrays |= {f"best.{name}": value.cpu().numpy().copy() for name, value in self.best.state_dict().items()}
        data |= {"seconds": self.seconds, "validations": self.validations, "stale": self.stale}
        best_loss = None if self.best is None else self._best_loss
        return arrays, {**data, "steps": self.steps, "best_loss": best_loss, "best_row": self.best_row}

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Restore the output of `state`; raises ValueError if it does not fit this run."""
        validate_like({**COUNTERS, "best_loss": OrNone(0.0), "best_row": OrNone(METRICS)}, data)
        has_best = data["best_loss"] is not None and data["best_row"] is not None
        shapes = {name: value.shape for name, value in self.model.state_dict().items()} if has_best else {}
        best = {f"best.{name}": np.empty(shape, np.float32) for name, shape in shapes.items()}
        validate_like({"losses": AnyLength(np.zeros(0, np.float32)), **best}, arrays)
        self.fit.restore(arrays, {"steps": data["steps"]})
        if has_best:
            self.best = copy.deepcopy(self.model)
            self.best.load_state_dict({name: torch.from_numpy(arrays[f"best.{name}"].copy()) for name in shapes})
            self._best_loss, self.best_row = data["best_loss"], data["best_row"]
        self._losses = list(torch.from_numpy(arrays["losses"].copy()).to(self.train.device))
        self.steps, self.seconds = data["steps"], data["seconds"]
        self.validations, self.stale = data["validations"], data["stale"]
        self.progress, self._started = self._share(), None


def transpose_some(tokens: Tensor, form: Representation, share: float, generator: torch.Generator) -> Tensor:
    """Transpose a share of melodies (B, T) by -6 to 6 semitones, if they stay in range."""
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
    """Derive a seed for torch from three numbers."""
    return int(np.random.SeedSequence([seed, number, kind]).generate_state(1, np.uint64)[0] >> 1)

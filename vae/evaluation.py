"""Evaluating a model on held-out melodies: likelihood and reconstruction.

Conventions:
    Accuracies are shares of steps, 0 to 1, compared by sounding pitch (the roll), whatever the representation.
    teacher_forced: each step given the true steps before it and the mean of the posterior: the easy figure.
    free_running: all steps from the mean only, taking the likeliest token each time.
    sampled: all steps from a sample of the posterior, with tokens sampled at temperature 1.
    at_changes: only steps whose true pitch differs from the previous one. Onset figures are F1 scores of note onsets.
    cross_entropy, kl and elbo are nats per melody, with z sampled from the posterior.
    copy_previous: the accuracy of repeating the last true step, a baseline.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vae.dataset import Split
from vae.elbo import cross_entropy, kl_divergence
from vae.model import MusicVAE
from vae.tokens import REST, implied_onsets, previous_tokens

BATCH = 512
ACTIVE_NATS = 0.05
"""Mean divergence above which a latent dimension counts as active."""


@torch.no_grad()
def validate(model: MusicVAE, tokens: Tensor, beta: float, seed: int = 0) -> dict[str, float]:
    """Return the metrics of a validation during training.

    Args:
        model: the model; it is set to evaluation mode.
        tokens: (N, T) held-out melodies.
        beta: weight of the KL divergence in the loss.
        seed: seed for sampling from the posterior.
    """
    model.eval()
    nats = kl = right = 0.0
    for batch, mean, deviation, z in _posteriors(model, tokens, seed):
        logits = model.decoder.teacher_forced(z, previous_tokens(batch, model.config.classes))
        nats += cross_entropy(logits, batch).sum().item()
        kl += kl_divergence(mean, deviation).sum().item()
        played = model.decoder.free_running(mean).cpu().numpy()
        truth = batch.cpu().numpy()
        right += (model.config.form.read(played)[0] == model.config.form.read(truth)[0]).mean(axis=1).sum()
    count = len(tokens)
    figures = {"cross_entropy": nats / count, "kl": kl / count, "free_running": float(right) / count}
    return {"loss": figures["cross_entropy"] + beta * figures["kl"], **figures}


def _posteriors(model: MusicVAE, tokens: Tensor, seed: int) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Yield the tokens, mean, deviation and a posterior sample of each batch."""
    generator = torch.Generator(model.device).manual_seed(seed)
    for begin in range(0, len(tokens), BATCH):
        batch = tokens[begin : begin + BATCH].to(model.device)
        mean, deviation = model.encode(batch)
        noise = torch.randn(mean.shape, generator=generator, device=mean.device)
        yield batch, mean, deviation, mean + deviation * noise


@torch.no_grad()
def evaluate(model: MusicVAE, split: Split, seed: int = 0) -> dict:
    """Return all figures for a split, pooled and for each of its sources.

    Raises:
        ValueError: the windows have another length or representation than the model.
    """
    check_split(model, split)
    model.eval()
    tokens = torch.from_numpy(split.tokens())
    columns: dict[str, list[np.ndarray]] = {}

    def add(name: str, values) -> None:
        columns.setdefault(name, []).append(np.asarray(values))

    generator = torch.Generator(model.device).manual_seed(seed + 1)
    for batch, mean, deviation, z in _posteriors(model, tokens, seed):
        previous = previous_tokens(batch, model.config.classes)
        add("teacher", model.decoder.teacher_forced(mean, previous).argmax(dim=2).cpu())
        add("nats", cross_entropy(model.decoder.teacher_forced(z, previous), batch).cpu())
        add("kl", kl_divergence(mean, deviation).cpu())
        add("free", model.decoder.free_running(mean).cpu())
        add("sampled", model.decoder.free_running(z, 1.0, generator).cpu())
    outputs = {name: np.concatenate(parts) for name, parts in columns.items()}
    result: dict[str, Any] = {
        "windows": len(tokens),
        **_figures(model, split, tokens.numpy(), outputs, np.ones(len(tokens), bool)),
    }
    if len(split.source_names) > 1:
        result["sources"] = {
            name: {"windows": int(here.sum()), **_figures(model, split, tokens.numpy(), outputs, here)}
            for number, name in enumerate(split.source_names)
            if (here := split.sources == number).any()
        }
    return result


def check_split(model: MusicVAE, split: Split) -> None:
    """Raise ValueError if the windows have another length or representation than the model."""
    steps = model.config.steps
    if split.form.name != model.config.representation or split.tokens().shape[1] != steps:
        raise ValueError(
            f"the model is of {model.config.bars} bars as {model.config.representation}, the data set of "
            f"{split.tokens().shape[1] // split.form.steps_per_bar} bars as {split.form.name}"
        )


def _figures(model: MusicVAE, split: Split, tokens: np.ndarray, outputs: dict, where: np.ndarray) -> dict[str, float]:
    """Return the figures of the windows selected by the mask `where` (N,)."""
    form = model.config.form
    roll, onsets = (part[where] for part in form.read(tokens))
    if form.name == "pianoroll":  # a roll cannot represent repeated notes, so the true onsets count
        onsets = (split.windows.onsets | implied_onsets(split.windows.roll))[where] & (roll != REST)
    changes = roll[:, 1:] != roll[:, :-1]
    figures = {"copy_previous": (~changes).mean()}
    teacher = outputs["teacher"][where] == tokens[where]
    token_changes = tokens[where][:, 1:] != tokens[where][:, :-1]
    figures["teacher_forced"] = teacher.mean()
    figures["teacher_forced_at_changes"] = teacher[:, 1:][token_changes].mean() if token_changes.any() else 1.0
    for name in ("free", "sampled"):
        played, begins = form.read(outputs[name][where])
        right = played == roll
        key = {"free": "free_running", "sampled": "sampled"}[name]
        figures[key] = right.mean()
        figures[f"{key}_at_changes"] = right[:, 1:][changes].mean() if changes.any() else 1.0
        figures[f"{key}_whole"] = right.all(axis=1).mean()
        both = begins & onsets
        figures[f"{key}_onset_f1"] = 2 * both.sum() / max(1, begins.sum() + onsets.sum())
        figures[f"{key}_onset_pitch_f1"] = 2 * (both & right).sum() / max(1, begins.sum() + onsets.sum())
    kl = outputs["kl"][where]
    figures["cross_entropy"] = outputs["nats"][where].mean()
    figures["kl"] = kl.sum(axis=1).mean()
    figures["elbo"] = -figures["cross_entropy"] - figures["kl"]
    figures["active_dimensions"] = (kl.mean(axis=0) > ACTIVE_NATS).sum()
    return {name: round(float(value), 5) for name, value in figures.items()}

"""Melodies from a trained model: samples, reconstructions, interpolations, and infilling.

Conventions: tokens int64 (N, T); latent vectors float32 (N, latent). Temperature 0 takes the likeliest token at each
step, 1 samples from the distribution. The same seed gives the same melodies. Interpolation between melodies uses the
means of their posteriors, never samples.

Source: T. White, Sampling Generative Networks, 2016, for spherical interpolation.
"""

from itertools import pairwise

import torch
from torch import Tensor

from vae.config import ModelError
from vae.critic import form_figures
from vae.echoes import copy_echoes, find_relations, lags_of
from vae.model import MusicVAE
from vae.slot_prior import Kept

BATCH = 1024
CANDIDATES = 8
"""Samples of a learned prior from which its critic selects one."""
FINE = 256
"""Number of points at which the arc of an interpolation is decoded."""


@torch.no_grad()
def decode(model: MusicVAE, z: Tensor, temperature: float = 0.0, seed: int = 0) -> Tensor:
    """Decode latent vectors (N, latent) to melodies (N, T).

    Raises:
        ValueError: the temperature is below 0.
    """
    if temperature < 0:
        raise ValueError(f"the temperature is {temperature}: it must be 0 or more")
    generator = torch.Generator(model.device).manual_seed(seed)
    played = [model.decoder.free_running(part.to(model.device), temperature, generator) for part in z.split(BATCH)]
    return torch.cat(played).cpu()


@torch.no_grad()
def encode(model: MusicVAE, tokens: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean and deviation (N, latent) of the posteriors of melodies (N, T).

    Raises:
        ValueError: the melodies have another length than the model.
    """
    if tokens.shape[1] != model.config.steps:
        raise ValueError(f"melodies of {tokens.shape[1]} steps: the model takes {model.config.steps}")
    parts = [model.encode(part.to(model.device)) for part in tokens.split(BATCH)]
    return torch.cat([mean for mean, _ in parts]).cpu(), torch.cat([deviation for _, deviation in parts]).cpu()


def sample(model: MusicVAE, count: int, temperature: float = 0.0, seed: int = 0) -> Tensor:
    """Sample melodies (count, T) from the prior.

    With a learned prior, bars that are exact echoes are copied, and its critic selects one of every eight samples.
    """
    if model.prior is None:
        return decode(model, draw_latent(model, count, seed), temperature, seed)
    form, generator = model.config.form, torch.Generator().manual_seed(seed)
    chosen = []
    for first in range(0, count, BATCH // CANDIDATES):
        wanted = min(BATCH // CANDIDATES, count - first)
        batch_seed = int(torch.randint(2**31, (), generator=generator))
        drawn = sample_unchosen(model, wanted * CANDIDATES, temperature, batch_seed)
        with torch.no_grad():
            odds = model.prior.critic.cpu()(form_figures(*form.read(drawn.numpy()), form.steps_per_bar))
        pick = torch.multinomial(torch.softmax(odds.reshape(wanted, CANDIDATES), dim=1), 1, generator=generator)[:, 0]
        chosen.append(drawn.reshape(wanted, CANDIDATES, -1)[torch.arange(wanted), pick])
    return torch.cat(chosen)


def sample_unchosen(model: MusicVAE, count: int, temperature: float = 0.0, seed: int = 0) -> Tensor:
    """Sample melodies (count, T) from a learned prior without selection by its critic."""
    z, relations = _draw(model, count, seed)
    assert relations is not None, "a learned prior draws them"
    return copy_echoes(decode(model, z, temperature, seed), relations)


def draw_latent(model: MusicVAE, count: int, seed: int = 0) -> Tensor:
    """Sample latent vectors (count, latent) from the prior: a standard normal, or the learned prior of the model."""
    return _draw(model, count, seed)[0]


def _draw(model: MusicVAE, count: int, seed: int, kept: Kept | None = None) -> tuple[Tensor, Tensor | None]:
    """Sample latent vectors (count, latent) from the prior, and the relations of bars if it has them."""
    generator = torch.Generator().manual_seed(seed)
    if model.prior is None:
        return torch.randn(count, model.config.latent, generator=generator), None
    parts = [model.prior.draw(min(BATCH, count - done), generator, kept) for done in range(0, count, BATCH)]
    codes, relations = (torch.cat(each).cpu() for each in zip(*parts, strict=True))
    return codes.flatten(1), relations


def infill(
    model: MusicVAE, tokens: Tensor, keep: Tensor, count: int = 1, temperature: float = 0.0, seed: int = 0
) -> Tensor:
    """Return melodies (count, T) that keep some bars of a melody (1, T) unchanged and resample the others.

    Args:
        model: a model with a part of the latent vector for each bar.
        tokens: the melody.
        keep: (U,) bool, mask of the bars to keep.
        count: number of melodies.
        temperature: temperature for the notes of the new bars.
        seed: seed for all sampling.

    Raises:
        ModelError: the latent vector of the model has no parts for bars.
    """
    bars = model.config.bars
    if not model.config.by_slots:
        raise ModelError("to keep bars, a model needs a part of the latent vector for each bar, as `fast` ones have")
    means = encode(model, tokens)[0].reshape(bars, -1)
    relations = torch.from_numpy(find_relations(*model.config.form.read(tokens.numpy()), bars))[0]
    repeats_kept = keep[torch.arange(bars) - lags_of(relations, bars)]
    kept = Kept(keep, means, torch.where(repeats_kept, relations, 0))
    z, drawn = _draw(model, count, seed, kept)
    z = torch.where(keep[:, None], means, z.reshape(count, bars, -1)).flatten(1)
    made = decode(model, z, temperature, seed).reshape(count, bars, -1)
    made = torch.where(keep[:, None], tokens.reshape(1, bars, -1), made).flatten(1)
    return made if drawn is None else copy_echoes(made, torch.where(keep, 0, drawn))


def reconstruct(model: MusicVAE, tokens: Tensor, times: int = 1, temperature: float = 0.0, seed: int = 0) -> Tensor:
    """Return a chain of reconstructions (times, T) of a melody (1, T), each made from the previous one.

    The first uses the mean of the posterior, the others use samples.
    """
    generator = torch.Generator().manual_seed(seed)
    played: list[Tensor] = []
    for number in range(times):
        mean, deviation = encode(model, tokens)
        noise = torch.randn(mean.shape, generator=generator) if number else torch.zeros_like(mean)
        tokens = decode(model, mean + deviation * noise, temperature, seed + number)
        played.append(tokens)
    return torch.cat(played)


def slerp(one: Tensor, other: Tensor, share: float) -> Tensor:
    """Interpolate between two vectors along the arc between their directions; lengths are interpolated linearly."""
    lengths = one.norm(), other.norm()
    cosine = (one @ other / (lengths[0] * lengths[1]).clamp_min(1e-12)).clamp(-1, 1)
    angle = torch.arccos(cosine)
    if torch.sin(angle) < 1e-4:  # the same direction, or opposite directions, which have no unique shortest arc
        return (1 - share) * one + share * other
    direction = torch.sin((1 - share) * angle) * one / lengths[0] + torch.sin(share * angle) * other / lengths[1]
    return direction / torch.sin(angle) * ((1 - share) * lengths[0] + share * lengths[1])


def interpolate(model: MusicVAE, start: Tensor, end: Tensor, steps: int) -> Tensor:
    """Return melodies (steps + 2, T) from one latent vector (latent,) to another in even steps, including both ends.

    Even steps along the arc between the vectors sound like long stretches of no change with sudden leaps. So the arc is
    decoded at many points, each leap is divided into changes of one beat at a time, and steps + 2 melodies are selected
    from this path such that the same number of tokens changes between each two.
    """
    shares = torch.linspace(0, 1, max(FINE, steps) + 1).tolist()
    arc = decode(model, torch.stack([slerp(start, end, share) for share in shares]))
    beat = torch.arange(arc.shape[1]) // (model.config.form.steps_per_bar // 4)
    way = [arc[:1]]
    for melody, following in pairwise(arc):
        changed = beat[melody != following].unique()
        way.append(torch.where(beat <= changed[:, None], following, melody))
    melodies = torch.cat(way)
    changes = (melodies[1:] != melodies[:-1]).sum(dim=1).cumsum(dim=0)
    far = torch.cat((changes.new_zeros(1), changes)).double()
    return melodies[torch.searchsorted(far, torch.linspace(0, 1, steps + 2, dtype=torch.float64) * far[-1])]


def affected_bars(model: MusicVAE, count: int = 200, seed: int = 0) -> dict[str, float]:
    """Measure how many bars change with one part of a latent vector sampled from the prior.

    The vector is divided into as many equal parts as there are bars. One part is replaced by that of another sample,
    and the likeliest notes of both are compared.

    Args:
        model: a model of two or more bars.
        count: number of samples from the prior.
        seed: seed of the samples.

    Returns:
        `mean`: mean number of bars that differ; `beyond_one`: share of changes that affect more than one bar.
    """
    config = model.config
    z, other = draw_latent(model, 2 * count, seed).chunk(2)
    width = config.latent // config.bars
    first = torch.randint(0, config.bars, (count, 1), generator=torch.Generator().manual_seed(seed)) * width
    index = torch.arange(config.latent)
    moved = torch.where((index >= first) & (index < first + width), other, z)
    differs = (decode(model, z) != decode(model, moved)).reshape(count, config.bars, -1).any(dim=2).sum(dim=1)
    return {"mean": differs.float().mean().item(), "beyond_one": (differs > 1).float().mean().item()}

"""A learned prior for models whose latent vector has a part for each bar: bar by bar, with echoes of earlier bars.

The aggregate posterior is not the normal distribution that the ELBO assumes, mainly because bars repeat each other.
This prior is trained afterwards with the model frozen, so encodings, reconstructions and the ELBO do not change. For
each bar it samples a relation to earlier bars (`vae.echoes`) from a small network that sees only relations, and then
the bar's part of the latent vector from a flow conditioned on earlier parts and relations and on the echoed part.

Conventions: codes are float (B, U, D), the parts of latent vectors of U bars, D = latent / U; relations are int64
(B, U); time runs from 0 (noise) to 1 (codes).

Sources:
    Y. Lipman et al., Flow Matching for Generative Modeling, 2023.
    T. Li et al., Autoregressive Image Generation without Vector Quantization, 2024: a small flow for each element.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from vae.critic import Critic
from vae.echoes import lags_of, relation_count
from vae.fit import Fit
from vae.parameters import embedding

NEAR = (1, 2, 4, 8)
"""Lags of the bars that are direct inputs."""
FEATURES = 24
TIME_FEATURES = 32
EULER_STEPS = 16
FORM_WIDTH = 96
NOISE = 1.2
"""Standard deviation of the noise in sampling, chosen on validation melodies; at 1, as in training, notes are fewer."""
DROPOUT = 0.2
CHECKS = 10
"""Number of times that the loss of held-out melodies is measured."""


class FlowLayer(nn.Module):
    """A residual perceptron whose normalised input is scaled and shifted by a condition; initially it adds nothing."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.condition = nn.Linear(width, 2 * width)
        self.inner = nn.Linear(width, 2 * width)
        self.outer = nn.Linear(2 * width, width)
        for silent in (self.condition, self.outer):
            nn.init.zeros_(silent.weight)
            nn.init.zeros_(silent.bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        scale, shift = self.condition(condition).chunk(2, dim=-1)
        return x + self.outer(functional.gelu(self.inner(self.norm(x) * (1 + scale) + shift)))


class SlotPrior(nn.Module):
    """A distribution over relations and codes."""

    def __init__(self, bars: int, latent: int, width: int, layers: int):
        super().__init__()
        self.bars, self.size, self.kinds = bars, latent // bars, relation_count(bars)
        context = len(NEAR) * FEATURES + FEATURES
        self.relation = embedding(self.kinds + 1, FEATURES)  # the last one stands for positions before the first bar
        self.position = embedding(bars, FEATURES)
        self.form = nn.GRU(context, FORM_WIDTH, batch_first=True)
        self.form_out = nn.Linear(FORM_WIDTH, self.kinds)
        self.music = nn.GRU(context + len(NEAR) * self.size, width, batch_first=True)
        self.dropout = nn.Dropout(DROPOUT)
        self.read_condition = nn.Linear(width + 2 * FEATURES + self.size, width)
        self.clock = nn.Sequential(nn.Linear(TIME_FEATURES, width), nn.GELU(), nn.Linear(width, width))
        self.read = nn.Linear(self.size, width)
        self.layers = nn.ModuleList(FlowLayer(width) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.write = nn.Linear(width, self.size)
        self.critic = Critic()

    def loss(self, codes: Tensor, relations: Tensor, noise: Tensor, moment: Tensor) -> Tensor:
        """Return the nats per relation plus the squared error of the flow's velocity on paths from noise to codes.

        Args:
            codes: (B, U, D) ends of the paths.
            relations: (B, U) relations of the bars.
            noise: (B, U, D) starts of the paths.
            moment: (B, U) times between 0 and 1.
        """
        form = self.dropout(self.form(self._before(relations))[0])
        nats = functional.cross_entropy(self._possible(form).flatten(0, 1), relations.flatten())
        music = self.dropout(self.music(self._before(relations, codes))[0])
        condition = self._condition(music, relations, codes)
        x = (1 - moment[..., None]) * noise + moment[..., None] * codes
        return nats + (self._velocity(x, moment, condition).float() - (codes - noise)).square().mean()

    @torch.no_grad()
    def draw(self, count: int, generator: torch.Generator, kept: "Kept | None" = None) -> tuple[Tensor, Tensor]:
        """Sample codes (count, U, D) and relations (count, U); deterministic on the CPU for a given generator.

        Args:
            count: number of samples.
            generator: a generator on the CPU.
            kept: bars that are given.
        """
        device = self.write.weight.device
        codes = torch.zeros(count, self.bars, self.size, device=device)
        relations = torch.zeros(count, self.bars, dtype=torch.int64, device=device)
        form_state = music_state = None
        for bar in range(self.bars):
            here = slice(bar, bar + 1)
            form, form_state = self.form(self._before(relations)[:, here], form_state)
            music, music_state = self.music(self._before(relations, codes)[:, here], music_state)
            probabilities = torch.softmax(self._possible(form, bar)[:, 0], dim=1).cpu()
            relations[:, bar] = torch.multinomial(probabilities, 1, generator=generator)[:, 0].to(device)
            noise = NOISE * torch.randn(count, 1, self.size, generator=generator).to(device)
            if kept is not None and kept.bars[bar]:
                codes[:, bar], relations[:, bar] = kept.codes[bar].to(device), kept.relations[bar].to(device)
            else:
                condition = self._condition(music, relations[:, : bar + 1], codes[:, : bar + 1])[:, -1:]
                codes[:, bar] = self._carry(noise, condition)[:, 0]
        return codes, relations

    def _before(self, relations: Tensor, codes: Tensor | None = None) -> Tensor:
        """Return the inputs for each bar (B, U, features): relations, and codes if given, of earlier bars."""
        parts = [self.position.weight.expand(len(relations), -1, -1)]
        for lag in NEAR:
            earlier = functional.pad(relations, (lag, 0), value=self.kinds)[:, : self.bars]
            parts.append(self.relation(earlier))
            if codes is not None:
                parts.append(functional.pad(codes, (0, 0, lag, 0))[:, : self.bars])
        return torch.cat(parts, dim=2)

    def _possible(self, form: Tensor, first: int = 0) -> Tensor:
        """Return the logits (B, U, kinds) of the relations of bars from `first` on; -inf if there is no such bar."""
        lags = lags_of(torch.arange(self.kinds, device=form.device), self.bars)
        bars = torch.arange(first, first + form.shape[1], device=form.device)
        return self.form_out(form).float().masked_fill(lags > bars[:, None], -torch.inf)

    def _condition(self, music: Tensor, relations: Tensor, codes: Tensor) -> Tensor:
        """Return the condition (B, V, width) of the flow for the last V bars, those of `music` (B, V, width)."""
        bars = torch.arange(relations.shape[1], device=codes.device)
        lags = lags_of(relations, self.bars)
        index = (bars - lags).clamp_min(0)[..., None].expand(-1, -1, self.size)
        echoed = torch.gather(codes, 1, index) * (lags > 0)[..., None]
        positions = self.position.weight[: len(bars)].expand(len(codes), -1, -1)
        about = torch.cat((positions, self.relation(relations), echoed), dim=2)[:, -music.shape[1] :]
        return self.read_condition(torch.cat((music, about), dim=2))

    def _velocity(self, x: Tensor, moment: Tensor, condition: Tensor) -> Tensor:
        """Return the velocity (B, V, D) at points x and times (B, V)."""
        frequencies = torch.exp(torch.linspace(0, math.log(100.0), TIME_FEATURES // 2, device=x.device))
        angles = moment[..., None] * frequencies
        now = self.clock(torch.cat((torch.sin(angles), torch.cos(angles)), dim=-1))
        condition, h = functional.gelu(condition + now), self.read(x)
        for layer in self.layers:
            h = layer(h, condition)
        return self.write(self.norm(h))

    def _carry(self, x: Tensor, condition: Tensor) -> Tensor:
        """Map noise to codes (B, V, D) by integrating the flow with the midpoint rule."""
        for step in range(EULER_STEPS):
            moment = torch.full(x.shape[:2], step / EULER_STEPS, device=x.device)
            half = x + self._velocity(x, moment, condition) / (2 * EULER_STEPS)
            x = x + self._velocity(half, moment + 1 / (2 * EULER_STEPS), condition) / EULER_STEPS
        return x


@dataclass(frozen=True)
class Kept:
    """Bars of a melody that are kept in sampling."""

    bars: Tensor
    """(U,) bool."""
    codes: Tensor
    """(U, D); codes of other bars are ignored."""
    relations: Tensor
    """(U,); relations of other bars are ignored."""


@dataclass(frozen=True)
class Melodies:
    """Training data of the prior: posteriors and relations of melodies."""

    means: Tensor
    """(N, U, D) means of the posteriors."""
    deviations: Tensor
    """(N, U, D) deviations with which codes are sampled around the means."""
    relations: Tensor
    """(N, U)."""

    def batch(self, chosen: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the arguments of `SlotPrior.loss` for melodies with indices `chosen`."""
        device, size = self.means.device, (2, len(chosen), *self.means.shape[1:])
        around, noise = torch.randn(size, generator=generator, device=device)
        moment = torch.rand(size[1:3], generator=generator, device=device)
        return self.means[chosen] + self.deviations[chosen] * around, self.relations[chosen], noise, moment


def train_prior(
    prior: SlotPrior,
    train: Melodies,
    held_out: Melodies,
    minutes: float,
    seed: int = 0,
    batch: int = 96,
    learning_rate: float = 1.5e-3,
    bfloat16: bool = False,
    report: Callable[[float, float], None] = lambda share, loss: None,
    interrupted: Callable[[], bool] = lambda: False,
) -> dict[str, float]:
    """Train a prior, and keep the running average of parameters with the lowest loss on held-out melodies.

    Args:
        prior: the prior, which is changed in place.
        train: training melodies.
        held_out: melodies of other pieces.
        minutes: length of training in CPU time (wall time on a GPU).
        seed: seed of all random numbers.
        batch: melodies per step.
        learning_rate: peak learning rate; it falls along a cosine.
        bfloat16: compute the layers in bfloat16.
        report: called with the share done and the held-out loss, at each check.
        interrupted: called after every step; training ends if it returns True.

    Returns:
        The total number of `steps`, the `best_step`, and its `loss`.
    """
    with torch.random.fork_rng(devices=[]):  # for dropout
        torch.manual_seed(seed)
        return _train(prior, train, held_out, minutes, seed, batch, learning_rate, bfloat16, report, interrupted)


def _train(prior, train, held_out, minutes, seed, batch, learning_rate, bfloat16, report, interrupted):
    device = train.means.device
    fit = Fit(prior, learning_rate, weight_decay=0.02)
    average = {name: value.detach().clone() for name, value in prior.state_dict().items()}
    best: dict[str, Tensor] = average
    generator = torch.Generator(device).manual_seed(seed)
    clock = time.process_time if device.type == "cpu" else time.monotonic
    start, step, checks, over = clock(), 0, 0, False
    figures = {"steps": 0, "best_step": 0, "loss": math.inf}

    def loss_of(melodies: Melodies, chosen: Tensor, draws: torch.Generator) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            return prior.loss(*melodies.batch(chosen, draws))

    while not over:
        share = min(1.0, (clock() - start) / (60 * minutes))
        falling = 0.02 + 0.49 * (1 + math.cos(math.pi * share))
        fit.set_rate(learning_rate * min(1.0, (step + 1) / 100) * falling)
        chosen = torch.randint(len(train.means), (batch,), generator=generator, device=device)
        fit.descend(loss_of(train, chosen, generator))
        step += 1
        for name, value in prior.state_dict().items():
            average[name].lerp_(value, 1 - min(0.998, step / (step + 10)))
        over = share == 1 or interrupted()
        if over or share * CHECKS >= checks + 1:
            checks = int(share * CHECKS)
            training = {name: value.clone() for name, value in prior.state_dict().items()}
            prior.load_state_dict(average)
            prior.eval()
            with torch.no_grad():
                everything = torch.arange(len(held_out.means), device=device)
                loss = loss_of(held_out, everything, torch.Generator(device).manual_seed(seed)).item()
            if loss < figures["loss"]:
                best = {name: value.clone() for name, value in average.items()}
                figures |= {"best_step": step, "loss": loss}
            prior.load_state_dict(training)
            prior.train()
            report(share, loss)
    prior.load_state_dict(best)
    prior.eval()
    return {**figures, "steps": step}

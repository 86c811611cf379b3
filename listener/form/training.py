"""Training a model of form: the network of plans, the filling network, then a critic for the samples of each.

Conventions: as in `listener.stages`. Losses are minimised. *Narrow* melodies fit on 13 keys, like the sampled ones; the
networks also learn from wider ones. Batches sample all pieces with equal probability.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from listener.corpus import SONG_BARS, Corpora, Excerpts
from listener.form.critic import NETS, form_figures
from listener.form.figures import plan_figures
from listener.form.filling import codes_at
from listener.form.model import MAKERS, PLANS_A_FILLING, FormModel
from listener.form.plan_reading import read_plans, style_levels, tokens_of
from listener.stages import Attributes, Stage, Trained, Training
from listener.training import FitStage, Randomness, Values
from listener.training_options import FormOptions
from songs.keyboard import KEYS, STEPS_PER_BAR
from songs.plan import EXACT, Plans, kinds_and_lags
from vae.fit import CosineRate, Fit

COPIES = 0.05
"""Weight of the steps of copied bars in the loss."""
NARROW_SHARE = 0.4
"""Share of the filling batches that are narrow."""
HALF = 64
"""Real melodies in a batch of a critic, with an equal number of sampled ones."""


@dataclass(frozen=True, eq=False)
class Songs:
    """Real melodies, their plans, and the sampling probability of each."""

    melodies: np.ndarray
    plans: Plans
    probabilities: np.ndarray

    @classmethod
    def of(cls, excerpts: Excerpts, levels: np.ndarray, narrow: bool = False) -> "Songs":
        """Read the plans of excerpts; with `narrow`, of narrow ones only."""
        kept = np.flatnonzero(excerpts.melodies.max(axis=1) < KEYS) if narrow else np.arange(len(excerpts))
        pieces = np.unique(excerpts.pieces[kept], return_inverse=True)[1]
        weights = 1 / np.bincount(pieces)[pieces]
        melodies = excerpts.melodies[kept]
        return cls(melodies, read_plans(melodies, levels), weights / weights.sum())

    def sample(self, count: int, generator: np.random.Generator) -> np.ndarray:
        """Return the indices of `count` sampled melodies."""
        return generator.choice(len(self.melodies), count, p=self.probabilities)


class FormTraining(Training):
    """Training of a model of form; the same seed gives a bit-identical model on the same kind of machine."""

    def __init__(self, corpora: Corpora, options: FormOptions, seed: int):
        self._options, wide = options, corpora.songs.training
        levels = style_levels(wide.melodies[wide.melodies.max(axis=1) < KEYS])
        self._narrow, self._wide = Songs.of(wide, levels, narrow=True), Songs.of(wide, levels)
        self._others = [Songs.of(each.training, levels) for each in (corpora.long, corpora.excerpts) if each]
        self._real = {
            "plan_critic": plan_figures(self._narrow.plans.bars),
            "critic": form_figures(self._narrow.melodies),
        }
        self._random = Randomness(np.random.default_rng(seed), seed)
        with self._random.torch():
            self._nets = {name: make().eval() for name, make in MAKERS.items()}
        for name, real in self._real.items():
            self._nets[name].scale_by(torch.from_numpy(real))
        self._model = FormModel(**self._nets, levels=levels)
        self.drawn_plans = np.zeros(
            (PLANS_A_FILLING * options.drawn, *self._narrow.plans.bars.shape[1:]), dtype=np.int64
        )
        self.drawn = np.zeros((options.drawn, self._real["critic"].shape[1]), dtype=np.float32)
        super().__init__(
            [
                (options.plan_steps / 18, partial(self._fit, "plans", options.plan_steps, self._plan_losses)),
                (
                    options.filling_steps / 13,
                    partial(self._fit, "filling", options.filling_steps, self._filling_losses),
                ),
                (2, partial(Drawing, "drawn plans", lambda: self.drawn_plans, self._draw_plans)),
                (options.critic_steps / 200, partial(self._fit_critic, "plan_critic")),
                (options.drawn / 60, partial(Drawing, "drawn melodies", lambda: self.drawn, self._draw)),
                (options.critic_steps / 200, partial(self._fit_critic, "critic")),
            ],
            {
                **{name: Values(net) for name, net in self._nets.items()},
                "random": self._random,
                "memory": Attributes(self, {"drawn": self.drawn, "drawn_plans": self.drawn_plans}),
            },
        )

    @property
    def result(self) -> Trained:
        for net in self._nets.values():
            net.requires_grad_(False)
        return Trained(self._model, {})

    def _fit(self, name: str, steps: int, losses: Callable[[], Iterator[Tensor]]) -> FitStage:
        options = self._options
        rate = CosineRate(options.learning_rate, steps, final=0.02, warm_up=min(100, steps))
        return FitStage(
            name, Fit(self._nets[name], options.learning_rate, 0.01), rate, lambda _: losses(), self._random
        )

    def _plan_losses(self) -> Iterator[Tensor]:
        """Yield losses in nats for character and factors; batches are of songs, or of longer or shorter melodies."""
        generator = self._random.generator
        kinds = [self._narrow, self._wide, self._narrow, *self._others]
        while True:
            songs = kinds[generator.integers(len(kinds))]
            chosen = songs.sample(self._options.plan_batch, generator)
            bars, character = (torch.from_numpy(each[chosen]) for each in (songs.plans.bars, songs.plans.character))
            of_character, of_bars = self._model.plans.log_probabilities(bars, character)
            yield -of_character.mean() - 3 * of_bars.mean()

    def _filling_losses(self) -> Iterator[Tensor]:
        """Yield losses in nats per step; copied bars count little."""
        generator = self._random.generator
        while True:
            songs = self._narrow if generator.random() < NARROW_SHARE else self._wide
            chosen = songs.sample(self._options.filling_batch, generator)
            plans = songs.plans[chosen]
            tokens = tokens_of(songs.melodies[chosen], plans.tonic)
            codes = np.stack([codes_at(tokens, step, plans) for step in range(tokens.shape[1])], axis=1)
            logits, _ = self._model.filling(torch.from_numpy(codes))
            losses = cross_entropy(logits.transpose(1, 2), torch.from_numpy(tokens), reduction="none")
            copied = np.repeat(kinds_and_lags(plans.bars[..., 0])[0] == EXACT, STEPS_PER_BAR, axis=1)
            weights = torch.from_numpy(np.where(copied, COPIES, 1.0).astype(np.float32))
            yield (losses * weights).sum() / weights.sum()

    def _fit_critic(self, name: str) -> FitStage:
        options = self._options
        rate = CosineRate(options.critic_learning_rate, options.critic_steps)
        fit = Fit(self._nets[name], options.critic_learning_rate, options.critic_weight_decay)
        return FitStage(name, fit, rate, lambda _: self._critic_losses(name), self._random, at_once=200)

    def _critic_losses(self, name: str) -> Iterator[Tensor]:
        """Yield the losses of a critic. Samples are read with the first loss, that is after a stage is restored."""
        drawn = plan_figures(self.drawn_plans) if name == "plan_critic" else self.drawn
        critic, real, generator = self._nets[name], self._real[name], self._random.generator
        labels = (torch.arange(2 * HALF) < HALF).float().expand(NETS, -1)
        while True:
            batch = np.concatenate(
                (real[self._narrow.sample(HALF, generator)], drawn[generator.integers(len(drawn), size=HALF)])
            )
            yield binary_cross_entropy_with_logits(critic(torch.from_numpy(batch)), labels) * NETS

    def _draw_plans(self, count: int) -> np.ndarray:
        return self._model.plans.draw(count, SONG_BARS, self._random.generator).bars

    def _draw(self, count: int) -> np.ndarray:
        plans = self._model.draw_plans(count, SONG_BARS, self._random.generator)
        return form_figures(self._model.fill(plans, self._random.generator))


class Drawing(Stage):
    """Fills the array that `drawn` returns with samples from `draw`, in several steps."""

    STEPS = 16

    def __init__(self, name: str, drawn: Callable[[], np.ndarray], draw: Callable[[int], np.ndarray]):
        super().__init__(name, self.STEPS)
        self._drawn, self._draw = drawn, draw

    def step(self) -> dict[str, Any]:
        part = np.array_split(self._drawn(), self.STEPS)[self.done]
        part[:] = self._draw(len(part))
        self.done += 1
        return self.row()

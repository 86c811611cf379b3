"""Training the melody model to predict the next step of real melodies.

Conventions:
    Melodies are (N, T) int8. Losses are minimised. Batches alternate between melodies of several lengths, and each
    holds about the same number of steps.
"""

from collections.abc import Iterator
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from listener.corpus import Corpora, moved
from listener.melody_model import Expected, MelodyModel, step_codes
from listener.stages import Attributes, Task, Trained, Training
from listener.training import FitStage, Randomness, Values
from listener.training_options import MelodyOptions
from vae.fit import CosineRate, Fit


class MelodyTraining(Training):
    """Training of a melody model; the same seed gives a bit-identical model on the same kind of machine."""

    def __init__(self, corpora: Corpora, options: MelodyOptions, seed: int):
        self._options, self._validation = options, corpora.songs.validation.melodies
        self._melodies = [each.training.melodies for each in (corpora.excerpts, corpora.short, corpora.songs)]
        self._random = Randomness(np.random.default_rng(seed), seed)
        with self._random.torch():
            self._model = MelodyModel().eval()
        self.constant = 0.0
        super().__init__(
            [(options.steps, self._fit), (1, partial(Task, "constant", self._measure))],
            {
                "model": Values(self._model),
                "random": self._random,
                "memory": Attributes(self, {"constant": 0.0}),
            },
        )

    @property
    def result(self) -> Trained:
        listener = Expected(self._model.requires_grad_(False), self.constant)
        return Trained(listener, {"nats a step of validation": round(-self.constant, 4)})

    def _fit(self) -> FitStage:
        options = self._options
        rate = CosineRate(options.learning_rate, options.steps, final=0.03, warm_up=options.warm_up)
        fit = Fit(self._model, options.learning_rate, options.weight_decay)
        return FitStage("melody model", fit, rate, self._losses, self._random)

    def _losses(self, first: int) -> Iterator[Tensor]:
        generator = self._random.generator
        for step in range(first, self._options.steps):
            melodies = self._melodies[step % len(self._melodies)]
            count = max(1, self._options.batch_steps // melodies.shape[1])
            real = moved(melodies[generator.integers(0, len(melodies), count)], generator)
            logits = self._model(torch.from_numpy(step_codes(real)))
            tokens = torch.from_numpy(real.astype(np.int64) + 1)
            yield nn.functional.cross_entropy(logits.flatten(0, 1), tokens.flatten())

    def _measure(self) -> None:
        real = moved(self._validation, self._random.generator)
        self.constant = Expected.of(self._model, real).constant

"""Training the held-out judge on the pieces of the test split only, with its own negatives.

Every batch has real melodies, some of them simplified, and a corrupted or replaced version of each
(`listener.judge.negatives`). A network learns to classify melodies by group, and to prefer the real one of each pair.

Conventions:
    Melodies are (N, T) int16 on sixteenths. The judge learns from excerpts of 16 and 8 bars of the test split, which no
    listener was trained on. Percentiles are among melodies of the validation split, which the judge was not trained on.
"""

from collections.abc import Iterator
from dataclasses import asdict
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from listener.corpus import Corpora, Excerpts
from listener.corruptions import MELODIC
from listener.judge.chains import chained
from listener.judge.model import Judge, JudgeNet, log_odds, score_melodies
from listener.judge.music import simpler
from listener.judge.negatives import FAMILIES, negatives
from listener.judge.notes import BAR, REST, read
from listener.judge.players import PLAYERS
from listener.judging import auc, percentile
from listener.stages import Attributes, Part, Stage, Stages, Task, Trained, Training
from listener.training import FitStage, Randomness, Values
from listener.training_options import JudgeOptions
from songs.validate import ByAnyName
from vae.fit import CosineRate, Fit

CHAINED = 1500
"""Number of training melodies from Markov chains."""
CHAINS = "Markov chains"
BANK = 24
"""Melodies of each dull player in the evaluation."""
WARM_UP = 50
SHORT_SHARE = 0.5
"""Share of the batches with excerpts of half the length."""


class JudgeTraining(Training):
    """Training of a held-out judge; the same seed gives a bit-identical judge on the same kind of machine."""

    def __init__(self, corpora: Corpora, options: JudgeOptions, seed: int):
        self._options, self._seed = options, seed
        self._real, self._validation = corpora.wide.test, corpora.wide.validation
        self._firsts, self._counts = _pieces(self._real)
        self._random = Randomness(np.random.default_rng(seed), seed)
        self._chains = chained(self._real.melodies[::2], CHAINED, self._random.generator)
        with self._random.torch():
            self._nets = [JudgeNet().eval() for _ in range(options.nets)]
        self.true, self.true_scores = self._validation.melodies, np.zeros(len(self._validation))
        self.evaluation: dict[str, dict[str, float]] = {"auc": {}, "percentile": {}}
        memory = {
            "true_scores": self.true_scores,
            "evaluation": {"auc": ByAnyName(0.0), "percentile": ByAnyName(0.0)},
        }
        nets: dict[str, Part] = {f"net {number}": Values(net) for number, net in enumerate(self._nets)}
        parts = {**nets, "random": self._random, "memory": Attributes(self, memory)}
        super().__init__([*self._fits(), *self._evaluation()], parts)

    @property
    def result(self) -> Trained:
        about = {"training": asdict(self._options), "seed": self._seed, "evaluation": self.evaluation}
        reference = np.percentile(self.true_scores, np.arange(101)).round(4).tolist()
        return Trained(Judge(self._nets, reference), about)

    # fitting

    def _fits(self) -> Stages:
        rate = CosineRate(self._options.learning_rate, self._options.steps, warm_up=WARM_UP)
        return [
            (rate.steps, partial(self._fit, f"net {number + 1} of {len(self._nets)}", net, rate))
            for number, net in enumerate(self._nets)
        ]

    def _fit(self, name: str, net: JudgeNet, rate: CosineRate) -> Stage:
        fit = Fit(net, rate.learning_rate, self._options.weight_decay)
        return FitStage(name, fit, rate, partial(self._losses, net), self._random, at_once=8)

    def _losses(self, net: JudgeNet, first: int) -> Iterator[Tensor]:
        options = self._options
        while True:
            real, worse, groups = self._pairs(options.batch)
            logits = net(read(np.concatenate((real, worse))))
            labels = torch.from_numpy(np.concatenate((np.zeros_like(groups), groups)))
            odds = log_odds(logits)
            paired = F.softplus(odds[len(real) :] - odds[: len(real)]) * torch.from_numpy(groups > 0)
            known = F.cross_entropy(logits, labels, label_smoothing=options.label_smoothing)
            yield known + options.paired * paired.mean()

    def _pairs(self, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return real melodies, their negatives, and the groups of the negatives, 0 for those equal to the real one."""
        generator = self._random.generator
        piece = generator.integers(0, len(self._firsts), count)
        rows = self._firsts[piece] + (generator.random(count) * self._counts[piece]).astype(np.int64)
        real = self._real.melodies[rows]
        if generator.random() < SHORT_SHARE:
            real = real[:, : real.shape[1] // BAR // 2 * BAR]
        real = simpler(real, generator)
        worse, groups = negatives(real, self._chains, generator)
        return real, worse, np.where((worse == real).all(axis=1), 0, groups)

    # evaluation

    def _evaluation(self) -> Stages:
        names = (*FAMILIES, CHAINS, *PLAYERS, *MELODIC)
        tasks = [(1.0, partial(Task, f"judge: {name}", partial(self._measure, name))) for name in names]
        return [(2.0, partial(Task, "judge: real", self._score_real)), *tasks]

    def _score(self, melodies: np.ndarray) -> np.ndarray:
        return score_melodies(self._nets, melodies)

    def _score_real(self) -> None:
        self.true_scores = self._score(self.true)

    def _measure(self, name: str) -> float:
        """Record and return the AUC against a family of negatives, or the highest percentile of a dull player."""
        generator, true = self._random.generator, self.true
        if name in FAMILIES:
            kind, value = "auc", auc(self.true_scores, self._score(FAMILIES[name](true, generator)))
        elif name == CHAINS:
            kind, value = "auc", auc(self.true_scores, self._score(chained(true, len(true), generator)))
        else:
            others = self._score(self._played(name, generator))
            kind, value = "percentile", percentile(self.true_scores, others).max()
        self.evaluation[kind][name] = round(float(value), 4)
        return self.evaluation[kind][name]

    def _played(self, name: str, generator: np.random.Generator) -> np.ndarray:
        """Return melodies (BANK, T) of a dull player."""
        rhythms = self.true[generator.integers(0, len(self.true), BANK)] != REST
        if name in PLAYERS:
            return PLAYERS[name][1](rhythms, generator)
        made = np.full(rhythms.shape, REST, dtype=np.int16)
        made[:, ::2] = MELODIC[name](BANK, made.shape[1] // 2, generator)
        return made


def _pieces(excerpts: Excerpts) -> tuple[np.ndarray, np.ndarray]:
    """Return the first row of each piece and its number of rows; rows of a piece are contiguous."""
    _, firsts, counts = np.unique(excerpts.pieces, return_index=True, return_counts=True)
    return firsts, counts

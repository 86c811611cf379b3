"""Training the held-out judge on the pieces of the test split alone, with attacks of its own.

Conventions:
    Melodies are (N, T) int8. The judge learns from excerpts of 8 bars of the test split, which no listener was trained
    on; percentiles are among the melodies of 16 bars of the validation split, which the judge did not learn from.
"""

from collections.abc import Iterator
from dataclasses import asdict
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from listener import corruptions
from listener.corpus import Corpora, moved, rolls_of
from listener.corruptions import MELODIC
from listener.judge import (
    FeatureClassifier,
    Judge,
    SequenceClassifier,
    SequenceOptions,
    by_windows,
    log_probability,
    step_codes,
)
from listener.judging import auc, percentile
from listener.learned.negatives import negatives_and_attacks
from listener.markov import MarkovChain
from listener.melody_features import judged_features
from listener.red_team import Attack, AttackOptions
from listener.stages import Attributes, Part, Stage, Stages, Task, Trained, Training
from listener.theory import REST
from listener.training import FitStage, Randomness, Values
from listener.training_options import JudgeOptions
from songs.keyboard import KEYS
from songs.validate import AnyLength, ByAnyName, Within
from vae.fit import CosineRate, Fit

ORDERS = 4
"""Longest context of the Markov chain, in steps."""
BANK = 24
"""Melodies of each degenerate player by which it is measured."""


ISLANDS, SIZE = 32, 8
"""Size of an attack."""
FAMILIES = {**corruptions.DEMANDED, **corruptions.TRANSPOSED}
"""Families of melodies by which the judge is evaluated."""


class JudgeTraining(Training):
    """The training of a held-out judge; the same seed gives the same judge, to the bit, on one kind of machine."""

    def __init__(self, corpora: Corpora, options: JudgeOptions, seed: int):
        self._options, self._seed = options, seed
        self._real, self._validation = corpora.excerpts.test.melodies, corpora.songs.validation.melodies
        self._random = Randomness(np.random.default_rng(seed), seed)
        self._chain = MarkovChain(moved(np.tile(self._real, (3, 1)), self._random.generator), ORDERS)
        with self._random.torch():
            self._sequences, self._features = SequenceClassifier(SequenceOptions()), FeatureClassifier()
        self._sequences.eval()
        self.pool = self._real[:0]
        self.true, self.true_scores = self._validation, np.zeros(len(self._validation))
        self.evaluation: dict[str, dict[str, float]] = {"auc": {}, "percentile": {}}
        memory = {
            "pool": Within(AnyLength(self.pool, options.rounds * ISLANDS * SIZE), REST, KEYS - 1),
            "true": Within(self.true, REST, KEYS - 1),
            "true_scores": self.true_scores,
            "evaluation": {"auc": ByAnyName(0.0), "percentile": ByAnyName(0.0)},
        }
        parts: dict[str, Part] = {
            "sequences": Values(self._sequences),
            "features": Values(self._features),
            "random": self._random,
            "memory": Attributes(self, memory),
        }
        super().__init__([*self._fits(), *self._evaluation()], parts)

    @property
    def result(self) -> Trained:
        about = {"training": asdict(self._options), "seed": self._seed, "evaluation": self.evaluation}
        return Trained(self._judge, about)

    # fitting

    def _fits(self) -> Stages:
        options = self._options
        rate = CosineRate(options.learning_rate, options.steps)
        further = CosineRate(options.learning_rate / 3, options.round_steps)
        stages = [*self._both("", rate)]
        for number in range(options.rounds):
            name = f"round {number + 1} of {options.rounds}: "
            stages += [(options.attack_generations, partial(self._attack, f"{name}attack")), *self._both(name, further)]
        return stages

    def _both(self, name: str, rate: CosineRate) -> Stages:
        return [
            (rate.steps, partial(self._fit_sequences, f"{name}sequences", rate)),
            (20, partial(self._fit_features, f"{name}features")),
        ]

    def _attack(self, name: str) -> Stage:
        size = AttackOptions(ISLANDS, SIZE, self._options.attack_generations)
        return Attack(self._score, self._real.shape[1], size, self._random.generator, name, 5, self._keep)

    def _score(self, melodies: np.ndarray) -> np.ndarray:
        return log_probability(self._sequences, self._features, melodies)

    def _keep(self, attack: Attack) -> None:
        self.pool = np.concatenate((self.pool, attack.population))

    def _fit_sequences(self, name: str, rate: CosineRate) -> Stage:
        fit = Fit(self._sequences, rate.learning_rate, self._options.weight_decay)
        return FitStage(name, fit, rate, self._sequence_losses, self._random)

    def _sequence_losses(self, first: int) -> Iterator[Tensor]:
        labels = self._labels(self._options.batch)
        while True:
            codes = torch.from_numpy(step_codes(self._examples(self._options.batch)))
            yield nn.functional.binary_cross_entropy_with_logits(self._sequences(codes), labels)

    def _fit_features(self, name: str) -> Stage:
        """Begin to fit the classifier of features, in one step, on those of many examples."""
        rate = CosineRate(1e-2, self._options.feature_steps, final=1.0)
        fit = Fit(self._features, rate.learning_rate, self._options.weight_decay, clip=None)
        return FitStage(name, fit, rate, self._feature_losses, self._random, rate.steps)

    def _feature_losses(self, first: int) -> Iterator[Tensor]:
        generator, count = self._random.generator, self._options.feature_examples
        values = judged_features(self._examples(count))
        self._features.standardize(values[:count])
        rows, labels = torch.from_numpy(values.astype(np.float32)), self._labels(count)
        while True:
            some = torch.from_numpy(generator.integers(0, len(rows), 512))
            yield nn.functional.binary_cross_entropy_with_logits(self._features(rows[some]), labels[some])

    def _labels(self, count: int) -> Tensor:
        """Return the labels (2 * count,) of real melodies and as many others."""
        labels = torch.full((2 * count,), self._options.label_smoothing)
        labels[:count] = 1 - self._options.label_smoothing
        return labels

    def _examples(self, count: int) -> np.ndarray:
        """Return real melodies and as many others, (2 * count, T); the first half is real."""
        generator = self._random.generator
        true = moved(self._real[generator.integers(0, len(self._real), count)], generator)
        false = negatives_and_attacks(true, self.pool, self._options.attacked_share, self._chain, generator)
        return np.concatenate((true, false))

    # evaluation

    def _evaluation(self) -> Stages:
        families = [(2.0, partial(Task, f"judge: {name}", partial(self._ask, name))) for name in (*FAMILIES, *MELODIC)]
        return [(2.0, partial(Task, "judge: real", self._score_real)), *families]

    def _score_real(self) -> None:
        self.true = moved(self._validation, self._random.generator)
        self.true_scores = by_windows(self._score, self.true)

    def _ask(self, name: str) -> float:
        """Take the AUC against a corruption, or the highest percentile of a degenerate player."""
        generator, true = self._random.generator, self.true
        if name in FAMILIES:
            others = self._judge.scores(rolls_of(FAMILIES[name](true, generator)))
            kind, value = "auc", auc(self.true_scores, others)
        else:
            others = self._judge.scores(rolls_of(MELODIC[name](BANK, true.shape[1], generator)))
            kind, value = "percentile", percentile(self.true_scores, others).max()
        self.evaluation[kind][name] = round(float(value), 4)
        return self.evaluation[kind][name]

    @property
    def _judge(self) -> Judge:
        reference = np.percentile(self.true_scores, np.arange(101)).round(4).tolist()
        return Judge(self._sequences, self._features, reference)

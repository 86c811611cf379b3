"""Training the held-out judge on the pieces of the test split alone, with attacks of its own.

Conventions:
    Melodies are (N, T) int8. The judge learns from excerpts of 8 bars of the test split, which no listener was trained
    on; percentiles are among the melodies of 16 bars of the validation split, which the judge did not learn from.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import cached_property, partial
from typing import Any

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
from listener.learned.negatives import negatives
from listener.markov import MarkovChain
from listener.melody_features import judged_features
from listener.red_team import Attack, AttackOptions, Finds
from listener.stages import Part, Stage, State, Task, Trained
from listener.theory import REST
from listener.training import FitStage, Randomness, Training, Values
from listener.training_options import JudgeOptions
from songs.keyboard import KEYS
from songs.validate import AnyLength, ByAnyName, Within, validate_like
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
    """The training of a held-out judge."""

    def __init__(self, corpora: Corpora, options: JudgeOptions, seed: int):
        """
        Args:
            corpora: real melodies.
            options: how much.
            seed: the same seed gives the same judge, to the bit, on one kind of machine.
        """
        self._options, self._seed = options, seed
        self._real, self._validation = corpora.excerpts.test.melodies, corpora.songs.validation.melodies
        self._random = Randomness(np.random.default_rng(seed), seed)
        generator = self._random.generator
        self._chain = MarkovChain(np.concatenate([moved(self._real, generator) for _ in range(3)]), ORDERS)
        with self._random.torch():
            self._sequences, self._features = SequenceClassifier(SequenceOptions()), FeatureClassifier()
        self._sequences.eval()
        self._pool = self._real[:0]
        self._true = self._validation
        self._ranks: dict[str, dict[str, float]] = {"auc": {}, "percentile": {}}
        parts: dict[str, Part] = {
            "sequences": Values(self._sequences),
            "features": Values(self._features),
            "random": self._random,
        }
        super().__init__([*self._fits(), *self._evaluation()], parts)

    @property
    def result(self) -> Trained:
        about = {"training": asdict(self._options), "seed": self._seed, "evaluation": self._ranks}
        return Trained(self._judge, about)

    # fitting

    def _fits(self) -> list[tuple[float, Callable[[], Stage]]]:
        options = self._options
        rate = CosineRate(options.learning_rate, options.steps)
        further = CosineRate(options.learning_rate / 3, options.round_steps)
        stages = [*self._both("", rate)]
        for number in range(options.rounds):
            name = f"round {number + 1} of {options.rounds}: "
            stages += [(options.attack_generations, partial(self._attack, f"{name}attack")), *self._both(name, further)]
        return stages

    def _both(self, name: str, rate: CosineRate) -> list[tuple[float, Callable[[], Stage]]]:
        return [
            (rate.steps, partial(self._fit_sequences, f"{name}sequences", rate)),
            (20, partial(self._fit_features, f"{name}features")),
        ]

    def _attack(self, name: str) -> Stage:
        size = AttackOptions(ISLANDS, SIZE, self._options.attack_generations)
        return Attack(self._score, self._real.shape[1], size, self._random.generator, name, 5, self._keep)

    def _score(self, melodies: np.ndarray) -> np.ndarray:
        return log_probability(self._sequences, self._features, melodies)

    def _keep(self, finds: Finds) -> None:
        self._pool = np.concatenate((self._pool, finds.population))

    def _fit_sequences(self, name: str, rate: CosineRate) -> Stage:
        fit = Fit(self._sequences, rate.learning_rate, self._options.weight_decay)
        return FitStage(name, fit, rate, lambda first: self._sequence_losses(), self._random)

    def _sequence_losses(self) -> Iterator[Tensor]:
        labels = self._labels(self._options.batch)
        while True:
            codes = torch.from_numpy(step_codes(self._examples(self._options.batch)))
            yield nn.functional.binary_cross_entropy_with_logits(self._sequences(codes), labels)

    def _fit_features(self, name: str) -> Stage:
        """Begin to fit the classifier of features, in one step, on those of many examples."""
        rate = CosineRate(1e-2, self._options.feature_steps, final=1.0)
        fit = Fit(self._features, rate.learning_rate, self._options.weight_decay, clip=None)
        return FitStage(name, fit, rate, lambda first: self._feature_losses(), self._random, rate.steps)

    def _feature_losses(self) -> Iterator[Tensor]:
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
        generator, pool = self._random.generator, self._pool
        true = moved(self._real[generator.integers(0, len(self._real), count)], generator)
        attacked = round(self._options.attacked_share * count) if len(pool) else 0
        attacks = moved(pool[generator.integers(0, len(pool), attacked)], generator) if attacked else pool[:0]
        return np.concatenate((true, negatives(true, count - attacked, self._chain, generator), attacks))

    # evaluation

    def _evaluation(self) -> list[tuple[float, Callable[[], Stage]]]:
        families = [(2.0, partial(Task, f"judge: {name}", partial(self._ask, name))) for name in (*FAMILIES, *MELODIC)]
        return [(2.0, partial(Task, "judge: real", self._transpose)), *families]

    def _transpose(self) -> None:
        self._true = moved(self._validation, self._random.generator)

    def _ask(self, name: str) -> float:
        """Take the AUC against a corruption, or the highest percentile of a degenerate player."""
        generator, true = self._random.generator, self._true
        if name in FAMILIES:
            others = self._judge.scores(rolls_of(FAMILIES[name](true, generator)))
            kind, value = "auc", auc(self._true_scores, others)
        else:
            others = self._judge.scores(rolls_of(MELODIC[name](BANK, true.shape[1], generator)))
            kind, value = "percentile", percentile(self._true_scores, others).max()
        self._ranks[kind][name] = round(float(value), 4)
        return self._ranks[kind][name]

    @cached_property
    def _true_scores(self) -> np.ndarray:
        """Scores of the real melodies, from the end of fitting on."""
        return self._judge.scores(rolls_of(self._true))

    @cached_property
    def _judge(self) -> Judge:
        """The judge, from the end of fitting on."""
        scores = by_windows(self._score, self._true)
        return Judge(self._sequences, self._features, np.percentile(scores, np.arange(101)).round(4).tolist())

    def _memory(self) -> State:
        return {"pool": self._pool, "true": self._true}, {"evaluation": self._ranks}

    def _remember(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        pool = AnyLength(self._pool, self._options.rounds * ISLANDS * SIZE)
        melodies = {"pool": Within(pool, REST, KEYS - 1), "true": Within(self._true, REST, KEYS - 1)}
        validate_like(melodies, arrays)
        validate_like({"evaluation": {"auc": ByAnyName(0.0), "percentile": ByAnyName(0.0)}}, data)
        self._pool, self._true, self._ranks = arrays["pool"], arrays["true"], data["evaluation"]
        for name in ("_true_scores", "_judge"):
            self.__dict__.pop(name, None)

"""Weights of the learned listener's terms, fitted to distinguish real melodies from negatives.

They start from a logistic regression on all families of negatives and are improved by random search. It minimises the
mean logarithm of 1 - AUC over the families, so that halving the mistakes in any family counts the same.

Conventions: terms of whole melodies are (N, terms) float64; a family is a set of melodies of one kind.
"""

from functools import cached_property, partial
from typing import Any

import numpy as np

from listener.corpus import WIDE, rolls_of
from listener.corruptions import DEMANDED, MELODIC
from listener.form_corruptions import FORM
from listener.judging import auc
from listener.learned.model import Calibration, Learned, Nets
from listener.markov import MarkovChain
from listener.red_team import Attack, AttackOptions
from listener.stages import Stage, Stages, State, Task
from songs.validate import AnyLength, validate_like

CORRUPTIONS = {**DEMANDED, **FORM}
FURTHER_KEYS = 20.0
"""Weight of the share of steps with more than one key; no real melody has such steps."""
LEAST_WEIGHT = 0.02
LEAST_FEATURES = 3.0
"""Smallest weight of the features: they hardly detect corruptions, but do detect playing that networks overrate."""
TRIES = 600
"""Steps of the random search."""
HARDLY_WRONG = 0.01
"""Floor on the mistakes of a family, so that a family without mistakes is not improved at the expense of others."""
ISLANDS, SIZE = 8, 16
"""Size of the attack on all terms."""
PLAYED = 8
"""Melodies of each degenerate player."""
MOST_MELODIES = 10**6
"""Most melodies in a family."""


class Weighing:
    """The last stages of training a learned listener: an attack on it, the terms of all families, and the weights."""

    def __init__(
        self, nets: Nets, real: np.ndarray, chain: MarkovChain, generations: int, generator: np.random.Generator
    ):
        """Take networks, which must be trained when the stages begin, and real melodies (N, T) that are new to them."""
        self._nets, self._real, self._chain, self._generator = nets, real, chain, generator
        self._generations = generations
        self._markov = {f"Markov chain of order {order}": order for order in range(1, chain.order + 1)}
        self._families = ("real", *CORRUPTIONS, *self._markov, "degenerate players", "finds")
        self._terms: dict[str, np.ndarray] = {}
        self._weights = dict.fromkeys(nets.terms, 1.0)

    @cached_property
    def listener(self) -> Learned:
        """The listener, available after hardening; its weights are 1 until the last stage is finished."""
        return Learned(self._nets, Calibration.of(self._nets, self._real), self._weights)

    def stages(self) -> Stages:
        """Return the stages of training."""
        families = self._families[:-1]  # the attack provides the finds
        tasks = [(10, partial(Task, f"weights: {name}", partial(self._take_terms, name))) for name in families]
        return [(self._generations, self._attack), *tasks, (20, partial(Task, "weights", self._weigh))]

    def _attack(self) -> Stage:
        def score(melodies: np.ndarray) -> np.ndarray:
            return self._final_terms(melodies).sum(axis=1)

        size = AttackOptions(ISLANDS, SIZE, self._generations)
        return Attack(score, self._real.shape[1], size, self._generator, "weights: attack", then=self._keep)

    def _keep(self, attack: Attack) -> None:
        self._terms["finds"] = self._final_terms(attack.population)

    def _take_terms(self, family: str) -> None:
        real, generator = self._real, self._generator
        if family in CORRUPTIONS:
            melodies = CORRUPTIONS[family](real, generator)
        elif family in self._markov:
            melodies = self._chain.sample(len(real), real.shape[1], generator, self._markov[family])
        elif family == "degenerate players":
            melodies = np.concatenate([play(PLAYED, real.shape[1], generator) for play in MELODIC.values()])
        else:
            melodies = real
        self._terms[family] = self._final_terms(melodies)

    def _final_terms(self, melodies: np.ndarray) -> np.ndarray:
        """Return the terms of whole melodies (N, T), (N, terms) float64."""
        potentials = self.listener.potentials(rolls_of(melodies, WIDE))
        return np.stack([potential[:, -1] for potential in potentials.values()], axis=1)

    def _weigh(self) -> None:
        if missing := [family for family in self._families if family not in self._terms]:
            raise ValueError(f"the state has no terms of {', '.join(missing)}")
        real, *others = (self._terms[family] for family in self._families)
        fitted = fitted_weights(real, others, self._generator)
        scaled = dict(zip(self._nets.terms, fitted.tolist(), strict=True))
        features = max(scaled["features"], LEAST_FEATURES)
        self._weights = self.listener.weights = {**scaled, "features": features, "further keys": FURTHER_KEYS}

    def state(self) -> State:
        return dict(self._terms), {"weights": self._weights}

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        terms = {family: arrays[family] for family in self._families if family in arrays}
        validate_like(dict.fromkeys(terms, AnyLength(np.zeros((0, len(self._weights))), MOST_MELODIES)), terms)
        validate_like({"weights": self._weights}, data)
        self._terms, self._weights = terms, data["weights"]
        self.__dict__.pop("listener", None)  # the networks may have changed


def fitted_weights(real: np.ndarray, others: list[np.ndarray], generator: np.random.Generator) -> np.ndarray:
    """Return weights (terms,) with which real melodies have a standard deviation of 1.

    Args:
        real: (N, terms), unweighted terms of real melodies.
        others: (M, terms) for each family of negatives.
        generator: source of randomness.
    """
    weights = _searched(np.maximum(_logistic(real, others), 0.1), real, others, generator)
    return np.maximum(weights / (real @ weights).std(), LEAST_WEIGHT)


def _searched(
    weights: np.ndarray, real: np.ndarray, others: list[np.ndarray], generator: np.random.Generator
) -> np.ndarray:
    """Improve weights (terms,) by random search: perturb some at a time and keep changes with fewer mistakes."""
    fewest = _mistakes(weights, real, others)
    for _ in range(TRIES):
        changed = weights * np.exp(generator.normal(0, 0.5, len(weights)) * (generator.random(len(weights)) < 0.5))
        mistakes = _mistakes(changed, real, others)
        if mistakes < fewest:
            weights, fewest = changed, mistakes
    return weights


def _mistakes(weights: np.ndarray, real: np.ndarray, others: list[np.ndarray]) -> float:
    """Return the mean logarithm of 1 - AUC over the families."""
    scores = real @ weights
    return float(np.mean([np.log(1 + HARDLY_WRONG - auc(scores, each @ weights)) for each in others]))


def _logistic(real: np.ndarray, others: list[np.ndarray], steps: int = 4000, rate: float = 0.3) -> np.ndarray:
    """Return the non-negative weights (terms,) of a logistic regression of rows of `real` against those of `others`."""
    rows = np.concatenate((real, *others))
    family = [np.full(len(each), 0.5 / len(others) / len(each)) for each in others]
    share = np.concatenate([np.full(len(real), 0.5 / len(real)), *family])
    label = np.arange(len(rows)) < len(real)
    weights, bias = np.full(rows.shape[1], 0.5), 1.0
    for _ in range(steps):
        error = share * (1 / (1 + np.exp(-(rows @ weights + bias))) - label)
        weights = np.maximum(weights - rate * (rows.T @ error), 0)
        bias -= rate * error.sum()
    return weights

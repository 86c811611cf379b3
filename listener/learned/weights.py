"""Weights of the learned listener's terms, chosen to tell real melodies from others.

They start from logistic regression on all families of others and go on by random search: the mean logarithm of 1 - AUC
over the families falls, so that halving the mistakes of any family counts the same.

Conventions: terms of whole melodies are (N, terms) float64, a family is the melodies of one kind.
"""

import numpy as np

from listener.judging import auc
from listener.learned.model import TERMS

FURTHER_KEYS = 20.0
"""Weight of the share of steps with more than one key: no real melody has any."""
LEAST_WEIGHT = 0.02
LEAST_FEATURES = 0.4
"""Smallest weight of the features: they hardly tell corruptions, but ways of playing that networks overrate."""
TRIES = 600
"""Steps of the random search."""
HARDLY_WRONG = 0.01
"""Mistakes that hardly count, so that a family without mistakes is not improved at the cost of the others."""


def fitted_weights(real: np.ndarray, others: list[np.ndarray], generator: np.random.Generator) -> dict[str, float]:
    """Return weights of the terms, with which real melodies have a standard deviation of 1.

    Args:
        real: (N, terms) terms of real melodies, each of weight 1.
        others: (M, terms) those of each family.
        generator: source of chance.
    """
    weights = _searched(np.maximum(_logistic(real, others), 0.1), real, others, generator)
    total = real @ weights
    scaled = dict(zip(TERMS, np.maximum(weights / total.std(), LEAST_WEIGHT).tolist(), strict=True))
    return {**scaled, "features": max(scaled["features"], LEAST_FEATURES), "further keys": FURTHER_KEYS}


def _searched(
    weights: np.ndarray, real: np.ndarray, others: list[np.ndarray], generator: np.random.Generator
) -> np.ndarray:
    """Change weights (terms,) at random, some of them at a time, and keep those with fewer mistakes."""
    fewest = _mistakes(weights, real, others)
    for _ in range(TRIES):
        changed = weights * np.exp(generator.normal(0, 0.5, len(weights)) * (generator.random(len(weights)) < 0.5))
        mistakes = _mistakes(changed, real, others)
        if mistakes < fewest:
            weights, fewest = changed, mistakes
    return weights


def _mistakes(weights: np.ndarray, real: np.ndarray, others: list[np.ndarray]) -> float:
    """Return the mean logarithm of what is missing to an AUC of 1."""
    scores = real @ weights
    return float(np.mean([np.log(1 + HARDLY_WRONG - auc(scores, each @ weights)) for each in others]))


def _logistic(real: np.ndarray, others: list[np.ndarray], steps: int = 4000, rate: float = 0.3) -> np.ndarray:
    """Return weights (terms,), none below 0, that tell rows of `real` from those of all `others`."""
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

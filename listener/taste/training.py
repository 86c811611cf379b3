"""Learning a taste from choices: in which features the chosen melodies differ from the others.

A taste is assumed to depend on one or two unknown features. Logistic regressions on every set of at most two features
are averaged, weighted by how well each set explains the choices (Bayesian model averaging). With few choices this
predicts better than a single regression on all features, whose weights are mostly noise.

Conventions:
    A choice is a set of melodies heard together, some of which were chosen: each chosen melody was preferred to each of
    the others. Differences are (P, F) float64, one row per pair, chosen minus not chosen; F features.
    Of n melodies heard together only n - 1 comparisons are independent, so the pairs of a choice have a total weight of
    n - 1.
Source: Bradley and Terry (1952); Hoeting et al., Bayesian model averaging: a tutorial (Statistical Science 14, 1999);
    the evidence by Laplace's approximation: MacKay, Information Theory, Inference, and Learning Algorithms (2003), 27.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.special import expit, log_expit, softmax
from scipy.stats import binomtest

from listener.learned.model import Learned
from listener.taste.features import TASTE_FEATURES
from listener.taste.model import STRENGTH, Scale, Taste, features_of
from songs.keyboard import STEPS_PER_BAR

LEAST_CHOICES = 20
"""With fewer choices a result cannot be distinguished from guessing: even 14 of 20 right has a p-value of .12."""
PRIOR = 0.8
"""Prior standard deviation of a preference, in logits per standard deviation of the feature."""
MOST_FEATURES = 2
"""Most features in a set."""
LEAST_SPREAD = 0.01
"""Smallest standard deviation of preferences that is scaled up; below it nothing was learned."""
NEWTON_STEPS = 12
FOLDS = 10
"""Number of folds for cross-validation."""


@dataclass(frozen=True, eq=False)
class Preference:
    """Melodies heard together, and the ones that were chosen."""

    rolls: Sequence[np.ndarray]
    """Each (T, K) bool."""
    chosen: frozenset[int]
    """Indices of chosen melodies; at least one melody is chosen and at least one is not."""


@dataclass(frozen=True)
class Certainty:
    """Accuracy of predicting choices with a taste learned from other choices."""

    choices: int
    right: int
    """Number of choices whose chosen melodies are predicted to be preferred on average."""
    low: float
    high: float
    """Ends of the 95% Wilson interval of the share."""
    p: float
    """Two-sided p-value under guessing."""

    @classmethod
    def of(cls, right: Sequence[bool]) -> "Certainty":
        tested = binomtest(sum(right), len(right))
        low, high = tested.proportion_ci(method="wilson")
        return cls(len(right), sum(right), float(low), float(high), float(tested.pvalue))

    @property
    def better_than_guessing(self) -> bool:
        return self.low > 0.5

    def __str__(self) -> str:
        return (
            f"{self.right / self.choices:.0%} of the {self.choices} choices are predicted from the others "
            f"(95% interval {self.low:.0%} to {self.high:.0%}, guessing 50%)"
        )


@dataclass(frozen=True, eq=False)
class LearnedTaste:
    """A taste and its uncertainty."""

    listener: Taste
    deviation: np.ndarray
    """(F,) standard deviation of each preference."""
    certainty: Certainty


def learn_taste(learned: Learned, choices: Sequence[Preference]) -> LearnedTaste:
    """Learn a taste from choices; the result is deterministic.

    Raises:
        ValueError: there are too few choices, or a melody has no whole bar.
    """
    if len(choices) < LEAST_CHOICES:
        raise ValueError(
            f"{len(choices)} choices are too few to learn a taste: make at least {LEAST_CHOICES}, better 60"
        )
    features = [_features(learned, choice.rolls) for choice in choices]
    scale = Scale.of([each for together in features for each in together])
    standard = [np.array([scale.standard(each)[-1] for each in together]) for together in features]
    rows = [_differences(values, choice.chosen) for values, choice in zip(standard, choices, strict=True)]
    weights = [np.full(len(row), (len(values) - 1) / len(row)) for row, values in zip(rows, standard, strict=True)]
    mean, deviation = _posterior(np.concatenate(rows), np.concatenate(weights))
    liked = np.concatenate(standard) @ mean
    taste = Taste(learned, scale, mean.astype(np.float32), STRENGTH / max(float(liked.std()), LEAST_SPREAD))
    return LearnedTaste(taste, deviation, Certainty.of(_predicted(rows, weights)))


def _predicted(rows: list[np.ndarray], weights: list[np.ndarray]) -> list[bool]:
    """Return for each choice whether a taste learned from the other folds prefers its chosen melodies on average."""
    right, means = [], []
    for index, row in enumerate(rows):
        if index < FOLDS:
            others = [other for other in range(len(rows)) if other % FOLDS != index]
            known = (np.concatenate([part[other] for other in others]) for part in (rows, weights))
            means.append(_posterior(*known)[0])
        right.append(bool(row.mean(axis=0) @ means[index % FOLDS] > 0))
    return right


def _features(learned: Learned, rolls: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return the features (bars, F) of each roll (T, K); raises ValueError if one has no whole bar."""
    if shortest := [len(roll) for roll in rolls if len(roll) < STEPS_PER_BAR]:
        raise ValueError(f"a melody has only {shortest[0]} steps; a bar has {STEPS_PER_BAR}")
    if len({roll.shape for roll in rolls}) == 1:
        return list(features_of(learned, np.array(rolls)))
    return [features_of(learned, roll[None])[0] for roll in rolls]


def _differences(values: np.ndarray, chosen: frozenset[int]) -> np.ndarray:
    """Return the differences (P, F) between the features of chosen and other melodies, for values (n, F)."""
    others = [index for index in range(len(values)) if index not in chosen]
    pairs = values[sorted(chosen)][:, None] - values[others][None]
    return pairs.reshape(-1, values.shape[1])


def _posterior(rows: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the posterior mean and standard deviation of the preferences, (F,) each.

    Args:
        rows: (P, F) differences.
        weights: (P,) weight of each row.
    """
    features = rows.shape[1]
    evidence, means, squares = [weights.sum() * np.log(0.5)], [np.zeros((1, features))], [np.zeros((1, features))]
    for size in range(1, MOST_FEATURES + 1):
        sets = np.array(list(combinations(range(features), size)))  # (S, size)
        mean, covariance, log_evidence = _fits(rows[:, sets].transpose(1, 0, 2), weights)
        evidence.extend(log_evidence - np.log(len(sets)))  # all sizes are equally likely a priori
        for rows_of_sets, values in ((means, mean), (squares, mean**2 + np.diagonal(covariance, axis1=1, axis2=2))):
            rows_of_sets.append(np.zeros((len(sets), features)))
            np.put_along_axis(rows_of_sets[-1], sets, values, axis=1)
    shares = softmax(np.array(evidence))
    mean = shares @ np.concatenate(means)
    return mean, np.sqrt(np.maximum(shares @ np.concatenate(squares) - mean**2, 0))


def _fits(rows: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fit logistic regressions on several sets of features by Newton's method.

    Args:
        rows: (S, P, k) differences in the features of each set.
        weights: (P,) weight of each row.

    Returns:
        Posterior means (S, k), posterior covariances (S, k, k), and log evidence (S,).
    """
    sets, _, size = rows.shape
    mean, precision = np.zeros((sets, size)), np.eye(size) / PRIOR**2
    for _ in range(NEWTON_STEPS):
        likely = expit((rows @ mean[..., None])[..., 0])  # (S, P)
        slope = ((weights * (1 - likely))[:, None] @ rows)[:, 0] - mean @ precision
        hessian = np.swapaxes(rows * (weights * likely * (1 - likely))[..., None], 1, 2) @ rows + precision
        mean = mean + np.linalg.solve(hessian, slope[..., None])[..., 0]
    likelihood = log_expit((rows @ mean[..., None])[..., 0]) @ weights
    evidence = likelihood - (mean**2).sum(axis=1) / (2 * PRIOR**2) - size * np.log(PRIOR)
    return mean, np.linalg.inv(hessian), evidence - np.linalg.slogdet(hessian)[1] / 2


def likings(taste: LearnedTaste, most: int = 6) -> list[tuple[str, float, float]]:
    """Return the strongest preferences, as name of the feature, preference and standard deviation."""
    weights = taste.listener.preference
    order = np.argsort(-np.abs(weights), kind="stable")[:most]
    return [(TASTE_FEATURES[index], float(weights[index]), float(taste.deviation[index])) for index in order]

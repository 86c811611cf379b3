"""Learning a taste from choices: which features what was chosen differs by from what was not.

A person's taste is taken to be one or two things, nobody knows which: logistic regression on every set of at most two
features, averaged by how well each set explains the choices (Bayesian model averaging). With few choices it predicts
better than one regression on all features, whose weights are nearly all noise.

Conventions:
    A choice is some melodies that a person heard together, and those that were chosen: each of them was preferred to
    each of the others. Differences are (P, F) float64, one row a pair, chosen less not chosen; F features.
    Of n melodies heard together n - 1 comparisons are independent: the pairs of a choice weigh as much together.
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
"""Fewer choices cannot be told from guesses: even 14 of 20 right have a p of .12."""
PRIOR = 0.8
"""Standard deviation of a preference before any choice, in logits for a standard deviation of the feature."""
MOST_FEATURES = 2
"""Of a set."""
LEAST_SPREAD = 0.01
"""Smallest standard deviation of preferences that is scaled up: with less, nothing was learned."""
NEWTON_STEPS = 12
FOLDS = 10
"""Parts of the choices, each of which is predicted from the others."""


@dataclass(frozen=True, eq=False)
class Preference:
    """Melodies heard together, and which of them were chosen."""

    rolls: Sequence[np.ndarray]
    """Each (T, K) bool."""
    chosen: frozenset[int]
    """Indices; at least one melody is chosen and one not."""


@dataclass(frozen=True)
class Certainty:
    """How well choices are predicted by a taste that was learned from others."""

    choices: int
    right: int
    """Choices in which the chosen melodies are preferred on average to the others."""
    low: float
    high: float
    """Ends of Wilson's 95% interval of the share."""
    p: float
    """Probability of a result as far from half by guessing."""

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
    """A taste, and how sure it is."""

    listener: Taste
    deviation: np.ndarray
    """(F,) standard deviation of each preference."""
    certainty: Certainty


def learn_taste(learned: Learned, choices: Sequence[Preference]) -> LearnedTaste:
    """Learn a taste; the same choices give the same one.

    Raises:
        ValueError: there are too few choices, or a melody has no whole bar.
    """
    if len(choices) < LEAST_CHOICES:
        raise ValueError(
            f"{len(choices)} choices are too few to learn a taste from: make at least {LEAST_CHOICES}, better 60"
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
    """Return for each choice whether its chosen melodies are preferred on average, learned from the other folds."""
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
        raise ValueError(f"a melody that was heard has {shortest[0]} steps; a bar has {STEPS_PER_BAR}")
    if len({roll.shape for roll in rolls}) == 1:
        return list(features_of(learned, np.array(rolls)))
    return [features_of(learned, roll[None])[0] for roll in rolls]


def _differences(values: np.ndarray, chosen: frozenset[int]) -> np.ndarray:
    """Return the features (n, F) of chosen melodies less those of the others, of each pair, (P, F)."""
    others = [index for index in range(len(values)) if index not in chosen]
    pairs = values[sorted(chosen)][:, None] - values[others][None]
    return pairs.reshape(-1, values.shape[1])


def _posterior(rows: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the standard deviation of the preferences (F,) after choices.

    Args:
        rows: (P, F) differences.
        weights: (P,) how much each of them counts.
    """
    features = rows.shape[1]
    evidence, means, squares = [weights.sum() * np.log(0.5)], [np.zeros((1, features))], [np.zeros((1, features))]
    for size in range(1, MOST_FEATURES + 1):
        sets = np.array(list(combinations(range(features), size)))  # (S, size)
        mean, covariance, log_evidence = _fits(rows[:, sets].transpose(1, 0, 2), weights)
        evidence.extend(log_evidence - np.log(len(sets)))  # every size is as likely as the others
        for found, values in ((means, mean), (squares, mean**2 + np.diagonal(covariance, axis1=1, axis2=2))):
            found.append(np.zeros((len(sets), features)))
            np.put_along_axis(found[-1], sets, values, axis=1)
    shares = softmax(np.array(evidence))
    mean = shares @ np.concatenate(means)
    return mean, np.sqrt(np.maximum(shares @ np.concatenate(squares) - mean**2, 0))


def _fits(rows: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return logistic regressions on several sets of features, by Newton's method.

    Args:
        rows: (S, P, k) differences in the features of each set.
        weights: (P,) how much each row counts.

    Returns:
        Means (S, k) and covariances (S, k, k) of the posterior, and the logarithms of the evidence (S,).
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
    """Return the strongest preferences: the name of a feature, the preference for it, and its standard deviation."""
    weights = taste.listener.preference
    order = np.argsort(-np.abs(weights), kind="stable")[:most]
    return [(TASTE_FEATURES[index], float(weights[index]), float(taste.deviation[index])) for index in order]

"""Weights of the terms of the learned listener."""

import numpy as np
import pytest

pytest.importorskip("torch")

from listener.judging import auc
from listener.learned.weights import HARDLY_WRONG, _mistakes, _searched


def terms(generator: np.random.Generator, *means: float) -> np.ndarray:
    """Return terms of 300 melodies, normal around their means."""
    return generator.normal(means, 1.0, (300, len(means)))


def test_mistakes_are_what_is_missing_to_hearing_everything():
    generator = np.random.default_rng(0)
    real, others, weights = terms(generator, 1, 0), terms(generator, 0, 0), np.array([1.0, 0.5])
    missing = 1 - auc(real @ weights, others @ weights)
    assert _mistakes(weights, real, [others]) == pytest.approx(np.log(missing + HARDLY_WRONG))
    assert _mistakes(weights, real, [others, real - 100]) == pytest.approx(
        (np.log(missing + HARDLY_WRONG) + np.log(HARDLY_WRONG)) / 2
    )


def test_weights_go_to_the_terms_that_hear_something():
    generator = np.random.default_rng(1)
    real = terms(generator, 1, 1, 0)
    others = [terms(generator, -1, 1, 0), terms(generator, 1, -1, 0)]
    before = np.array([1.0, 0.2, 1.0])
    found = _searched(before, real, others, np.random.default_rng(2))
    assert _mistakes(found, real, others) < _mistakes(before, real, others) - 0.1
    assert found[2] < 0.3 * min(found[0], found[1])
    assert 0.5 < found[0] / found[1] < 2

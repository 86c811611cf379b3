"""Negatives that the learned listener is trained to distinguish from real melodies."""

import numpy as np
import pytest

from listener.learned.negatives import wrong_pitches, wrong_rhythm
from listener.markov import MarkovChain
from listener.theory import REST


@pytest.fixture
def real() -> np.ndarray:
    """Return melodies (400, 32) of notes with all places taken differently."""
    generator = np.random.default_rng(0)
    keys = generator.integers(0, 13, (400, 32))
    return np.where(generator.random((400, 32)) < 0.5, keys, REST).astype(np.int8)


def test_wrong_pitches_keep_the_rhythm_but_for_those_that_are_made_anew(real):
    found = wrong_pitches(MarkovChain(real, 5), real, np.random.default_rng(1))
    same = ((found != REST) == (real != REST)).all(axis=1)
    assert 0.68 < same.mean() < 0.85  # 13 of 17
    assert (found != real).any(axis=1).mean() > 0.99


def test_wrong_rhythm_keeps_the_order_of_the_keys_or_turns_it_round(real):
    found = wrong_rhythm(real, np.random.default_rng(1))
    assert (found != real).any(axis=1).mean() > 0.95  # a shuffle may change nothing
    np.testing.assert_array_equal(np.sort(found, axis=1), np.sort(real, axis=1))
    turned = [
        any((np.roll(one, by) == other).all() for by in (1, -1, 3, -3)) for one, other in zip(real, found, strict=True)
    ]
    assert 0.35 < np.mean(turned) < 0.53  # 7 of 16
    later = [
        (one[:16] == other[:16]).all() and any((np.roll(one[16:], by) == other[16:]).all() for by in (1, -1, 3, -3))
        for one, other in zip(real, found, strict=True)
    ]
    assert 0.1 < np.mean(later) < 0.27  # 3 of 16

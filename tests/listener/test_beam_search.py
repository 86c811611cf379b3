"""A beam search finds melodies of high reward."""

import numpy as np

from listener.beam_search import beam_search
from listener.markov import MarkovChain


def test_it_finds_what_is_rewarded():
    known = np.random.default_rng(0).integers(-1, 13, (20, 32)).astype(np.int8)
    score = lambda melodies: (melodies == 7).sum(axis=1).astype(float)  # noqa: E731
    found = beam_search(score, 4, MarkovChain(known, 2), np.random.default_rng(1))
    assert found.shape == (16, 32)
    assert (np.diff(score(found)) <= 0).all()
    random = np.random.default_rng(2).integers(-1, 13, (1000, 32))
    assert score(found)[0] > score(random).max()
    again = beam_search(score, 4, MarkovChain(known, 2), np.random.default_rng(1))
    np.testing.assert_array_equal(found, again)

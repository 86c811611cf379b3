"""The n-gram: its tables are Witten-Bell estimates, its rewards log probabilities."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from listener.corpus import rolls_of
from listener.markov import MarkovChain, witten_bell
from listener.ngram import NGram
from listener.theory import NONE, events

TUNE = np.array([[0, -1, 2, -1, 4, 5, 7, -1, 7, -1, 5, -1, 4, -1, 2, -1, 0, -1, -1, -1, 4, -1, 0, -1]], dtype=np.int8)
melodies = hnp.arrays(np.int8, st.tuples(st.integers(1, 3), st.integers(1, 30)), elements=st.integers(-1, 12))


@given(melodies)
@settings(deadline=None)
def test_events_are_what_a_loop_over_the_steps_finds(found):
    known = events(found)
    for row, melody in enumerate(found.tolist()):
        onsets, held = [-1], -1
        for step, key in enumerate(melody):
            assert known.gap[row, step] == step - onsets[-1]
            assert known.previous_gap[row, step] == (onsets[-1] - onsets[-2] if len(onsets) > 1 else 0)
            expected = key - held if key >= 0 and held >= 0 else NONE
            assert known.interval[row, step] == expected
            if key >= 0:
                onsets.append(step)
                held = key
            assert known.held[row, step] == held
            assert known.onset[row, step] == (key >= 0)


def test_witten_bell_backs_off():
    # seen 3 and 1 times: two kinds, so 2 of 6 parts go to the shorter context
    shorter = np.array([[0.25, 0.25, 0.5], [0.25, 0.25, 0.5]])
    found = witten_bell(np.array([[3, 1, 0], [0, 0, 0]]), shorter)
    np.testing.assert_allclose(found, [[3.5 / 6, 1.5 / 6, 1 / 6], [0.25, 0.25, 0.5]])


def test_both_tables_are_distributions():
    tables = NGram.trained(TUNE).tables
    np.testing.assert_allclose(np.exp(tables.rhythm).sum(axis=-1), 1, rtol=1e-5)
    np.testing.assert_allclose(np.exp(tables.intervals[..., 1:]).sum(axis=-1), 1, rtol=1e-5)


def test_an_interval_is_as_likely_as_counted_by_hand():
    # 4-gram of TUNE's intervals, by Witten-Bell over dictionaries
    steps = np.diff([0, 2, 4, 5, 7, 7, 5, 4, 2, 0, 4, 0]).tolist()
    padded = [None, None, None, *steps]
    wanted, context = steps[3], tuple(steps[:3])

    def probability(size: int) -> float:
        if size < 0:
            return 1 / 25
        own = context[3 - size :]
        follows = [padded[i] for i in range(3, len(padded)) if tuple(padded[i - size : i]) == own]
        counts = Counter(follows)
        lower = probability(size - 1)
        return (counts[wanted] + len(counts) * lower) / (len(follows) + len(counts)) if follows else lower

    intervals = NGram.trained(TUNE).log_probabilities(TUNE)[1][0]
    fifth_note = np.flatnonzero(TUNE[0] >= 0)[4]
    assert np.exp(intervals[fifth_note]) == pytest.approx(probability(3), rel=1e-5)
    assert np.exp(intervals[0]) == pytest.approx(1 / 13, rel=1e-5)


def test_real_music_earns_nothing_on_average_and_its_corruption_less():
    listener = NGram.trained(TUNE)
    assert listener.rewards(rolls_of(TUNE)).mean() == pytest.approx(0, abs=1e-6)
    wrong = TUNE.copy()
    wrong[0, 8], wrong[0, 10] = 1, 11
    assert listener.rewards(rolls_of(wrong)).sum() < -3
    shifted = np.roll(TUNE, 1, axis=1)
    assert listener.rewards(rolls_of(shifted)).sum() < -3


def test_a_rest_longer_than_any_costs_log_14_a_step():
    listener = NGram.trained(TUNE)
    silence = listener.terms(np.zeros((1, 40, 13), dtype=bool))["rhythm"][0] + listener.constant
    np.testing.assert_allclose(silence[-10:], -np.log(14), rtol=1e-5)


def test_every_further_key_costs_log_14():
    listener = NGram.trained(TUNE)
    chord = rolls_of(TUNE)
    chord[0, 4, [0, 2]] = True  # below the melody
    difference = listener.rewards(rolls_of(TUNE)) - listener.rewards(chord)
    expected = np.zeros(24)
    expected[4] = 2 * np.log(14)
    np.testing.assert_allclose(difference[0], expected, atol=1e-5)


def test_a_chain_of_order_2_goes_only_where_its_melodies_went():
    tune = np.tile(np.array([[0, 4, 7, 4]], dtype=np.int8), (50, 30))
    drawn = MarkovChain(tune, 2).sample(50, 60, np.random.default_rng(0), order=2, temperature=0.2)
    pairs = Counter(zip(drawn[:, 20:-1].ravel().tolist(), drawn[:, 21:].ravel().tolist(), strict=True))
    likely = sum(pairs[pair] for pair in ((0, 4), (4, 7), (7, 4), (4, 0)))
    assert likely > 0.99 * sum(pairs.values())
    # order 1 does not know whether 7 or 0 was before the 4; order 2 does: 0 4 7, never 0 4 0
    triples = np.stack((drawn[:, 20:-2], drawn[:, 21:-1], drawn[:, 22:]), axis=-1).reshape(-1, 3).tolist()
    assert triples.count([0, 4, 0]) <= 0.01 * triples.count([0, 4, 7])

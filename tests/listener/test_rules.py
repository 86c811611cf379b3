"""Each rule of music theory rewards as documented, and silence has a value."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from listener.rules import MusicTheory, TheoryWeights

RULES = tuple(asdict(TheoryWeights()))


def roll(*keys: int | None) -> np.ndarray:
    """Return the roll (1, T, 13) of a melody; None is a rest."""
    rolls = np.zeros((1, len(keys), 13), dtype=bool)
    for step, key in enumerate(keys):
        if key is not None:
            rolls[0, step, key] = True
    return rolls


def rewards_of(rule: str, *keys: int | None) -> list[float]:
    """Return the rewards of a rule at each step of a melody."""
    return MusicTheory().terms(roll(*keys))[rule][0].round(4).tolist()


def test_the_reward_is_the_sum_of_its_terms():
    melody = roll(0, None, 4, 7, 12, 11, None, 6, 6, 6, 6, 6, 0)
    listener = MusicTheory()
    terms = listener.terms(melody)
    assert tuple(sorted(terms)) == tuple(sorted(RULES))
    np.testing.assert_allclose(listener.rewards(melody), sum(terms.values()), rtol=1e-6)


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_of_weight_0_pays_nothing(rule):
    melody = roll(0, 12, 1, 4, 7, 12, 11, 6, 6, 6, 6, 6, 6, 0, 4, 7, 0, 4, 7, 0, 4, 7, 0, 4, 7, 0, 4)
    without = MusicTheory(replace(TheoryWeights(), **{rule: 0.0})).terms(melody)
    assert not without[rule].any()
    for other in set(RULES) - {rule}:
        np.testing.assert_array_equal(without[other], MusicTheory().terms(melody)[other])


def test_a_note_outside_the_key_costs_1():
    # with the F it is C major; without it, it could be G major, to which the F sharp belongs
    assert rewards_of("key", 0, 4, 7, 5, 9, 11, 6, 0) == [0, 0, 0, 0, 0, 0, -1, 0]
    assert rewards_of("key", 0, 4, 7, 9, 11, 6, 0) == [0] * 7


def test_the_tonic_pays_at_both_ends_and_adds_up():
    # C major: begins with C; the last note counts only while it is the last one
    assert rewards_of("tonic", 0, 4, 7, 0) == [6, -3, 0, 3]
    assert sum(rewards_of("tonic", 0, 4, 7, 2)) == 3


def test_the_fifth_repetition_costs_100():
    assert rewards_of("repeating", 3, None, 3, 3, 3, 3, 3, 4) == [0, 0, 0, 0, 0, -100, -100, 0]


def test_more_than_a_bar_of_rest_costs_as_much():
    assert rewards_of("repeating", 3, *[None] * 10) == [0] * 9 + [-100] * 2


def test_intervals_are_worth_5_times_their_pleasantness():
    assert rewards_of("intervals", 0, 7, 4, 5, 5) == pytest.approx([0, 0.5, 0.75, 0.4, 0])
    assert rewards_of("intervals", 0, 11)[1] == pytest.approx(-1.5)


def test_a_leap_is_resolved_by_a_smaller_step_back():
    assert rewards_of("leap", 0, 9, 7, 5) == [0, 0, 5, 0]
    assert rewards_of("leap", 0, 9, 0) == [0, 0, 0]  # as large again: no resolution
    assert rewards_of("leap", 12, 5, 0) == [0, 0, 0]  # onwards, by no leap
    assert rewards_of("leap", 0, 7, 7, 12)[2:] == [0, 0]


def test_a_motif_has_three_different_notes_in_a_bar():
    assert rewards_of("motif", 0, 2, 0, 4, None, 5) == pytest.approx([0, 0, 0, 3, 0, 3.3])


def test_a_repeated_motif_earns_more():
    bar = (0, None, 4, None, 7, None, 4, 2)
    assert rewards_of("repeated_motif", *bar, *bar) == [0] * 15 + [5]
    # a step earlier the window began with the D, the first time with nothing


def test_a_highest_and_a_lowest_note_played_once_earn_3_each():
    assert rewards_of("unique", 0, 4, 2, 4, 0) == [6, 0, 0, -3, -3]


def test_monotony_correlates():
    # up and down: lag 1 is -1, lag 2 is 1, lag 3 is -1
    assert rewards_of("autocorrelation", *[0, 4] * 5)[-1] == pytest.approx(-9)
    assert rewards_of("autocorrelation", 5, 5, 5, 5) == [0, 0, 0, 0]


@pytest.mark.parametrize("rolls", [np.zeros((2, 20, 13), dtype=bool), np.ones((2, 20, 13), dtype=bool)])
def test_silence_and_noise_have_a_value_far_below_0(rolls):
    total = MusicTheory().rewards(rolls).sum(axis=1)
    assert np.isfinite(total).all()
    assert (total < -1000).all()

"""Clashes are exact: whole numbers of cases whose inputs have the same sums."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.smallest.clashes import Clash, as_set, differing_inputs, exact_clash, near_clash, solve
from agents.smallest.closest_points import Closest, closest_points

EXCLUSIVE_OR = np.array([[0, 1], [1, 0], [1, 1]]), np.array([[0, 1], [0, 1], [0, 0]])
"""Two inputs that are not enough, and a third that is."""


def test_inputs_differ_where_the_sums_of_two_groups_do():
    on, off = np.array([[1, 0], [1, 1], [0, 1]]), np.array([[1], [1], [0]])
    # the first case of `on` once and the second twice: sums 1, 3, 2; the case of `off` three times: 3, 3, 0
    assert differing_inputs(on, off, {0: 1, 1: 2}, {0: 3}) == as_set([0, 2]) == 0b101


def test_exclusive_or_clashes_in_all_but_the_input_that_tells():
    clash = exact_clash(*EXCLUSIVE_OR, [0, 1])
    assert clash == Clash(0b100, {0: 1, 1: 1}, {0: 1, 1: 1})
    found = closest_points(*EXCLUSIVE_OR, np.array([9.0, 9.0, 1.0]))
    assert near_clash(*EXCLUSIVE_OR, found) == clash


def test_without_chosen_inputs_any_two_cases_clash():
    assert exact_clash(*EXCLUSIVE_OR, []) == Clash(0b110, {0: 1}, {0: 1})


def test_shares_become_the_least_whole_numbers():
    on, off = np.array([[0, 3]]), np.array([[1]])
    found = Closest(0.0, np.array([2 / 3, 1 / 3]), np.array([1.0]), np.zeros(1))
    assert near_clash(on, off, found) == Clash(0, {0: 2, 1: 1}, {0: 3})


def test_shares_that_do_not_round_to_the_same_size_are_no_clash():
    found = Closest(0.0, np.array([2 / 3, 1 / 3 + 1e-3]), np.array([1.0]), np.zeros(1))
    assert near_clash(np.array([[0, 3]]), np.array([[1]]), found) is None


def test_inputs_that_are_enough_have_no_clash():
    with pytest.raises(ArithmeticError, match=r"rounding errors hid why the inputs \[2\] are not enough"):
        exact_clash(*EXCLUSIVE_OR, [2])


@given(st.integers(0, 2**32 - 1), st.integers(1, 10))
def test_an_exact_clash_has_none_of_the_inputs_that_are_not_enough(seed, size):
    random = np.random.default_rng(seed)
    on, off = random.integers(0, 2, (size + 3, 9)), random.integers(0, 2, (size + 3, 9))
    chosen = random.permutation(size + 3)[:size].tolist()
    if closest_points(on[chosen], off[chosen], np.ones(size)).distance > 1e-6:
        return
    clash = exact_clash(on, off, chosen)
    assert not clash.inputs & as_set(chosen)
    assert sum(clash.on.values()) == sum(clash.off.values()) > 0
    assert min(clash.on.values()) > 0
    assert min(clash.off.values()) > 0
    assert clash.inputs == differing_inputs(on, off, clash.on, clash.off)


def test_equations_are_solved_in_fractions():
    assert solve([[1, 2], [3, -1]], [1, 0]) == [Fraction(1, 7), Fraction(3, 7)]
    assert solve([[0, 2, 1], [0, 4, 2]], [3, 6]) == [0, Fraction(3, 2), 0]
    assert solve([[1, 1], [2, 2]], [1, 3]) is None

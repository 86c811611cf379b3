"""The fewest inputs of a unit: the same number as by trying everything, and proof in whole numbers."""

import json
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agents.smallest.clashes import as_set
from agents.smallest.fewest_inputs import FewestInputs

ALL_WEIGHTS = {size: np.array(list(product(range(-3, 4), repeat=size))) for size in range(1, 5)}
"""Weights that are enough for every threshold function of up to four inputs of 0 and 1."""


def fewest_by_trying(on, off):
    """The fewest inputs that are enough, of at most four; None if four are not enough."""
    for size, weights in ALL_WEIGHTS.items():
        for chosen in combinations(range(len(on)), min(size, len(on))):
            if size == len(chosen):
                low, high = weights @ on[list(chosen)], weights @ off[list(chosen)]
                if (low.min(axis=1) > high.max(axis=1)).any():
                    return size
    return None


def random_cases(seed, inputs, cases):
    """Cases of a unit with three inputs among all."""
    random = np.random.default_rng(seed)
    rows = random.integers(0, 2, (inputs, cases))
    target = random.integers(-2, 3, 3) @ rows[:3] > random.integers(-1, 2)
    return rows[:, target], rows[:, ~target]


def finish(search):
    while not search.finished:
        search.work(200)
    return search


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3, 9), st.integers(4, 14))
def test_finds_as_few_as_by_trying_everything(seed, inputs, cases):
    on, off = random_cases(seed, inputs, cases)
    assume(on.size and off.size)
    fewest = fewest_by_trying(on, off)
    assert fewest is not None
    search = finish(FewestInputs(on, off, np.random.default_rng(seed)))
    assert len(search.chosen) == len(set(search.chosen)) == fewest
    assert (search.weights @ on[search.chosen] + search.bias).min() >= 1 - 1e-6
    assert (search.weights @ off[search.chosen] + search.bias).max() <= -1 + 1e-6


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3, 9), st.integers(4, 14))
def test_clashes_are_whole_numbers_that_leave_no_smaller_choice(seed, inputs, cases):
    on, off = random_cases(seed, inputs, cases)
    assume(on.size and off.size)
    search = finish(FewestInputs(on, off, np.random.default_rng(seed)))
    for clash in search.clashes:
        assert sum(clash.on.values()) == sum(clash.off.values()) > 0
        assert min([*clash.on.values(), *clash.off.values()]) > 0
        sums = [
            [sum(int(rows[i, case]) * times for case, times in group.items()) for i in range(inputs)]
            for rows, group in ((on, clash.on), (off, clash.off))
        ]
        assert clash.inputs == sum(1 << i for i in range(inputs) if sums[0][i] != sums[1][i])
    for choice in combinations(range(inputs), len(search.chosen) - 1):
        assert any(not clash.inputs & as_set(choice) for clash in search.clashes)


def test_one_input_is_enough_where_it_is_the_answer():
    on, off = np.array([[1, 1], [0, 1]]), np.array([[0, 0], [0, 1]])
    search = finish(FewestInputs(on, off, np.random.default_rng(1)))
    assert (search.chosen, search.weights.tolist(), search.bias) == ([0], [2.0], -1.0)


def test_exclusive_or_has_no_unit():
    search = FewestInputs(np.array([[0, 1], [1, 0]]), np.array([[0, 1], [0, 1]]), np.random.default_rng(1))
    with pytest.raises(ValueError, match="no network without hidden nodes gets all cases right"):
        search.work(10)


def test_a_search_for_a_given_number_ends_without_a_choice_if_there_is_none():
    majority = np.array(list(product((0, 1), repeat=3))).T
    on, off = majority[:, majority.sum(axis=0) >= 2], majority[:, majority.sum(axis=0) < 2]
    assert finish(FewestInputs(on, off, np.random.default_rng(1), most=2)).chosen is None
    assert sorted(finish(FewestInputs(on, off, np.random.default_rng(1), most=3)).chosen) == [0, 1, 2]


def test_goes_on_from_a_state_to_the_same_bits():
    on, off = random_cases(11, 25, 60)
    randoms = [np.random.default_rng(2) for _ in range(2)]
    whole, first = (FewestInputs(on, off, random) for random in randoms)
    for _ in range(3):
        whole.work(20)
        first.work(20)
    assert not whole.finished
    state = json.loads(json.dumps(first.state()))
    second = FewestInputs(on, off, randoms[1])
    second.restore(state)
    finish(whole)
    finish(second)
    assert second.state() == whole.state()
    assert second.clashes == whole.clashes

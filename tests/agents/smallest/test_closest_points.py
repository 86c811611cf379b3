"""Closest points of two hulls: the distance, the points and the widest gap agree with each other."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.smallest.closest_points import closest_points


def separable_by_trying(first, second):
    """Whether some weights from -3 to 3 tell the columns apart: enough for up to four inputs of 0 and 1."""
    weights = np.array(list(product(range(-3, 4), repeat=len(first))))
    return bool(((weights @ first).min(axis=1) > (weights @ second).max(axis=1)).any())


def random_sets(seed, size):
    random = np.random.default_rng(seed)
    return random.integers(0, 2, (size, random.integers(1, 7))), random.integers(0, 2, (size, random.integers(1, 7)))


def test_points_on_a_line():
    found = closest_points(np.array([[1, 3, 4]]), np.array([[7, 9]]), np.array([2.0]))
    assert found.distance == pytest.approx(6.0)
    assert found.first.tolist() == pytest.approx([0, 0, 1])
    assert found.second.tolist() == pytest.approx([1, 0])
    assert found.normal.tolist() == pytest.approx([-2.0])


def test_exclusive_or_has_hulls_that_meet_in_the_middle():
    found = closest_points(np.array([[0, 1], [1, 0]]), np.array([[0, 1], [0, 1]]), np.ones(2))
    assert found.distance == pytest.approx(0.0)
    assert found.first.tolist() == pytest.approx([0.5, 0.5])
    assert found.second.tolist() == pytest.approx([0.5, 0.5])


def test_a_dear_coordinate_is_made_to_agree_at_the_cost_of_cheap_ones():
    first, second = np.array([[0, 1], [0, 5]]), np.array([[1], [0]])
    cheap = closest_points(first, second, np.array([1.0, 1.0]))
    dear = closest_points(first, second, np.array([100.0, 1.0]))
    assert cheap.first.tolist() == pytest.approx([1, 0])
    assert dear.first.tolist() == pytest.approx([0, 1])


@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_the_distance_is_above_0_exactly_where_a_unit_can_tell_the_sets_apart(seed, size):
    first, second = random_sets(seed, size)
    found = closest_points(first, second, np.ones(size))
    assert (found.distance > 1e-6) == separable_by_trying(first, second)


@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
def test_the_gap_is_as_wide_as_the_points_are_apart(seed, size):
    first, second = random_sets(seed, size)
    costs = np.random.default_rng(seed + 1).uniform(0.1, 3, size)
    found = closest_points(first, second, costs, start=(first.shape[1] - 1, 0))
    assert found.first.min() > -1e-9
    assert found.second.min() > -1e-9
    assert found.first.sum() == pytest.approx(1)
    assert found.second.sum() == pytest.approx(1)
    difference = first @ found.first - second @ found.second
    assert found.distance == pytest.approx(float(costs @ np.abs(difference)), abs=1e-9)
    assert (np.abs(found.normal) <= costs + 1e-9).all()
    gap = (found.normal @ first).min() - (found.normal @ second).max()
    assert gap == pytest.approx(found.distance, abs=1e-7)

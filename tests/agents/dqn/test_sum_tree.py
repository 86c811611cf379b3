"""The sum tree against plain sums."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.dqn.sum_tree import SumTree


def test_heights_fall_on_the_weights_laid_end_to_end():
    tree = SumTree(5)
    tree.set(np.arange(5), np.array([1.0, 0.0, 2.0, 0.5, 0.0]))
    assert tree.total == 3.5
    np.testing.assert_array_equal(tree.find(np.array([0.0, 0.99, 1.0, 2.99, 3.0, 3.49])), [0, 0, 2, 2, 3, 3])


@pytest.mark.parametrize("size", [1, 2, 3, 8, 9])
def test_the_only_item_with_weight_is_always_returned(size):
    for only in range(size):
        tree = SumTree(size)
        tree.set(np.array([only]), np.array([0.25]))
        np.testing.assert_array_equal(tree.find(np.array([0.0, 0.1, 0.2499])), [only] * 3)


whole_weights = st.integers(0, 5).map(float)


@given(st.data())
def test_it_agrees_with_a_running_sum_after_any_changes(data):
    size = data.draw(st.integers(1, 20))
    tree, weights = SumTree(size), np.zeros(size)
    for _ in range(data.draw(st.integers(1, 4))):
        items = np.array(data.draw(st.lists(st.integers(0, size - 1), min_size=1, unique=True)))
        weights[items] = data.draw(st.lists(whole_weights, min_size=len(items), max_size=len(items)))
        tree.set(items, weights[items])
    np.testing.assert_array_equal(tree.weights(np.arange(size)), weights)
    assert tree.total == weights.sum()
    if weights.any():
        heights = np.arange(0, weights.sum(), 0.5)
        expected = np.searchsorted(np.cumsum(weights), heights, side="right")
        np.testing.assert_array_equal(tree.find(heights), expected)


def test_rounding_never_leads_to_an_item_without_weight():
    tree = SumTree(8)
    weights = np.array([0.1, 0.0, 0.7, 0.0, 0.2, 0.0, 0.0, 0.0])
    tree.set(np.arange(8), weights)
    last = np.nextafter(tree.total, 0)
    assert weights[tree.find(np.array([last, tree.total, 0.0, 0.8, np.nextafter(0.8, 0)]))].all()


def test_sums_depend_on_the_weights_alone_not_on_how_they_came_about():
    random = np.random.default_rng(0)
    weights = random.random(100)
    at_once, bit_by_bit = SumTree(100), SumTree(100)
    at_once.set(np.arange(100), weights)
    for _ in range(3):
        order = random.permutation(100)
        bit_by_bit.set(order, random.random(100))
        for item in order:
            bit_by_bit.set(np.array([item]), weights[[item]])
    heights = random.random(1000) * at_once.total
    assert at_once.total == bit_by_bit.total
    np.testing.assert_array_equal(at_once.find(heights), bit_by_bit.find(heights))


def test_an_item_named_twice_keeps_the_sums_right():
    tree = SumTree(4)
    tree.set(np.array([2, 2, 0]), np.array([5.0, 5.0, 1.0]))
    assert tree.total == 6.0


def test_items_are_returned_in_proportion_to_their_weights():
    tree = SumTree(3)
    tree.set(np.arange(3), np.array([1.0, 2.0, 7.0]))
    items = tree.find(np.random.default_rng(1).random(10_000) * tree.total)
    np.testing.assert_allclose(np.bincount(items) / 10_000, [0.1, 0.2, 0.7], atol=0.02)

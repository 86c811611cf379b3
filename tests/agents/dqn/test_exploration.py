"""Exploration: steps other than the most valued one."""

import numpy as np
import pytest

from agents.dqn.exploration import CountBonus, EpsilonGreedy, ExplorationOptions, steps_with


def keys(*rows) -> np.ndarray:
    """Return rows (N, 13) bool with these keys pressed."""
    return np.array([np.isin(np.arange(13), row) for row in rows])


# Epsilon


def epsilon_greedy(start: float, end: float, steps: int) -> EpsilonGreedy:
    return EpsilonGreedy(ExplorationOptions(start, end, steps))


def test_epsilon_falls_linearly_and_then_stays():
    epsilon = epsilon_greedy(1.0, 0.2, 100)
    assert [epsilon.at(step) for step in (0, 50, 100, 1000)] == pytest.approx([1.0, 0.6, 0.2, 0.2])


def test_keys_are_flipped_one_by_one():
    played = np.tile(keys((0, 5)), (20_000, 1))
    flipped = epsilon_greedy(0.26, 0.26, 1).flip_keys(played, 0, np.random.default_rng(0)) ^ played
    np.testing.assert_allclose(flipped.mean(axis=0), 0.02, atol=0.005)


def test_whole_steps_are_replaced_by_any_of_at_most_one_key():
    played = np.tile(keys((0, 5)), (28_000, 1))
    changed = epsilon_greedy(0.5, 0.5, 1).replace_steps(played, 0, np.random.default_rng(0))
    other = changed[(changed != played).any(axis=1)]
    assert len(other) / len(played) == pytest.approx(0.5, abs=0.01)
    assert other.sum(axis=1).max() == 1
    counts = np.append(other.sum(axis=0), (~other.any(axis=1)).sum()) / len(other)
    np.testing.assert_allclose(counts, 1 / 14, atol=0.01)


@pytest.mark.parametrize("way", ["flip_keys", "replace_steps"])
def test_with_an_epsilon_of_0_nothing_else_is_tried(way):
    played = keys((1,), (), (2, 3))
    np.testing.assert_array_equal(
        getattr(epsilon_greedy(0.0, 0.0, 1), way)(played, 0, np.random.default_rng(0)), played
    )


# Steps and counts


@pytest.mark.parametrize(("most", "count"), [(0, 1), (1, 14), (2, 92)])
def test_steps_are_listed_once_each_fewer_keys_first(most, count):
    steps = steps_with(most)
    assert len(steps) == len(np.unique(steps, axis=0)) == count
    assert (np.diff(steps.sum(axis=1)) >= 0).all()
    assert steps.sum(axis=1).max() == most


def memories(*numbers: int) -> np.ndarray:
    """Return an observation (26,) for each number."""
    return np.array([[number >> bit & 1 for bit in range(26)] for number in numbers], dtype=np.int8)


def count_bonus(bonus: float = 1.0, chord: float = 0.5, most: int = 1) -> CountBonus:
    return CountBonus(ExplorationOptions(bonus=bonus, chord_bonus=chord), steps_with(most), 26)


def test_every_step_is_tried_once_before_one_is_tried_again():
    explorer, values = count_bonus(), np.linspace(0.2, 0, 14)[None]
    chosen = [explorer.choose(values, memories(77))[0] for _ in range(14)]
    np.testing.assert_array_equal(chosen, steps_with(1))  # the most valued first


def test_what_is_known_to_be_right_is_played_on():
    explorer, values = count_bonus(), np.zeros((1, 14))
    values[0, 3] = 1.0
    for _ in range(1000):
        np.testing.assert_array_equal(explorer.choose(values, memories(5)), keys((2,)))


def test_every_memory_has_counts_of_its_own():
    explorer, values = count_bonus(), np.linspace(0.2, 0, 14)[None].repeat(2, axis=0)
    for _ in range(3):
        explorer.choose(values[:1], memories(1))
    np.testing.assert_array_equal(explorer.choose(values, memories(1, 2)), keys((2,), ()))


def test_a_chord_waits_until_single_keys_were_tried_more_than_once():
    explorer, values = count_bonus(chord=0.6, most=2), np.zeros((1, 92))
    sizes = [int(explorer.choose(values, memories(9)).sum()) for _ in range(30)]
    # an untried chord has 0.6, a step tried once 1 / sqrt(2), one tried twice less
    assert max(sizes[:28]) == 1
    assert sizes[28:] == [2, 2]


def test_a_step_that_is_not_played_is_not_counted():
    explorer, values = count_bonus(), np.linspace(0.2, 0, 14)[None].repeat(2, axis=0)
    for _ in range(2):
        played = explorer.choose(values, memories(1, 2), waiting=np.array([True, False]))
    np.testing.assert_array_equal(played, keys((), (0,)))


def test_environments_that_try_the_same_at_once_all_count():
    explorer = count_bonus(bonus=1.0)
    explorer.choose(np.linspace(0.2, 0, 14)[None].repeat(3, axis=0), memories(1, 1, 1))
    assert explorer.state()[0]["counts"].tolist() == [3]


def test_a_full_count_stays_full():
    explorer = count_bonus(bonus=1e-9)
    values = np.zeros((1, 14))
    values[0, 0] = 1
    explorer.choose(values, memories(1))
    explorer.restore({"cells": explorer.state()[0]["cells"], "counts": np.array([65_533], dtype=np.uint16)}, {})
    for _ in range(5):
        explorer.choose(values, memories(1))
    assert explorer.state()[0]["counts"][0] >= 65_533


def test_collisions_are_rare():
    explorer = count_bonus(most=2)
    random = np.random.default_rng(0)
    cells = explorer._cells(random.integers(2, size=(120, 26)))
    assert cells.min() >= 0
    assert cells.max() < 1 << 20
    assert cells.size - len(np.unique(cells)) < 200  # of 11,040; 58 are expected


def test_counts_are_restored_from_a_state():
    explorer, values = count_bonus(), np.linspace(0.2, 0, 14)[None]
    for number in (1, 1, 2):
        explorer.choose(values, memories(number))
    other = count_bonus()
    other.choose(values, memories(3))
    other.restore({name: array.copy() for name, array in explorer.state()[0].items()}, {})
    np.testing.assert_array_equal(other.choose(values.repeat(3, axis=0), memories(1, 2, 3)), keys((1,), (0,), ()))

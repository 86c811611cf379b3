"""The unit of one key: the gains of changes, and sums that stay exact."""

import json

import numpy as np
import pytest

from agents.other_searches.per_key.key_unit import KeyUnit
from agents.other_searches.per_key.margins import hinge, round_to_grid, sample_indices
from agents.other_searches.per_key.options import PerKeyOptions
from agents.other_searches.per_key.sparse_cases import SparseCases

MEMORY, PROMPT = 8, 2


@pytest.fixture(scope="module")
def cases():
    random = np.random.default_rng(3)
    rolls = [random.random((40, 13)) < 0.08 for _ in range(3)]
    return SparseCases.from_rolls(rolls, rolls, MEMORY, PROMPT)


def evolve(unit, times, seed=1):
    random = np.random.default_rng(seed)
    for number in range(times):
        unit.mutate(random)
        unit.mutate_bias(random)
        unit.reweight_errors(relax=number % 2 == 1)


def test_the_squared_hinge_is_the_square_of_what_a_margin_lacks_to_one():
    assert hinge(np.array([2.0, 1.0, 0.5, 0.0, -1.0])).tolist() == [0, 0, 0.25, 1, 4]


def test_weights_are_rounded_to_1024ths():
    assert round_to_grid(np.array([0.1, -0.0004, 3.0])).tolist() == [102 / 1024, 0, 3]


def test_indices_are_sampled_in_proportion():
    sampled = sample_indices(np.array([0.0, 1.0, 0.0, 3.0]), np.random.default_rng(0), 4000)
    assert set(sampled.tolist()) == {1, 3}
    assert 2850 < np.count_nonzero(sampled == 3) < 3150
    assert set(sample_indices(np.zeros(3), np.random.default_rng(0), 100).tolist()) == {0, 1, 2}


def test_a_key_rests_at_first(cases):
    unit = KeyUnit(cases, 4, PerKeyOptions())
    np.testing.assert_array_equal(unit.margins, np.where(cases.targets[:, 4], -1, 1))
    assert unit.wrong == cases.targets[:, 4].sum()
    assert unit.connections == 0


def test_a_gain_is_the_loss_before_less_the_loss_after(cases):
    unit = KeyUnit(cases, 4, PerKeyOptions())
    evolve(unit, 5)
    sources = np.flatnonzero(np.diff(cases.column_starts))[:20]
    changes = np.linspace(-2, 2, 20).astype(np.float32)
    row_weights = 1.1**unit.raises
    for source, by, gain in zip(sources, changes, unit.gains(sources, changes), strict=True):
        on = np.zeros(cases.rows, dtype=bool)
        on[cases.rows_of(source)] = True
        after = hinge(unit.margins + unit.signs * by * on)
        assert gain == pytest.approx(float(((hinge(unit.margins) - after) * row_weights).sum()), abs=1e-3)


def test_margins_stay_exact_and_weights_on_the_grid(cases):
    unit = KeyUnit(cases, 2, PerKeyOptions())
    evolve(unit, 100)
    np.testing.assert_array_equal(unit.margins, unit.compute_margins())
    np.testing.assert_array_equal(unit.weights * 1024, np.round(unit.weights * 1024))
    assert 1 < np.abs(unit.weights).max() <= 30


@pytest.mark.parametrize("guided", [0.0, 0.6])
def test_every_row_is_learned(cases, guided):
    unit = KeyUnit(cases, 6, PerKeyOptions(target_guided=guided))
    evolve(unit, 300)
    assert unit.wrong == 0


def test_a_costly_connection_is_not_made(cases):
    cheap, dear = KeyUnit(cases, 6, PerKeyOptions()), KeyUnit(cases, 6, PerKeyOptions(cost=2.0))
    evolve(cheap, 100)
    evolve(dear, 100)
    assert 0 < dear.connections < cheap.connections


def test_pruning_keeps_what_is_right(cases):
    unit = KeyUnit(cases, 6, PerKeyOptions())
    evolve(unit, 30)
    before, right = unit.connections, unit.margins > 0
    unit.prune()
    assert unit.connections < before
    assert (unit.margins[right] > 0).all()
    np.testing.assert_array_equal(unit.margins, unit.compute_margins())


def test_weights_of_rows_rise_where_they_are_wrong_and_fall_where_they_are_safe(cases):
    unit = KeyUnit(cases, 6, PerKeyOptions())
    unit.raises[:] = 5
    unit.reweight_errors(relax=False)
    assert set(unit.raises[unit.margins <= 0]) == {6}
    assert set(unit.raises[unit.margins > 0]) == {5}
    unit.reweight_errors(relax=True)
    assert set(unit.raises[unit.margins > 0]) == {4}


def test_a_restored_unit_continues_bit_identically(cases):
    unit, other = KeyUnit(cases, 6, PerKeyOptions()), KeyUnit(cases, 6, PerKeyOptions())
    evolve(unit, 20)
    arrays, data = unit.state()
    other.restore({name: array.copy() for name, array in arrays.items()}, json.loads(json.dumps(data)))
    for one in (unit, other):
        evolve(one, 20, seed=2)
    assert unit.state()[1] == other.state()[1]
    for name, array in unit.state()[0].items():
        np.testing.assert_array_equal(other.state()[0][name], array, err_msg=name)
    np.testing.assert_array_equal(unit.margins, other.margins)

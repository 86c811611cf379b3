"""Fitness kinds against slow, obvious implementations and literal values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.fitness import KINDS, right_cases


def squared_hinge(outputs, targets, weights):
    losses = [0.0] * len(targets)
    for o, row in enumerate(targets):
        for c, on in enumerate(row):
            short = max(0.0, 1 - outputs[o][c] if on else 1 + outputs[o][c])
            losses[o] += weights[o][c] * short**2
    return losses


def right_keys(outputs, targets, weights):
    return [
        sum(weights[o][c] for c in range(len(row)) if (outputs[o][c] > 0) != row[c]) for o, row in enumerate(targets)
    ]


def wrong_at(outputs, targets, case):
    return any((outputs[o][case] > 0) != targets[o][case] for o in range(len(targets)))


def right_steps(outputs, targets, weights):
    total = sum(
        max(weights[o][c] for o in range(len(targets))) for c in range(len(targets[0])) if wrong_at(outputs, targets, c)
    )
    return [total / len(targets)] * len(targets)


def first_error(outputs, targets, weights):
    cases = len(targets[0])
    for c in range(cases):
        if wrong_at(outputs, targets, c) and max(weights[o][c] for o in range(len(targets))) > 0:
            return [(cases - c) / len(targets)] * len(targets)
    return [0.0] * len(targets)


ORACLES = {
    "squared_hinge": squared_hinge,
    "right_keys": right_keys,
    "right_steps": right_steps,
    "first_error": first_error,
}


def test_every_kind_has_an_oracle():
    assert ORACLES.keys() == KINDS.keys()


@st.composite
def answers(draw):
    """Return outputs (N, O, C), some of them exactly 0, 1 and -1, targets (O, C) and weights (O, C)."""
    networks, outputs, cases = (draw(st.integers(1, 4)) for _ in range(3))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    z = np.round(random.normal(0, 1.5, (networks, outputs, cases)), draw(st.sampled_from([0, 3])))
    targets = random.random((outputs, cases)) < 0.5
    if draw(st.booleans()):
        z = np.where(targets, np.abs(z) + 0.5, -np.abs(z))  # nothing is wrong
    weights = random.choice([0.0, 1.0, 1.3, 2.0], (outputs, cases))
    return z, targets, weights


@given(answers(), st.sampled_from(sorted(KINDS)), st.sampled_from([np.float64, np.float32]))
def test_a_kind_equals_its_oracle(drawn, name, dtype):
    outputs, targets, weights = drawn
    outputs, weights = outputs.astype(dtype), weights.astype(np.float32)
    losses = KINDS[name](outputs, targets, weights)
    assert losses.shape == outputs.shape[:2]
    assert losses.dtype == np.float64
    expected = [ORACLES[name](one, targets.tolist(), weights.tolist()) for one in outputs.astype(np.float64).tolist()]
    np.testing.assert_allclose(losses, expected, rtol=1e-5, atol=1e-12)


@given(answers(), st.sampled_from(sorted(KINDS)))
def test_a_kind_changes_nothing_that_it_is_given(drawn, name):
    outputs, targets, weights = drawn
    before = [array.copy() for array in drawn]
    KINDS[name](outputs, targets, weights)
    for array, copy in zip(drawn, before, strict=True):
        assert (array == copy).all()


OUTPUTS = np.array([[[2.0, 0.5, -0.25, 0.0], [-1.0, -3.0, 0.5, -0.5]]])
TARGETS = np.array([[True, True, True, False], [False, False, False, False]])
#                    case 2 is wrong in both outputs; 0 is off, and so right at case 3
ONES = np.ones((2, 4))


@pytest.mark.parametrize(
    ("name", "losses"),
    [
        ("squared_hinge", [0.25 + 1.5625 + 1, 2.25 + 0.25]),
        ("right_keys", [1, 1]),
        ("right_steps", [0.5, 0.5]),
        ("first_error", [1, 1]),
    ],
)
def test_literal_losses(name, losses):
    assert KINDS[name](OUTPUTS, TARGETS, ONES).tolist() == [losses]


@pytest.mark.parametrize(
    ("name", "losses"),
    [
        ("squared_hinge", [0.25 + 4 * 1.5625 + 1, 3 * 2.25 + 0.25]),
        ("right_keys", [4, 3]),
        ("right_steps", [2, 2]),  # a case weighs what its heaviest cell does
        ("first_error", [1, 1]),  # counts cases, whatever they weigh
    ],
)
def test_cells_may_weigh_more(name, losses):
    weights = ONES.copy()
    weights[:, 2] = 4, 3
    assert KINDS[name](OUTPUTS, TARGETS, weights).tolist() == [losses]


@pytest.mark.parametrize("name", sorted(KINDS))
def test_cases_without_weight_do_not_count(name):
    weights = ONES.copy()
    weights[:, 2] = 0
    fewer = KINDS[name](OUTPUTS[:, :, [0, 1, 3]], TARGETS[:, [0, 1, 3]], ONES[:, :3])
    assert KINDS[name](OUTPUTS, TARGETS, weights).tolist() == fewer.tolist()


@given(answers(), st.sampled_from(sorted(KINDS)))
def test_a_loss_is_0_where_all_is_safely_right_and_above_0_where_it_is_wrong(drawn, name):
    outputs, targets, _ = drawn
    ones = np.ones(targets.shape)
    safe = np.where(targets, 1.0, -1.0)[None]
    assert not KINDS[name](safe, targets, ones).any()
    wrong = ((outputs > 0) != targets).any(axis=(1, 2))
    total = KINDS[name](outputs, targets, ones).sum(axis=1)
    assert (total[wrong] > 0).all()


@pytest.mark.parametrize("name", sorted(set(KINDS) - {"squared_hinge"}))
def test_counting_kinds_do_not_care_how_wrong_an_output_is(name):
    assert KINDS[name](OUTPUTS, TARGETS, ONES).tolist() == KINDS[name](1000 * OUTPUTS, TARGETS, ONES).tolist()


def test_a_case_is_right_if_all_its_outputs_are():
    assert right_cases(OUTPUTS, TARGETS).tolist() == [[True, True, False, True]]
    assert right_cases(-OUTPUTS, TARGETS).tolist() == [[False, False, True, False]]

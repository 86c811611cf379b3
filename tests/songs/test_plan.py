"""Plans of melodies, and the inputs they give performers."""

import numpy as np
import pytest

from songs.plan import (
    EXACT,
    KINDS,
    NEW,
    RHYTHM,
    PlanFollower,
    PlanInputs,
    Plans,
    input_count,
    kinds_and_lags,
    relation,
)


@pytest.fixture
def plans() -> Plans:
    """One plan on the scale of key 0: new, a copy of the first, new without notes, in the rhythm of two before."""
    bars = [
        [0, 3, 4, 0],
        [relation(EXACT, 1), 3, 4, 0],
        [0, 0, 0, 12],
        [relation(RHYTHM, 2), 2, 1, 7],
    ]
    return Plans(np.array([bars]), np.array([[0, 0, 12, 2, 2, 2, 2, 2]]), np.array([0]))


def parts(inputs: np.ndarray) -> list[list[int]]:
    """Return what each part of the inputs (I,) of 13 keys has on."""
    ends = np.cumsum([13, 13, len(KINDS), 8, 4, 4, 4, 1])
    return [np.flatnonzero(part).tolist() for part in np.split(inputs, ends[:-1])]


def test_relations_say_kind_and_lag():
    kinds, lags = np.meshgrid(np.arange(1, len(KINDS)), np.arange(1, 17))
    codes = relation(kinds, lags)
    assert len(np.unique(codes)) == codes.size
    assert codes.min() == 1
    np.testing.assert_array_equal(kinds_and_lags(codes), [kinds, lags])
    assert kinds_and_lags(np.array([0]))[0] == NEW
    assert kinds_and_lags(np.array([0]))[1] == 0


def test_phrases_end_with_long_notes_rests_and_the_end(plans):
    assert plans.phrase_ends.tolist() == [[True, True, True, True]]
    plans.bars[0, :, 2] = 3
    assert plans.phrase_ends.tolist() == [[False, False, True, True]]  # a bar without notes is a rest


def test_inputs_are_the_echoed_step_and_the_place_in_the_plan(plans):
    inputs, roll = PlanInputs(plans, 13), np.zeros((1, 32, 13), dtype=bool)
    roll[0, 2, [4, 7]] = True
    one = np.zeros(1, dtype=np.int64)
    assert inputs.at(one, one + 10, roll).shape == (1, input_count(13))
    # step 2 of bar 1: the copy of step 2; no last note; exact; bar 0 of its phrase and its last; 2 left; notes to come
    assert parts(inputs.at(one, one + 10, roll)[0]) == [[4, 7], [], [EXACT], [2], [0], [0], [2], [0]]
    # step 4 of bar 1 is where the last note begins, on the tonic
    assert parts(inputs.at(one, one + 12, roll)[0])[1] == [0, 12]
    assert parts(inputs.at(one, one + 13, roll)[0])[-1] == []
    assert parts(inputs.at(one, one + 31, roll)[0]) == [[], [7], [RHYTHM], [7], [0], [0], [0], [0]]
    assert inputs.reach == 16


def test_a_follower_hears_as_much_as_the_whole_roll_tells(plans):
    roll = np.random.default_rng(0).random((2, 32, 13)) < 0.2
    inputs = PlanInputs(plans, 13)
    follower = PlanFollower(inputs, 8)
    for step in range(8, 32):
        memory = np.concatenate((np.zeros((2, 32, 13), dtype=bool), roll[:, :step]), axis=1)[:, -9:]
        expected = inputs.at(np.zeros(2, dtype=np.int64), np.full(2, step), roll)
        np.testing.assert_array_equal(follower.after(memory), expected)


def test_plans_are_plain_data_and_come_back(plans):
    again = Plans.from_dict(plans.to_dict(), 4, 13)
    np.testing.assert_array_equal(again.bars, plans.bars)
    assert again.tonic.tolist() == [0]
    assert again.steps == 32


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("bars", [[[0, 0, 0, 0]] * 3]),
        ("bars", [[[0, 9, 0, 13]] * 4]),
        ("bars", [[[1, 0, 0, 0]] * 4]),
        ("bars", []),
        ("character", [[0]]),
        ("lowest", [1]),
        ("lowest", [0, 0]),
    ],
)
def test_what_is_no_plan_is_refused(plans, part, value):
    with pytest.raises(ValueError, match=r"it holds|has \d+ values|is missing|\["):
        Plans.from_dict({**plans.to_dict(), part: value}, 4, 13)

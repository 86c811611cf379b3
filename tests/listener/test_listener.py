"""The contract of every listener, and the weighted sum of several."""

from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from listener.listener import Listener, PointwiseListener, WeightedSum, is_pointwise, pays_every
from listener.memorization import ExactSteps, RightKeys
from listener.registry import NAMES, listener_named
from listener.rules import MusicTheory

LISTENERS = {
    "ExactSteps": ExactSteps(),
    "RightKeys": RightKeys(),
    "MusicTheory": MusicTheory(),
    "WeightedSum": WeightedSum([ExactSteps(), RightKeys()], [0.75, -0.5]),
    **{name: listener_named(name) for name in NAMES[1:] if find_spec("torch")},
}
"""Every listener of the project; a new one is added here. The trained ones need torch."""

each_listener = pytest.mark.parametrize("listener", LISTENERS.values(), ids=LISTENERS.keys())


class Loudness:
    """A listener that a user might write: it rewards the number of keys."""

    def rewards(self, rolls, targets=None):
        return rolls.sum(axis=2, dtype=np.float32)


@st.composite
def batches(draw, count: int) -> list[np.ndarray]:
    """Return `count` batches (B, T, 13) of one shape."""
    shape = (draw(st.integers(1, 3)), draw(st.integers(1, 6)), 13)
    return [draw(hnp.arrays(bool, shape)) for _ in range(count)]


def shuffled(rolls: np.ndarray) -> np.ndarray:
    """Return targets that agree with the rolls at some steps and differ at others."""
    targets = rolls.copy()
    targets[:, ::2, 3] ^= True
    return targets


# Every listener


@each_listener
def test_a_listener_follows_the_protocol(listener):
    assert isinstance(listener, Listener)


@each_listener
@pytest.mark.parametrize("shape", [(1, 1, 13), (3, 5, 13), (2, 0, 13)])
def test_every_step_of_every_roll_has_one_reward(listener, shape):
    rolls = np.zeros(shape, dtype=bool)
    for targets in (rolls, None):
        rewards = listener.rewards(rolls, targets)
        assert rewards.shape == shape[:2]
        assert rewards.dtype == np.float32


@each_listener
@settings(deadline=None)
@given(batch=batches(1))
def test_rewards_are_finite_with_a_target_and_without(listener, batch):
    (rolls,) = batch
    assert np.isfinite(listener.rewards(rolls, shuffled(rolls))).all()
    assert np.isfinite(listener.rewards(rolls, None)).all()
    np.testing.assert_array_equal(listener.rewards(rolls), listener.rewards(rolls, None))


@each_listener
@settings(deadline=None)
@given(batch=batches(4), data=st.data())
def test_later_steps_change_no_earlier_reward(listener, batch, data):
    rolls, targets, other_rolls, other_targets = batch
    until = data.draw(st.integers(1, rolls.shape[1]))
    other_rolls[:, :until], other_targets[:, :until] = rolls[:, :until], targets[:, :until]
    expected = listener.rewards(rolls, targets)[:, :until]
    np.testing.assert_allclose(listener.rewards(other_rolls, other_targets)[:, :until], expected, atol=1e-6)
    np.testing.assert_allclose(listener.rewards(rolls[:, :until], targets[:, :until]), expected, atol=1e-6)
    alone = listener.rewards(rolls)[:, :until]
    np.testing.assert_allclose(listener.rewards(other_rolls)[:, :until], alone, atol=1e-6)


@each_listener
@settings(deadline=None)
@given(batch=batches(2))
def test_a_roll_is_rewarded_the_same_alone_and_in_a_batch(listener, batch):
    rolls, targets = batch
    together, untold = listener.rewards(rolls, targets), listener.rewards(rolls)
    for row in range(len(rolls)):
        np.testing.assert_allclose(
            listener.rewards(rolls[row : row + 1], targets[row : row + 1]), together[row : row + 1], atol=1e-6
        )
        np.testing.assert_allclose(listener.rewards(rolls[row : row + 1]), untold[row : row + 1], atol=1e-6)


@each_listener
@settings(deadline=None)
@given(batch=batches(2))
def test_a_listener_changes_neither_rolls_nor_targets_and_answers_the_same_again(listener, batch):
    rolls, targets = batch
    copies = rolls.copy(), targets.copy()
    rolls.flags.writeable = targets.flags.writeable = False
    first = listener.rewards(rolls, targets).copy()
    np.testing.assert_array_equal(listener.rewards(rolls, targets), first)
    np.testing.assert_array_equal(rolls, copies[0])
    np.testing.assert_array_equal(targets, copies[1])


POINTWISE = {name: listener for name, listener in LISTENERS.items() if is_pointwise(listener)}


@pytest.mark.parametrize("listener", POINTWISE.values(), ids=POINTWISE.keys())
@settings(deadline=None)
@given(batch=batches(2))
def test_a_pointwise_listener_pays_every_step_by_itself(listener, batch):
    rolls, targets = batch
    whole, untold = listener.rewards(rolls, targets), listener.rewards(rolls)
    wrong = (rolls != targets).sum(axis=2, dtype=np.float32)
    for step in range(rolls.shape[1]):
        keys, target = rolls[:, step], targets[:, step]
        rewards = listener.step_rewards(keys, target)
        assert rewards.dtype == np.float32
        np.testing.assert_allclose(rewards, whole[:, step], atol=1e-6)
        np.testing.assert_allclose(listener.step_rewards(keys), untold[:, step], atol=1e-6)
        np.testing.assert_allclose(listener.step_rewards(keys, target, wrong[:, step]), whole[:, step], atol=1e-6)
        np.testing.assert_allclose(listener.step_rewards(keys[0], target[0]), whole[0, step], atol=1e-6)


def test_a_listener_that_does_not_say_so_is_not_taken_to_be_pointwise():
    assert set(POINTWISE) >= {"ExactSteps", "RightKeys", "WeightedSum"}
    assert all(isinstance(listener, PointwiseListener) for listener in POINTWISE.values())
    assert not is_pointwise(Loudness())
    assert not is_pointwise(WeightedSum([ExactSteps(), Loudness()], [1, 1]))


# The weighted sum


def test_a_weighted_sum_adds_what_each_listener_pays():
    rolls = np.zeros((1, 2, 13), dtype=bool)
    rolls[0, 1, [0, 4, 7]] = True
    targets = np.zeros((1, 2, 13), dtype=bool)
    both = WeightedSum([ExactSteps(), Loudness()], [2, -0.5])
    assert both.rewards(rolls, targets).tolist() == [[2.0, -1.5]]
    assert both.rewards(rolls).tolist() == [[0.0, -1.5]]


def test_a_weighted_sum_may_be_part_of_another():
    rolls = np.ones((1, 1, 13), dtype=bool)
    nested = WeightedSum([WeightedSum([Loudness()], [2.0]), Loudness()], [10.0, 1.0])
    assert nested.rewards(rolls).tolist() == [[273.0]]


def test_a_listener_says_how_often_it_pays():
    seldom, seldomer = Loudness(), Loudness()
    seldom.pays_every, seldomer.pays_every = 4, 6
    assert [pays_every(one) for one in (Loudness(), seldom)] == [1, 4]
    assert pays_every(WeightedSum([seldom, seldomer], [1, 1])) == 2
    assert pays_every(WeightedSum([seldom, Loudness()], [1, 1])) == 1


class Split:
    """Pays 1 for a step and 2 for every key, and says so."""

    def rewards(self, rolls, targets=None):
        return sum(self.terms(rolls).values())

    def terms(self, rolls, targets=None):
        keys = rolls.sum(axis=2, dtype=np.float32)
        return {"step": np.ones_like(keys), "keys": 2 * keys}


def test_a_weighted_sum_tells_the_terms_of_all():
    rolls = np.zeros((1, 2, 13), dtype=bool)
    rolls[0, 1, [0, 4]] = True
    three = WeightedSum([Split(), Loudness(), Split()], [1.0, -1.0, 0.5])
    terms = {name: rewards.tolist() for name, rewards in three.terms(rolls).items()}
    assert terms == {
        "step": [[1, 1]],
        "keys": [[0, 4]],
        "Loudness": [[0, -2]],
        "step 3": [[0.5, 0.5]],
        "keys 3": [[0, 2]],
    }
    np.testing.assert_allclose(three.rewards(rolls), sum(three.terms(rolls).values()))


@pytest.mark.parametrize(
    ("listeners", "weights", "match"),
    [
        ([], [], "one weight for each listener: 0 listeners, 0 weights"),
        ([ExactSteps()], [], "1 listeners, 0 weights"),
        ([ExactSteps()], [1.0, 2.0], "1 listeners, 2 weights"),
    ],
)
def test_a_weighted_sum_needs_one_weight_for_each_listener(listeners, weights, match):
    with pytest.raises(ValueError, match=match):
        WeightedSum(listeners, weights)

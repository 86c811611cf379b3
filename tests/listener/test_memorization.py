"""Listeners that know the song."""

import numpy as np
import pytest

from listener.memorization import ExactSteps, RightKeys, wrong_keys


def rolls(*steps: tuple[int, ...]) -> np.ndarray:
    """Return a batch of one roll, given the keys that each step presses."""
    batch = np.zeros((1, len(steps), 13), dtype=bool)
    for step, keys in enumerate(steps):
        batch[0, step, list(keys)] = True
    return batch


PLAYED = rolls((), (0,), (0, 4), (0,), (), (0,), range(13))
TARGET = rolls((), (0,), (4, 0), (0, 4), (7,), (1,), ())


def test_wrong_keys_are_counted():
    assert wrong_keys(PLAYED, TARGET).tolist() == [[0, 0, 0, 1, 1, 2, 13]]
    assert wrong_keys(PLAYED[0, 5], TARGET[0, 5]) == 2
    assert wrong_keys(PLAYED, TARGET[0, 1]).tolist() == [[1, 0, 1, 0, 1, 0, 12]]  # one target for all steps


def test_a_step_is_exact_if_all_its_keys_are_right():
    assert ExactSteps().rewards(PLAYED, TARGET).tolist() == [[1, 1, 1, 0, 0, 0, 0]]


def test_the_share_of_right_keys_counts_the_ones_that_are_up():
    rewards = RightKeys().rewards(PLAYED, TARGET)
    np.testing.assert_allclose(rewards, [[1, 1, 1, 12 / 13, 12 / 13, 11 / 13, 0]], rtol=1e-6)


@pytest.mark.parametrize("listener", [ExactSteps(), RightKeys()], ids=lambda listener: type(listener).__name__)
def test_without_a_target_the_reward_is_0(listener):
    assert listener.rewards(PLAYED).tolist() == [[0, 0, 0, 0, 0, 0, 0]]


def test_silence_earns_the_rests_or_nearly_everything():
    silence = np.zeros_like(TARGET)
    assert ExactSteps().rewards(silence, TARGET).sum() == 2
    assert RightKeys().rewards(silence, TARGET).mean() == pytest.approx((7 * 13 - 7) / (7 * 13))

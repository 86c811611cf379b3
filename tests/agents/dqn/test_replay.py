"""Transitions come out of the replay buffer as they went in, as often as they should."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.dqn.replay import ReplayBuffer, ReplayOptions


def transitions(count: int, memory: int, mode_bit: bool = False, rewards: int = 1, n: int = 1, seed: int = 0):
    """Return transitions of noise, as arguments of `ReplayBuffer.add`."""
    random = np.random.default_rng(seed)
    observations = random.integers(2, size=(count, 13 * memory + mode_bit), dtype=np.int8)
    remembered = random.integers(2, size=(count, n, 13), dtype=np.int8)
    keys = random.integers(2, size=(count, 13), dtype=np.int8)
    totals = random.normal(size=(count, rewards)).astype(np.float32)
    return observations, remembered, keys, totals, random.random(count) < 0.7


@settings(deadline=None)
@given(
    memory=st.integers(1, 6),
    mode_bit=st.booleans(),
    rewards=st.sampled_from([1, 13]),
    n=st.integers(1, 8),
    data=st.data(),
)
def test_a_transition_comes_out_as_it_went_in(memory, mode_bit, rewards, n, data):
    observations, remembered, keys, totals, continues = transitions(9, memory, mode_bit, rewards, n)
    buffer = ReplayBuffer(memory, ReplayOptions(9, n), rewards, mode_bit)
    buffer.add(observations, remembered, keys, totals, continues)
    batch = buffer.sample(200, np.random.default_rng(data.draw(st.integers(0, 99))))
    at = batch.indices
    assert set(at) == set(range(9))
    np.testing.assert_array_equal(batch.observations, observations[at])
    np.testing.assert_array_equal(batch.keys, keys[at])
    np.testing.assert_array_equal(batch.rewards, totals[at])
    np.testing.assert_array_equal(batch.continues, continues[at])
    # the memory after n steps: moved on by the steps remembered since, and the same mode
    cells = 13 * memory
    later = np.concatenate([observations[:, :cells], remembered.reshape(9, -1)], axis=1)[:, -cells:]
    np.testing.assert_array_equal(batch.next_observations, np.concatenate([later, observations[:, cells:]], axis=1)[at])
    assert [part.dtype for part in (batch.observations, batch.rewards, batch.continues)] == [np.float32] * 3


def test_a_transition_at_memory_32_takes_61_bytes():
    # 33 steps of 13 bits: 54 bytes for both observations; 2 for the keys, 1 for the end, 4 for the reward
    assert ReplayBuffer(32).nbytes_each == 54 + 2 + 1 + 4
    assert ReplayBuffer(32, rewards=13).nbytes_each == 54 + 2 + 1 + 52
    assert ReplayBuffer(32, ReplayOptions(n_step=3), mode_bit=True).nbytes_each == 57 + 2 + 1 + 4


def test_the_oldest_is_forgotten_when_the_buffer_is_full():
    buffer = ReplayBuffer(1, ReplayOptions(4))
    for step in range(6):
        observations, remembered, keys, _, continues = transitions(1, 1, seed=step)
        buffer.add(observations, remembered, keys, np.array([[step]], dtype=np.float32), continues)
        assert len(buffer) == min(step + 1, 4)
    assert set(buffer.sample(200, np.random.default_rng(0)).rewards[:, 0]) == {2, 3, 4, 5}


def test_more_transitions_at_once_than_to_the_end_of_the_buffer_go_on_at_its_beginning():
    buffer = ReplayBuffer(1, ReplayOptions(4))
    observations, remembered, keys, _, continues = transitions(3, 1)
    for first in (0, 3):
        buffer.add(observations, remembered, keys, np.arange(first, first + 3, dtype=np.float32)[:, None], continues)
    assert set(buffer.sample(200, np.random.default_rng(0)).rewards[:, 0]) == {2, 3, 4, 5}


# Priorities


def prioritised(errors: list[float], priority: float, importance: float = 0.0) -> ReplayBuffer:
    """Return a buffer whose transitions were predicted with these errors."""
    buffer = ReplayBuffer(1, ReplayOptions(8, 1, priority, importance))
    buffer.add(*transitions(len(errors), 1))
    buffer.update_priorities(np.arange(len(errors)), np.array(errors, dtype=np.float32))
    return buffer


@pytest.mark.parametrize("priority", [0.5, 1.0])
def test_transitions_are_sampled_in_proportion_to_a_power_of_their_error(priority):
    errors = [0.1, 0.4, 1.6]
    sampled = prioritised(errors, priority).sample(10_000, np.random.default_rng(0)).indices
    expected = np.array([error + 1e-3 for error in errors]) ** priority
    np.testing.assert_allclose(np.bincount(sampled) / 10_000, expected / expected.sum(), atol=0.01)


def test_a_transition_predicted_well_is_still_sampled():
    sampled = prioritised([0.0, 1.0], 0.6).sample(10_000, np.random.default_rng(0)).indices
    assert 0 < (sampled == 0).sum() < 500


def test_new_transitions_are_sampled_like_the_worst_prediction_so_far():
    buffer = prioritised([0.1, 3.0], 1.0)
    buffer.add(*transitions(1, 1, seed=1))
    sampled = np.bincount(buffer.sample(10_000, np.random.default_rng(0)).indices) / 10_000
    assert sampled[2] == pytest.approx(sampled[1], abs=0.01)


def test_full_importance_makes_up_for_the_priorities():
    errors = [0.1, 0.4, 1.6]
    batch = prioritised(errors, 1.0, importance=1.0).sample(20_000, np.random.default_rng(0))
    # every transition counts the same in the weighted mean
    counted = np.bincount(batch.indices, weights=batch.weights) / batch.weights.sum()
    np.testing.assert_allclose(counted, 1 / 3, atol=0.02)
    assert batch.weights.max() == 1
    assert batch.weights[batch.indices == 2].max() < 0.1


def test_without_importance_or_priorities_all_weigh_the_same():
    assert (prioritised([0.1, 3.0], 1.0).sample(50, np.random.default_rng(0)).weights == 1).all()
    buffer = ReplayBuffer(1, ReplayOptions(importance=1.0))
    buffer.add(*transitions(3, 1))
    buffer.update_priorities(np.arange(3), np.array([0.1, 9.0, 0.1]))
    batch = buffer.sample(9000, np.random.default_rng(0))
    assert (batch.weights == 1).all()
    np.testing.assert_allclose(np.bincount(batch.indices) / 9000, 1 / 3, atol=0.02)


# State


@pytest.mark.parametrize("priority", [0.0, 0.6])
@pytest.mark.parametrize("added", [3, 11])
def test_a_restored_buffer_samples_the_same(priority, added):
    def make():
        return ReplayBuffer(2, ReplayOptions(8, 2, priority, 0.5), rewards=13, mode_bit=True)

    buffer, other = make(), make()
    for step in range(added):
        buffer.add(*transitions(1, 2, True, 13, 2, seed=step))
    buffer.update_priorities(np.arange(3), np.array([0.5, 4.0, 0.1], dtype=np.float32))
    arrays, numbers = buffer.state()
    other.restore({name: array.copy() for name, array in arrays.items()}, numbers)
    for one in (buffer, other):
        one.add(*transitions(2, 2, True, 13, 2, seed=99))
        one.update_priorities(np.array([1, 4]), np.array([0.7, 0.2], dtype=np.float32))
    ours, theirs = (one.sample(64, np.random.default_rng(5)) for one in (buffer, other))
    for name in ("observations", "keys", "rewards", "continues", "next_observations", "indices", "weights"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name), err_msg=name)


@pytest.mark.parametrize(
    "other", [ReplayBuffer(3), ReplayBuffer(2, rewards=13), ReplayBuffer(2, ReplayOptions(n_step=9))]
)
def test_a_state_of_another_shape_is_refused(other):
    buffer = ReplayBuffer(2)
    buffer.add(*transitions(5, 2))
    with pytest.raises(ValueError, match="(bits|rewards) has the shape"):
        other.restore(*buffer.state())

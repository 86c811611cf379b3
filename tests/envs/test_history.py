"""What many performers remember."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.history import History


@given(memory=st.integers(1, 40), mode_bit=st.booleans(), seed=st.integers(0, 1000))
def test_it_is_the_last_steps_of_a_list_that_grows(memory, mode_bit, seed):
    random = np.random.default_rng(seed)
    history = History(3, memory, 13, memory, mode_bit)
    lists = [[np.zeros(13, dtype=np.int8)] * memory for _ in range(3)]
    for _ in range(3 * max(memory, 32)):
        if random.random() < 0.05:
            performers = np.flatnonzero(random.random(3) < 0.5)
            memories = random.integers(2, size=(len(performers), memory, 13), dtype=np.int8)
            history.replace(performers, memories.reshape(len(performers), memory * 13))
            for performer, steps in zip(performers, memories, strict=True):
                lists[performer] = list(steps)
        if mode_bit:
            history.mode[:] = random.integers(2, size=3)
        keys = random.integers(2, size=(3, 13), dtype=np.int8)
        history.add(keys)
        for steps, step in zip(lists, keys, strict=True):
            steps.append(step)
        expected = np.array([np.concatenate(steps[-memory:]) for steps in lists])
        if mode_bit:
            expected = np.concatenate([expected, history.mode[:, None]], axis=1)
        np.testing.assert_array_equal(history.observations(), expected)


@pytest.mark.parametrize("mode_bit", [False, True])
def test_in_the_beginning_there_is_silence(mode_bit):
    observations = History(2, 3, 13, 3, mode_bit).observations()
    assert observations.dtype == np.int8
    assert observations.tolist() == [[0] * 39 + [1] * mode_bit] * 2

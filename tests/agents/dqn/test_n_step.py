"""n-step transitions against a slow and obvious account of every environment by itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.dqn.n_step import EnvStep, NStep

MEMORY, INPUTS = 2, 27


def noise(random, *shape):
    return random.integers(2, size=shape, dtype=np.int8)


def played_steps(envs: int, steps: int, rewards: int, seed: int) -> list[dict]:
    """Return the fields of every `EnvStep`; episodes terminate, truncate and begin as in NEXT_STEP."""
    random = np.random.default_rng(seed)
    played, began = [], np.ones(envs, dtype=bool)
    for _ in range(steps):
        ended = ~began & (random.random(envs) < 0.3)
        terminated = ended & (random.random(envs) < 0.7)
        played.append(
            {
                "observations": noise(random, envs, INPUTS),
                "keys": noise(random, envs, 13),
                "rewards": random.integers(-3, 4, size=(envs, rewards)).astype(np.float32),
                "next_observations": noise(random, envs, INPUTS),
                "terminated": terminated,
                "truncated": ended & ~terminated,
                "began": began,
            }
        )
        began = ended
    return played


def expected(steps: list[dict], n: int, gamma: float) -> set[tuple]:
    """Return all transitions, transitions by looking ahead from every step of every environment."""
    transitions = []
    for env in range(len(steps[0]["began"])):
        for first in range(len(steps)):
            if steps[first]["began"][env]:
                continue
            total, remembered = 0.0, []
            for ahead, step in enumerate(steps[first : first + n]):
                total = total + gamma**ahead * step["rewards"][env]
                remembered.append(step["next_observations"][env, 13:26])
                end = step["terminated"][env]
                if end or len(remembered) == n:
                    remembered += [np.zeros(13)] * (n - len(remembered))
                    transitions.append(row(steps[first], env, remembered, total, not end))
                if end or step["truncated"][env]:
                    break
    return sorted(transitions)


def row(step: dict, env: int, remembered, total, continues) -> tuple:
    return (
        step["observations"][env].astype(np.int8).tobytes(),
        step["keys"][env].astype(np.int8).tobytes(),
        np.array(remembered, dtype=np.int8).tobytes(),
        np.round(total, 4).astype(np.float32).tobytes(),
        bool(continues),
    )


@settings(deadline=None)
@given(
    envs=st.integers(1, 4),
    n=st.integers(1, 6),
    rewards=st.sampled_from([1, 13]),
    gamma=st.sampled_from([0.0, 0.5, 1.0]),
    seed=st.integers(0, 10_000),
)
def test_every_transition_is_returned_once_and_no_other(envs, n, rewards, gamma, seed):
    steps = played_steps(envs, 30, rewards, seed)
    recent = NStep(envs, INPUTS, MEMORY, rewards, n, gamma)
    ours = []
    for step in steps:
        parts = recent.add(EnvStep(**step), ~step["began"])
        ours += [
            (o.tobytes(), k.tobytes(), h.tobytes(), np.round(r, 4).astype(np.float32).tobytes(), bool(c))
            for o, h, k, r, c in zip(*parts[:-1], strict=True)
        ]
    assert sorted(ours) == expected(steps, n, gamma)


def test_rewards_are_discounted_step_by_step():
    recent = NStep(1, INPUTS, MEMORY, 1, steps=3, gamma=0.5)
    one = np.zeros((1, INPUTS), dtype=np.int8)
    returned = []
    for reward in (1, 2, 4, 8):
        no = np.array([False])
        step = EnvStep(one, one[:, :13], np.array([[reward]]), one, no, no, no)
        *_, rewards, continues, envs = recent.add(step, ~no)
        assert envs.tolist() == [0] * len(rewards)
        returned += [(rewards[:, 0].tolist(), continues.tolist())]
    assert returned == [([], []), ([], []), ([1 + 1 + 1], [True]), ([2 + 2 + 2], [True])]


def test_restored_steps_complete_the_same_transitions():
    steps = [EnvStep(**step) for step in played_steps(3, 12, 1, seed=4)]
    one, other = (NStep(3, INPUTS, MEMORY, 1, 4, 0.9) for _ in range(2))
    for step in steps[:6]:
        one.add(step, ~step.began)
    other.restore({name: array.copy() for name, array in one.state()[0].items()}, {})
    for step in steps[6:]:
        for ours, theirs in zip(one.add(step, ~step.began), other.add(step, ~step.began), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_a_state_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"observations has the shape \(2, 3, 27\), this run needs"):
        NStep(3, INPUTS, MEMORY, 1, 4, 0.9).restore(*NStep(3, INPUTS, MEMORY, 1, 2, 0.9).state())

"""n-step transitions against a slow and obvious account of every environment by itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.dqn.n_step import NStep

MEMORY, INPUTS = 2, 27


def noise(random, *shape):
    return random.integers(2, size=shape, dtype=np.int8)


def played_steps(envs: int, steps: int, rewards: int, seed: int) -> list[dict]:
    """Return what `NStep.add` is told at every step; episodes terminate, truncate and begin as in NEXT_STEP."""
    random = np.random.default_rng(seed)
    told, began = [], np.ones(envs, dtype=bool)
    for _ in range(steps):
        ended = ~began & (random.random(envs) < 0.3)
        terminated = ended & (random.random(envs) < 0.7)
        told.append(
            {
                "observations": noise(random, envs, INPUTS),
                "keys": noise(random, envs, 13),
                "rewards": random.integers(-3, 4, size=(envs, rewards)).astype(np.float32),
                "next_observations": noise(random, envs, INPUTS),
                "terminated": terminated,
                "truncated": ended & ~terminated,
                "played": ~began,
            }
        )
        began = ended
    return told


def expected(told: list[dict], n: int, gamma: float) -> set[tuple]:
    """Return all transitions, found by looking ahead from every step of every environment."""
    found = []
    for env in range(len(told[0]["played"])):
        for first in range(len(told)):
            if not told[first]["played"][env]:
                continue
            total, heard = 0.0, []
            for ahead, step in enumerate(told[first : first + n]):
                total = total + gamma**ahead * step["rewards"][env]
                heard.append(step["next_observations"][env, 13:26])
                end = step["terminated"][env]
                if end or len(heard) == n:
                    heard += [np.zeros(13)] * (n - len(heard))
                    found.append(row(told[first], env, heard, total, not end))
                if end or step["truncated"][env]:
                    break
    return sorted(found)


def row(step: dict, env: int, heard, total, continues) -> tuple:
    return (
        step["observations"][env].astype(np.int8).tobytes(),
        step["keys"][env].astype(np.int8).tobytes(),
        np.array(heard, dtype=np.int8).tobytes(),
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
def test_every_transition_is_handed_out_once_and_no_other(envs, n, rewards, gamma, seed):
    told = played_steps(envs, 30, rewards, seed)
    recent = NStep(envs, INPUTS, MEMORY, rewards, n, gamma)
    ours = []
    for step in told:
        ends = step.pop("truncated")
        recent.begin(~step["played"])
        parts = recent.add(**step)
        ours += [
            (o.tobytes(), k.tobytes(), h.tobytes(), np.round(r, 4).astype(np.float32).tobytes(), bool(c))
            for o, h, k, r, c in zip(*parts[:-1], strict=True)
        ]
        recent.begin(ends | step["terminated"])
        step["truncated"] = ends
    assert sorted(ours) == expected(told, n, gamma)


def test_rewards_are_discounted_step_by_step():
    recent = NStep(1, INPUTS, MEMORY, 1, steps=3, gamma=0.5)
    one = np.zeros((1, INPUTS), dtype=np.int8)
    paid = []
    for reward in (1, 2, 4, 8):
        played, over = np.array([True]), np.array([False])
        *_, rewards, continues, envs = recent.add(one, one[:, :13], np.array([[reward]]), one, over, played)
        assert envs.tolist() == [0] * len(rewards)
        paid += [(rewards[:, 0].tolist(), continues.tolist())]
    assert paid == [([], []), ([], []), ([1 + 1 + 1], [True]), ([2 + 2 + 2], [True])]


def test_a_restored_account_hands_out_the_same():
    told = played_steps(3, 12, 1, seed=4)
    one, other = (NStep(3, INPUTS, MEMORY, 1, 4, 0.9) for _ in range(2))
    for step in told:
        step.pop("truncated")
    for step in told[:6]:
        one.add(**step)
    other.restore({name: array.copy() for name, array in one.state().items()})
    for step in told[6:]:
        for ours, theirs in zip(one.add(**step), other.add(**step), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_a_state_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"the last steps' observations have the shape \(2, 3, 27\), this run needs"):
        NStep(3, INPUTS, MEMORY, 1, 4, 0.9).restore(NStep(3, INPUTS, MEMORY, 1, 2, 0.9).state())

"""The loop of deep Q-learning: the agent plays, the environments answer, the agent learns.

Conventions: N environments of `KeyboardVectorEnv`, each of which begins a new episode in the step after one ends.
"""

from typing import Any, Protocol

import numpy as np

from agents.dqn.agent import Agent
from agents.dqn.n_step import EnvStep
from agents.state_parts import State, join_states, restore_arrays, restore_parts
from songs.validate import validate_like


class ResumableVectorEnv(Protocol):
    """The part of `gymnasium.vector.VectorEnv` that the loop needs, plus a state to resume from."""

    num_envs: int

    def reset(self, *, seed: int) -> tuple[np.ndarray, dict[str, Any]]: ...

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]: ...

    def state(self) -> State: ...

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> tuple[np.ndarray, dict[str, Any]]: ...


class DqnLoop:
    """An agent and the environments it plays in, step by step."""

    def __init__(self, env: ResumableVectorEnv, agent: Agent, seed: int):
        self.env, self.agent = env, agent
        self.episodes = 0
        """Number of finished episodes."""
        self._observations, info = env.reset(seed=seed)
        agent.begin(np.arange(env.num_envs), self._observations, info["step"])
        self._began = np.zeros(env.num_envs, dtype=bool)
        self._sums = np.zeros(4)
        """Sum and number of the losses, sum and number of the rewards, since the last `take_means`."""

    def step(self) -> None:
        """Play one step in every environment and learn from it."""
        keys = self.agent.select_action(self._observations, self._began)
        observations, rewards, terminated, truncated, info = self.env.step(keys)
        step = EnvStep(
            self._observations, keys, self._rewards(rewards, info), observations, terminated, truncated, self._began
        )
        loss = self.agent.update(step)
        played = rewards[~step.began]
        self._sums += loss or 0.0, loss is not None, float(played.sum()), len(played)
        envs = np.flatnonzero(step.began)
        if len(envs):
            self.agent.begin(envs, observations[envs], info["step"][envs])
        self._observations, self._began = observations, step.ended
        self.episodes += int(step.ended.sum())

    def _rewards(self, rewards: np.ndarray, info: dict[str, Any]) -> np.ndarray:
        """Return the rewards (N, R) that the TD loss needs."""
        count = self.agent.learner.td_loss.rewards
        if count == 1:
            return rewards[:, None]
        # absent in a step in which all environments begin an episode
        return info.get("key_rewards", np.zeros((len(rewards), count)))

    def take_means(self) -> tuple[float, float]:
        """Return the mean loss and the mean step reward since the last call, or 0 if there were none."""
        loss, losses, reward, rewards = self._sums.tolist()
        self._sums[:] = 0
        return loss / max(1, losses), reward / max(1, rewards)

    def state(self) -> State:
        """Return everything the next steps depend on, as arrays and plain data."""
        arrays, data = join_states({"agent": self.agent, "env": self.env})
        return {**arrays, "began": self._began, "sums": self._sums}, {**data, "episodes": self.episodes}

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Continue from a state; raises ValueError if it does not fit the agent or the environments."""
        validate_like({"episodes": 0}, data)
        self._observations, _ = restore_parts({"agent": self.agent, "env": self.env}, arrays, data)["env"]
        restore_arrays({"began": self._began, "sums": self._sums}, arrays)
        self.episodes = data["episodes"]

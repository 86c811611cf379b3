"""The loop of deep Q-learning: the learner plays, the environments answer, the learner learns.

Conventions: N environments of `KeyboardVectorEnv`, which begin a new episode in the step after the last one's end.
"""

from typing import Any, Protocol

import numpy as np

from agents.dqn.agent import Dqn
from agents.dqn.named_arrays import joined, part, restore_arrays
from songs.validate import validate_like


class ResumableVectorEnv(Protocol):
    """What the loop needs of a `gymnasium.vector.VectorEnv`: N environments, and their state to go on from."""

    num_envs: int

    def reset(self, *, seed: int) -> tuple[np.ndarray, dict[str, Any]]: ...

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]: ...

    def state(self) -> tuple[dict[str, np.ndarray], list[dict[str, Any] | None]]: ...

    def restore(
        self, arrays: dict[str, np.ndarray], generators: list[dict[str, Any] | None]
    ) -> tuple[np.ndarray, dict[str, Any]]: ...


class DqnLoop:
    """A learner and the environments it plays in, step by step."""

    def __init__(self, env: ResumableVectorEnv, learner: Dqn, seed: int):
        """
        Args:
            env: N environments that reset in the next step and whose state can be kept.
            learner: plays them.
            seed: of the environments.
        """
        self.env, self.learner = env, learner
        self.episodes = 0
        """Episodes that came to their end."""
        self._observations, told = env.reset(seed=seed)
        learner.begin(np.arange(env.num_envs), self._observations, told["step"])
        self._began = np.zeros(env.num_envs, dtype=bool)
        self._sums = {"loss": 0.0, "losses": 0, "reward": 0.0, "rewards": 0}

    def step(self) -> None:
        """Play one step in every environment and learn from it."""
        keys = self.learner.act(self._observations, self._began)
        observations, rewards, terminated, truncated, told = self.env.step(keys)
        played = ~self._began
        paid = rewards[:, None]
        if self.learner.credit.rewards > 1:
            # nobody tells anything when all of them begin an episode
            paid = told.get("key_rewards", np.zeros((len(keys), self.learner.credit.rewards)))
        loss = self.learner.observe(self._observations, keys, paid, observations, terminated, truncated, self._began)
        if loss is not None:
            self._sums["loss"] += loss
            self._sums["losses"] += 1
        if not played.all():
            envs = np.flatnonzero(self._began)
            self.learner.begin(envs, observations[envs], told["step"][envs])
        self._sums["reward"] += float(rewards[played].sum())
        self._sums["rewards"] += int(played.sum())
        self._observations, self._began = observations, terminated | truncated
        self.episodes += int(self._began.sum())

    def take_means(self) -> tuple[float, float]:
        """Return the mean loss and the mean reward of a step since the last call, 0 where there were none."""
        sums = self._sums
        means = sums["loss"] / max(1, sums["losses"]), sums["reward"] / max(1, sums["rewards"])
        self._sums = dict.fromkeys(sums, 0)
        return means

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return all that the next steps depend on, as arrays and plain data."""
        learner, learner_data = self.learner.state()
        env, generators = self.env.state()
        arrays = {**joined({"learner": learner, "env": env}), "began": self._began}
        data = {"learner": learner_data, "env": generators, "episodes": self.episodes, "sums": self._sums}
        return arrays, data

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Go on from a state.

        Raises:
            ValueError: it belongs to a learner or to environments of another shape, or lacks something.
        """
        _, expected = self.state()
        validate_like({**expected, "env": None}, data, "loop")
        try:
            self.learner.restore(part(arrays, "learner"), data["learner"])
            self._observations, _ = self.env.restore(part(arrays, "env"), data["env"])
            restore_arrays({"began": self._began}, arrays, "environments")
            self.episodes, self._sums = data["episodes"], dict(data["sums"])
        except KeyError as error:
            raise ValueError(f"{error} is missing") from None

"""The DQN agent: selects the keys of N environments, and updates its network from the results.

Conventions:
    N environments with observations (N, I) of 0 and 1, laid out like those of `KeyboardEnv`, and keys (N, K). All
    randomness comes from the generator of the learner and from the seed of the network.
Source:
    The two methods: Osband et al., Behaviour Suite for Reinforcement Learning (2020).
"""

from typing import Any, Protocol

import numpy as np
import torch

from agents.dqn.exploration import CountBonus, EpsilonGreedy, ExplorationOptions, steps_with
from agents.dqn.learner import QLearner
from agents.dqn.n_step import EnvStep, NStep
from agents.dqn.network import choices_of
from agents.state_parts import State, Stateful, join_states, restore_parts


class Agent(Stateful, Protocol):
    """A player of N environments that learns from its own play."""

    learner: QLearner
    epsilon: EpsilonGreedy

    def begin(self, envs: np.ndarray, observations: np.ndarray, steps: np.ndarray) -> None:
        """Begin episodes of environments (B,) int with first observations (B, I), at steps (B,) int of the song."""

    def select_action(self, observations: np.ndarray, waiting: np.ndarray) -> np.ndarray:
        """Select the keys (N, K) int8 of every environment: usually the most valued step, sometimes another.

        Args:
            observations: (N, I).
            waiting: (N,) bool, environments that begin an episode next and ignore their keys.
        """

    def update(self, step: EnvStep) -> float | None:
        """Learn from a step; return the mean loss of the updates, or None while there are too few transitions."""


class DqnAgent:
    """An agent that plays the most valued step, with epsilon-greedy exploration or a count-based bonus."""

    def __init__(self, learner: QLearner, envs: int, exploration: ExplorationOptions):
        self.learner, self.epsilon = learner, EpsilonGreedy(exploration)
        replay, network = learner.replay, learner.network
        rewards, n_step, gamma = learner.td_loss.rewards, replay.options.n_step, learner.options.gamma
        lags = replay.new_steps != n_step
        self._recent = NStep(envs, learner.observation, replay.memory, rewards, n_step, gamma, network.keys, lags)
        self._bonus = None
        if exploration.bonus:
            steps = steps_with(exploration.most_keys if network.head == "branching" else 1, network.keys)
            self._bonus = CountBonus(exploration, steps, learner.observation)
            choices = choices_of(torch.from_numpy(steps), network.head)
            self._choices = torch.nn.functional.one_hot(choices, network.choices).flatten(1).float()

    def begin(self, envs: np.ndarray, observations: np.ndarray, steps: np.ndarray) -> None:
        pass

    @torch.no_grad()
    def select_action(self, observations: np.ndarray, waiting: np.ndarray) -> np.ndarray:
        learner, inputs = self.learner, torch.from_numpy(observations.astype(np.float32))
        if self._bonus is None:
            keys = learner.network.greedy(inputs).numpy()
        else:
            values = learner.td_loss.step_values(learner.network(inputs), self._choices).numpy()
            keys = self._bonus.choose(values, observations, waiting)
        explore = self.epsilon.flip_keys if learner.network.head == "branching" else self.epsilon.replace_steps
        return explore(keys, learner.steps, learner.random).astype(np.int8)

    def update(self, step: EnvStep) -> float | None:
        *transitions, _ = self._recent.add(step, ~step.began)
        self.learner.replay.add(*transitions)
        return self.learner.learn(int((~step.began).sum()))

    def _parts(self) -> dict[str, Stateful]:
        parts: dict[str, Stateful] = {"learner": self.learner, "recent": self._recent}
        return {**parts, "bonus": self._bonus} if self._bonus else parts

    def state(self) -> State:
        return join_states(self._parts())

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        restore_parts(self._parts(), arrays, data)

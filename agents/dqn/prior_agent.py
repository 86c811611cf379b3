"""An agent with a prior: it learns which of the continuations that are likely in real music are rewarded.

Conventions:
    As in `agent` and `prior`; the head is `one_key`. Rewards and values are in nats.
    If transitions span several steps or whole episodes, the form `g` ignores the prior's log probabilities of the
    steps in between, as is usual for n-step returns.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from agents.dqn.episode_archive import EpisodeArchive, EpisodeArchiveOptions
from agents.dqn.episodes import Episodes
from agents.dqn.exploration import EpsilonGreedy, ExplorationOptions
from agents.dqn.learner import QLearner
from agents.dqn.n_step import EnvStep, NStep
from agents.dqn.network import choices_of
from agents.dqn.prior import PriorOptions, sample
from agents.prior import Prior
from agents.state_parts import State, Stateful, join_states, restore_arrays, restore_parts
from songs.plan import PlanInputs


class PriorAgent:
    """An agent that learns which of a prior's likely steps are rewarded."""

    def __init__(
        self,
        learner: QLearner,
        envs: int,
        steps: int,
        exploration: ExplorationOptions,
        prior: Prior,
        options: PriorOptions,
        archive: EpisodeArchiveOptions,
        plans: PlanInputs | None = None,
    ):
        """
        Args:
            learner: learns the values; its network has the head `one_key`. The form `g` needs its `next_prior`.
            envs, steps: N, and T, the length of the longest song.
            exploration: epsilon is the probability of a step sampled from the prior.
            prior: follows the N environments.
            options: of the prior.
            archive: options of the archive of the best episodes; size 0: no archive.
            plans: the plan that all episodes share and observe; None: no plan.
        """
        self.learner, self.epsilon, self.prior, self.options = learner, EpsilonGreedy(exploration), prior, options
        memory, gamma, n_step = learner.replay.memory, learner.options.gamma, learner.replay.options.n_step
        keys = learner.network.keys
        self.episodes = Episodes(envs, steps, memory, keys, plans)
        self.archive = EpisodeArchive(archive, envs, steps, memory, gamma, keys, plans) if archive.size else None
        self._recent = NStep(envs, learner.observation, memory, 1, n_step, gamma, keys) if n_step else None
        self._learn_from = np.zeros(envs, dtype=np.int64)
        self._returning = np.zeros(envs, dtype=bool)

    def begin(self, envs: np.ndarray, observations: np.ndarray, steps: np.ndarray) -> None:
        self.episodes.begin(envs, observations, steps)
        self._learn_from[envs] = steps
        self.prior.begin(envs, self.episodes.rolls[envs], steps)
        if self.archive:
            self.archive.begin(envs, self.learner.random)

    @torch.no_grad()
    def select_action(self, observations: np.ndarray, waiting: np.ndarray) -> np.ndarray:
        learner, random = self.learner, self.learner.random
        weights = learner.network(torch.from_numpy(observations.astype(np.float32)))[:, 0].numpy()
        prior = self.prior.log_probabilities()
        if self.options.form == "g":
            weights = weights + prior
        choices = weights.argmax(axis=1) if self.options.form == "q" else sample(weights, random)
        by_prior = random.random(len(choices)) < self.epsilon.at(learner.steps)
        if self.archive:
            by_prior |= self.archive.exploring(self.episodes.now)
        keys = np.where(by_prior, sample(prior, random), choices)[:, None] == np.arange(1, learner.network.keys + 1)
        if self.archive:
            self._returning, path = self.archive.returning(self.episodes.now)
            keys = np.where(self._returning[:, None], path, keys)
        return keys.astype(np.int8)

    def update(self, step: EnvStep) -> float | None:
        played = ~step.began
        rewards = self._rewards_in_nats(step)
        self.episodes.add(played, step.keys, rewards)
        self.prior.add(step.keys.astype(bool))
        ended = np.flatnonzero(played & step.ended)
        self._learn_from[played & self._returning] += 1
        if self._recent:
            self._add_transitions(self._recent, replace(step, rewards=rewards[:, None]))
        for env in ended.tolist():
            if self._recent is None:
                self._add_episode(env)
            if self.archive:
                self.archive.consider(*self.episodes.recorded(env))
        return self.learner.learn(int(played.sum()), self._imitation_loss)

    def _rewards_in_nats(self, step: EnvStep) -> np.ndarray:
        """Return the rewards (N,) float32 in nats; except in the form `g`, they include the prior's log probability."""
        rewards = (step.rewards[:, 0] / self.options.temperature).astype(np.float32)
        if self.options.form != "g":
            choices = choices_of(torch.from_numpy(step.keys), self.learner.network.head).numpy()
            rewards += np.take_along_axis(self.prior.log_probabilities(), choices, axis=1)[:, 0]
        return rewards

    def _add_episode(self, env: int) -> None:
        """Add an environment's episode to the replay buffer, as transitions from every step to its end."""
        first, gamma = int(self._learn_from[env]), self.learner.options.gamma
        observations, keys, returns = self.episodes.returns_to_end(env, first, gamma)
        nothing = np.zeros((len(keys), 0, keys.shape[1]), dtype=bool)
        self.learner.replay.add(observations, nothing, keys, returns, np.zeros(len(keys), dtype=bool))

    def _add_transitions(self, recent: NStep, step: EnvStep) -> None:
        """Add the transitions that a step completes to the replay buffer."""
        observations, remembered, keys, rewards, continues, envs = recent.add(step, ~step.began & ~self._returning)
        next_prior = self.prior.log_probabilities()[envs] if self.options.form == "g" else None
        self.learner.replay.add(observations, remembered, keys, rewards, continues, next_prior)

    def _imitation_loss(self) -> Tensor | float:
        """Return the loss of values below the returns of archived episodes."""
        if not self.archive or not self.archive.kept:
            return 0.0
        learner = self.learner
        observations, keys, returns = self.archive.sample(learner.options.batch_size, learner.random)
        chosen = choices_of(torch.from_numpy(keys), learner.network.head)
        values = learner.network(torch.from_numpy(observations)).gather(2, chosen[:, :, None])[:, 0, 0]
        least = torch.maximum(torch.from_numpy(returns), values.detach())
        return self.archive.options.imitation_weight * functional.smooth_l1_loss(values, least)

    def _parts(self) -> dict[str, Stateful]:
        parts: dict[str, Stateful] = {"learner": self.learner, "episodes": self.episodes, "prior": self.prior}
        if self.archive:
            parts["archive"] = self.archive
        if self._recent:
            parts["recent"] = self._recent
        return parts

    def state(self) -> State:
        arrays, data = join_states(self._parts())
        return {**arrays, "learn_from": self._learn_from, "returning": self._returning}, data

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        restore_parts(self._parts(), arrays, data)
        targets = {"learn_from": self._learn_from, "returning": self._returning}
        restore_arrays(targets, arrays, learn_from=self.episodes.rewards.shape[1])

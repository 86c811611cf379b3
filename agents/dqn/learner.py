"""The Q-learner: a network that learns from a replay buffer.

Conventions:
    Observations (B, I) of 0 and 1, laid out like those of `KeyboardEnv`. An update is one step of the optimizer.
Source:
    Mnih et al. (2015). Double Q-learning: van Hasselt et al. (2016). Prioritised replay: Schaul et al. (2016). See also
    `network`, `losses` and `replay`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from agents.dqn.adam import Adam
from agents.dqn.losses import make_td_loss
from agents.dqn.network import QNetwork, arrays_of, choices_of, load_weights
from agents.dqn.options import LearningOptions
from agents.dqn.replay import ReplayBuffer, ReplayOptions, Transitions
from agents.state_parts import arrays_of_part, join_arrays, restore_generator, restore_parts
from songs.piano_roll import Memory
from songs.validate import Within, validate_like

MOST_UPDATES = 2**53
"""Largest number of updates that a float counts exactly."""


class QLearner:
    """A Q-network, its target network, optimizer and replay buffer."""

    def __init__(
        self,
        network: QNetwork,
        memory: Memory,
        options: LearningOptions,
        replay: ReplayOptions,
        seed: int,
        mode_bit: bool = False,
        next_prior: bool = False,
        planned: int = 0,
    ):
        """
        Args:
            network: the network to train.
            memory: steps of an observation, or lags.
            options: of learning.
            replay: options of the replay buffer; with `n_step` 0, transitions span the rest of an episode.
            seed: of the generator that samples transitions; the agent also explores with it.
            mode_bit, next_prior, planned: as for `ReplayBuffer`; the prior is added to the values of the next choices.

        Raises:
            ValueError: the options do not go together.
        """
        self.network, self.options = network, options
        self.td_loss = make_td_loss(options, network.head, network.keys)
        self.replay = ReplayBuffer(memory, replay, self.td_loss.rewards, mode_bit, next_prior, network.keys, planned)
        self._planned = planned
        self.random = np.random.default_rng(seed)
        self.target = network.copy()
        self.optimizer = Adam(network.parameters(), options.learning_rate)
        self.steps = 0
        """Number of environment steps so far, over all environments."""
        self.updates = 0
        """Number of updates so far."""

    @property
    def observation(self) -> int:
        """I, the number of elements of an observation."""
        return self.network.keys * self.replay.memory + self.replay.mode_bit + self._planned

    def learn(self, played: int, auxiliary_loss: Callable[[], Tensor | float] = float) -> float | None:
        """Count the environment steps played since the last call, and update the network.

        Args:
            played: number of steps.
            auxiliary_loss: computed at every update and added to its loss.

        Returns:
            The mean loss of the updates, or None while there are too few transitions.
        """
        self.steps += played
        if len(self.replay) < self.options.learning_starts:
            return None
        return float(np.mean([self._update(auxiliary_loss) for _ in range(self.options.updates)]))

    def _update(self, auxiliary_loss: Callable[[], Tensor | float]) -> float:
        """Learn from one batch and return its loss."""
        options, batch = self.options, self.replay.sample(self.options.batch_size, self.random)
        values = self.network(torch.from_numpy(batch.observations))
        chosen = choices_of(torch.from_numpy(batch.keys), self.network.head)
        gamma = options.gamma**self.replay.options.n_step
        discount = (gamma * torch.from_numpy(batch.continues))[:, None]
        rewards = torch.from_numpy(batch.rewards)
        losses, errors = self.td_loss.errors(values, chosen, rewards, discount, *self._next(batch))
        loss = (losses * torch.from_numpy(batch.weights)).mean() + auxiliary_loss()
        self.network.zero_grad()
        loss.backward()
        if options.max_grad_norm:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), options.max_grad_norm)
        self.updates += 1
        self.optimizer.step(self.updates)
        self.replay.update_priorities(batch.indices, errors.numpy())
        if self.updates % options.target_every == 0:
            self.target.load_state_dict(self.network.state_dict())
        return float(loss.detach())

    @torch.no_grad()
    def _next(self, batch: Transitions) -> tuple[Tensor | None, Tensor | None]:
        """Return the values at the end of the transitions and the choices made there; None if gamma or n is 0."""
        if self.options.gamma == 0 or self.replay.options.n_step == 0:
            return None, None
        inputs = torch.from_numpy(np.ascontiguousarray(batch.next_observations))
        values = self.target(inputs)
        chosen = (self.network(inputs) if self.options.double else values).argmax(dim=2)
        if batch.next_prior is not None:
            values = values + torch.from_numpy(batch.next_prior)[:, None]
        return values, chosen

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return everything the next updates depend on, as arrays and plain data."""
        replay, replay_data = self.replay.state()
        parts = {
            "network": arrays_of(self.network.state_dict()),
            "target": arrays_of(self.target.state_dict()),
            "replay": replay,
            "optimizer": self.optimizer.state(),
        }
        data = {"steps": self.steps, "updates": self.updates, "replay": replay_data}
        return join_arrays(parts), {**data, "random": self.random.bit_generator.state}

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Continue from a state; raises ValueError if it does not fit this learner."""
        validate_like({"steps": 0, "updates": Within(0, 0, MOST_UPDATES), "random": {}}, data)
        for name in ("network", "target"):
            load_weights(getattr(self, name), arrays_of_part(arrays, name))
        restore_parts({"replay": self.replay}, arrays, data)
        self.steps, self.updates = data["steps"], data["updates"]
        try:
            self.optimizer.restore(arrays_of_part(arrays, "optimizer"))
        except ValueError as error:
            raise ValueError(f"optimizer.{error}") from None
        restore_generator(self.random, data["random"])

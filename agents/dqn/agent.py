"""Deep Q-learning: a learner that plays N keyboards, remembers what came of it, and learns from that.

Conventions:
    N environments with observations (N, I) of 0 and 1, laid out like those of `KeyboardEnv`, and keys (N, 13). An
    update is one step of the optimizer. All chance comes from one NumPy generator and from the seed of the network.
Source:
    Mnih et al. (2015); double: van Hasselt et al. (2016); prioritised replay: Schaul et al. (2016); the rest in
    `q_network`, `credit`, `n_step` and `exploration`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from agents.dqn.exploration import Epsilon, TriedBefore
from agents.dqn.losses import Credit
from agents.dqn.n_step import NStep
from agents.dqn.named_arrays import joined, part, restore_arrays
from agents.dqn.network import QNetwork, arrays_of, choices_of, load_weights
from agents.dqn.replay import ReplayBuffer, Transitions
from songs.keyboard import KEYS


@dataclass(frozen=True)
class QLearning:
    """How a learner learns."""

    gamma: float = 0.0
    """Discount of one step, 0 to 1."""
    double: bool = True
    """Let the network choose what the target network values."""
    target_every: int = 200
    """Updates between two copies of the network to the target network."""
    batch_size: int = 128
    """Transitions of an update."""
    learning_starts: int = 128
    """Transitions before the first update, at least 1."""
    updates: int = 1
    """Updates after each step of all environments."""
    learning_rate: float = 3e-3
    """Of Adam."""
    max_grad_norm: float = 10.0
    """The gradient is shortened to this length; 0: never."""


class Dqn:
    """Learns the values of steps from transitions."""

    def __init__(
        self,
        network: QNetwork,
        envs: int,
        replay: ReplayBuffer,
        credit: Credit,
        learning: QLearning,
        random: np.random.Generator,
        epsilon: Epsilon,
        tried: TriedBefore | None = None,
    ):
        """
        Args:
            network: what learns.
            envs: N.
            replay: keeps the transitions.
            credit: how rewards teach choices.
            learning: how to learn.
            random: of exploration and of replay.
            epsilon: chance of trying something else.
            tried: makes up its mind by what was tried before; None: the most valued step is played.
        """
        self.network, self.replay, self.credit, self.learning = network, replay, credit, learning
        self.random, self.epsilon = random, epsilon
        self.target = network.copy()
        self.optimizer = torch.optim.Adam(network.parameters(), lr=learning.learning_rate)
        observation = KEYS * replay.memory + replay.mode_bit
        self._recent = NStep(envs, observation, replay.memory, credit.rewards, replay.n_step, learning.gamma)
        self._tried = tried
        if tried:
            self._choices = _one_hot(choices_of(torch.from_numpy(tried.steps), network.head), network.choices)
        self.steps = 0
        """Environment steps that were learned from, of all environments together."""
        self.updates = 0
        """Updates made."""

    def begin(self, envs: np.ndarray, observations: np.ndarray, steps: np.ndarray) -> None:
        """Hear of environments that begin an episode; what was played before is of no interest here.

        Args:
            envs: (B,) int.
            observations: (B, I), the first of each.
            steps: (B,) int, the step of the song at which each begins.
        """

    @torch.no_grad()
    def act(self, observations: np.ndarray, waiting: np.ndarray | None = None) -> np.ndarray:
        """Decide a step of every environment: mostly the most valued, sometimes another.

        Args:
            observations: (N, I).
            waiting: (N,) bool, environments that will begin an episode, whatever is pressed; None: none of them.

        Returns:
            (N, 13) int8.
        """
        inputs = torch.from_numpy(observations.astype(np.float32))
        if self._tried is None:
            keys = self.network.greedy(inputs).numpy()
        else:
            values = self.credit.of_steps(self.network(inputs), self._choices).numpy()
            keys = self._tried.choose(values, observations, waiting)
        explore = self.epsilon.flip_keys if self.network.head == "branching" else self.epsilon.change_steps
        return explore(keys, self.steps, self.random).astype(np.int8)

    def observe(
        self,
        observations: np.ndarray,
        keys: np.ndarray,
        rewards: np.ndarray,
        next_observations: np.ndarray,
        terminated: np.ndarray,
        truncated: np.ndarray,
        began: np.ndarray,
    ) -> float | None:
        """Take what came of a step of all environments, and learn.

        Args:
            observations: (N, I), before the step.
            keys: (N, 13), what was played.
            rewards: (N, R), one for the step, or one for each key, as `credit.rewards` says.
            next_observations: (N, I), after the step.
            terminated: (N,) bool.
            truncated: (N,) bool.
            began: (N,) bool, environments that began an episode in this step instead of playing.

        Returns:
            The mean loss of the updates; None if there are too few transitions yet.
        """
        played = ~began
        *complete, _ = self._recent.add(observations, keys, rewards, next_observations, terminated, played)
        self._recent.begin(began | terminated | truncated)
        if len(complete[0]):
            self.replay.add(*complete)
        return self._learn(int(played.sum()))

    def _learn(self, played: int) -> float | None:
        """Count the steps that were played, and learn from what is remembered."""
        self.steps += played
        if len(self.replay) < self.learning.learning_starts:
            return None
        return float(np.mean([self._update() for _ in range(self.learning.updates)]))

    def _update(self) -> float:
        """Learn from one batch and return its loss."""
        batch = self.replay.sample(self.learning.batch_size, self.random)
        values = self.network(torch.from_numpy(batch.observations))
        chosen = choices_of(torch.from_numpy(batch.keys), self.network.head)
        discount = (self.learning.gamma**self.replay.n_step * torch.from_numpy(batch.continues))[:, None]
        later, best = self._later(batch)
        losses, errors = self.credit.errors(values, chosen, torch.from_numpy(batch.rewards), discount, later, best)
        loss = (losses * torch.from_numpy(batch.weights)).mean() + self._imitation()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if self.learning.max_grad_norm:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.learning.max_grad_norm)
        self.optimizer.step()
        self.replay.update_priorities(batch.indices, errors.numpy())
        self.updates += 1
        if self.updates % self.learning.target_every == 0:
            self.target.load_state_dict(self.network.state_dict())
        return float(loss.detach())

    def _imitation(self) -> Tensor | float:
        """Return a loss beside that of the batch."""
        return 0.0

    @torch.no_grad()
    def _later(self, batch: Transitions) -> tuple[Tensor | None, Tensor | None]:
        """Return the values of what came after, and the choices to be made there."""
        if self.learning.gamma == 0:
            return None, None
        inputs = torch.from_numpy(np.ascontiguousarray(batch.next_observations))
        later = self.target(inputs)
        return later, (self.network(inputs) if self.learning.double else later).argmax(dim=2)

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return all that the next steps depend on, as arrays and plain data."""
        replay, numbers = self.replay.state()
        parts = {
            "network": arrays_of(self.network.state_dict()),
            "target": arrays_of(self.target.state_dict()),
            "replay": replay,
            "recent": self._recent.state(),
            "tried": self._tried.state() if self._tried else {},
        }
        for index, moments in self.optimizer.state_dict()["state"].items():
            parts[f"optimizer.{index}"] = arrays_of(moments)
        return joined(parts), {
            "steps": self.steps,
            "updates": self.updates,
            "replay": numbers,
            "random": self.random.bit_generator.state,
        }

    def restore(self, arrays: dict[str, np.ndarray], numbers: dict[str, Any]) -> None:
        """Go on from a state.

        Raises:
            ValueError: it belongs to a learner of another shape, or lacks something.
        """
        try:
            load_weights(self.network, part(arrays, "network"))
            load_weights(self.target, part(arrays, "target"))
            self.replay.restore(part(arrays, "replay"), numbers["replay"])
            self._recent.restore(part(arrays, "recent"))
            if self._tried:
                self._tried.restore(part(arrays, "tried"))
            self._restore_optimizer(arrays)
            self.random.bit_generator.state = numbers["random"]
            self.steps, self.updates = numbers["steps"], numbers["updates"]
        except KeyError as error:
            raise ValueError(f"{error} is missing") from None

    def _restore_optimizer(self, arrays: dict[str, np.ndarray]) -> None:
        state = {}
        for index, weights in enumerate(self.network.parameters()):
            moments = part(arrays, f"optimizer.{index}")
            if moments:  # there are none before the first update
                own = {name: np.zeros(weights.shape, np.float32) for name in ("exp_avg", "exp_avg_sq")}
                own["step"] = np.zeros(1, np.float32)
                moments["step"] = moments["step"].reshape(1)  # a file keeps no array without axes
                restore_arrays(own, moments, "optimizers")
                if (own["step"] < 0).any() or (own["exp_avg_sq"] < 0).any():
                    raise ValueError("the optimizer's steps or squares are below 0")
                state[index] = {name: torch.from_numpy(array) for name, array in own.items()}
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": state})


def _one_hot(choices: Tensor, number: int) -> Tensor:
    """Return the choices (P, branches) as (P, branches * number) float32."""
    return torch.nn.functional.one_hot(choices, number).flatten(1).float()

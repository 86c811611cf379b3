"""Networks that act in any Gymnasium environment: their observations, actions and returns.

Conventions: a *return* is the sum of the rewards of an episode. An episode is identified by the seed that the
environment is reset with. A network's return in it does not depend on what was played before.

    observation space   inputs of the network
    Box                 the elements, unchanged
    Discrete            one-hot: one for each value
    action space        outputs of the network
    Discrete            one for each action; the largest wins, the first in case of ties
    Box                 one for each element; tanh(output) is scaled to the bounds; without bounds, the output itself
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import gymnasium
import neat
import numpy as np
from gymnasium.spaces import Box, Discrete

from agents.neat.scalar_network import scalar_network


def input_reader(space: gymnasium.Space) -> tuple[int, Callable[[Any], list[float]]]:
    """Return the number of inputs of a network that observes a space, and a function from observations to inputs.

    Raises:
        ValueError: the space is neither a Box nor Discrete.
    """
    if isinstance(space, Box):
        return math.prod(space.shape), lambda observation: observation.ravel().tolist()
    if isinstance(space, Discrete):
        count, start = int(space.n), int(space.start)
        return count, lambda observation: [float(value == observation - start) for value in range(count)]
    raise ValueError(f"observations in {space}: networks observe a Box or Discrete")


def action_writer(space: gymnasium.Space) -> tuple[int, Callable[[list[float]], Any]]:
    """Return the number of outputs of a network that acts in a space, and a function from outputs to actions.

    Raises:
        ValueError: the space is neither a Box nor Discrete.
    """
    if isinstance(space, Discrete):
        start = int(space.start)
        return int(space.n), lambda outputs: start + outputs.index(max(outputs))
    if isinstance(space, Box):
        dtype, shape, bounded = space.dtype, space.shape, (space.bounded_below & space.bounded_above).ravel().tolist()
        limits = list(zip(space.low.ravel().tolist(), space.high.ravel().tolist(), bounded, strict=True))

        def act(outputs: list[float]) -> np.ndarray:
            values = [
                low + (high - low) * (math.tanh(output) + 1) / 2 if known else output
                for output, (low, high, known) in zip(outputs, limits, strict=True)
            ]
            return np.array(values, dtype).reshape(shape)

        return math.prod(shape), act
    raise ValueError(f"actions in {space}: networks act in a Box or Discrete")


class Policy(Protocol):
    """A way to act in an environment."""

    def start(self) -> None:
        """Begin an episode."""

    def __call__(self, observation: Any) -> Any:
        """Return an action."""


class FixedPolicy:
    """A policy that always takes the same action."""

    def __init__(self, action: Any):
        self._action = action

    def start(self) -> None:
        pass

    def __call__(self, observation: Any) -> Any:
        return self._action


class RandomPolicy:
    """A policy that samples random actions from the seeded space."""

    def __init__(self, space: gymnasium.Space, seed: int):
        self._space = space
        space.seed(seed)

    def start(self) -> None:
        pass

    def __call__(self, observation: Any) -> Any:
        return self._space.sample()


class NetworkPolicy:
    """The policy of a genome in the spaces of an environment."""

    def __init__(self, genome: neat.DefaultGenome, env: gymnasium.Env, recurrent: bool = False):
        """Compile the genome; raises ValueError if the spaces are unsupported or the network cannot be compiled."""
        inputs, self._read = input_reader(env.observation_space)
        outputs, self._act = action_writer(env.action_space)
        self._network = scalar_network(genome, inputs, outputs, recurrent)
        self.start = self._network.start

    def __call__(self, observation: Any) -> Any:
        return self._act(self._network(self._read(observation)))


@dataclass(frozen=True)
class Played:
    """Returns and lengths of E episodes for N players."""

    returns: np.ndarray
    """(N, E) float64."""
    steps: np.ndarray
    """(N, E) int64, the length of each episode."""


def play_episode(policy: Policy, env: gymnasium.Env, seed: int) -> tuple[float, int]:
    """Play an episode; return its return and its length. Raises ValueError if the return is not finite."""
    observation, _ = env.reset(seed=seed)
    policy.start()
    total, steps, over = 0.0, 0, False
    while not over:
        observation, reward, terminated, truncated, _ = env.step(policy(observation))
        total += float(reward)
        steps += 1
        over = terminated or truncated
    if not math.isfinite(total):
        raise ValueError(f"the environment gave a return of {total}: rewards must be finite")
    return total, steps


def play_episodes(policies: Iterable[Policy], env: gymnasium.Env, seeds: Sequence[int]) -> Played:
    """Let every policy play every episode."""
    played = [[play_episode(policy, env, seed) for seed in seeds] for policy in policies]
    pairs = np.array(played, dtype=np.float64).reshape(-1, len(seeds), 2)
    return Played(pairs[..., 0], pairs[..., 1].astype(np.int64))

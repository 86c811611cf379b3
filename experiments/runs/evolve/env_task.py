"""Gymnasium environments as tasks: from an id to a network's return, with baselines that need no learning.

Conventions: as in `agents.neat.env_player`. An id of the form module:Id imports the user's own code. This is only done
if the command line names it (`lend_env`), never because a file does.
"""

import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
import neat
import numpy as np
from gymnasium.wrappers import RenderCollection

from agents.neat.env_evolution import TEST, MakeEnv, env_cases, episode_seeds
from agents.neat.env_player import (
    FixedPolicy,
    NetworkPolicy,
    Policy,
    RandomPolicy,
    play_episodes,
)
from experiments.config.evolve import Environment, EvolveConfig
from experiments.config.settings import ConfigError
from experiments.runs.settle_improvisation import BY_OUTPUT, without_losses

_lent: set[str] = set()
"""Ids with the user's own code that the command line names."""
MOST_ACTIONS = 20
"""Maximum number of constant actions tried as baselines."""


def lend_env(env_id: str) -> None:
    """Allow this process to import the module of an id named on the command line."""
    if ":" in env_id:
        sys.path.insert(0, str(Path.cwd()))
        _lent.add(env_id)


def env_maker(environment: Environment, **options: Any) -> MakeEnv:
    """Return a factory for the environment of a configuration; options are those of `gymnasium.make`.

    Raises ConfigError.
    """
    if ":" in environment.id and environment.id not in _lent:
        raise ConfigError(
            f"environment.id = {environment.id!r}: its module is your own code, and runs only if the command line "
            f"names it: add --env {environment.id}"
        )
    options["max_episode_steps"] = environment.max_steps or None
    return partial(gymnasium.make, environment.id, disable_env_checker=True, **options)


def make_env(environment: Environment, **options: Any) -> gymnasium.Env:
    """Return the environment of a configuration; raises ConfigError if it cannot be made."""
    if not environment.id:
        raise ConfigError("environment.id is empty: name an environment, as in --env CartPole-v1")
    try:
        return env_maker(environment, **options)()
    except ConfigError:
        raise
    except Exception as error:  # code of others: whatever it raises
        raise ConfigError(f"environment.id = {environment.id!r}: {error}") from None


def settle_environment(config: EvolveConfig) -> EvolveConfig:
    """Return the configuration with the return that solves it, and without options that need losses.

    Raises ConfigError.
    """
    if config.evolve.algorithm not in ("neat", "neat_python"):
        raise ConfigError(f"evolve.algorithm = {config.evolve.algorithm!r}: in an environment only 'neat' and "
                          "'neat_python' learn")  # fmt: skip
    standard = EvolveConfig()
    for name in BY_OUTPUT:
        value = getattr(config.operators, name)
        if value not in (0, getattr(standard.operators, name)):
            raise ConfigError(f"operators.{name} = {value:g}: it needs a loss for every output; an episode has one "
                              "return")  # fmt: skip
    env = make_env(config.environment)
    try:
        env_cases(env)
    except ValueError as error:
        raise ConfigError(f"environment.id = {config.environment.id!r}: {error}") from None
    spec = env.spec
    if not config.environment.max_steps and (spec is None or not spec.max_episode_steps):
        raise ConfigError(
            f"environment.id = {config.environment.id!r}: its episodes need not end: set the steps after which they "
            "are cut off, as in --set environment.max_steps=1000"
        )
    if not config.environment.solved_at and spec is not None and spec.reward_threshold is not None:
        config = config.change("environment", solved_at=float(spec.reward_threshold))
    return without_losses(config)


def baselines(env: gymnasium.Env, seeds: Sequence[int]) -> dict[str, float]:
    """Return the mean returns of random actions and of each constant action, by name; for a Box, of its middle."""
    space = env.action_space
    policies: dict[str, Policy] = {"random": RandomPolicy(space, seeds[0])}
    if isinstance(space, gymnasium.spaces.Discrete):
        actions = range(int(space.start), int(space.start) + min(int(space.n), MOST_ACTIONS))
        policies |= {f"always {action}": FixedPolicy(action) for action in actions}
    elif isinstance(space, gymnasium.spaces.Box):
        policies["always 0"] = FixedPolicy(np.clip(np.zeros(space.shape, space.dtype), space.low, space.high))
    returns = play_episodes(policies.values(), env, seeds).returns.mean(axis=1).tolist()
    return dict(zip(policies, returns, strict=True))


@dataclass(frozen=True, eq=False)
class EnvChampion:
    """A genome in its environment."""

    config: EvolveConfig
    genome: neat.DefaultGenome

    @property
    def id(self) -> str:
        """The environment's id."""
        return self.config.environment.id

    def episodes(self, seeds: Sequence[int], **options: Any) -> "Episodes":
        """Play episodes; options are those of `gymnasium.make`. Raises ConfigError if this is not possible."""
        with closing(make_env(self.config.environment, **options)) as env:
            return self._play(env, seeds)

    def film(self, seed: int) -> list[np.ndarray]:
        """Play an episode and return its frames, (H, W, 3) uint8 each; raise ConfigError if it cannot be rendered."""
        with closing(make_env(self.config.environment)) as env:
            if "rgb_array" not in env.metadata.get("render_modes", ()):
                raise ConfigError(f"{self.id} draws no pictures")
        with closing(RenderCollection(make_env(self.config.environment, render_mode="rgb_array"))) as env:
            self._play(env, [seed])
            return env.render()  # type: ignore[return-value]

    def _play(self, env: gymnasium.Env, seeds: Sequence[int]) -> "Episodes":
        policy = NetworkPolicy(self.genome, env, self.config.genome.recurrent)
        try:
            played = play_episodes([policy], env, seeds)
        except gymnasium.error.DependencyNotInstalled as error:  # drawing often needs a further package
            raise ConfigError(f"environment.id = {self.id!r}: {error}") from None
        return Episodes(played.returns[0].tolist(), played.steps[0].tolist())

    def test(self) -> dict[str, Any]:
        """Return the results of the champion and the baselines in the held-out test episodes."""
        seeds = episode_seeds(self.config.seed, TEST, self.config.environment.test)
        with closing(make_env(self.config.environment)) as env:
            known = baselines(env, seeds)
        return {"test_episodes": len(seeds), **self.episodes(seeds).summary(), "baselines": known}


@dataclass(frozen=True)
class Episodes:
    """Some episodes of one network."""

    returns: Sequence[float]
    steps: Sequence[int]

    def summary(self) -> dict[str, Any]:
        """Return mean, spread and range of the returns."""
        returns = np.array(self.returns)
        return {
            "mean_return": float(returns.mean()),
            "std_return": float(returns.std()),
            "least_return": float(returns.min()),
            "greatest_return": float(returns.max()),
        }

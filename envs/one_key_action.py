"""The keyboard played with one finger, for learners that support only discrete actions.

Conventions: K keys. Action 0 presses nothing, action k presses key k - 1; chords cannot be played.
"""

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import VectorEnv, VectorWrapper
from gymnasium.vector.utils import batch_space
from gymnasium.wrappers import DtypeObservation

from envs.keyboard_env import memorize
from envs.vector_keyboard_env import memorize_many


class OneKeyAction(gymnasium.ActionWrapper, gymnasium.utils.RecordConstructorArgs):
    """Wrapper that turns the action space MultiBinary(K) into Discrete(K + 1)."""

    def __init__(self, env: gymnasium.Env):
        gymnasium.utils.RecordConstructorArgs.__init__(self)
        gymnasium.ActionWrapper.__init__(self, env)
        self._keys = _keys_of_actions(env.action_space)
        self.action_space = Discrete(len(self._keys))

    def action(self, action: int) -> np.ndarray:
        """Return the keys (K,) int8 of a discrete action.

        Raises:
            ValueError: the action is not an integer from 0 to K.
        """
        if not self.action_space.contains(action):
            raise ValueError(f"an action is {_allowed(self._keys)}; got {action!r}")
        return self._keys[action].copy()


class OneKeyVectorEnv(VectorWrapper):
    """A vector environment with N discrete actions and float32 observations."""

    def __init__(self, env: VectorEnv):
        super().__init__(env)
        self._keys = _keys_of_actions(env.single_action_space)
        self.single_action_space = Discrete(len(self._keys))
        self.action_space = batch_space(self.single_action_space, env.num_envs)
        self.single_observation_space = Box(0, 1, env.single_observation_space.shape, np.float32)
        self.observation_space = batch_space(self.single_observation_space, env.num_envs)

    def reset(self, *, seed=None, options=None) -> tuple[np.ndarray, dict[str, Any]]:
        """Reset the environment, as its own `reset` does."""
        observations, information = self.env.reset(seed=seed, options=options)
        return observations.astype(np.float32), information

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Play actions (N,) from 0 to K, as the environment's own `step` does; raises ValueError for any others."""
        chosen = np.asarray(actions)
        if chosen.shape != (self.num_envs,) or chosen.dtype.kind not in "iu":
            raise ValueError(f"{self.num_envs} environments take {self.num_envs} integers; got {actions!r}")
        if not ((chosen >= 0) & (chosen < len(self._keys))).all():
            raise ValueError(f"an action is {_allowed(self._keys)}; got {actions!r}")
        observations, *results, information = self.env.step(self._keys[chosen])
        if "final_obs" in information:
            last = information["final_obs"]
            for env in information["_final_obs"].nonzero()[0]:
                last[env] = last[env].astype(np.float32)
        return observations.astype(np.float32), *results, information


def _keys_of_actions(space: gymnasium.Space) -> np.ndarray:
    """Return the keys (K + 1, K) int8 pressed by each discrete action, for the action space MultiBinary(K)."""
    keys = int(np.prod(space.shape or ()))
    return np.eye(keys + 1, keys, k=-1, dtype=np.int8)


def _allowed(keys: np.ndarray) -> str:
    return f"0 for nothing or 1 to {keys.shape[1]} for a key"


def memorize_with_one_key(**options) -> gymnasium.Env:
    """Make the environment of `kuznechik/MemorizeOneKey-v0`: discrete actions and float32 observations.

    Libraries made for control tasks feed observations to a network as they are.

    Args:
        **options: arguments of `memorize`.
    """
    return DtypeObservation(OneKeyAction(memorize(**options)), "float32")


def memorize_many_with_one_key(num_envs: int = 1, **options) -> VectorEnv:
    """Make the vector environment of `kuznechik/MemorizeOneKey-v0`.

    Args:
        num_envs: number of environments.
        **options: arguments of `memorize_many`.
    """
    return OneKeyVectorEnv(memorize_many(num_envs, **options))


# as in `envs.keyboard_env`
memorize_with_one_key.metadata = memorize.metadata  # type: ignore[attr-defined]

"""Play the keyboard with one finger, for learners that know only discrete actions."""

import gymnasium
import numpy as np
from gymnasium.wrappers import DtypeObservation

from envs.keyboard_env import memorize
from songs.keyboard import KEYS


class OneKeyAction(gymnasium.ActionWrapper, gymnasium.utils.RecordConstructorArgs):
    """Turns the action space MultiBinary(13) into Discrete(14): 0 presses nothing, k presses key k - 1.

    Chords cannot be played through it.
    """

    def __init__(self, env: gymnasium.Env):
        gymnasium.utils.RecordConstructorArgs.__init__(self)
        gymnasium.ActionWrapper.__init__(self, env)
        self.action_space = gymnasium.spaces.Discrete(KEYS + 1)

    def action(self, action: int) -> np.ndarray:
        """Return the 13 keys of a discrete action.

        Raises:
            ValueError: the action is not an integer from 0 to 13.
        """
        if not self.action_space.contains(action):
            raise ValueError(f"an action is 0 for nothing or 1 to {KEYS} for a key; got {action!r}")
        keys = np.zeros(KEYS, dtype=np.int8)
        if action:
            keys[action - 1] = 1
        return keys


def memorize_with_one_key(**options) -> gymnasium.Env:
    """Make the environment of `kuznechik/MemorizeOneKey-v0`: discrete actions and float32 observations.

    Programs that know nothing but control tasks feed observations to a network as they are.

    Args:
        **options: arguments of `memorize`.
    """
    return DtypeObservation(OneKeyAction(memorize(**options)), "float32")

"""The performer that is an evolved network beside a prior: it plays one key at a time, or none.

Conventions: as in `agents.prior`. The value of a choice is its log probability, and for a key the output of the network
as well: an output of 1 makes its key e times as likely.
"""

import numpy as np

from agents.neat.network_player import NetworkPlayer
from agents.prior import FollowedPrior, MakePrior, keys_of


class PriorPlayer:
    """Plays the most valued choice. It follows the episodes from their beginning, the prompt."""

    def __init__(self, player: NetworkPlayer, prior: MakePrior, prompt: int):
        """
        Args:
            player: the network.
            prior: makes the model of real melodies.
            prompt: steps of the first memory that are given, and known to the prior.
        """
        self.player, self.prior, self.prompt = player, prior, prompt
        self._followed: FollowedPrior | None = None

    def reset(self, episodes: int) -> None:
        self.player.reset(episodes)
        self._followed = None

    def press(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        return self.keys_of(self.values(memory, improvise).argmax(axis=2))

    def values(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        """Return the values (B, 1, K + 1) of the choices; arguments as for `press`, in its place."""
        outputs = self.player.values(memory, improvise)[:, :, 1]
        if self._followed is None:
            given = memory[:, memory.shape[1] - min(self.prompt, memory.shape[1]) :]
            self._followed = FollowedPrior(self.prior, given.astype(bool))
        else:
            self._followed.add(memory[:, -1].astype(bool))
        return self._followed.weighted(outputs)[:, None]

    def keys_of(self, choices: np.ndarray) -> np.ndarray:
        """Return the keys (B, K) bool that choices (B, 1) press."""
        return keys_of(choices[:, 0], self._keys)

    @property
    def _keys(self) -> int:
        return self.player.network.outputs

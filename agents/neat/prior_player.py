"""The performer that is an evolved network beside a prior: it plays one key at a time, or none.

Conventions: as in `agents.prior`. The value of a choice is its log probability, and for a key the output of the network
as well: an output of 1 makes its key e times as likely.
"""

import numpy as np

from agents.neat.network_player import NetworkPlayer
from agents.prior import FollowedPrior, MakePrior, keys_of


class PriorPlayer:
    """Plays the most valued choice; with a mode bit and mode 1, the song, what the network alone plays.

    It follows the episodes from their beginning, the prompt, and their mode stays as it is.
    """

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
        alone = self._alone(memory, improvise)
        keys = self.player.press(memory, improvise) if alone.any() else np.zeros((len(memory), self._keys), dtype=bool)
        if not alone.all():
            keys[~alone] = self.keys_of(self.values(memory, improvise).argmax(axis=2))[~alone]
        return keys

    def values(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        """Return the values (B, 1, K + 1) of the choices; arguments as for `press`, in its place."""
        outputs = self.player.values(memory, improvise)[:, :, 1]
        if self._followed is None:
            given = memory[:, memory.shape[1] - min(self.prompt, memory.shape[1]) :]
            self._followed = FollowedPrior(self.prior, given.astype(bool))
        else:
            self._followed.add(memory[:, -1].astype(bool))
        values = self._followed.weighted(outputs)
        alone = self._alone(memory, improvise)
        values[alone, 0], values[alone, 1:] = 0, outputs[alone]
        return values[:, None]

    def keys_of(self, choices: np.ndarray) -> np.ndarray:
        """Return the keys (B, K) bool that choices (B, 1) press."""
        return keys_of(choices[:, 0], self._keys)

    def _alone(self, memory: np.ndarray, improvise: np.ndarray | None) -> np.ndarray:
        """Return which episodes (B,) play the song."""
        if not self.player.mode_bit:
            return np.zeros(len(memory), dtype=bool)
        return np.ones(len(memory), dtype=bool) if improvise is None else ~np.asarray(improvise, dtype=bool)

    @property
    def _keys(self) -> int:
        return self.player.network.outputs

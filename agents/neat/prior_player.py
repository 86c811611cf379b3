"""The performer of an evolved network with a prior: it plays one key at a time, or none.

Conventions: as in `agents.prior`. The value of a choice is its log probability plus, for a key, the output of the
network: an output of 1 makes its key e times as likely.
"""

import numpy as np

from agents.neat.network_player import NetworkPlayer
from agents.prior import FollowedPrior, MakePrior, keys_of


class PriorPlayer:
    """A player of the most valued choice. In mode 1, the song, the network plays without the prior.

    It follows the episodes from their beginning, the prompt; the mode of an episode must not change.
    """

    def __init__(self, player: NetworkPlayer, prior: MakePrior, prompt: int):
        """
        Args:
            player: the network.
            prior: factory of the prior.
            prompt: number of given steps at the end of the first memory, with which the prior begins.
        """
        self.player, self.prior, self.prompt = player, prior, prompt
        self._followed: FollowedPrior | None = None

    def reset(self, episodes: int) -> None:
        self.player.reset(episodes)
        self._followed = None

    def press(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        song = self._plays_song(memory, improvise)
        keys = self.player.press(memory, improvise) if song.any() else np.zeros((len(memory), self._keys), dtype=bool)
        if not song.all():
            keys[~song] = self.keys_of(self.values(memory, improvise).argmax(axis=2))[~song]
        return keys

    def values(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        """Return the values (B, 1, K + 1) of the choices; call it instead of `press`, like `press`."""
        outputs = self.player.values(memory, improvise)[:, :, 1]
        if self._followed is None:
            given = memory[:, memory.shape[1] - min(self.prompt, memory.shape[1]) :]
            self._followed = FollowedPrior(self.prior, given.astype(bool))
        else:
            self._followed.add(memory[:, -1].astype(bool))
        values = self._followed.weighted(outputs)
        song = self._plays_song(memory, improvise)
        values[song, 0], values[song, 1:] = 0, outputs[song]
        return values[:, None]

    def keys_of(self, choices: np.ndarray) -> np.ndarray:
        """Return the keys (B, K) bool that choices (B, 1) press."""
        return keys_of(choices[:, 0], self._keys)

    def _plays_song(self, memory: np.ndarray, improvise: np.ndarray | None) -> np.ndarray:
        """Return a mask (B,) bool of the episodes that play the song."""
        if not self.player.mode_bit:
            return np.zeros(len(memory), dtype=bool)
        return np.ones(len(memory), dtype=bool) if improvise is None else ~np.asarray(improvise, dtype=bool)

    @property
    def _keys(self) -> int:
        return self.player.network.outputs

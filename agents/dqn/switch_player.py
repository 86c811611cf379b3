"""A performer with two Q-networks: one plays the song, the other improvises, depending on the mode."""

import numpy as np

from agents.dqn.q_player import QPlayer


class SwitchPlayer:
    """A player that plays the song or improvises, depending on the mode of each episode, which must not change."""

    def __init__(self, song: QPlayer, improviser: QPlayer):
        """Combine the player of the song and the one that improvises, both without a mode bit."""
        self.song, self.improviser = song, improviser
        self.prior = improviser.prior
        self._valued = song

    def reset(self, episodes: int) -> None:
        self.song.reset(episodes)
        self.improviser.reset(episodes)

    def press(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        if improvise is None or not improvise.any():
            return self.song.press(memory)
        improvised = self.improviser.press(memory)
        return improvised if improvise.all() else np.where(improvise[:, None], improvised, self.song.press(memory))

    def values(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        """Return the values (B, branches, choices) of the next step; raises ValueError if the modes differ."""
        modes = {False} if improvise is None else set(improvise.tolist())
        if len(modes) > 1:
            raise ValueError("values of both modes at once: ask for the episodes of each mode separately")
        self._valued = self.improviser if modes == {True} else self.song
        return self._valued.values(memory)

    def keys_of(self, choices: np.ndarray) -> np.ndarray:
        """Return the keys (B, K) bool pressed by choices (B, branches) int64 of the last call of `values`."""
        return self._valued.keys_of(choices)

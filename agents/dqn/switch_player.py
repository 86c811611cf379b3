"""A performer of two Q-networks: the mode says whether one plays the song, or the other improvises."""

import numpy as np

from agents.dqn.q_player import QPlayer


class SwitchPlayer:
    """Plays the song, or improvises, as the mode of each episode says; the mode of an episode stays as it is."""

    def __init__(self, song: QPlayer, own: QPlayer):
        """Take the player of the song and the one that improvises, both without a mode bit."""
        self.song, self.own = song, own
        self.prior = own.prior
        self._valued = song

    def reset(self, episodes: int) -> None:
        self.song.reset(episodes)
        self.own.reset(episodes)

    def press(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        if improvise is None or not improvise.any():
            return self.song.press(memory)
        own = self.own.press(memory)
        return own if improvise.all() else np.where(improvise[:, None], own, self.song.press(memory))

    def values(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        """Return the values (B, branches, choices) of the next step for episodes of one mode; ValueError for both."""
        modes = {False} if improvise is None else set(improvise.tolist())
        if len(modes) > 1:
            raise ValueError("values of both modes at once: ask for the episodes of each mode by themselves")
        self._valued = self.own if modes == {True} else self.song
        return self._valued.values(memory)

    def keys_of(self, choices: np.ndarray) -> np.ndarray:
        """Return the keys (B, K) bool that choices (B, branches) int64 press, of those whose values were asked for."""
        return self._valued.keys_of(choices)

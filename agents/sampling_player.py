"""A performer that samples from another performer's choices, weighted by their values.

Conventions:
    B episodes, K keys. Values are (B, branches, choices): either a branch for each of K keys with the choices 0
    (release) and 1 (press), or, for networks that play single notes, one branch of K + 1 choices.
Source:
    The choice with the highest sum of value and Gumbel noise is drawn with the probability of a softmax: Gumbel (1954).
"""

from typing import Protocol, runtime_checkable

import numpy as np

from agents.performer import Performer


@runtime_checkable
class ValuesChoices(Performer, Protocol):
    """A performer that assigns values to its choices and plays the most valued one."""

    def values(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        """Return the values (B, branches, choices) of the next step; call it instead of `press`, like `press`."""
        ...

    def keys_of(self, choices: np.ndarray) -> np.ndarray:
        """Return the keys (B, K) bool that choices (B, branches) int64 press."""
        ...


class SamplingPlayer:
    """A player that samples every choice with a probability proportional to exp(value / temperature)."""

    def __init__(self, player: ValuesChoices, temperature: float, random: np.random.Generator):
        """
        Args:
            player: values the choices.
            temperature: 0 plays as the player itself does; higher temperatures deviate more often.
            random: source of the choices.

        Raises:
            ValueError: the temperature is below 0.
        """
        if not temperature >= 0:
            raise ValueError(f"the temperature is {temperature}: it must be 0 or more")
        self.player, self.temperature, self.random = player, temperature, random

    def reset(self, episodes: int) -> None:
        self.player.reset(episodes)

    def press(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        values = self.player.values(memory, improvise)
        noise = self.random.gumbel(size=values.shape)
        return self.player.keys_of((values + self.temperature * noise).argmax(axis=2))

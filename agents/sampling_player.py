"""A performer that plays the choices of another one at random, by how that one values them.

Conventions:
    B episodes, K keys. Values are (B, branches, choices): a network of keys has a branch for each of K keys with the
    choices 0 (release) and 1 (press), one that plays single notes a branch of K + 1 choices.
Source:
    The choice with the highest sum of value and Gumbel noise is drawn with the probability of a softmax: Gumbel (1954).
"""

from typing import Protocol, runtime_checkable

import numpy as np

from agents.performer import Performer


@runtime_checkable
class ValuesChoices(Performer, Protocol):
    """A performer that says what its choices are worth, and plays the one that is worth most."""

    def values(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        """Return the values (B, branches, choices) of the next step; arguments as for `press`, in its place."""
        ...

    def keys_of(self, choices: np.ndarray) -> np.ndarray:
        """Return the keys (B, K) bool that choices (B, branches) int64 press."""
        ...


class SamplingPlayer:
    """Draws every choice with a probability that is proportional to exp(value / temperature)."""

    def __init__(self, player: ValuesChoices, temperature: float, random: np.random.Generator):
        """
        Args:
            player: values the choices.
            temperature: 0 plays what the player itself does; the higher, the more often it plays something else.
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

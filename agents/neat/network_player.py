"""Performers that are evolved networks."""

import numpy as np

from agents.neat.network import Network
from agents.neat.recurrent_network import RecurrentNetwork


class NetworkPlayer:
    """Plays what a network answers: it presses a key where an output is above 0."""

    def __init__(self, network: Network, memory: int, mode_bit: bool = False):
        """
        Args:
            network: an output for each of K keys; `memory` * K inputs, and one more with `mode_bit`.
            memory: steps it sees.
            mode_bit: whether its last input says if it should play the song (1) or improvise (0).
        """
        self.network = network
        self.memory = memory
        self.mode_bit = mode_bit

    def reset(self, episodes: int) -> None:
        pass

    def press(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        return self.network(network_inputs(memory, improvise, self.mode_bit)).T > 0


class RecurrentPlayer:
    """Plays what a recurrent network answers, which remembers by itself beside what it is shown."""

    def __init__(self, network: RecurrentNetwork, mode_bit: bool = False):
        """
        Args:
            network: inputs as for `NetworkPlayer`.
            mode_bit: as for `NetworkPlayer`.
        """
        self.network = network
        self.mode_bit = mode_bit

    def reset(self, episodes: int) -> None:
        self.network.start(episodes)

    def press(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        return self.network.step(network_inputs(memory, improvise, self.mode_bit)).T > 0


def network_inputs(memory: np.ndarray, improvise: np.ndarray | None, mode_bit: bool) -> np.ndarray:
    """Return what a network is shown (I, B) for memories (B, M, K), laid out as the environment observes."""
    inputs = memory.reshape(len(memory), -1).T.astype(np.float64)
    if mode_bit:
        bit = np.ones(len(memory)) if improvise is None else 1.0 - improvise
        inputs = np.concatenate([inputs, bit[None]])
    return inputs

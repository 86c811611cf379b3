"""A performer that is an evolved network."""

import numpy as np

from agents.phenotype import Network


class NetworkPlayer:
    """Plays what a network answers: it presses a key where an output is above 0."""

    def __init__(self, network: Network, memory: int, mode_bit: bool = False):
        """
        Args:
            network: 13 outputs; `memory` * 13 inputs, and one more with `mode_bit`.
            memory: steps it sees.
            mode_bit: whether its last input says if it should play the song (1) or improvise (0).
        """
        self.network = network
        self.memory = memory
        self.mode_bit = mode_bit

    def reset(self, episodes: int) -> None:
        pass

    def press(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        inputs = memory.reshape(len(memory), -1).T.astype(np.float64)
        if self.mode_bit:
            bit = np.ones(len(memory)) if improvise is None else 1.0 - improvise
            inputs = np.concatenate([inputs, bit[None]])
        return self.network(inputs).T > 0

"""A performer that is a Q-network: it plays what it values most."""

import numpy as np
import torch

from agents.dqn.q_network import QNetwork


class QPlayer:
    """Plays the most valued choice of every branch, and never explores."""

    def __init__(self, network: QNetwork, mode_bit: bool = False):
        """
        Args:
            network: of observations of memory * 13 elements, and one more with `mode_bit`.
            mode_bit: whether its last input says if it should play the song (1) or improvise (0).
        """
        self.network = network
        self.mode_bit = mode_bit

    def reset(self, episodes: int) -> None:
        pass

    def press(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        inputs = memory.reshape(len(memory), -1).astype(np.float32)
        if self.mode_bit:
            bit = np.ones(len(memory)) if improvise is None else 1.0 - improvise
            inputs = np.concatenate([inputs, bit[:, None].astype(np.float32)], axis=1)
        return self.network.greedy(torch.from_numpy(inputs)).numpy()

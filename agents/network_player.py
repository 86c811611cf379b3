"""A performer that is an evolved network."""

import neat
import numpy as np

from agents.phenotype import check_supported, network_outputs
from songs.keyboard import KEYS


class NetworkPlayer:
    """Plays what a neat-python genome answers: it presses a key where its output is above 0."""

    def __init__(self, genome: neat.DefaultGenome, memory: int, mode_bit: bool = False):
        """
        Args:
            genome: a network with 13 outputs.
            memory: steps it sees.
            mode_bit: whether its last input says if it should play the song (1) or improvise (0).

        Raises:
            ValueError: it uses a function that the batched network does not know.
        """
        check_supported(genome, KEYS)
        self.genome = genome
        self.memory = memory
        self.mode_bit = mode_bit

    def reset(self, episodes: int) -> None:
        pass

    def press(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        inputs = memory.reshape(len(memory), -1).T.astype(np.float64)
        if self.mode_bit:
            bit = np.ones(len(memory)) if improvise is None else 1.0 - improvise
            inputs = np.concatenate([inputs, bit[None]])
        return network_outputs(self.genome, inputs, KEYS).T > 0

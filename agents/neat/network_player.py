"""The performer of an evolved network."""

import numpy as np

from agents.neat.network import Network
from agents.neat.recurrent_network import RecurrentNetwork
from songs.plan import PlanFollower


class NetworkPlayer:
    """A player that presses the keys whose outputs are above 0."""

    def __init__(
        self, network: Network | RecurrentNetwork, mode_bit: bool = False, planned: PlanFollower | None = None
    ):
        """
        Args:
            network: has an output for each of K keys and an input for each key of M remembered steps, laid out like
                the environment's observations, and one more with `mode_bit`.
            mode_bit: True if the input after the memory selects the mode: 1 to play the song, 0 to improvise.
            planned: the plans' inputs, which follow; None: no plans.
        """
        self.network = network
        self.mode_bit, self.planned = mode_bit, planned

    def reset(self, episodes: int) -> None:
        self.network.start(episodes)
        if self.planned:
            self.planned.reset()

    def press(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        return self._outputs(memory, improvise) > 0

    def values(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        """Return the values (B, K, 2) of each key's choices: 0 for not pressing it, its output for pressing it."""
        outputs = self._outputs(memory, improvise)
        return np.stack([np.zeros_like(outputs), outputs], axis=2)

    def keys_of(self, choices: np.ndarray) -> np.ndarray:
        """Return the keys (B, K) bool that choices (B, K) press."""
        return choices > 0

    def _outputs(self, memory: np.ndarray, improvise: np.ndarray | None) -> np.ndarray:
        inputs = memory.reshape(len(memory), -1).T.astype(np.float64)
        if self.mode_bit:
            bit = np.ones(len(memory)) if improvise is None else 1.0 - improvise
            inputs = np.concatenate([inputs, bit[None]])
        if self.planned:
            inputs = np.concatenate([inputs, self.planned.after(memory).T])
        return self.network(inputs).T

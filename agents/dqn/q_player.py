"""A performer that is a Q-network: it plays what it values most."""

from collections.abc import Callable

import numpy as np
import torch

from agents.dqn.network import QNetwork, keys_of
from agents.dqn.prior import Prior


class QPlayer:
    """Plays the most valued choice of every branch, and never explores.

    With a prior, what it says is added to the values. It hears the episodes from their beginning: what is remembered
    at the first step is then taken for the prompt.
    """

    def __init__(
        self,
        network: QNetwork,
        mode_bit: bool = False,
        prior: Callable[[int], Prior] | None = None,
        prompt: int = 0,
    ):
        """
        Args:
            network: of observations of memory * 13 elements, and one more with `mode_bit`.
            mode_bit: whether its last input says if it should play the song (1) or improvise (0).
            prior: makes one for so many episodes; None: the network decides alone.
            prompt: steps that are given at the beginning of an episode, for the prior.
        """
        self.network = network
        self.mode_bit = mode_bit
        self.prior, self.prompt = prior, prompt
        self._heard: Prior | None = None

    def reset(self, episodes: int) -> None:
        self._heard = None

    def press(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        inputs = memory.reshape(len(memory), -1).astype(np.float32)
        if self.mode_bit:
            bit = np.ones(len(memory)) if improvise is None else 1.0 - improvise
            inputs = np.concatenate([inputs, bit[:, None].astype(np.float32)], axis=1)
        with torch.no_grad():
            values = self.network(torch.from_numpy(inputs))
            if self.prior is not None:
                values = values + torch.from_numpy(self._log_chances(memory))[:, None]
            return keys_of(values.argmax(dim=2)).numpy()

    def _log_chances(self, memory: np.ndarray) -> np.ndarray:
        """Return what the prior says after the memories (B, M, 13); it is told the steps it has not heard."""
        if self._heard is None:
            assert self.prior is not None
            self._heard = self.prior(len(memory))
            given = memory[:, memory.shape[1] - min(self.prompt, memory.shape[1]) :].astype(bool)
            self._heard.begin(np.arange(len(memory)), given, np.full(len(memory), given.shape[1]))
        else:
            self._heard.hear(memory[:, -1].astype(bool))
        return self._heard.log_chances()

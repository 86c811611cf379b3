"""A performer that plays the most valued choices of a Q-network."""

import numpy as np
import torch

from agents.dqn.network import QNetwork
from agents.prior import MakePrior, Prior
from songs.plan import PlanFollower


class QPlayer:
    """A player of the most valued choice of every branch; it never explores.

    With a prior, its log probabilities are added to the values. The prior follows the episodes from their beginning,
    with the memory at the first step as the prompt.
    """

    def __init__(
        self,
        network: QNetwork,
        mode_bit: bool = False,
        prior: MakePrior | None = None,
        prompt: int = 0,
        planned: PlanFollower | None = None,
    ):
        """
        Args:
            network: takes observations of memory * K elements, and one more with `mode_bit`.
            mode_bit: True if the input after the memory selects the mode: 1 to play the song, 0 to improvise.
            prior: factory of the prior of a number of episodes; None: no prior.
            prompt: number of steps given to the prior.
            planned: the plans' inputs, appended to the observations; None: no plans.
        """
        self.network = network
        self.mode_bit, self.planned = mode_bit, planned
        self.prior, self.prompt = prior, prompt
        self._melodies: Prior | None = None

    def reset(self, episodes: int) -> None:
        self._melodies = None
        if self.planned:
            self.planned.reset()

    def press(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        return self.network.keys_of(self._values(memory, improvise).argmax(dim=2)).numpy()

    def values(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        """Return the values (B, branches, choices) of the next step, including the prior's log probabilities."""
        return self._values(memory, improvise).numpy()

    def keys_of(self, choices: np.ndarray) -> np.ndarray:
        """Return the keys (B, K) bool that choices (B, branches) int64 press."""
        return self.network.keys_of(torch.from_numpy(choices)).numpy()

    def _values(self, memory: np.ndarray, improvise: np.ndarray | None) -> torch.Tensor:
        inputs = memory.reshape(len(memory), -1).astype(np.float32)
        if self.mode_bit:
            bit = np.ones(len(memory)) if improvise is None else 1.0 - improvise
            inputs = np.concatenate([inputs, bit[:, None].astype(np.float32)], axis=1)
        if self.planned:
            inputs = np.concatenate([inputs, self.planned.after(memory).astype(np.float32)], axis=1)
        with torch.no_grad():
            values = self.network(torch.from_numpy(inputs))
            if self.prior is not None:
                values = values + torch.from_numpy(self._log_probabilities(self.prior, memory))[:, None]
            return values

    def _log_probabilities(self, prior: MakePrior, memory: np.ndarray) -> np.ndarray:
        """Return the prior's log probabilities (B, K + 1) after memories (B, M, K), whose last step it has not seen."""
        if self._melodies is None:
            self._melodies = prior(len(memory))
            given = memory[:, memory.shape[1] - min(self.prompt, memory.shape[1]) :].astype(bool)
            self._melodies.begin(np.arange(len(memory)), given, np.full(len(memory), given.shape[1]))
        else:
            self._melodies.add(memory[:, -1].astype(bool))
        return self._melodies.log_probabilities()

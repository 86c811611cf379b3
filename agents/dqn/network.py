"""The Q-network: from what is remembered to the value of every choice.

Conventions:
    B observations of I elements, laid out like those of `KeyboardEnv`. The values of a network are (B, branches,
    choices). The head `branching` has a branch for each of the 13 keys with the choices release (0) and press (1),
    so it plays chords. The head `one_key` has one branch with 14 choices: 0 presses nothing, k presses key k - 1.
Source:
    Dueling: Wang et al. (2016). Branches: Tavakoli et al., Action Branching Architectures (2018).
"""

import copy
import math
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from agents.dqn.checked_state import check_array
from songs.keyboard import KEYS

HEADS = {"branching": (KEYS, 2), "one_key": (1, KEYS + 1)}
"""Branches and choices of each head."""


class QNetwork(nn.Module):
    """Layers of leaky rectified units under a value and the advantages of the choices."""

    LEAK = 0.1
    """Slope below 0. Without one, memories at which all units are silent can never be told apart again."""

    def __init__(
        self,
        inputs: int,
        head: str = "branching",
        hidden: int = 128,
        layers: int = 1,
        dueling: bool = True,
        seed: int = 0,
    ):
        """
        Args:
            inputs: I, elements of an observation.
            head: `branching` or `one_key`.
            hidden: units of a hidden layer.
            layers: hidden layers, at least 1.
            dueling: estimate the value of the memory and the advantages of the choices apart.
            seed: of the first weights.

        Raises:
            ValueError: there is no such head.
        """
        super().__init__()
        if head not in HEADS:
            raise ValueError(f"head {head!r}: choose one of {', '.join(HEADS)}")
        self.head = head
        self.branches, self.choices = HEADS[head]
        body = []
        for width in [inputs] + [hidden] * (layers - 1):
            body += [_linear(width, hidden), nn.LeakyReLU(self.LEAK)]
        self.body = nn.Sequential(*body)
        self.advantage = _linear(hidden, self.branches * self.choices)
        self.value = _linear(hidden, 1) if dueling else None
        self._draw_weights(torch.Generator().manual_seed(seed))

    def _draw_weights(self, random: torch.Generator) -> None:
        """Draw the first weights as `nn.Linear` does, but from a generator of one's own."""
        with torch.no_grad():
            for layer in self.modules():
                if isinstance(layer, nn.Linear):
                    bound = 1 / math.sqrt(layer.in_features)
                    layer.weight.uniform_(-bound, bound, generator=random)
                    layer.bias.uniform_(-bound, bound, generator=random)

    def forward(self, observations: Tensor) -> Tensor:
        """Return the values (B, branches, choices) of observations (B, I) float32."""
        hidden = self.body(observations)
        advantages = self.advantage(hidden).view(-1, self.branches, self.choices)
        if self.value is None:
            return advantages
        return self.value(hidden)[:, :, None] + advantages - advantages.mean(dim=2, keepdim=True)

    def copy(self) -> Self:
        """Return a network with the same weights that is not trained."""
        return copy.deepcopy(self).requires_grad_(False)

    @torch.no_grad()
    def greedy(self, observations: Tensor) -> Tensor:
        """Return the keys (B, 13) bool of the most valued choices."""
        return keys_of(self(observations).argmax(dim=2))


def _linear(inputs: int, outputs: int) -> nn.Linear:
    """Return a layer whose weights are still to be drawn."""
    return nn.utils.skip_init(nn.Linear, inputs, outputs)


def keys_of(choices: Tensor) -> Tensor:
    """Return the keys (B, 13) bool that the choices (B, branches) int64 of a head press."""
    if choices.shape[1] == KEYS:
        return choices.bool()
    return choices == torch.arange(1, KEYS + 1)


def choices_of(keys: Tensor, head: str) -> Tensor:
    """Return the choices (B, branches) int64 that press keys (B, 13) of 0 and 1.

    With `one_key` of a chord the lowest key is meant.
    """
    if head == "branching":
        return keys.long()
    lowest = keys.long().argmax(dim=1, keepdim=True)
    return torch.where(keys.any(dim=1, keepdim=True), lowest + 1, 0)


def arrays_of(tensors: dict[str, Tensor]) -> dict[str, np.ndarray]:
    """Return copies of tensors as arrays."""
    return {name: tensor.detach().numpy().copy() for name, tensor in tensors.items()}


def load_weights(network: QNetwork, weights: dict[str, np.ndarray]) -> None:
    """Put weights into a network; raises ValueError if they belong to one of another shape, or are no numbers."""
    own = network.state_dict()
    if set(weights) != set(own):
        raise ValueError(f"the network has the layers {sorted(weights)}, this run needs {sorted(own)}")
    for name, tensor in own.items():
        if weights[name].shape != tuple(tensor.shape):
            raise ValueError(
                f"the network's {name} has the shape {weights[name].shape}, this run needs {tuple(tensor.shape)}"
            )
        check_array(tensor.detach().numpy(), weights[name], f"network's {name}")
    network.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in weights.items()})

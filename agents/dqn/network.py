"""The Q-network: maps the remembered steps to the value of every choice.

Conventions:
    B observations of I elements, laid out like those of `KeyboardEnv`. The values of a network are (B, branches,
    choices). The head `branching` has a branch for each of K keys with the choices release (0) and press (1),
    so it plays chords. The head `one_key` has one branch with K + 1 choices: 0 presses nothing, k presses key k - 1.
Source:
    Dueling: Wang et al. (2016). Branches: Tavakoli et al., Action Branching Architectures (2018).
"""

import copy
import math
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from agents.dqn.options import NetworkOptions
from songs.keyboard import KEYS
from songs.validate import validate_like

DEFAULTS = NetworkOptions()


def head_shape(head: str, keys: int) -> tuple[int, int]:
    """Return the numbers of branches and of choices per branch of a head for K keys."""
    return (keys, 2) if head == "branching" else (1, keys + 1)


class _Linear(nn.Linear):
    """A linear layer with uninitialized weights; `nn.utils.skip_init` would import torch's compiler."""

    def reset_parameters(self) -> None:
        pass


class QNetwork(nn.Module):
    """Layers of leaky rectified units, a head for the advantages of the choices, and one for the value."""

    LEAK = 0.1
    """Slope below 0. With slope 0, memories for which all units are silent could never be distinguished again."""

    def __init__(self, inputs: int, options: NetworkOptions = DEFAULTS, seed: int = 0, keys: int = KEYS):
        """Make a network for observations of I = `inputs` elements and K keys, with initial weights from a seed."""
        super().__init__()
        self.head, self.keys = options.head, keys
        self.branches, self.choices = head_shape(options.head, keys)
        body = []
        for width in [inputs] + [options.hidden] * (options.layers - 1):
            body += [_Linear(width, options.hidden), nn.LeakyReLU(self.LEAK)]
        self.body = nn.Sequential(*body)
        self.advantage = _Linear(options.hidden, self.branches * self.choices)
        self.value = _Linear(options.hidden, 1) if options.dueling else None
        self._draw_weights(torch.Generator().manual_seed(seed))

    def _draw_weights(self, random: torch.Generator) -> None:
        """Draw the initial weights as `nn.Linear` does, but from the given generator."""
        with torch.no_grad():
            for layer in self.modules():
                if isinstance(layer, nn.Linear):
                    bound = 1 / math.sqrt(layer.in_features)
                    layer.weight.uniform_(-bound, bound, generator=random)
                    layer.bias.uniform_(-bound, bound, generator=random)

    @torch.no_grad()
    def silence(self) -> Self:
        """Zero the heads, so that all values start at 0; return the network."""
        for layer in (self.advantage, self.value):
            if layer is not None:
                layer.weight.zero_()
                layer.bias.zero_()
        return self

    def forward(self, observations: Tensor) -> Tensor:
        """Return the values (B, branches, choices) of observations (B, I) float32."""
        hidden = self.body(observations)
        advantages = self.advantage(hidden).view(-1, self.branches, self.choices)
        if self.value is None:
            return advantages
        return self.value(hidden)[:, :, None] + advantages - advantages.mean(dim=2, keepdim=True)

    def copy(self) -> Self:
        """Return a copy of the network without gradients."""
        return copy.deepcopy(self).requires_grad_(False)

    @torch.no_grad()
    def greedy(self, observations: Tensor) -> Tensor:
        """Return the keys (B, K) bool of the most valued choices."""
        return self.keys_of(self(observations).argmax(dim=2))

    def keys_of(self, choices: Tensor) -> Tensor:
        """Return the keys (B, K) bool that the choices (B, branches) int64 press."""
        return choices.bool() if self.head == "branching" else choices == torch.arange(1, self.keys + 1)


def choices_of(keys: Tensor, head: str) -> Tensor:
    """Return the choices (B, branches) int64 that press keys (B, K) of 0 and 1.

    With the head `one_key`, a chord is reduced to its lowest key.
    """
    if head == "branching":
        return keys.long()
    lowest = keys.long().argmax(dim=1, keepdim=True)
    return torch.where(keys.any(dim=1, keepdim=True), lowest + 1, 0)


def arrays_of(tensors: dict[str, Tensor]) -> dict[str, np.ndarray]:
    """Return copies of tensors as arrays."""
    return {name: tensor.detach().numpy().copy() for name, tensor in tensors.items()}


def load_weights(network: QNetwork, weights: dict[str, np.ndarray]) -> None:
    """Copy weights into a network; raises ValueError if layers or shapes differ, or values are not finite."""
    expected = arrays_of(network.state_dict())
    if set(weights) != set(expected):
        raise ValueError(f"network has the layers {sorted(weights)}, this run needs {sorted(expected)}")
    validate_like(expected, weights, "network")
    network.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in weights.items()})

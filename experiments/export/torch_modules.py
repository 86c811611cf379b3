"""Networks as PyTorch modules; `export --to torch` writes their source next to the weights.

Conventions: B observations of I numbers; values as in `experiments.export.network`.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn


class GenomeNetwork(nn.Module):
    """An evolved network in double precision: its nodes by level, each fed by inputs and earlier nodes."""

    def __init__(self, inputs: int, levels: list, activations: list[str], outputs: list[int], recurrent: bool):
        """Take the number of inputs, the first and last node of each level, names of activations, and output nodes."""
        super().__init__()
        nodes = len(activations)
        self.levels, self.activations, self.outputs, self.recurrent = levels, activations, outputs, recurrent
        self.weights = nn.Parameter(torch.zeros(nodes, inputs + nodes, dtype=torch.float64))
        self.bias = nn.Parameter(torch.zeros(nodes, dtype=torch.float64))
        self.response = nn.Parameter(torch.ones(nodes, dtype=torch.float64))
        self.start()

    def start(self, episodes: int = 1) -> None:
        """Begin `episodes` parallel episodes: a recurrent network is reset."""
        self.state = torch.zeros(episodes, len(self.activations), dtype=torch.float64)

    def forward(self, observations: Tensor) -> Tensor:
        """Return values (B, O) for observations (B, I)."""
        known, sums = observations.double(), []
        if self.recurrent:
            known = torch.cat([known, self.state], 1)
        for first, last in self.levels:
            weights = self.weights[first:last, : known.shape[1]]
            z = self.bias[first:last] + self.response[first:last] * (known @ weights.T)
            names = self.activations[first:last]
            values = torch.cat([self.activate(name, z[:, n : n + 1]) for n, name in enumerate(names)], 1)
            sums.append(z)
            if self.recurrent:
                self.state = values
            else:
                known = torch.cat([known, values], 1)
        return torch.cat(sums, 1)[:, self.outputs]

    @staticmethod
    def activate(name: str, z: Tensor) -> Tensor:
        """Apply an activation, given its name."""
        functions = {
            "sigmoid": lambda z: torch.sigmoid((5 * z).clamp(-60, 60)),
            "tanh": lambda z: torch.tanh((2.5 * z).clamp(-60, 60)),
            "identity": lambda z: z,
            "relu": torch.relu,
            "clamped": lambda z: z.clamp(-1, 1),
            "sin": lambda z: torch.sin((5 * z).clamp(-60, 60)),
            "gauss": lambda z: torch.exp(-5 * z.clamp(-3.4, 3.4) ** 2),
            "abs": torch.abs,
        }
        return functions[name](z)


class QNetwork(nn.Module):
    """A Q-network: leaky ReLU layers, advantages, and optionally a value added to them."""

    def __init__(self, widths: list[int], branches: int, choices: int, dueling: bool):
        """Take the widths of observations and layers, and the shape of the values."""
        super().__init__()
        self.shape = branches, choices
        body: list[nn.Module] = []
        for before, after in pairwise(widths):
            body += [nn.Linear(before, after), nn.LeakyReLU(0.1)]
        self.body = nn.Sequential(*body)
        self.advantage = nn.Linear(widths[-1], branches * choices)
        self.value = nn.Linear(widths[-1], 1) if dueling else None

    def start(self, episodes: int = 1) -> None:
        """Begin episodes with an empty memory."""

    def forward(self, observations: Tensor) -> Tensor:
        """Return values (B, branches, choices) for observations (B, I)."""
        hidden = self.body(observations.float())
        advantages = self.advantage(hidden).view(-1, *self.shape)
        if self.value is None:
            return advantages
        return self.value(hidden)[:, :, None] + advantages - advantages.mean(dim=2, keepdim=True)

"""Attention between the bars of a melody, in residual layers that are initialised to add nothing.

Conventions: x is (B, U, width), a vector for each bar.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from vae.config import ModelError
from vae.parameters import drawn

HEAD_WIDTH = 32


class BarMixing(nn.Module):
    """A residual layer of attention between bars and a perceptron for each bar; both output 0 initially.

    A model thus starts with independent bars, which it learns quickly, and then learns what they have in common.
    """

    def __init__(self, bars: int, width: int):
        """
        Raises:
            ModelError: the width is not a multiple of the number of heads.
        """
        super().__init__()
        self.heads = max(1, width // HEAD_WIDTH)
        if width % self.heads:
            below = width // HEAD_WIDTH * HEAD_WIDTH
            raise ModelError(
                f"a width of {width} cannot be shared by {self.heads} heads: choose {below} or {below + HEAD_WIDTH}"
            )
        self.position = drawn(0.02, bars, width)
        self.norm_bars = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.bars_out = nn.Linear(width, width)
        self.norm_features = nn.LayerNorm(width)
        self.features_in = nn.Linear(width, 2 * width)
        self.features_out = nn.Linear(2 * width, width)
        for silent in (self.bars_out, self.features_out):
            nn.init.zeros_(silent.weight)
            nn.init.zeros_(silent.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, U, width)."""
        batch, bars, width = x.shape
        mixed = self.query_key_value(self.norm_bars(x) + self.position)
        query, key, value = mixed.reshape(batch, bars, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        # explicit: for few bars torch's fused attention is several times slower on a CPU, especially backward
        weights = torch.softmax(query @ key.transpose(-2, -1) * query.shape[-1] ** -0.5, dim=-1)
        mixed = weights.to(value.dtype) @ value
        x = x + self.bars_out(mixed.transpose(1, 2).reshape(batch, bars, width))
        return x + self.features_out(functional.gelu(self.features_in(self.norm_features(x))))

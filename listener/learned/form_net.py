"""The form network: a small perceptron that judges at every bar line whether the bars so far make a song.

Conventions: N melodies in relative pitch (`listener.learned.hearing`), U bars, F figures. A logit at a bar line depends
only on the bars before it.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from listener.learned.form import FIGURES, form_figures

FURTHEST = 4.0
"""Standard deviations from the mean at which a figure is clipped."""


@dataclass(frozen=True)
class FormOptions:
    """The size of the network: about 23,000 parameters by default."""

    width: int = 128
    hidden: int = 48
    dropout: float = 0.25
    figure_masking: float = 0.1


class FormNet(nn.Module):
    """A classifier of the bars so far by their figures of form."""

    def __init__(self, options: FormOptions | None = None):
        super().__init__()
        self.options = size = options or FormOptions()
        self.mean: Tensor
        self.deviation: Tensor
        self.register_buffer("mean", torch.zeros(FIGURES))
        self.register_buffer("deviation", torch.ones(FIGURES))
        self.width = nn.Linear(FIGURES, size.width)
        self.hidden = nn.Linear(size.width, size.hidden)
        self.logit = nn.Linear(size.hidden, 1)

    def scale_by(self, melodies: np.ndarray) -> None:
        """Set the mean and the standard deviation of figures from melodies (N, T)."""
        figures = torch.from_numpy(form_figures(melodies)).flatten(0, 1)
        self.mean.copy_(figures.mean(dim=0))
        self.deviation.copy_(figures.std(dim=0).clamp_min(0.05))

    @torch.inference_mode()
    def judge(self, melodies: np.ndarray) -> np.ndarray:
        """Return a logit at every bar line of melodies (N, T), (N, U) float32."""
        return self(torch.from_numpy(form_figures(melodies))).numpy()

    def forward(self, figures: Tensor) -> Tensor:
        """Return logits (N, U) for figures (N, U, F)."""
        size = self.options
        x = ((figures - self.mean) / self.deviation).clamp(-FURTHEST, FURTHEST)
        if self.training:
            x = x * (torch.rand(len(x), 1, x.shape[2]) >= size.figure_masking)
        x = nn.functional.leaky_relu(self.width(x), 0.1)
        x = nn.functional.dropout(x, size.dropout, self.training)
        return self.logit(nn.functional.leaky_relu(self.hidden(x), 0.1))[..., 0]

"""A critic of samples from a prior: log odds that a melody is real, computed from its figures.

One of several samples is selected by these odds. This corrects faults of the prior, such as too wide a range or too few
notes, without changing the encoder and decoder.

Conventions: roll and onsets (N, T); figures float32 (N, F); odds are log odds (N,).

Source: S. Azadi et al., Discriminator Rejection Sampling, 2019.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from vae.fit import Fit
from vae.statistics import figures
from vae.tokens import REST, implied_onsets

LAGS = (1, 2, 4, 8)
WIDEST, LONGEST = 12, 16
FIGURES = 26 + WIDEST + 1 + LONGEST + 2 * len(LAGS) + 1
WIDTH = 48
STEPS, BATCH = 600, 128


def form_figures(roll: np.ndarray, onsets: np.ndarray, steps_per_bar: int) -> Tensor:
    """Return the figures of `vae.statistics` with further ones on intervals, lengths and repeated bars.

    Returns:
        (N, F): after those of `vae.statistics`, shares of intervals of 0 to 12 semitones, and of notes 1 to 16 steps
        before the next; shares of bars equal to the one 1, 2, 4 and 8 bars before, and equal in rhythm; the share of
        distinct bars.
    """
    begins = (onsets | implied_onsets(roll)) & (roll != REST)
    count, rows = len(roll), []
    bars, rhythms = roll.reshape(count, -1, steps_per_bar), begins.reshape(count, -1, steps_per_bar)
    for melody, starts, row, begin in zip(bars, rhythms, roll, begins, strict=True):
        at = np.flatnonzero(begin)
        leaps = np.abs(np.diff(row[at].astype(int))).clip(max=WIDEST)
        gaps = np.diff(at).clip(max=LONGEST) - 1
        shares = [
            np.bincount(leaps, minlength=WIDEST + 1) / max(1, len(leaps)),
            np.bincount(gaps, minlength=LONGEST) / max(1, len(gaps)),
        ]
        same = [
            float((one[lag:] == one[:-lag]).all(axis=1).mean()) if lag < len(one) else 0.0
            for one in (melody, starts)
            for lag in LAGS
        ]
        rows.append([*np.concatenate(shares), *same, len(np.unique(melody, axis=0)) / len(melody)])
    both = np.concatenate((figures(roll, onsets, steps_per_bar), np.array(rows)), axis=1)
    return torch.from_numpy(both.astype(np.float32))


class Critic(nn.Module):
    """A small perceptron on figures that are standardised by those of real melodies."""

    mean: Tensor
    deviation: Tensor

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(FIGURES))
        self.register_buffer("deviation", torch.ones(FIGURES))
        self.layers = nn.Sequential(
            nn.Dropout(0.1), nn.Linear(FIGURES, WIDTH), nn.GELU(), nn.Dropout(0.3), nn.Linear(WIDTH, 1)
        )

    def forward(self, figures: Tensor) -> Tensor:
        return self.layers(((figures - self.mean) / self.deviation).clamp(-4, 4))[:, 0]


def train_critic(critic: Critic, real: Tensor, drawn: Tensor, seed: int = 0) -> None:
    """Train a critic in place, on the CPU, to separate figures (N, F) of real melodies from those (M, F) of samples."""
    critic.mean.copy_(real.mean(dim=0))
    critic.deviation.copy_(real.std(dim=0).clamp_min(1e-2))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        critic.train()
        fit = Fit(critic, 3e-3, weight_decay=0.05)
        truth = torch.arange(2 * BATCH) < BATCH
        for _ in range(STEPS):
            chosen = (torch.randint(len(one), (BATCH,)) for one in (real, drawn))
            batch = torch.cat([one[which] for one, which in zip((real, drawn), chosen, strict=True)])
            fit.descend(functional.binary_cross_entropy_with_logits(critic(batch), truth.float()))
    critic.eval()

"""A critic of sampled melodies: log odds that a melody is real, used to select some of many samples.

Conventions: melodies (N, T) int8 as in `listener.theory`, T whole bars; figures (N, F) float32; odds are log odds.
Source: S. Azadi et al., Discriminator Rejection Sampling, 2019.
"""

from itertools import product

import numpy as np
import torch
from torch import Tensor, nn

from listener.form.plan_reading import SCALE, scales
from listener.theory import REST
from songs.keyboard import STEPS_PER_BAR

LAGS = (1, 2, 3, 4, 6, 8, 12)
WIDEST_INTERVAL, LONGEST_GAP = 13, 8
MOVES = (-2, 0, 2)
FURTHEST = 4.0
"""Standard deviations from the mean at which a figure is clipped."""
NETS, WIDTH = 6, 32
FIGURES = 147
"""F, the number of figures."""


def form_figures(melodies: np.ndarray) -> np.ndarray:
    """Return figures of melodies that are invariant under transposition: (N, F) float32.

    Shares of intervals, of pairs of intervals, of times between notes, of degrees, of positions in the bar, and of
    triad degrees by position; similarity of bars to those 1 to 12 bars before; number of different bars; density and
    endings of bars.
    """
    tonics, _ = scales(melodies)
    return np.array([_figures(each, tonic) for each, tonic in zip(melodies, tonics, strict=True)], dtype=np.float32)


def _figures(melody: np.ndarray, tonic: int) -> list[float]:
    steps = len(melody)
    at = np.flatnonzero(melody != REST)
    notes = melody[at].astype(np.int64)
    moves, gaps = np.diff(notes), np.minimum(np.diff(np.append(at, steps)), LONGEST_GAP)
    place, degree = at % STEPS_PER_BAR, (notes - tonic) % 12
    some = max(1, len(notes))
    clipped = np.clip(moves, -WIDEST_INTERVAL, WIDEST_INTERVAL) + WIDEST_INTERVAL
    counts: list[np.ndarray] = [
        np.bincount(clipped, minlength=2 * WIDEST_INTERVAL + 1),
        np.bincount(gaps, minlength=LONGEST_GAP + 1)[1:],
        np.bincount(degree, minlength=12),
        np.bincount(place, minlength=STEPS_PER_BAR),
        np.bincount(place[np.isin(degree, (0, 4, 7))], minlength=STEPS_PER_BAR),
        np.bincount(place, weights=gaps, minlength=STEPS_PER_BAR) / 4,
        np.array([((moves[:-1] == one) & (moves[1:] == two)).sum() for one, two in product(MOVES, repeat=2)]),
        np.array([(moves[1:] * moves[:-1] > 0).sum(), (moves[1:] * moves[:-1] < 0).sum()]),
        np.array([np.isin(degree, SCALE).sum(), (notes[2:] == notes[:-2]).sum(), np.abs(moves).sum() / 4]),
    ]
    shares = np.concatenate([each / some for each in counts])
    entropies = [_entropy(each) for each in counts[:4]]
    compass = [np.ptp(notes) / 12 if len(notes) else 0, len(np.unique(notes)) / 8]
    return [*shares, *entropies, *compass, *_form(melody.reshape(-1, STEPS_PER_BAR), degree, gaps)]


def _form(bars: np.ndarray, degree: np.ndarray, gaps: np.ndarray) -> list[float]:
    """Return figures of bars (U, 8), given the degrees of all notes and the steps from each to the next."""
    count, sounds = len(bars), bars != REST
    equal, notes = bars[:, None] == bars[None], sounds.sum(axis=1)
    same, rhythm = equal.all(axis=2), (sounds[:, None] == sounds[None]).all(axis=2)
    both = (sounds[:, None] & sounds[None]).sum(axis=2) / np.maximum(1, (sounds[:, None] | sounds[None]).sum(axis=2))
    part = (equal & sounds[:, None]).sum(axis=2) / np.maximum(1, notes)[:, None]
    likeness = [_mean(np.diagonal(each, -lag)) for each in (same, rhythm, part, both) for lag in LAGS]
    last = [float(each[-1, -1 - lag]) if lag < count else 0.0 for each in (same, part, rhythm) for lag in (4, 8)]
    earlier = same & np.tri(count, k=-1, dtype=bool)
    repeats = [earlier.any(axis=1).mean(), earlier.sum() / count**2, float(earlier[-1].any())]
    repeats += [same.sum(axis=1).max() / count, rhythm.sum(axis=1).max() / count]
    repeats += [len(np.unique(sounds, axis=0)) / count]
    closing = np.where(sounds.any(axis=1), 1 + sounds[:, ::-1].argmax(axis=1), 0) / STEPS_PER_BAR
    ends = np.cumsum(notes) - 1  # the last note up to the end of each bar
    tonic = np.where(notes > 0, degree[np.maximum(ends, 0)] == 0, False) if len(degree) else np.zeros(count)
    fifth = np.where(notes > 0, degree[np.maximum(ends, 0)] == 7, False) if len(degree) else np.zeros(count)
    phrases = slice(3, None, 4)
    full = [notes.mean() / 4, notes.std() / 2, notes[phrases].mean() / 4, notes[-1] / 4, (notes == 0).mean()]
    full += [np.abs(np.diff(notes)).mean() / 4, (notes[::2].mean() - notes[1::2].mean()) / 4]
    closes = [closing.mean(), closing[phrases].mean(), closing[-1], tonic.mean(), tonic[phrases].mean(), tonic[-1]]
    closes += [fifth[phrases].mean(), fifth[-1], gaps[-1] / 8 if len(gaps) else 1.0]
    return [*likeness, *last, *repeats, *full, *closes]


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else 0.0


def _entropy(counts: np.ndarray) -> float:
    share = counts[counts > 0] / max(1, counts.sum())
    return float(-(share * np.log2(share)).sum() / 3)


class Critic(nn.Module):
    """An ensemble of small perceptrons on figures that are standardised by those of real melodies."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, figures: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(figures))
        self.register_buffer("deviation", torch.ones(figures))
        self.first = nn.Parameter(torch.randn(NETS, figures, WIDTH) / figures**0.5)
        self.bias = nn.Parameter(torch.zeros(NETS, 1, WIDTH))
        self.second = nn.Parameter(torch.randn(NETS, WIDTH, 1) / WIDTH**0.5)

    def scale_by(self, real: Tensor) -> None:
        """Set the mean and the standard deviation from figures (N, F) of real melodies."""
        self.mean.copy_(real.mean(dim=0))
        self.deviation.copy_(real.std(dim=0).clamp_min(1e-3))

    def forward(self, figures: Tensor) -> Tensor:
        """Return the log odds of every perceptron, (NETS, N), for figures (N, F)."""
        x = ((figures - self.mean) / self.deviation).clamp(-FURTHEST, FURTHEST).expand(NETS, -1, -1)
        x = torch.relu(nn.functional.dropout(x, 0.2, self.training) @ self.first + self.bias)
        return (nn.functional.dropout(x, 0.3, self.training) @ self.second)[..., 0]

    @torch.inference_mode()
    def odds(self, figures: np.ndarray) -> np.ndarray:
        """Return the mean log odds over perceptrons for figures (N, F): (N,) float64."""
        return self(torch.from_numpy(figures)).mean(dim=0).double().numpy()


def choose(odds: np.ndarray, count: int, generator: np.random.Generator, sharpness: float = 1.0) -> np.ndarray:
    """Sample `count` of N rows by their log odds, without replacement; return their indices, best first."""
    return np.argsort(-(sharpness * odds + generator.gumbel(size=len(odds))))[:count]

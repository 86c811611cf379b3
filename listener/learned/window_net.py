"""The window network of the learned listener: it judges at every bar line whether the last four bars are real music.

    embedding   of a step: key, held note, interval, gap, step in the bar, equality with the steps 1, 2, 4, 8, 16 and
                32 before, and degree of the held note in the scale that best fits the song so far
    trunk       causal convolutions over steps, pairs of steps, half bars and bars
    head        mean and maximum over the last four bars

Conventions:
    N melodies in relative pitch (`listener.learned.hearing`), T steps, whole bars; C channels. A logit at a bar line
    depends only on the steps before it. Intervals above an octave count as an octave.
    Convolutions of stride 2 are products with pairs of steps: (N, T, C) -> (N, T / 2, C').
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from listener.learned.hearing import PITCHES
from listener.melody_features import tonics
from listener.theory import NONE, REST, events
from songs.keyboard import KEYS, STEPS_PER_BAR
from vae.parameters import drawn

LAGS = (1, 2, 4, 8, 16, 32)
LONGEST_GAP = 9
WINDOW_BARS = 4
INTERVALS = 2 * KEYS
_PITCH_ROWS = (PITCHES + 1) * 2 * STEPS_PER_BAR
_INTERVAL_ROWS = INTERVALS * (LONGEST_GAP + 1)
_EQUAL_ROWS = 2 * 2 ** len(LAGS)
DEGREES = 13
"""0 to 11 semitones above the tonic, and 12 for no note."""


@dataclass(frozen=True)
class NetOptions:
    """The size of the network: about 59,000 parameters by default."""

    embedding: int = 32
    halves: int = 48
    quarters: int = 64
    bars: int = 64
    hidden: int = 64
    dropout: float = 0.3
    channel_dropout: float = 0.15
    step_masking: float = 0.1


def step_codes(melodies: np.ndarray) -> np.ndarray:
    """Return four rows of the network's embedding table for every step, (N, T, 4) int32.

    The first encodes held note, onset and step in the bar, the second interval and gap, the third onset and equality,
    the fourth degree and onset. The scale is that of the song up to the end of the bar.
    """
    known = events(melodies)
    steps = np.arange(melodies.shape[1], dtype=np.int32)
    onset = known.onset.astype(np.int32)
    codes = np.empty((*melodies.shape, 4), dtype=np.int32)
    codes[..., 0] = ((known.held + np.int32(1)) * 2 + onset) * STEPS_PER_BAR + steps % STEPS_PER_BAR
    size = np.clip(known.interval, 1 - KEYS, KEYS - 1)
    interval = np.where(known.interval == NONE, np.int32(0), size + np.int32(KEYS))
    codes[..., 1] = interval * (LONGEST_GAP + 1) + np.minimum(known.gap, LONGEST_GAP)
    equal = onset
    for lag in LAGS:
        equal = equal * 2
        equal[:, lag:] += melodies[:, lag:] == melodies[:, :-lag]
    codes[..., 2] = equal
    tonic = np.repeat(tonics(melodies).astype(np.int8), STEPS_PER_BAR, axis=1)
    degree = np.where(known.held == REST, DEGREES - 1, (known.held - tonic) % 12)
    codes[..., 3] = degree * 2 + onset
    codes[..., 1:] += np.cumsum((_PITCH_ROWS, _INTERVAL_ROWS, _EQUAL_ROWS), dtype=np.int32)
    return codes


class WindowNet(nn.Module):
    """A classifier of the last four bars at every bar line."""

    def __init__(self, options: NetOptions | None = None):
        super().__init__()
        self.options = size = options or NetOptions()
        self.held = drawn(0.3, PITCHES + 1, 1, 1, size.embedding)
        self.key = drawn(0.3, PITCHES + 1, 2, 1, size.embedding)
        self.place = drawn(0.3, 1, 2, STEPS_PER_BAR, size.embedding)
        self.interval = drawn(0.3, INTERVALS, 1, size.embedding)
        self.gap = drawn(0.3, 1, LONGEST_GAP + 1, size.embedding)
        self.equal = drawn(0.2, len(LAGS), 2, size.embedding)
        self.degree = drawn(0.3, DEGREES * 2, size.embedding)
        self.steps = nn.Linear(3 * size.embedding, size.embedding)
        self.halves = nn.Linear(4 * size.embedding, size.halves)
        self.quarters = nn.Linear(4 * size.halves, size.quarters)
        self.bars = nn.Linear(4 * size.quarters, size.bars)
        self.pairs = nn.Linear(2 * size.bars, size.bars)
        self.hidden = nn.Linear(2 * size.bars, size.hidden)
        self.logit = nn.Linear(size.hidden, 1)

    def table(self) -> Tensor:
        """Return the embeddings of all rows that `step_codes` may return, (rows, C)."""
        width = self.options.embedding
        pitch = (self.held + self.key + self.place).reshape(-1, width)
        interval = (self.interval + self.gap).reshape(-1, width)
        bits = (torch.arange(2 ** len(LAGS))[:, None] >> torch.arange(len(LAGS) - 1, -1, -1)) & 1
        rests, onsets = (bits.to(self.equal.dtype) @ self.equal[:, kind] for kind in (0, 1))
        return torch.cat((pitch, interval, rests, onsets, self.degree))

    def forward(self, codes: Tensor, table: Tensor | None = None) -> Tensor:
        """Return a logit for every window of four bars.

        Args:
            codes: (N, T, 4) int32 from `step_codes`; T is at least four bars.
            table: the result of `table`, if the caller already has it.

        Returns:
            (N, T / 8 - 3) float32: for the windows that end with the fourth bar and later ones.
        """
        count, steps, _ = codes.shape
        size = self.options
        table = self.table() if table is None else table
        flat = nn.functional.embedding_bag(codes.reshape(-1, 4), table, mode="sum")
        x = flat.reshape(count, steps, size.embedding)  # (N, T, C)
        if self.training:
            x = x * (torch.rand(count, steps, 1) >= size.step_masking)
            x = x * (torch.rand(count, 1, size.embedding) >= size.channel_dropout) / (1 - size.channel_dropout)
        x = x + _leaky(_causal(self.steps, x, 2))
        for layer in (self.halves, self.quarters, self.bars):
            x = _leaky(_causal(layer, x.reshape(count, x.shape[1] // 2, -1), 1))
            if self.training:
                x = nn.functional.dropout(x, size.dropout / 3)
        x = x + _leaky(_causal(self.pairs, x, 1))  # (N, bars, C)
        windows = x.unfold(1, WINDOW_BARS, 1)  # (N, bars - 3, C, 4)
        pooled = torch.cat((windows.mean(dim=3), windows.amax(dim=3)), dim=2)
        pooled = nn.functional.dropout(pooled, size.dropout, self.training)
        return self.logit(_leaky(self.hidden(pooled)))[..., 0]


def _leaky(x: Tensor) -> Tensor:
    """Apply a leaky ReLU, in place if no gradient is needed; the caller must keep no other reference to x."""
    return nn.functional.leaky_relu(x, 0.1, inplace=not torch.is_grad_enabled())


def _causal(layer: nn.Linear, x: Tensor, back: int) -> Tensor:
    """Apply a layer to each step of x (N, L, C) with the `back` steps before it, oldest first, zero-padded.

    Products over all melodies concatenated, corrected where each begins, are faster than products for each melody.
    """
    count, length, width = x.shape
    parts, flat = layer.weight.split(width, dim=1), x.reshape(-1, width)
    flat_out = nn.functional.linear(flat, parts[-1], layer.bias)
    each = flat_out.view(count, length, -1)
    for distance in range(1, back + 1):
        beginning = each[:, :distance].clone()
        flat_out[distance:].addmm_(flat[:-distance], parts[-1 - distance].T)
        each[:, :distance] = beginning
    return each


def logits_of_all(nets: Sequence[WindowNet], melodies: np.ndarray, batch: int = 64) -> np.ndarray:
    """Return the logits of several networks, (nets, N, T / 8 - 3) float32; an incomplete last bar is ignored."""
    bars = melodies.shape[1] // STEPS_PER_BAR
    logits = np.zeros((len(nets), len(melodies), max(0, bars - WINDOW_BARS + 1)), dtype=np.float32)
    if logits.size:
        with torch.inference_mode():
            tables = [net.table() for net in nets]
            for at in range(0, len(melodies), batch):
                codes = torch.from_numpy(step_codes(melodies[at : at + batch, : bars * STEPS_PER_BAR]))
                for row, net, table in zip(logits, nets, tables, strict=True):
                    row[at : at + batch] = net(codes, table).numpy()
    return logits

"""The held-out judge: rates how much a melody resembles real ones, with a model and data that no reward uses.

A listener's reward says little about a performer that was trained on it. The judge is a recurrent network over the
notes of a melody, each with its past, and over its bars, each with its similarity to earlier ones
(`listener.judge.notes`). It learned from the pieces that are held out from the training of every listener, in any key,
on sixteenths. It is never a reward: `listener.registry` refuses its name and its file.

Conventions:
    Melodies are (N, T) int16 on sixteenths, T whole bars of 16: the MIDI pitch that begins at a step, -1 for none.
    The network classifies a melody as real or as one of five groups that are not. Its score is the log odds of real.
    Melodies of up to 16 bars are scored as a whole; longer ones by the mean over windows of 16 bars, one every 8.
    `FURTHER_KEYS` times the share of the onsets with more than one key is subtracted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from listener.judge.notes import BAR, FORM, SIZES, WHOLE, Reading, read, sixteenths
from listener.judging import percentile
from songs.keyboard import DEFAULT_GRID, Grid
from vae.parameters import drawn

GROUPS = ("real", "form", "pitches", "rhythm", "players", "chains")
"""Classes of melodies: real; corrupted in form, pitches or rhythm; from a dull player; from a Markov chain."""
WINDOW_BARS, STRIDE_BARS = 16, 8
FURTHER_KEYS = 20.0
"""Penalty for the share of onsets with more than one key; hardly any real melody has one."""
BATCH = 256


@dataclass(frozen=True)
class NetOptions:
    """The size of the network: about 71,000 parameters by default."""

    embedding: int = 48
    units: int = 40
    bar: int = 64
    whole: int = 32
    hidden: int = 64
    dropout: float = 0.3
    note_masking: float = 0.1


class JudgeNet(nn.Module):
    """A recurrent classifier of melodies by their notes and bars."""

    def __init__(self, options: NetOptions | None = None):
        super().__init__()
        self.options = size = options or NetOptions()
        self.table = drawn(0.1, sum(SIZES.values()), size.embedding)
        self.notes = nn.GRU(size.embedding, size.units, batch_first=True)
        self.bar = nn.Linear(size.units + len(FORM), size.bar)
        self.bars = nn.GRU(size.bar, size.units, batch_first=True, bidirectional=True)
        self.whole = nn.Linear(len(WHOLE), size.whole)
        self.hidden = nn.Linear(6 * size.units + size.whole, size.hidden)
        self.out = nn.Linear(size.hidden, len(GROUPS))

    def forward(self, reading: Reading) -> Tensor:
        """Return the logits of the groups, (N, 6)."""
        notes, at = torch.from_numpy(reading.notes), torch.from_numpy(reading.at)
        form, whole = torch.from_numpy(reading.form), torch.from_numpy(reading.whole)
        bars, little = form.shape[1], self.options.dropout / 2
        known = (at < bars * BAR).float()  # (N, L)
        states, _ = self.notes(self._embedded(notes))  # (N, L, U)
        belongs = ((at // BAR)[:, None] == torch.arange(bars)[:, None]).float()  # (N, B, L)
        sums = belongs @ states
        means = sums / belongs.sum(dim=2, keepdim=True).clamp(min=1)
        x = torch.cat((means, self._dropped(form, little)), dim=2)
        phrases, _ = self.bars(F.gelu(self.bar(self._dropped(x, little))))
        count = known.sum(dim=1, keepdim=True).clamp(min=1)
        highest = (states + 2 * (known[..., None] - 1)).amax(dim=1)  # states are from -1 to 1
        figures = F.gelu(self.whole(self._dropped(whole)))
        pooled = (sums.sum(dim=1) / count, highest, phrases.mean(dim=1), phrases.amax(dim=1), figures)
        return self.out(F.gelu(self.hidden(self._dropped(torch.cat(pooled, dim=1)))))

    def _embedded(self, notes: Tensor) -> Tensor:
        """Return the sums of the embeddings of notes (N, L, P), (N, L, E)."""
        one_hot = torch.zeros(notes.shape[0] * notes.shape[1], len(self.table))
        one_hot.scatter_(1, notes.flatten(0, 1), 1.0)  # a product and its gradient are faster than embedding_bag
        x = (one_hot @ self.table).view(*notes.shape[:2], -1)
        return x * (torch.rand(*notes.shape[:2], 1) >= self.options.note_masking) if self.training else x

    def _dropped(self, x: Tensor, share: float | None = None) -> Tensor:
        return F.dropout(x, self.options.dropout if share is None else share, self.training)


def log_odds(logits: Tensor) -> Tensor:
    """Return the log odds of real, (N,), for logits (N, 6)."""
    return logits[:, 0] - logits[:, 1:].logsumexp(dim=1)


def score_melodies(nets: Sequence[JudgeNet], melodies: np.ndarray) -> np.ndarray:
    """Return the scores of melodies (N, T), averaged over networks, (N,) float64."""
    scores = np.zeros(len(melodies))
    with torch.inference_mode():
        for first in range(0, len(melodies), BATCH):
            part = [_windows(nets, window) for window in _cut(melodies[first : first + BATCH])]
            scores[first : first + BATCH] = np.mean(part, axis=0)
    return scores


def _windows(nets: Sequence[JudgeNet], melodies: np.ndarray) -> np.ndarray:
    reading = read(melodies)
    return np.mean([log_odds(net(reading)).double().numpy() for net in nets], axis=0)


def _cut(melodies: np.ndarray) -> list[np.ndarray]:
    """Return the windows of melodies (N, T)."""
    firsts = range(0, max(1, melodies.shape[1] - WINDOW_BARS * BAR + 1), STRIDE_BARS * BAR)
    return [melodies[:, first : first + WINDOW_BARS * BAR] for first in firsts]


class Judge:
    """Ranks melodies among real ones. It is not a listener: it has no rewards."""

    def __init__(self, nets: Sequence[JudgeNet], reference: Sequence[float]):
        """Take the networks, and the scores of real melodies of 16 bars at the percentiles 0 to 100."""
        self.nets, self.reference = tuple(nets), list(reference)

    def scores(self, rolls: np.ndarray, grid: Grid = DEFAULT_GRID) -> np.ndarray:
        """Return the scores of rolls (N, T, K) on any keyboard and a grid, (N,) float64.

        Raises:
            ValueError: the bars of the grid are neither 4/4 nor 2/4.
        """
        keys = rolls.sum(axis=2)
        further = (keys > 1).sum(axis=1) / np.maximum(1, (keys > 0).sum(axis=1))
        return score_melodies(self.nets, sixteenths(rolls, grid)) - FURTHER_KEYS * further

    def percentiles(self, rolls: np.ndarray, grid: Grid = DEFAULT_GRID) -> np.ndarray:
        """Return the percentiles of rolls (N, T, K) among real melodies, (N,) float64, 0 to 100."""
        return percentile(self.reference, self.scores(rolls, grid))

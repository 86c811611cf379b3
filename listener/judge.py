"""The held-out judge: how much a melody is like real ones, by a model and by music that no reward knows.

Its reward says little about what a performer plays. The judge is a recurrent network that reads a melody, where the
learned listener's are convolutions, and a small one over thirteen features of `listener.melody_features`. Both learned
from the pieces that the split holds out from the training of every listener. The judge rewards nobody:
`listener.registry` refuses its name and its file.

Conventions:
    Melodies are (N, T) int8, -1 for a rest, T whole bars. The judge scores windows of eight bars, one every four, by
    the log probability that both networks give to their being real, and a melody by the mean of its windows, less
    `FURTHER_KEYS` for the share of the steps with more than one key. A melody shorter than a window is one window.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from listener import theory
from listener.judging import percentile
from listener.melody_features import JUDGED, judged_features
from listener.theory import NONE, events
from songs.keyboard import KEYS, STEPS_PER_BAR

WINDOW = 8 * STEPS_PER_BAR
STRIDE = 4 * STEPS_PER_BAR
FURTHER_KEYS = 20.0
"""No real melody has any."""
_INTERVALS = 2 * KEYS


@dataclass(frozen=True)
class SequenceOptions:
    """The size of the network: about 32,000 parameters by default."""

    embedding: int = 32
    units: int = 64
    hidden: int = 48
    dropout: float = 0.3
    step_masking: float = 0.1


class SequenceClassifier(nn.Module):
    """Recurrent classifier of melodies: real or not."""

    def __init__(self, options: SequenceOptions | None = None):
        super().__init__()
        self.options = size = options or SequenceOptions()
        self.key = nn.Embedding(KEYS + 1, size.embedding)
        self.place = nn.Embedding(STEPS_PER_BAR, size.embedding)
        self.interval = nn.Embedding(_INTERVALS, size.embedding)
        self.memory = nn.GRU(size.embedding, size.units, batch_first=True)
        self.hidden = nn.Linear(2 * size.units, size.hidden)
        self.logit = nn.Linear(size.hidden, 1)

    def forward(self, codes: Tensor) -> Tensor:
        """Return logits (N,) for the codes (N, T, 3) of `step_codes`."""
        size = self.options
        x = self.key(codes[..., 0]) + self.place(codes[..., 1]) + self.interval(codes[..., 2])
        if self.training:
            x = x * (torch.rand(*x.shape[:2], 1) >= size.step_masking)
        x, _ = self.memory(x)
        pooled = torch.cat((x.mean(dim=1), x.amax(dim=1)), dim=1)
        pooled = nn.functional.dropout(pooled, size.dropout, self.training)
        return self.logit(torch.relu(self.hidden(pooled)))[:, 0]


def step_codes(melodies: np.ndarray) -> np.ndarray:
    """Return key, step in the bar and interval of every step, (N, T, 3) int64, each from 0 on."""
    interval = events(melodies).interval
    return np.stack(
        (
            melodies.astype(np.int64) + 1,
            np.broadcast_to(np.arange(melodies.shape[1]) % STEPS_PER_BAR, melodies.shape),
            np.where(interval == NONE, 0, interval.astype(np.int64) + KEYS),
        ),
        axis=2,
    )


class FeatureClassifier(nn.Module):
    """Classifier of melodies by their features, in standard deviations of real melodies, at most `FURTHEST`."""

    FURTHEST = 6.0
    UNITS = 32
    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(len(JUDGED)))
        self.register_buffer("deviation", torch.ones(len(JUDGED)))
        self.hidden = nn.Linear(len(JUDGED), self.UNITS)
        self.logit = nn.Linear(self.UNITS, 1)

    def standardize(self, real: np.ndarray) -> None:
        """Set mean and standard deviation to those of the features (N, 13) of real melodies."""
        self.mean.copy_(torch.from_numpy(real.mean(axis=0)))
        self.deviation.copy_(torch.from_numpy(real.std(axis=0)).clamp(min=1e-3))

    def forward(self, values: Tensor) -> Tensor:
        """Return logits (N,) for features (N, 13) float32."""
        x = ((values - self.mean) / self.deviation).clamp(-self.FURTHEST, self.FURTHEST)
        return self.logit(torch.tanh(self.hidden(x)))[:, 0]


def sequence_logits(sequences: SequenceClassifier, melodies: np.ndarray, batch: int = 256) -> np.ndarray:
    """Return the logit of each melody (N, T), (N,) float64."""
    with torch.inference_mode():
        firsts = range(0, max(1, len(melodies)), batch)
        parts = [sequences(torch.from_numpy(step_codes(melodies[first : first + batch]))) for first in firsts]
        return torch.cat(parts).numpy().astype(np.float64)


def feature_logits(features: FeatureClassifier, melodies: np.ndarray) -> np.ndarray:
    """Return the logit of each melody (N, T), (N,) float64."""
    with torch.inference_mode():
        return features(torch.from_numpy(judged_features(melodies).astype(np.float32))).numpy().astype(np.float64)


def log_probability(sequences: SequenceClassifier, features: FeatureClassifier, melodies: np.ndarray) -> np.ndarray:
    """Return the log probability that both classifiers give to each melody (N, T) being real, (N,) float64."""
    return -np.logaddexp(0, -sequence_logits(sequences, melodies)) - np.logaddexp(
        0, -feature_logits(features, melodies)
    )


def by_windows(score: Callable[[np.ndarray], np.ndarray], melodies: np.ndarray) -> np.ndarray:
    """Return the mean score of the windows of each melody (N, T), (N,)."""
    firsts = range(0, max(1, melodies.shape[1] - WINDOW + 1), STRIDE)
    return np.mean([score(melodies[:, first : first + WINDOW]) for first in firsts], axis=0)


class Judge:
    """Ranks melodies among real ones. It is no listener: it has no rewards."""

    def __init__(self, sequences: SequenceClassifier, features: FeatureClassifier, reference: Sequence[float]):
        """Take the classifiers, and the scores of real melodies of 16 bars at the percentiles 0 to 100."""
        self.sequences, self.features, self.reference = sequences, features, list(reference)

    def scores(self, rolls: np.ndarray) -> np.ndarray:
        """Return the scores of rolls (N, T, 13), (N,) float64."""
        further = (rolls.sum(axis=2) > 1).mean(axis=1)
        melodies = theory.melody(rolls)
        whole = melodies[:, : melodies.shape[1] // STEPS_PER_BAR * STEPS_PER_BAR]
        return by_windows(self._score, whole) - FURTHER_KEYS * further

    def _score(self, melodies: np.ndarray) -> np.ndarray:
        return log_probability(self.sequences, self.features, melodies)

    def percentiles(self, rolls: np.ndarray) -> np.ndarray:
        """Return the percentiles of rolls (N, T, 13) among real melodies, (N,) float64, 0 to 100."""
        return percentile(self.reference, self.scores(rolls))

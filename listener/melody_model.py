"""A language model of melodies: what comes next in real music; as a listener it pays for what it expects.

    embedding   of what was played 1, 2, 4, ..., 64 steps ago, the note that was last, and the place in the bar; added
    memory      gated recurrent units over the steps
    head        the token of the next step, of 14

Conventions:
    Melodies are (N, T) int8, -1 for a rest; tokens 0 for a rest, k for key k - 1. The first step is the first of a bar.
    What is said of a step depends on those before it alone. The highest key of a step is the melody; every further key
    is paid as one of 14 equally likely tokens.
Source: the prior of N. Jaques et al., Sequence Tutor, 2017 (there a NoteRNN), is such a network.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from listener.expectation import Expectation
from listener.markov import TOKENS
from listener.theory import REST
from songs.keyboard import STEPS_PER_BAR

LAGS = (1, 2, 4, 8, 16, 32, 64)
_NOTHING = TOKENS
"""What was played before the beginning."""
_WIDTHS = (*[TOKENS + 1] * len(LAGS), TOKENS, STEPS_PER_BAR)
_FIRSTS = np.cumsum((0, *_WIDTHS[:-1]))
BATCH = 256


@dataclass(frozen=True)
class ModelOptions:
    """The size of the network: about 27,000 parameters by default."""

    embedding: int = 32
    units: int = 64
    hidden: int = 32
    dropout: float = 0.2
    lag_masking: float = 0.1


def step_codes(melodies: np.ndarray) -> np.ndarray:
    """Return the rows of the table of embeddings for every step, (N, T, 9) int64; of what came before each step."""
    count, steps = melodies.shape
    tokens = melodies.astype(np.int64) + 1
    codes = np.empty((count, steps, len(_WIDTHS)), dtype=np.int64)
    for place, lag in enumerate(LAGS):
        codes[:, :lag, place] = _NOTHING
        codes[:, lag:, place] = tokens[:, :-lag]
    last = np.maximum.accumulate(np.where(melodies != REST, np.arange(steps), -1), axis=1)
    held = np.where(last < 0, 0, np.take_along_axis(tokens, np.maximum(last, 0), axis=1))
    codes[:, :1, -2] = 0
    codes[:, 1:, -2] = held[:, :-1]
    codes[..., -1] = np.arange(steps) % STEPS_PER_BAR
    return codes + _FIRSTS


def codes_at(melodies: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Return the codes (N, 1, 9) of one step (N,) of each melody (N, T), as `step_codes` has them."""
    places = np.arange(melodies.shape[1])
    notes = (melodies != REST) & (places < steps[:, None])
    last = np.where(notes, places, -1).max(axis=1, initial=-1)
    rows = np.arange(len(melodies))
    codes = np.empty((len(melodies), 1, len(_WIDTHS)), dtype=np.int64)
    for place, lag in enumerate(LAGS):
        heard = melodies[rows, np.maximum(steps - lag, 0)].astype(np.int64) + 1
        codes[:, 0, place] = np.where(steps < lag, _NOTHING, heard)
    codes[:, 0, -2] = np.where(last < 0, 0, melodies[rows, np.maximum(last, 0)].astype(np.int64) + 1)
    codes[:, 0, -1] = steps % STEPS_PER_BAR
    return codes + _FIRSTS


class MelodyModel(nn.Module):
    """Says what comes next."""

    def __init__(self, options: ModelOptions | None = None):
        """
        Args:
            options: the size.
        """
        super().__init__()
        self.options = size = options or ModelOptions()
        self.table = nn.Parameter(0.3 * torch.randn(sum(_WIDTHS), size.embedding))
        self.memory = nn.GRU(size.embedding, size.units, batch_first=True)
        self.skip = nn.Linear(size.embedding, size.units)
        self.hidden = nn.Linear(size.units, size.hidden)
        self.token = nn.Linear(size.hidden, TOKENS)

    def forward(self, codes: Tensor) -> Tensor:
        """Return the logits (N, T, 14) of the tokens for the codes (N, T, 9) of `step_codes`."""
        return self.next(self.remember(codes)[0])

    def remember(self, codes: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return what is known before every step, (N, T, units), and the state behind the last, (1, N, units).

        Args:
            codes: (N, T, 9).
            state: behind the steps before these; None at the beginning of a melody.
        """
        size = self.options
        if self.training:
            rows = self.table[codes]
            x = (rows * (torch.rand(*codes.shape, 1) >= size.lag_masking)).sum(dim=2)
        else:
            flat = nn.functional.embedding_bag(codes.reshape(-1, codes.shape[2]), self.table, mode="sum")
            x = flat.reshape(*codes.shape[:2], size.embedding)
        known, state = self.memory(nn.functional.dropout(x, size.dropout, self.training), state)
        return nn.functional.dropout(_leaky(known + self.skip(x)), size.dropout, self.training), state

    def next(self, known: Tensor) -> Tensor:
        """Return the logits (N, T, 14) of the tokens, for what `remember` returned."""
        return self.token(_leaky(self.hidden(known)))


def _leaky(x: Tensor) -> Tensor:
    return nn.functional.leaky_relu(x, 0.1)


def log_probabilities(model: MelodyModel, melodies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how expected melodies (N, T) are, in nats.

    Returns:
        (N, T) float32 of what happens at every step, that a note begins or that none does; and (N, T) float32 of the
        key, given that a note begins, 0 where none does.
    """
    if not melodies.size:
        nothing = np.zeros(melodies.shape, dtype=np.float32)
        return nothing, nothing
    parts = [_log_probabilities(model, melodies[at : at + BATCH]) for at in range(0, len(melodies), BATCH)]
    rhythm, pitches = (np.concatenate(each) for each in zip(*parts, strict=True))
    return rhythm, pitches


def _log_probabilities(model: MelodyModel, melodies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    with torch.inference_mode():
        logits = model(torch.from_numpy(step_codes(melodies)))
        notes = logits[..., 1:].logsumexp(dim=2)
        onset = torch.from_numpy(melodies != REST)
        rhythm = nn.functional.logsigmoid(torch.where(onset, 1.0, -1.0) * (notes - logits[..., 0]))
        played = logits.gather(2, torch.from_numpy(melodies.astype(np.int64) + 1)[..., None])[..., 0]
        return rhythm.numpy(), torch.where(onset, played - notes, 0.0).numpy()


class Expected(Expectation):
    """The listener that pays for what a melody model expects."""

    of_notes = "pitches"

    def __init__(self, model: MelodyModel, constant: float):
        """
        Args:
            model: what is expected.
            constant: nats of an average step of real music, which are subtracted.
        """
        self.model, self.constant = model, constant

    @classmethod
    def of(cls, model: MelodyModel, melodies: np.ndarray) -> "Expected":
        """Return the listener to which real melodies (N, T) earn nothing on average."""
        return cls(model, float(sum(term.mean(dtype=np.float64) for term in log_probabilities(model, melodies))))

    def log_probabilities(self, melodies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return log_probabilities(self.model, melodies)

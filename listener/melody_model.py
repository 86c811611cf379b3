"""A language model of melodies: it predicts the next step, and as a listener it rewards what it expects.

    embedding   sum of embeddings of the tokens 1, 2, 4, ..., 64 steps ago, the last note, and the step in the bar
    memory      gated recurrent units over the steps
    head        logits of the 14 tokens for the next step

Conventions:
    Melodies are (N, T) int8, -1 for a rest; token 0 is a rest, token k is key k - 1. The first step starts a bar.
    The prediction for a step depends only on the steps before it. The highest key of a step is the melody; every
    further key is rewarded as one of 14 equally likely tokens.
Source: the prior of N. Jaques et al., Sequence Tutor, 2017 (there called NoteRNN), is a similar network.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from listener import theory
from listener.expectation import Expectation
from listener.markov import TOKENS
from listener.theory import REST
from songs.keyboard import KEYS, STEPS_PER_BAR
from songs.validate import Within, validate_like
from vae.parameters import drawn

LAGS = (1, 2, 4, 8, 16, 32, 64)
_NOTHING = TOKENS
"""Token for steps before the beginning."""
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
    """Return the rows of the embedding table that encode the past of every step, (N, T, 9) int64."""
    count, steps = melodies.shape
    tokens = melodies.astype(np.int64) + 1
    codes = np.empty((count, steps, len(_WIDTHS)), dtype=np.int64)
    for column, lag in enumerate(LAGS):
        codes[:, :lag, column] = _NOTHING
        codes[:, lag:, column] = tokens[:, :-lag]
    last = np.maximum.accumulate(np.where(melodies != REST, np.arange(steps), -1), axis=1)
    held = np.where(last < 0, 0, np.take_along_axis(tokens, np.maximum(last, 0), axis=1))
    codes[:, :1, -2] = 0
    codes[:, 1:, -2] = held[:, :-1]
    codes[..., -1] = np.arange(steps) % STEPS_PER_BAR
    return codes + _FIRSTS


def codes_at(melodies: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Return the codes of one step (N,) of each melody (N, T), as in `step_codes`: (N, 9) int64."""
    rows = np.arange(len(melodies))
    codes = np.empty((len(melodies), len(_WIDTHS)), dtype=np.int64)
    for column, lag in enumerate(LAGS):
        codes[:, column] = np.where(steps < lag, _NOTHING, melodies[rows, np.maximum(steps - lag, 0)] + 1)
    notes = (melodies != REST) & (np.arange(melodies.shape[1]) < steps[:, None])
    last = melodies.shape[1] - 1 - notes[:, ::-1].argmax(axis=1)
    codes[:, -2] = np.where(notes.any(axis=1), melodies[rows, last] + 1, 0)
    codes[:, -1] = steps % STEPS_PER_BAR
    return codes + _FIRSTS


class MelodyModel(nn.Module):
    """Predicts the next step of a melody."""

    def __init__(self, options: ModelOptions | None = None):
        super().__init__()
        self.options = size = options or ModelOptions()
        self.table = drawn(0.3, sum(_WIDTHS), size.embedding)
        self.memory = nn.GRU(size.embedding, size.units, batch_first=True)
        self.skip = nn.Linear(size.embedding, size.units)
        self.hidden = nn.Linear(size.units, size.hidden)
        self.token = nn.Linear(size.hidden, TOKENS)

    def forward(self, codes: Tensor) -> Tensor:
        """Return the logits of the tokens, (N, T, 14), for codes of `step_codes`, (N, T, 9)."""
        return self.next(self.remember(codes)[0])

    def remember(self, codes: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the memory before every step, (N, T, units), and the state after the last step, (1, N, units).

        `state` is the state after the steps that precede these codes (N, T, 9); None at the beginning of a melody.
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
        """Return the logits of the tokens, (N, T, 14), for a memory that `remember` returned."""
        return self.token(_leaky(self.hidden(known)))


def _leaky(x: Tensor) -> Tensor:
    return nn.functional.leaky_relu(x, 0.1)


def log_probabilities(model: MelodyModel, melodies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the log probabilities of melodies (N, T), in nats.

    Returns:
        Of the rhythm, an onset or a rest, at every step, (N, T) float32; and of the key, given that a note begins,
        (N, T) float32, 0 where none begins.
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


def draw(model: MelodyModel, count: int, steps: int, generator: np.random.Generator) -> np.ndarray:
    """Sample rolls (count, steps, K) bool from the model, step by step."""
    reader, rolls = MelodyReader(model, count, steps), np.zeros((count, steps, KEYS), dtype=bool)
    reader.begin(np.arange(count), rolls, np.zeros(count, dtype=np.int64))
    for step in range(steps):
        sums = np.exp(reader.log_probabilities().astype(np.float64)).cumsum(axis=1)
        tokens = (sums < generator.random((count, 1)) * sums[:, -1:]).sum(axis=1)
        rolls[:, step] = tokens[:, None] == np.arange(1, TOKENS)
        reader.add(rolls[:, step])
    return rolls


class Expected(Expectation):
    """Rewards steps by their probability under a melody model; `constant` is as in `Expectation`."""

    pitch_term = "pitches"

    def __init__(self, model: MelodyModel, constant: float):
        self.model, self.constant = model, constant

    @classmethod
    def of(cls, model: MelodyModel, melodies: np.ndarray) -> "Expected":
        """Return a listener calibrated so that the mean reward of real melodies (N, T) is 0."""
        return cls(model, float(sum(term.mean(dtype=np.float64) for term in log_probabilities(model, melodies))))

    def log_probabilities(self, melodies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return log_probabilities(self.model, melodies)


class MelodyReader:
    """Predictions of the next step of N melodies of up to T steps."""

    def __init__(self, model: MelodyModel, melodies: int, steps: int):
        self.model = model
        self._melodies = np.full((melodies, steps + 1), REST, dtype=np.int8)
        self._steps = np.zeros(melodies, dtype=np.int64)
        self._state = np.zeros((melodies, model.options.units), dtype=np.float32)
        self._log_probabilities = np.zeros((melodies, TOKENS), dtype=np.float32)

    def begin(self, envs: np.ndarray, rolls: np.ndarray, steps: np.ndarray) -> None:
        """Restart the melodies with indices `envs` (B,) from the first `steps` (B,) steps of rolls (B, T, K)."""
        for env, melody, step in zip(envs.tolist(), theory.melody(rolls), steps.tolist(), strict=True):
            self._melodies[env] = REST
            self._melodies[env, :step] = melody[:step]
            self._steps[env] = step
            self._state[env] = 0
            if step:
                with torch.inference_mode():
                    _, state = self.model.remember(torch.from_numpy(step_codes(self._melodies[env : env + 1, :step])))
                self._state[env] = state[0, 0].numpy()
        self._expect(envs)

    def add(self, keys: np.ndarray) -> None:
        """Append a step (N, K) bool to each melody; melodies that already have T steps stay unchanged."""
        going = np.flatnonzero(self._steps < self._melodies.shape[1] - 1)
        self._melodies[going, self._steps[going]] = theory.melody(keys)[going]
        self._steps[going] += 1
        self._expect(going)

    def log_probabilities(self) -> np.ndarray:
        """Return the log probability of every token as the next step, (N, 14) float32."""
        return self._log_probabilities.copy()

    def _expect(self, envs: np.ndarray) -> None:
        """Update the predictions of the melodies with indices `envs` (B,), whose last step the network has not seen."""
        if not len(envs):
            return
        with torch.inference_mode():
            steps = self._steps[envs]
            codes = torch.from_numpy(codes_at(self._melodies[envs, : steps.max() + 1], steps))[:, None]
            known, state = self.model.remember(codes, torch.from_numpy(self._state[envs])[None])
            self._log_probabilities[envs] = self.model.next(known)[:, 0].log_softmax(dim=1).numpy()
            self._state[envs] = state[0].numpy()

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return the melodies so far and their predictions."""
        arrays: dict[str, np.ndarray] = {"melodies": self._melodies, "steps": self._steps, "state": self._state}
        return {**arrays, "log_probabilities": self._log_probabilities}, {}

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Resume the melodies of a state; raises ValueError if it does not fit."""
        targets, _ = self.state()
        validate_like(targets, arrays)
        validate_like(Within(self._melodies, REST, KEYS - 1), arrays["melodies"], "melodies")
        validate_like(Within(self._steps, 0, self._melodies.shape[1] - 1), arrays["steps"], "steps")
        for name, target in targets.items():
            target[:] = arrays[name]

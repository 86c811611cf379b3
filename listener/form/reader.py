"""A prior that follows a plan: the model of form predicts the next step of a melody under its plan.

The plan determines copied bars, echoed rhythms, and the step and degree of the last note of a bar. Everything else is
left to the filling network.

Conventions: as in `agents.prior`; N melodies of T steps, each with its plan.
"""

from typing import Any

import numpy as np
import torch

from listener.form.drawing import allowed_tokens, settled_steps, usable_tokens
from listener.form.filling import TOKENS, UNITS, FillingNet, codes_at
from listener.form.plan_reading import TONIC, tokens_of
from listener.theory import highest_keys
from songs.keyboard import STEPS_PER_BAR
from songs.plan import EXACT, Plans, kinds_and_lags
from songs.validate import Within, validate_like

NEVER = -100.0
"""Log probability of what the plan rules out; finite, so that values can be added to it."""


class FormReader:
    """Predictions of the next step of N melodies under their plans."""

    def __init__(self, net: FillingNet, plans: Plans, keys: int):
        """Take N plans, one for each melody, and the number of keys."""
        self._net, self._keys, self.plans = net, keys, plans
        melodies, self._length = len(plans), plans.steps
        self._tokens = np.zeros((melodies, self._length), dtype=np.int64)
        self._steps = np.zeros(melodies, dtype=np.int64)
        self._memory = np.zeros((melodies, UNITS), dtype=np.float32)
        self._log_probabilities = np.zeros((melodies, keys + 1), dtype=np.float32)

    def begin(self, envs: np.ndarray, rolls: np.ndarray, steps: np.ndarray) -> None:
        """Restart the melodies with indices `envs` (B,) from the first `steps` (B,) steps of rolls (B, T, K)."""
        self._tokens[envs], self._steps[envs], self._memory[envs] = 0, 0, 0
        given = tokens_of(highest_keys(rolls), self.plans.tonic[envs])
        self._expect(envs)
        for step in range(int(steps.max(initial=0))):
            going = step < steps
            self._add(envs[going], given[going, step])

    def add(self, keys: np.ndarray) -> None:
        """Append a step (N, K) bool to each melody; melodies as long as their plan stay unchanged."""
        going = np.flatnonzero(self._steps < self._length)
        self._add(going, tokens_of(highest_keys(keys[:, None]), self.plans.tonic)[going, 0])

    def log_probabilities(self) -> np.ndarray:
        """Return the log probabilities of a rest and of every key as the next step, (N, K + 1) float32."""
        return self._log_probabilities.copy()

    def _add(self, envs: np.ndarray, tokens: np.ndarray) -> None:
        self._tokens[envs, self._steps[envs]] = np.clip(tokens, 0, TOKENS - 1)
        self._steps[envs] += 1
        self._expect(envs[self._steps[envs] < self._length])

    @torch.inference_mode()
    def _expect(self, envs: np.ndarray) -> None:
        """Update the predictions of the melodies with indices `envs` (B,), whose last step the network has not seen."""
        for step in np.unique(self._steps[envs]).tolist():
            here = envs[self._steps[envs] == step]
            plans, tokens = self.plans[here], self._tokens[here]
            codes = torch.from_numpy(codes_at(tokens, step, plans))[:, None]
            logits, state = self._net(codes, torch.from_numpy(self._memory[here])[None])
            self._memory[here] = state[0].numpy()
            allowed = planned_tokens(tokens, step, plans)
            of_keys = np.concatenate((np.zeros((len(here), 1), dtype=np.int64), self._tokens_of_keys(plans)), axis=1)
            known = (of_keys >= 0) & (of_keys < TOKENS)
            index = np.where(known, of_keys, 0)
            known &= np.take_along_axis(allowed, index, axis=1)
            weights = np.where(known, np.take_along_axis(logits[:, 0].numpy(), index, axis=1), -np.inf)
            normed = weights - np.logaddexp.reduce(weights, axis=1, keepdims=True)
            self._log_probabilities[here] = np.maximum(normed, NEVER)

    def _tokens_of_keys(self, plans: Plans) -> np.ndarray:
        """Return the tokens (N, K) of the keys; keys without a token get -1 or a value of at least `TOKENS`."""
        tokens = np.arange(self._keys) - plans.tonic[:, None] + TONIC
        return np.where(tokens > 0, tokens, -1)

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return the melodies so far and their predictions."""
        arrays: dict[str, np.ndarray] = {"tokens": self._tokens, "steps": self._steps, "memory": self._memory}
        return {**arrays, "log_probabilities": self._log_probabilities}, {}

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Resume the melodies of a state; raises ValueError if it does not fit."""
        targets, _ = self.state()
        validate_like(targets, arrays)
        validate_like(Within(self._tokens, 0, TOKENS - 1), arrays["tokens"], "tokens")
        validate_like(Within(self._steps, 0, self._length), arrays["steps"], "steps")
        for name, target in targets.items():
            target[:] = arrays[name]


def planned_tokens(tokens: np.ndarray, step: int, plans: Plans) -> np.ndarray:
    """Return a mask of the tokens that plans allow at a step of tokens (N, T), (N, TOKENS) bool; never empty."""
    bar, place = divmod(step, STEPS_PER_BAR)
    settled = settled_steps(tokens, bar, plans)[:, place]
    relation, _, closing, degree = plans.bars[:, bar].T
    last = STEPS_PER_BAR - closing
    choices = np.arange(TOKENS)
    allowed = allowed_tokens(settled)
    ending = (place == last)[:, None]
    on_degree = (choices > 0) & ((choices - TONIC) % 12 == degree[:, None])
    cadence = np.where(ending, on_degree, np.where((place > last)[:, None], choices == 0, True))
    copied = (kinds_and_lags(relation)[0] == EXACT)[:, None]
    usable = usable_tokens(plans)
    planned = allowed & usable & (cadence | copied)
    possible = allowed & usable | (choices == 0)
    return np.where(planned.any(axis=1, keepdims=True), planned, possible)

"""A melody model that follows N melodies step by step: the prior of an agent, or of a player.

Conventions: as in `listener.melody_model`. Melodies are of at most T steps. The highest of several keys is the melody.
"""

from typing import Any

import numpy as np
import torch

from listener import theory
from listener.melody_model import TOKENS, MelodyModel, codes_at, step_codes
from songs.keyboard import KEYS
from songs.validate import Within, validate_like


class MelodyReader:
    """Predictions of how N melodies go on."""

    def __init__(self, model: MelodyModel, melodies: int, steps: int):
        """
        Args:
            model: of melodies.
            melodies: N.
            steps: T.
        """
        self.model = model
        self._melodies = np.full((melodies, steps + 1), theory.REST, dtype=np.int8)
        self._steps = np.zeros(melodies, dtype=np.int64)
        self._state = np.zeros((melodies, model.options.units), dtype=np.float32)
        self._log_probabilities = np.zeros((melodies, TOKENS), dtype=np.float32)

    def begin(self, envs: np.ndarray, rolls: np.ndarray, steps: np.ndarray) -> None:
        """Begin some melodies (B,) int with the first (B,) steps of rolls (B, T, 13)."""
        for env, melody, step in zip(envs.tolist(), theory.melody(rolls), steps.tolist(), strict=True):
            self._melodies[env] = theory.REST
            self._melodies[env, :step] = melody[:step]
            self._steps[env] = step
            self._state[env] = 0
            if step:
                with torch.inference_mode():
                    _, state = self.model.remember(torch.from_numpy(step_codes(self._melodies[env : env + 1, :step])))
                self._state[env] = state[0, 0].numpy()
        self._expect(envs)

    def add(self, keys: np.ndarray) -> None:
        """Add the next step (N, 13) bool to all melodies; one of T steps stays as it is."""
        going = np.flatnonzero(self._steps < self._melodies.shape[1] - 1)
        self._melodies[going, self._steps[going]] = theory.melody(keys)[going]
        self._steps[going] += 1
        self._expect(going)

    def log_probabilities(self) -> np.ndarray:
        """Return the log probabilities (N, 14) float32 of every token."""
        return self._log_probabilities.copy()

    def _expect(self, envs: np.ndarray) -> None:
        """Predict the next step of some melodies (B,) int, whose last step is new to the network."""
        if not len(envs):
            return
        with torch.inference_mode():
            codes = torch.from_numpy(codes_at(self._melodies[envs], self._steps[envs]))
            known, state = self.model.remember(codes, torch.from_numpy(self._state[envs])[None])
            self._log_probabilities[envs] = self.model.next(known)[:, 0].log_softmax(dim=1).numpy()
            self._state[envs] = state[0].numpy()

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return the melodies so far."""
        arrays: dict[str, np.ndarray] = {"melodies": self._melodies, "steps": self._steps, "state": self._state}
        return {**arrays, "log_probabilities": self._log_probabilities}, {}

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Continue the melodies of a state; raises ValueError if it does not fit."""
        targets, _ = self.state()
        validate_like(targets, arrays)
        validate_like(Within(self._melodies, theory.REST, KEYS - 1), arrays["melodies"], "melodies")
        validate_like(Within(self._steps, 0, self._melodies.shape[1] - 1), arrays["steps"], "steps")
        for name, target in targets.items():
            target[:] = arrays[name]

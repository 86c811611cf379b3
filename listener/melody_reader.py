"""A melody model that hears N melodies step by step: the prior of a learner, or of a player.

Conventions: as in `listener.melody_model`. Melodies are of at most T steps. Of several keys the highest one is heard.
"""

import numpy as np
import torch

from listener import theory
from listener.melody_model import TOKENS, MelodyModel, codes_at, step_codes


class MelodyReader:
    """What N melodies may go on with."""

    def __init__(self, model: MelodyModel, melodies: int, steps: int):
        """
        Args:
            model: what is expected.
            melodies: N.
            steps: T.
        """
        self.model = model
        self._melodies = np.full((melodies, steps + 1), theory.REST, dtype=np.int8)
        self._steps = np.zeros(melodies, dtype=np.int64)
        self._state = np.zeros((melodies, model.options.units), dtype=np.float32)
        self._log_chances = np.zeros((melodies, TOKENS), dtype=np.float32)

    def begin(self, envs: np.ndarray, rolls: np.ndarray, steps: np.ndarray) -> None:
        """Hear the beginnings (B, T, 13) of some melodies (B,) int, of which (B,) steps were heard."""
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

    def hear(self, keys: np.ndarray) -> None:
        """Hear the next step (N, 13) bool of all melodies; one that is as long as can be stays as it is."""
        going = np.flatnonzero(self._steps < self._melodies.shape[1] - 1)
        self._melodies[going, self._steps[going]] = theory.melody(keys)[going]
        self._steps[going] += 1
        self._expect(going)

    def log_chances(self) -> np.ndarray:
        """Return the logarithms of the chances (N, 14) float32 of every token."""
        return self._log_chances.copy()

    def _expect(self, envs: np.ndarray) -> None:
        """Find out what comes next in some melodies (B,) int, whose last step the network has not heard yet."""
        if not len(envs):
            return
        with torch.inference_mode():
            codes = torch.from_numpy(codes_at(self._melodies[envs], self._steps[envs]))
            known, state = self.model.remember(codes, torch.from_numpy(self._state[envs])[None])
            self._log_chances[envs] = self.model.next(known)[:, 0].log_softmax(dim=1).numpy()
            self._state[envs] = state[0].numpy()

    def state(self) -> dict[str, np.ndarray]:
        """Return what was heard."""
        return {
            "melodies": self._melodies,
            "steps": self._steps,
            "state": self._state,
            "log_chances": self._log_chances,
        }

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from a state; raises ValueError if it has another shape."""
        for name, own in self.state().items():
            if state[name].shape != own.shape:
                raise ValueError(f"the melodies' {name} have the shape {state[name].shape}, this run needs {own.shape}")
            own[:] = state[name]

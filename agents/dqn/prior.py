"""A prior: a model of real melodies, among whose continuations an agent learns to choose rewarded ones.

    q       the prior's log probability is part of the reward; the most valued step is played
    psi     the same, with a soft maximum over the next step's values; steps are sampled from the soft maximum
    g       the prior weights the next step's values; steps are sampled from the prior times exp(value)

Conventions:
    N environments, K keys. A choice is one of K + 1: 0 presses nothing, k presses key k - 1. Log probabilities are in
    nats, and so are values: a reward is divided by the *temperature*, the reward that is worth one nat.
Source: N. Jaques et al., Sequence Tutor (2017).
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from songs.options import check_options, option

FORMS = ("q", "psi", "g")


@dataclass(frozen=True)
class PriorOptions:
    """A model of real melodies beside which an improvisation is learned."""

    model: str = option("", "the melody model: 'melody' or a file; empty: no prior")
    form: str = option(
        "g",
        "'q': its log probability is part of the reward; 'psi': and the maximum is soft; 'g': it weights the values",
        choices=FORMS,
    )
    temperature: float = option(0.05, "reward that is worth one nat of the prior", 1e-6, 1e6)

    def __post_init__(self):
        check_options(self)

    @property
    def decides(self) -> bool:
        """Whether the prior, and not the network alone, decides what is played."""
        return bool(self.model) and self.form == "g"


class Prior(Protocol):
    """A model that follows N melodies and predicts how each goes on."""

    def begin(self, envs: np.ndarray, rolls: np.ndarray, steps: np.ndarray) -> None:
        """Begin episodes of environments (B,) int, of whose rolls (B, T, K) bool the first steps (B,) are played."""

    def add(self, keys: np.ndarray) -> None:
        """Add a step (N, K) bool of all environments."""

    def log_probabilities(self) -> np.ndarray:
        """Return the log probabilities (N, K + 1) float32 of the choices of the next step."""

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return the melodies so far, as arrays and plain data."""

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Continue from a state; raises ValueError if it does not fit."""


def sample(log_weights: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Sample one of the choices of each row (N, K + 1), in proportion to the exponential of its weight; (N,) int64."""
    return (log_weights + random.gumbel(size=log_weights.shape)).argmax(axis=1)

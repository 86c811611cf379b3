"""Learning with a prior: an agent learns which of a melody model's continuations are rewarded.

    q       the prior's log probability is part of the reward; the most valued step is played
    psi     the same, with a soft maximum over the next step's values; steps are sampled from the soft maximum
    g       the prior weights the next step's values; steps are sampled from the prior times exp(value)

Conventions:
    N environments, K keys. A choice is one of K + 1: 0 presses nothing, k presses key k - 1. Log probabilities and
    values are in nats: rewards are divided by the *temperature*, the reward that equals one nat.
Source: N. Jaques et al., Sequence Tutor (2017).
"""

from dataclasses import dataclass

import numpy as np

from songs.options import check_options, option

FORMS = ("q", "psi", "g")


@dataclass(frozen=True)
class PriorOptions:
    """A melody model that guides learned improvisation."""

    model: str = option("", "'melody', the file of a melody model, or 'form' with task.plan; empty: no prior")
    form: str = option(
        "g",
        "'q': its log probability is part of the reward; 'psi': and the maximum is soft; 'g': it weights the values",
        choices=FORMS,
    )
    temperature: float = option(0.05, "reward that equals one nat of the prior", 1e-6, 1e6)

    draws: int = option(
        0,
        "melodies drawn from it before a run begins; the first champion is the best of them, with its plan; 0: none",
        0,
        1_000_000,
    )

    def __post_init__(self):
        check_options(self)

    @property
    def decides(self) -> bool:
        """True if the champion plays by the prior and the network together, not by the network alone."""
        return bool(self.model) and self.form == "g"


def sample(log_weights: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Sample a choice (N,) int64 from each row (N, K + 1), in proportion to the exponentials of its weights."""
    return (log_weights + random.gumbel(size=log_weights.shape)).argmax(axis=1)

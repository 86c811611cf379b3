"""Archive of the best episodes so far, which an agent returns to and imitates.

    returning       an episode replays one of the best up to a random step, continues with some steps sampled from
                    the prior, and only then with the agent's choices
    imitating       the return of an episode from a step on is a lower bound of the step's value: smaller values are
                    raised, larger ones are left unchanged

Conventions:
    N environments, T steps, L archived episodes, K keys, as in `episodes`. The agent itself played all the episodes.
Source:
    Returning: A. Ecoffet et al., First return, then explore (2021). Imitating: J. Oh et al., Self-Imitation Learning
    (2018).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.dqn.episodes import discounted_returns, observed
from agents.state_parts import restore_arrays
from songs.keyboard import KEYS
from songs.options import check_options, option
from songs.plan import PlanInputs
from songs.validate import AnyLength, validate_like


@dataclass(frozen=True)
class EpisodeArchiveOptions:
    """The best episodes so far; only with a prior."""

    size: int = option(0, "episodes kept; 0: none", 0, 10_000)
    return_probability: float = option(
        0.8, "probability that an episode begins by replaying one of them up to a random step", 0.0, 1.0
    )
    explore_steps: float = option(3.0, "mean number of steps sampled from the prior after the replay", 1.0, 1000.0)
    imitation_weight: float = option(
        1.0, "weight of the loss that takes their returns as lower bounds of the values", 0.0, 1000.0
    )

    def __post_init__(self):
        check_options(self)


class EpisodeArchive:
    """The L best episodes, and the replays of N environments."""

    LEAST_GAIN = 1e-3
    """Nats by which an episode must beat the worst one kept; smaller differences are rounding."""

    def __init__(
        self,
        options: EpisodeArchiveOptions,
        envs: int,
        steps: int,
        memory: int,
        gamma: float,
        keys: int = KEYS,
        plans: PlanInputs | None = None,
    ):
        self.options, self.memory, self.gamma, self.plans = options, memory, gamma, plans
        size = options.size
        self.rolls = np.zeros((size, steps, keys), dtype=bool)
        self.returns = np.zeros((size, steps), dtype=np.float32)
        """(L, T), discounted returns from each step on."""
        self.total = np.full(size, -np.inf, dtype=np.float64)
        """(L,), the sum of an episode's rewards; minus infinity in empty slots."""
        self.first = np.zeros(size, dtype=np.int64)
        self.length = np.zeros(size, dtype=np.int64)
        # the replay of every environment
        self._path = np.zeros((envs, steps, keys), dtype=bool)
        self._until = np.zeros(envs, dtype=np.int64)
        self._explore_until = np.zeros(envs, dtype=np.int64)

    @property
    def kept(self) -> int:
        """Number of archived episodes, at most L."""
        return int(np.isfinite(self.total).sum())

    def consider(self, roll: np.ndarray, rewards: np.ndarray, first: int, length: int) -> None:
        """Archive an episode if it is new and better than the worst one kept.

        Args:
            roll: (T, K) bool.
            rewards: (T,), in nats.
            first: the step at which it began.
            length: number of played steps, counted from the beginning of the song.
        """
        total = float(rewards[first:length].sum(dtype=np.float64))
        worst = int(self.total.argmin())
        if total <= self.total[worst] + self.LEAST_GAIN or (self.rolls[: self.kept] == roll).all(axis=(1, 2)).any():
            return
        self.rolls[worst], self.total[worst], self.first[worst], self.length[worst] = roll, total, first, length
        self.returns[worst] = 0
        self.returns[worst, first:length] = discounted_returns(rewards[first:length], self.gamma)

    def begin(self, envs: np.ndarray, random: np.random.Generator) -> None:
        """Choose the replays of the environments (B,) int that begin an episode: of which episode, up to which step."""
        for env in envs.tolist():
            self._until[env] = self._explore_until[env] = 0
            if self.kept and random.random() < self.options.return_probability:
                which = int(random.integers(self.kept))
                self._path[env] = self.rolls[which]
                self._until[env] = random.integers(self.first[which], self.length[which])
                self._explore_until[env] = self._until[env] + random.geometric(1 / self.options.explore_steps)

    def returning(self, now: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return a mask (N,) bool of the environments that replay an episode at their steps (N,), and the keys (N, K).

        Keys of environments that do not replay are meaningless.
        """
        at = np.minimum(now, self._path.shape[1] - 1)
        return now < self._until, self._path[np.arange(len(now)), at]

    def exploring(self, now: np.ndarray) -> np.ndarray:
        """Return a mask (N,) bool of the environments in which the prior decides at their steps (N,)."""
        return (now >= self._until) & (now < self._explore_until)

    def sample(self, count: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Sample B = `count` steps of archived episodes; requires at least one.

        Returns:
            Observations (B, I) float32, keys (B, K) int64, and the returns from these steps on, (B,) float32.
        """
        which = random.integers(self.kept, size=count)
        steps = (self.first[which] + random.random(count) * (self.length - self.first)[which]).astype(np.int64)
        inputs = np.concatenate(
            [
                observed(self.rolls[one], np.array([step]), self.memory, self.plans)
                for one, step in zip(which, steps, strict=True)
            ]
        )
        return inputs.astype(np.float32), self.rolls[which, steps].astype(np.int64), self.returns[which, steps]

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return the archived episodes and the current replays."""
        arrays = {"rolls": self.rolls, "returns": self.returns, "first": self.first, "length": self.length}
        replays = {"path": self._path, "until": self._until, "explore_until": self._explore_until}
        return {**arrays, **replays, "total": self.total[: self.kept]}, {}  # slots are filled in order

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Restore the archive; raises ValueError if it does not fit."""
        last, fixed = self.returns.shape[1], self.state()[0]
        del fixed["total"]
        validate_like({"total": AnyLength(self.total, most=len(self.total))}, arrays)
        kept = len(arrays["total"])
        restore_arrays(fixed, arrays, first=last, length=last, until=last, explore_until=np.iinfo(np.int64).max)
        if (self.first >= self.length)[:kept].any():
            raise ValueError("first: an episode ends before it begins")
        self.total[:kept], self.total[kept:] = arrays["total"], -np.inf

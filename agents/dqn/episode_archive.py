"""The elite: the best episodes so far, from which a learner goes on, and which it imitates.

    returning       an episode plays the beginning of one of the best again, to a step drawn by chance, then some steps
                    that the prior draws, and only then what the learner decides
    imitating       what an episode was paid from a step on is the least that the step is worth; a value below that is
                    raised, one above it is left alone

Conventions:
    N environments, T steps, K episodes, as in `episodes`. Nothing is known that the learner has not played itself.
Source:
    Returning: A. Ecoffet et al., First return, then explore (2021). Imitating: J. Oh et al., Self-Imitation Learning
    (2018).
"""

from dataclasses import dataclass

import numpy as np

from agents.dqn.checked_state import check_places
from agents.dqn.episodes import memories, returns
from agents.dqn.named_arrays import restore_arrays
from songs.keyboard import KEYS


@dataclass(frozen=True)
class EliteOptions:
    """How the best episodes are used."""

    size: int = 0
    """Episodes that are kept; 0: none."""
    chance: float = 0.8
    """Of an episode to go on from one of them."""
    explore: float = 3.0
    """Steps, on average, that the prior draws before the learner decides again."""
    share: float = 1.0
    """Weight of imitating them, beside what the replay buffer teaches."""


class Elite:
    """Keeps the K best episodes, and leads N environments back into them."""

    LEAST_GAIN = 1e-3
    """Nats by which an episode must be better than the worst that is kept: less is rounding."""

    def __init__(self, options: EliteOptions, envs: int, steps: int, memory: int, gamma: float):
        """
        Args:
            options: see there; the size is at least 1.
            envs: N.
            steps: T.
            memory: M.
            gamma: discount of one step.
        """
        self.options, self.memory, self.gamma = options, memory, gamma
        size = options.size
        self.rolls = np.zeros((size, steps, KEYS), dtype=bool)
        self.returns = np.zeros((size, steps), dtype=np.float32)
        """(K, T), what was paid from each step on."""
        self.worth = np.full(size, -np.inf, dtype=np.float64)
        """(K,), what the whole episodes were paid."""
        self.first = np.zeros(size, dtype=np.int64)
        self.length = np.zeros(size, dtype=np.int64)
        # the way back of every environment
        self._path = np.zeros((envs, steps, KEYS), dtype=bool)
        self._until = np.zeros(envs, dtype=np.int64)
        self._explore_until = np.zeros(envs, dtype=np.int64)

    def __len__(self) -> int:
        return int(np.isfinite(self.worth).sum())

    def consider(self, roll: np.ndarray, rewards: np.ndarray, first: int, length: int) -> None:
        """Keep an episode if it is new and better than the worst that is kept.

        Args:
            roll: (T, 13) bool.
            rewards: (T,), in nats.
            first: the step at which it began.
            length: steps of the song that were heard, at the end.
        """
        worth = float(rewards[first:length].sum(dtype=np.float64))
        worst = int(self.worth.argmin())
        if worth <= self.worth[worst] + self.LEAST_GAIN or (self.rolls[: len(self)] == roll).all(axis=(1, 2)).any():
            return
        self.rolls[worst], self.worth[worst], self.first[worst], self.length[worst] = roll, worth, first, length
        self.returns[worst] = 0
        self.returns[worst, first:length] = returns(rewards[first:length], self.gamma)

    def begin(self, envs: np.ndarray, random: np.random.Generator) -> None:
        """Decide, for the environments (B,) int that begin an episode, whether and where to they return."""
        for env in envs.tolist():
            self._until[env] = self._explore_until[env] = 0
            if len(self) and random.random() < self.options.chance:
                which = int(random.integers(len(self)))
                self._path[env] = self.rolls[which]
                self._until[env] = random.integers(self.first[which], self.length[which])
                self._explore_until[env] = self._until[env] + random.geometric(1 / self.options.explore)

    def returning(self, now: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return which environments, at the steps (N,), are on their way back, (N,) bool, and their keys (N, 13)."""
        at = np.minimum(now, self._path.shape[1] - 1)
        return now < self._until, self._path[np.arange(len(now)), at]

    def exploring(self, now: np.ndarray) -> np.ndarray:
        """Return which environments (N,) bool let the prior decide, at the steps (N,)."""
        return (now >= self._until) & (now < self._explore_until)

    def sample(self, count: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draw steps of the episodes that are kept, of which there is at least one.

        Returns:
            Observations (B, M * 13) float32, keys (B, 13) int64, and what was paid from there on, (B,) float32.
        """
        which = random.integers(len(self), size=count)
        steps = (self.first[which] + random.random(count) * (self.length - self.first)[which]).astype(np.int64)
        inputs = np.concatenate(
            [memories(self.rolls[one], np.array([step]), self.memory) for one, step in zip(which, steps, strict=True)]
        )
        return inputs.astype(np.float32), self.rolls[which, steps].astype(np.int64), self.returns[which, steps]

    def state(self) -> dict[str, np.ndarray]:
        """Return everything."""
        return {
            "rolls": self.rolls,
            "returns": self.returns,
            "worth": self.worth,
            "first": self.first,
            "length": self.length,
            "path": self._path,
            "until": self._until,
            "explore_until": self._explore_until,
        }

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from a state; raises ValueError if it does not fit."""
        last, worth = self.returns.shape[1], state["worth"]
        kept = np.arange(len(worth)) < np.isfinite(worth).sum()  # places are filled in turn
        restore_arrays(self.state(), {**state, "worth": np.where(kept, worth, 0.0)}, "best episodes")
        check_places(
            state,
            {"first": last, "length": last, "until": last, "explore_until": np.iinfo(np.int64).max},
            "best episodes",
        )
        if (self.first >= self.length)[kept].any():
            raise ValueError("the best episodes end before they begin")
        self.worth[~kept] = -np.inf

"""Deep Q-learning beside a prior: the learner chooses, among what real music would go on with, what is paid well.

Conventions:
    As in `learner` and `prior`; the head is `one_key`. Rewards and values are in nats.
    Where transitions span several steps, or whole episodes, what the prior says of the steps between is left out of the
    form `g`, as is usual for n-step returns.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from agents.dqn.agent import Dqn, QLearning
from agents.dqn.checked_state import check_array, check_places
from agents.dqn.episode_archive import Elite
from agents.dqn.episodes import Episodes, transitions
from agents.dqn.exploration import Epsilon
from agents.dqn.losses import BranchCredit
from agents.dqn.named_arrays import joined, part, restore_arrays
from agents.dqn.network import QNetwork, choices_of
from agents.dqn.prior import Prior, drawn
from agents.dqn.replay import ReplayBuffer, Transitions
from songs.keyboard import KEYS


@dataclass(frozen=True)
class PriorOptions:
    """What the prior is for."""

    form: str = "g"
    """`q`, `psi` or `g`, as in `prior`."""
    temperature: float = 0.05
    """Reward that weighs as much as a nat of the prior."""
    to_the_end: bool = False
    """Let transitions span episodes from each step to the end, instead of the replay buffer's n steps."""


class PriorDqn(Dqn):
    """Learns what to prefer among what a prior would play."""

    def __init__(
        self,
        network: QNetwork,
        episodes: Episodes,
        replay: ReplayBuffer,
        learning: QLearning,
        random: np.random.Generator,
        epsilon: Epsilon,
        prior: Prior,
        options: PriorOptions,
        elite: Elite | None = None,
    ):
        """
        Args:
            network: what learns, with the head `one_key`.
            episodes: records what the N environments play.
            replay: keeps the transitions.
            learning: how to learn.
            random: of exploration and of replay.
            epsilon: chance of a step that the prior draws.
            prior: says what real music would go on with.
            options: see there.
            elite: keeps the best episodes; None: they are not kept.
        """
        credit = BranchCredit(1, 0.0 if options.form == "q" else 1.0)
        super().__init__(network, len(episodes.now), replay, credit, learning, random, epsilon)
        self.prior, self.options, self.episodes, self.elite = prior, options, episodes, elite
        self._learn_from = np.zeros(len(episodes.now), dtype=np.int64)
        self._returning = np.zeros(len(episodes.now), dtype=bool)

    def begin(self, envs: np.ndarray, observations: np.ndarray, steps: np.ndarray) -> None:
        self.episodes.begin(envs, observations, steps)
        self._learn_from[envs] = steps
        self.prior.begin(envs, self.episodes.rolls[envs], steps)
        if self.elite:
            self.elite.begin(envs, self.random)

    @torch.no_grad()
    def act(self, observations: np.ndarray, waiting: np.ndarray | None = None) -> np.ndarray:
        weights = self.network(torch.from_numpy(observations.astype(np.float32)))[:, 0].numpy()
        prior = self.prior.log_chances()
        if self.options.form == "g":
            weights = weights + prior
        choices = weights.argmax(axis=1) if self.options.form == "q" else drawn(weights, self.random)
        by_prior = self.random.random(len(choices)) < self.epsilon.at(self.steps)
        if self.elite:
            by_prior |= self.elite.exploring(self.episodes.now)
        keys = np.where(by_prior, drawn(prior, self.random), choices)[:, None] == np.arange(1, KEYS + 1)
        if self.elite:
            self._returning, path = self.elite.returning(self.episodes.now)
            keys = np.where(self._returning[:, None], path, keys)
        return keys.astype(np.int8)

    def observe(
        self,
        observations: np.ndarray,
        keys: np.ndarray,
        rewards: np.ndarray,
        next_observations: np.ndarray,
        terminated: np.ndarray,
        truncated: np.ndarray,
        began: np.ndarray,
    ) -> float | None:
        played = ~began
        paid = (rewards[:, 0] / self.options.temperature).astype(np.float32)
        if self.options.form != "g":
            choices = choices_of(torch.from_numpy(keys), self.network.head).numpy()
            paid += np.take_along_axis(self.prior.log_chances(), choices, axis=1)[:, 0]
        self.episodes.add(played, keys, paid)
        self.prior.hear(keys.astype(bool))
        over = terminated | truncated
        ended = np.flatnonzero(played & over)
        learned = played & ~self._returning
        self._learn_from[played & self._returning] += 1
        if self.options.to_the_end:
            self._remember_episodes(ended)
        else:
            found = self._recent.add(observations, keys, paid[:, None], next_observations, terminated, learned)
            self._recent.begin(began | over)
            starts, heard, pressed, rewarded, continues, envs = found
            if len(envs):
                log_chances = self.prior.log_chances()[envs]
                self.replay.add(starts, heard, pressed, rewarded, continues, log_chances)
        if self.elite:
            now = self.episodes
            for env in ended.tolist():
                self.elite.consider(now.rolls[env], now.rewards[env], int(now.first[env]), int(now.now[env]))
        return self._learn(int(played.sum()))

    def _remember_episodes(self, ended: np.ndarray) -> None:
        observations, keys, paid = transitions(self.episodes, ended, self._learn_from[ended], self.learning.gamma)
        count = len(keys)
        if count:
            over, nothing = np.zeros(count, dtype=bool), np.zeros((count, self.replay.n_step, KEYS), dtype=bool)
            self.replay.add(observations, nothing, keys, paid, over)

    def _imitation(self) -> Tensor | float:
        if not self.elite or not len(self.elite):
            return 0.0
        observations, keys, paid = self.elite.sample(self.learning.batch_size, self.random)
        chosen = choices_of(torch.from_numpy(keys), self.network.head)
        values = self.network(torch.from_numpy(observations)).gather(2, chosen[:, :, None])[:, 0, 0]
        least = torch.maximum(torch.from_numpy(paid), values.detach())
        return self.elite.options.share * functional.smooth_l1_loss(values, least)

    @torch.no_grad()
    def _later(self, batch: Transitions) -> tuple[Tensor | None, Tensor | None]:
        if self.options.to_the_end or self.learning.gamma == 0:
            return None, None
        later, best = super()._later(batch)
        if later is not None and self.options.form == "g":
            later = later + torch.from_numpy(batch.next_prior)[:, None]
        return later, best

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        arrays, numbers = super().state()
        parts = {"episodes": self.episodes.state(), "prior": self.prior.state()}
        if self.elite:
            parts["elite"] = self.elite.state()
        own = {"learn_from": self._learn_from, "returning": self._returning}
        return {**arrays, **joined(parts), **own}, numbers

    def restore(self, arrays: dict[str, np.ndarray], numbers: dict[str, Any]) -> None:
        super().restore(arrays, numbers)
        try:
            self.episodes.restore(part(arrays, "episodes"))
            self._restore_prior(part(arrays, "prior"))
            if self.elite:
                self.elite.restore(part(arrays, "elite"))
            check_places(arrays, {"learn_from": self.episodes.rewards.shape[1]}, "episodes")
            restore_arrays({"learn_from": self._learn_from, "returning": self._returning}, arrays, "episodes")
        except KeyError as error:
            raise ValueError(f"{error} is missing") from None

    def _restore_prior(self, arrays: dict[str, np.ndarray]) -> None:
        own = self.prior.state()
        for name, array in own.items():
            check_array(array, arrays[name], f"melodies' {name}")
        check_places(arrays, {"steps": own["melodies"].shape[1] - 1}, "melodies")
        check_places({"notes": arrays["melodies"] + 1}, {"notes": KEYS}, "melodies")  # -1 is a rest
        self.prior.restore(arrays)

"""Evaluation of the greedy player of a Q-network.

Conventions:
    The cases are the steps of the songs after the prompt, one song after the other, as in `agents.cases`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from agents.cases import memory_cases
from agents.dqn.network import QNetwork
from agents.dqn.q_player import QPlayer
from agents.prior import MakePrior
from agents.rollout import continue_prompts
from songs.piano_roll import Memory
from songs.plan import PlanFollower, PlanInputs
from songs.song import Song

_DIGITS = 5
"""Digits to which rewards are compared; smaller differences are rounding."""


@dataclass(frozen=True)
class GreedyScore:
    """Score of the greedy player."""

    right: int
    """Number of right steps under teacher forcing."""
    prefix: int
    """Number of steps before the first wrong one, summed over the songs; these are also right in a free run."""
    whole_songs: int
    """Number of songs without a wrong step."""
    reward: float | None = None
    """Mean reward of a step in a free run; None without a listener."""

    @property
    def rank(self) -> tuple[float, int, int]:
        """Key for comparing players: the reward if there is one, else the right steps, then the prefix."""
        if self.reward is not None:
            return round(self.reward, _DIGITS), 0, 0
        return 0.0, self.right, self.prefix


class GreedyEvaluator:
    """An evaluator of all windows of the songs at once, equivalent to stepping the environment.

    A greedy player depends only on its memory. Up to its first mistake the memory is the same whether it holds the song
    or what was played. So the steps before the mistake are right in both cases, and all steps are right under teacher
    forcing exactly when they are in a free run.
    """

    def __init__(
        self,
        songs: Sequence[Song],
        memory: Memory,
        prompt: int,
        mode_bit: bool,
        chords: bool = True,
        reward_fn: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
        prior: MakePrior | None = None,
        plans: PlanInputs | None = None,
    ):
        """
        Args:
            songs, memory, prompt: the songs to play, the steps remembered or lags, the steps given.
            mode_bit: True if an observation ends with the mode bit.
            chords: True if the network can play chords; otherwise the ceiling excludes them.
            reward_fn: the `rewards` of a listener to compare players by; None: compare them by right steps.
            prior: factory of the prior whose log probabilities are added to the network's values; None: no prior.
            plans: plans of the songs, observed by the player; None: no plans.
        """
        self._prior, self._plans = prior, plans
        self.songs, self.memory, self.prompt, self.reward_fn = tuple(songs), memory, prompt, reward_fn
        self._mode_bit = mode_bit
        cases = memory_cases(songs, memory, prompt, mode_bit, plans)
        self._inputs = torch.from_numpy(np.ascontiguousarray(cases.inputs.T))
        self._targets = torch.from_numpy(np.ascontiguousarray(cases.targets.T))
        self._ends = np.cumsum([song.steps - prompt for song in songs])
        self.ceiling = (cases if chords else cases.without_chords()).most_right
        """The most cases that any network with this memory and this head can get right."""

    def __len__(self) -> int:
        return len(self._targets)

    def right(self, network: QNetwork) -> np.ndarray:
        """Return a mask (C,) bool of the cases that the greedy player gets right under teacher forcing."""
        return (network.greedy(self._inputs) == self._targets).all(dim=1).numpy()

    def evaluate(self, network: QNetwork) -> GreedyScore:
        """Return the score of the greedy player."""
        right = self.right(network)
        songs = np.split(right, self._ends[:-1])
        prefixes = [len(song) if song.all() else int(np.argmin(song)) for song in songs]
        whole = sum(bool(song.all()) for song in songs)
        return GreedyScore(int(right.sum()), sum(prefixes), whole, self._reward(network))

    def _reward(self, network: QNetwork) -> float | None:
        """Return the mean reward of a step of the greedy player in a free run; None without a listener."""
        if self.reward_fn is None:
            return None
        rolls = zip(self.songs, self.play(network), strict=True)
        rewards = [self.reward_fn(roll[None], song.roll[None])[0, self.prompt :] for song, roll in rolls]
        return float(np.concatenate(rewards).mean())

    def right_free_running(self, network: QNetwork) -> int:
        """Return the number of right steps of the greedy player in a free run, including steps after a mistake."""
        rolls = zip(self.songs, self.play(network), strict=True)
        return sum(int((roll == song.roll).all(axis=1)[self.prompt :].sum()) for song, roll in rolls)

    def play(self, network: QNetwork) -> list[np.ndarray]:
        """Let the greedy player play the songs side by side in a free run; return a roll (T, K) bool for each."""
        planned = PlanFollower(self._plans, self.prompt) if self._plans else None
        player = QPlayer(network, self._mode_bit, self._prior, self.prompt, planned)
        prompts = np.stack([song.roll[: self.prompt] for song in self.songs])
        rolls = continue_prompts(player, prompts, max(song.steps for song in self.songs), self.memory)
        return [roll[: song.steps] for roll, song in zip(rolls, self.songs, strict=True)]

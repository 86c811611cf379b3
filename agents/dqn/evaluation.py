"""Evaluates the greedy player of a Q-network.

Conventions:
    S songs; the cases are their steps after the prompt, one song after the other, as in `agents.cases`.
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
"""Digits of rewards that count; smaller differences are rounding."""


@dataclass(frozen=True)
class GreedyScore:
    """Score of the greedy player."""

    right: int
    """Steps right under teacher forcing."""
    prefix: int
    """Steps before the first wrong one of each song, summed: the steps right in a free run."""
    whole_songs: int
    """Songs without a wrong step."""
    reward: float | None = None
    """Mean reward of a step in a free run; None where right and wrong are all that counts."""

    @property
    def rank(self) -> tuple[float, int, int]:
        """Key by which players are compared: the reward, or else the steps right, then the prefix."""
        if self.reward is not None:
            return round(self.reward, _DIGITS), 0, 0
        return 0.0, self.right, self.prefix


class GreedyEvaluator:
    """Evaluates all windows of the songs at once, which gives the same as stepping the environment.

    A greedy player decides by its memory alone. Up to its first mistake the memory is the same whether it remembers
    the song or what it played; so the steps before it are right in both cases, and all are right in one case exactly
    when they are in the other.
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
            songs, memory, prompt: the songs to be played, the steps remembered or lags, the steps given.
            mode_bit: whether an observation ends with the mode bit.
            chords: whether the network can play chords; if not, the ceiling is without them.
            reward_fn: the `rewards` of a listener by which players are compared; None: by right and wrong.
            prior: makes the prior that the player adds to the network's values; None: it adds nothing.
            plans: of the songs, observed by the player; None: there are none.
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
        """Return which cases (C,) bool the greedy player gets right, under teacher forcing."""
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
        """Return how many steps the greedy player gets right in a free run; some may follow a mistake."""
        rolls = zip(self.songs, self.play(network), strict=True)
        return sum(int((roll == song.roll).all(axis=1)[self.prompt :].sum()) for song, roll in rolls)

    def play(self, network: QNetwork) -> list[np.ndarray]:
        """Let the greedy player play the songs side by side in a free run; return a roll (T, K) bool of each."""
        planned = PlanFollower(self._plans, self.prompt) if self._plans else None
        player = QPlayer(network, self._mode_bit, self._prior, self.prompt, planned)
        prompts = np.stack([song.roll[: self.prompt] for song in self.songs])
        rolls = continue_prompts(player, prompts, max(song.steps for song in self.songs), self.memory)
        return [roll[: song.steps] for roll, song in zip(rolls, self.songs, strict=True)]

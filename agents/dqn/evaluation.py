"""Judges a Q-network by what its greedy player does.

Conventions:
    S songs; the cases are their steps after the prompt, one song after the other, as in `agents.cases`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from agents.cases import memory_cases
from agents.dqn.network import QNetwork
from agents.dqn.prior import Prior
from agents.dqn.q_player import QPlayer
from songs.keyboard import KEYS
from songs.song import Song

_DIGITS = 5
"""Of rewards: what differs behind them is rounding."""


@dataclass(frozen=True)
class Judgement:
    """What the greedy player can do."""

    right: int
    """Steps right under teacher forcing."""
    prefix: int
    """Steps before the first wrong one of each song, summed: what is right, free running."""
    whole_songs: int
    """Songs without a wrong step."""
    reward: float | None = None
    """What the listener pays for a step, free running; None where right and wrong are all that counts."""

    @property
    def worth(self) -> tuple[float, int, int]:
        """What makes a player better than another: the reward, or else the steps right, then the prefix."""
        if self.reward is not None:
            return round(self.reward, _DIGITS), 0, 0
        return 0.0, self.right, self.prefix


class GreedyEvaluator:
    """Looks at all windows of the songs at once, which gives the same as stepping the environment.

    A greedy player decides by its memory alone. Up to its first mistake the memory is the same whether it remembers
    the song or what it played; so the steps before it are right in both cases, and all are right in one case exactly
    when they are in the other.
    """

    def __init__(
        self,
        songs: Sequence[Song],
        memory: int,
        prompt: int,
        mode_bit: bool,
        chords: bool = True,
        pays: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
        prior: Callable[[int], Prior] | None = None,
    ):
        """
        Args:
            songs: what is to be played.
            memory: steps remembered.
            prompt: steps given.
            mode_bit: whether an observation ends with the mode.
            chords: whether the network can play chords; if not, the ceiling is without them.
            pays: the `rewards` of a listener that has the last word on what is good; None: right and wrong.
            prior: makes the prior that the player adds to what the network says; None: it adds nothing.
        """
        self._prior = prior
        self.songs, self.memory, self.prompt, self.pays = tuple(songs), memory, prompt, pays
        self._mode_bit = mode_bit
        cases = memory_cases(songs, memory, prompt, mode_bit)
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

    def judge(self, network: QNetwork) -> Judgement:
        """Return what the greedy player can do."""
        right = self.right(network)
        songs = np.split(right, self._ends[:-1])
        prefixes = [len(song) if song.all() else int(np.argmin(song)) for song in songs]
        whole = sum(bool(song.all()) for song in songs)
        return Judgement(int(right.sum()), sum(prefixes), whole, self._reward(network))

    def _reward(self, network: QNetwork) -> float | None:
        """Return what the listener pays the greedy player for a step, free running; None if there is no listener."""
        if self.pays is None:
            return None
        paid = []
        for song, roll in zip(self.songs, self.play(network), strict=True):
            paid.append(self.pays(roll[None], song.roll[None])[0, self.prompt :])
        return float(np.concatenate(paid).mean())

    def right_free_running(self, network: QNetwork) -> int:
        """Return how many steps the greedy player gets right, free running; some may be behind a mistake."""
        rolls = zip(self.songs, self.play(network), strict=True)
        return sum(int((roll == song.roll).all(axis=1)[self.prompt :].sum()) for song, roll in rolls)

    def play(self, network: QNetwork) -> list[np.ndarray]:
        """Let the greedy player play the songs side by side, hearing itself; return a roll (T, 13) bool of each."""
        longest = max(song.steps for song in self.songs)
        heard = np.zeros((len(self.songs), self.memory + longest, KEYS), dtype=bool)
        for roll, song in zip(heard, self.songs, strict=True):
            roll[self.memory : self.memory + self.prompt] = song.roll[: self.prompt]
        player = QPlayer(network, self._mode_bit, self._prior, self.prompt)
        player.reset(len(self.songs))
        for step in range(self.prompt, longest):
            heard[:, self.memory + step] = player.press(heard[:, step : step + self.memory])
        rolls = heard[:, self.memory :]
        return [roll[: song.steps] for roll, song in zip(rolls, self.songs, strict=True)]

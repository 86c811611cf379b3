"""A performer that is an evolved network which sees where in the bar it is, and plays one voice.

Conventions:
    T steps, M remembered ones, K keys. The inputs are the memory as in `agents.neat.network_player`, then one input for
    each step of a bar, 1 at that step, then inputs that count the bars in binary: 1 in every second bar, in the second
    half of four, and so on. Steps are counted from the first one, of the prompt if there is one.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from agents.neat.genome import Genome
from agents.neat.network import Network
from agents.rollout import continue_prompts
from songs.keyboard import Keyboard


@dataclass(frozen=True)
class MelodyTask:
    """What such a network sees, and how long it plays."""

    keyboard: Keyboard
    lags: tuple[int, ...]
    """Steps back that are remembered, the largest first."""
    bar: int
    """Steps of a bar."""
    bars: int
    """Bars of a melody."""

    @property
    def steps(self) -> int:
        """T, length of a melody."""
        return self.bars * self.bar

    @property
    def bar_bits(self) -> int:
        """Inputs that count bars."""
        return max(1, (self.bars - 1).bit_length())

    @property
    def first_free_node(self) -> int:
        """Smallest key of a hidden node that first networks do not have."""
        return self.keyboard.keys + self.bars + self.steps + 2

    @property
    def metre(self) -> int:
        """Key of the first input that is not of the memory."""
        return -1 - len(self.lags) * self.keyboard.keys

    @property
    def inputs(self) -> int:
        """Number of inputs."""
        return len(self.lags) * self.keyboard.keys + self.bar + self.bar_bits

    def player(self, genome: Genome) -> "MetrePlayer":
        """Return a network as a performer; raises ValueError if it is none of ours."""
        return MetrePlayer(Network(genome, self.keyboard.keys), self.bar, self.bar_bits)

    def play(self, genome: Genome) -> np.ndarray:
        """Return what a network plays from nothing, (T, K) bool."""
        nothing = np.zeros((1, 0, self.keyboard.keys), dtype=bool)
        return continue_prompts(self.player(genome), nothing, self.steps, self.lags)[0]


@lru_cache(maxsize=8)
def metre_inputs(bar: int, bits: int) -> np.ndarray:
    """Return the inputs (bar + bits, S) float64 of the S steps after which they recur, with so many steps a bar."""
    steps = np.arange(bar << bits)
    position = steps % bar == np.arange(bar)[:, None]
    number = steps // bar >> np.arange(bits)[:, None] & 1
    return np.concatenate([position, number]).astype(np.float64)


class MetrePlayer:
    """Plays the key with the highest output, if that is above 0."""

    def __init__(self, network: Network, bar: int, bar_bits: int, prompt: int = 0):
        """
        Args:
            network: an output for each key; inputs as above.
            bar: steps of a bar.
            bar_bits: inputs that count bars.
            prompt: steps that it is given: the first one that it decides has this number.
        """
        self.network, self.bar, self.bar_bits, self.prompt = network, bar, bar_bits, prompt
        self.reset(1)

    def reset(self, episodes: int) -> None:
        self.network.start(episodes)
        self._step = self.prompt

    def press(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        return self.keys_of(self.values(memory).argmax(axis=2))

    def values(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        """Return the values (B, 1, K + 1) of pressing no key, 0, and of pressing each; a step goes by."""
        metre = metre_inputs(self.bar, self.bar_bits)
        metre = np.repeat(metre[:, [self._step % metre.shape[1]]], len(memory), axis=1)
        self._step += 1
        outputs = self.network(np.concatenate([memory.reshape(len(memory), -1).T, metre])).T
        return np.concatenate([np.zeros((len(memory), 1)), outputs], axis=1)[:, None]

    def keys_of(self, choices: np.ndarray) -> np.ndarray:
        """Return the keys (B, K) bool that choices (B, 1) press."""
        return choices == np.arange(1, self.network.outputs + 1)

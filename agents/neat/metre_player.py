"""A performer with an evolved network that sees its position in the bar and plays a single voice.

Conventions:
    T steps, M remembered steps, K keys. The inputs are the memory as in `agents.neat.network_player`, then a one-hot
    position in the bar, then the bar number in binary, lowest bit first. Steps are counted from the first one,
    including the prompt.
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
    """The inputs of such a network and the length of its melodies."""

    keyboard: Keyboard
    lags: tuple[int, ...]
    """Steps back that are remembered, the largest first."""
    bar: int
    """Number of steps per bar."""
    bars: int
    """Number of bars per melody."""

    @property
    def steps(self) -> int:
        """T, the length of a melody."""
        return self.bars * self.bar

    @property
    def bar_bits(self) -> int:
        """Number of inputs for the bar number."""
        return max(1, (self.bars - 1).bit_length())

    @property
    def first_free_node(self) -> int:
        """Smallest node key that first networks do not use."""
        return self.keyboard.keys + self.bars + self.steps + 2

    @property
    def metre(self) -> int:
        """Key of the first input after the memory."""
        return -1 - len(self.lags) * self.keyboard.keys

    @property
    def inputs(self) -> int:
        """Number of inputs."""
        return len(self.lags) * self.keyboard.keys + self.bar + self.bar_bits

    def player(self, genome: Genome) -> "MetrePlayer":
        """Return the performer of a genome; raises ValueError if the network is recurrent or not supported."""
        return MetrePlayer(Network(genome, self.keyboard.keys), self.bar, self.bar_bits)

    def play(self, genome: Genome) -> np.ndarray:
        """Return the melody (T, K) bool that a network plays without a prompt."""
        nothing = np.zeros((1, 0, self.keyboard.keys), dtype=bool)
        return continue_prompts(self.player(genome), nothing, self.steps, self.lags)[0]


@lru_cache(maxsize=8)
def metre_inputs(bar: int, bits: int) -> np.ndarray:
    """Return the metre inputs (bar + bits, S) float64, which repeat after S = bar * 2**bits steps."""
    steps = np.arange(bar << bits)
    position = steps % bar == np.arange(bar)[:, None]
    number = steps // bar >> np.arange(bits)[:, None] & 1
    return np.concatenate([position, number]).astype(np.float64)


class MetrePlayer:
    """A player of the key with the highest output, if that is above 0."""

    def __init__(self, network: Network, bar: int, bar_bits: int, prompt: int = 0):
        """
        Args:
            network: has an output for each key, and the inputs described above.
            bar: number of steps per bar.
            bar_bits: number of inputs for the bar number.
            prompt: number of given steps, and so the number of the first step that it decides.
        """
        self.network, self.bar, self.bar_bits, self.prompt = network, bar, bar_bits, prompt
        self.reset(1)

    def reset(self, episodes: int) -> None:
        self.network.start(episodes)
        self._step = self.prompt

    def press(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        return self.keys_of(self.values(memory).argmax(axis=2))

    def values(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        """Return the values (B, 1, K + 1) of pressing no key, which is 0, and of each key; advance by a step."""
        metre = metre_inputs(self.bar, self.bar_bits)
        metre = np.repeat(metre[:, [self._step % metre.shape[1]]], len(memory), axis=1)
        self._step += 1
        outputs = self.network(np.concatenate([memory.reshape(len(memory), -1).T, metre])).T
        return np.concatenate([np.zeros((len(memory), 1)), outputs], axis=1)[:, None]

    def keys_of(self, choices: np.ndarray) -> np.ndarray:
        """Return the keys (B, K) bool that choices (B, 1) press."""
        return choices == np.arange(1, self.network.outputs + 1)

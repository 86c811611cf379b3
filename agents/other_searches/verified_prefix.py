"""Learning a song only from the number of right steps before the first error.

This is the rule of the 13-key project: an episode ends at the first wrong step, and its length is the only feedback.
It is not known which key was wrong. The search needs few episodes because of what follows from that number:

    The steps before the error were right, so what the network played there is known to be the song.
    What it played at the error is refuted there. The next guess is another step: the most frequent one so far.
    An inner evolution makes a network that repeats the verified steps and plays the guess after them. It
    trains on the network's own past and costs no episode. Then one real episode tests the guess.

The inner evolution treats each output separately and is target-guided: it changes weights of inputs that are on where
the output is wrong. Its proposals are counted separately from the episodes. Only `episode` ever sees the song.

Conventions: M remembered steps, T steps to play, K keys. Memories are (M, K) bool, oldest step first. A *word* is a
step encoded as an integer whose bit k is key k. Weights are (K, F) float64: F - 1 inputs, laid out like the observation
of `KeyboardEnv`, and the bias.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from agents.neat.genome import Genome
from agents.neat.linear_network import linear_genome, on_grid
from agents.other_searches.real_episodes import LinearPlayer, RealEpisodes
from agents.performer import Performer
from agents.search import Generation, Problem
from agents.search_state import LARGEST, check_state, identity
from agents.state_parts import restore_generator
from songs.options import check_options, option
from songs.piano_roll import Memory, remembered, rows_of
from songs.validate import AnyLength, Within, validate_like

MOST_KEYS = 16
"""Largest supported K: guesses are ranked among all 2^K words."""
BIAS_PROBABILITY = 0.15
"""Probability that a proposal changes the bias."""
STEP_SIZES = (-3, 1)
"""Logarithms of the smallest and the largest change of a weight."""


@dataclass(frozen=True)
class VerifiedPrefixOptions:
    """Learning from the number of right steps."""

    context: int = option(4, "most preceding steps that a guess depends on; 0: only overall frequency", 0, 4096)
    children: int = option(32, "proposals of the inner evolution, of which the best is accepted", 1, 1_000_000)
    rounds: int = option(400, "rounds of the inner evolution per output before a guess is postponed", 1, 10**9)
    margin: float = option(0.1, "distance of an output from 0 at verified steps", 1e-6, 0.999999)

    def __post_init__(self):
        check_options(self)


STATE = {"generation": 0, "evaluations": 0, "proposals": 0, "random": {}, "refuted": [0], "postponed": [[0]]}
"""An example of the data in a state, apart from the identity."""


class VerifiedPrefix:
    """A search whose only feedback is the number of right steps before the first error."""

    LABEL: ClassVar[str] = "verified prefix (feedback: the number of right steps; target-guided inner evolution)"
    ONE_SONG: ClassVar[bool] = True

    @classmethod
    def of(cls, problem: Problem, options: VerifiedPrefixOptions, seed: int) -> Self:
        """Return the search for the one song of a problem."""
        assert problem.make_env is not None, "the task must be a song"
        episode = RealEpisodes(problem.make_env(stop_at_error=True))
        return cls(episode, episode.start, episode.steps, options, seed, problem.mode_bit, episode.memory)

    @staticmethod
    def describe(options: VerifiedPrefixOptions) -> list[str]:
        """Return a description of the options for reports."""
        return []

    def __init__(
        self,
        episode: Callable[[Performer], int],
        start: np.ndarray,
        steps: int,
        options: VerifiedPrefixOptions,
        seed: int,
        mode_bit: bool = False,
        memory: Memory | None = None,
    ):
        """
        Args:
            episode: lets a performer play and returns the number of right steps before the first error.
            start: (S, K) bool, the steps before the first one to play.
            steps: number of steps T to play, at least 1.
            options, seed: of the search.
            mode_bit: True if the network has one more input, which is always 1.
            memory: number of remembered steps, or lags, none beyond S; by default the last S steps.

        Raises:
            ValueError: there are more than 16 keys.
        """
        self._start = np.asarray(start, bool)
        keys = self._start.shape[1]
        if keys > MOST_KEYS:
            raise ValueError(f"a keyboard of {keys} keys: verified prefix guesses on at most {MOST_KEYS}")
        self.options = options
        self.generation = 0
        self.evaluations = 0
        """Number of real episodes played."""
        self.proposals = 0
        """Number of changes proposed by the inner evolution, each of one output."""
        self.champion: Genome | None = None
        self._episode, self._steps, self._mode_bit = episode, steps, mode_bit
        self._random = np.random.default_rng(np.random.SeedSequence(seed))
        self._key_bits = 1 << np.arange(keys)
        self._keys_of_word = (np.arange(1 << keys)[:, None] & self._key_bits != 0).sum(axis=1)
        """(2^K,) number of keys that each word presses."""
        self._memory = len(self._start) if memory is None else memory
        self._weights = np.zeros((keys, rows_of(self._memory) * keys + mode_bit + 1))
        self._weights[:, -1] = -1
        self._best = self._weights
        self._verified = np.zeros((0, keys), dtype=bool)
        self._refuted: set[int] = set()
        """Words known to be wrong at the step after the verified ones."""
        self._postponed: Counter[int] = Counter()
        """For each word, the number of times the inner evolution failed to learn it for this step."""

    @property
    def solved(self) -> bool:
        """True if the whole song is verified."""
        return len(self._verified) == self._steps

    def step(self) -> Generation:
        """Make one guess and, if a network can be made that plays it, one real episode."""
        if self.evaluations == 0 or self._learn_guess():
            self._play()
        self.generation += 1
        verified = len(self._verified)
        return Generation.of_one_network(
            generation=self.generation - 1,
            evaluations=self.evaluations,
            loss=float(self._steps - verified),
            right=verified,
            connections=int(np.count_nonzero(self._best[:, :-1])),
            hidden=0,
        )

    def _play(self) -> None:
        """Play a real episode and update what is known from its number of right steps."""
        player = LinearPlayer(self._weights, self._mode_bit)
        right, before = self._episode(player), len(self._verified)
        self.evaluations += 1
        if right < before:
            raise ValueError(f"an episode had {right} right steps where {before} were verified: is it another song?")
        if right > before or self.champion is None:
            self._verified = np.array(player.played[:right], dtype=bool).reshape(right, len(self._key_bits))
            self._refuted.clear()
            self._postponed.clear()
            inputs = self._inputs()[:-1, :right]
            weights, bias = on_grid(self._weights[:, :-1], self._weights[:, -1], inputs)
            self._best = np.concatenate([weights, bias[:, None]], axis=1)
            self._make_champion()
        if not self.solved:
            self._refuted.add(int(player.played[right] @ self._key_bits))

    def _make_champion(self) -> None:
        genome, verified = linear_genome(self._best[:, :-1], self._best[:, -1]), len(self._verified)
        genome.right, genome.loss = verified, float(self._steps - verified)
        genome.fitness = -genome.loss
        self.champion = genome

    def _inputs(self) -> np.ndarray:
        """Return the inputs (F, V + 1) before every verified step and before the step after them."""
        history = np.concatenate([self._start, self._verified])
        reach, count = len(self._start), len(self._verified) + 1
        windows = [remembered(history[step : step + reach], self._memory).reshape(-1) for step in range(count)]
        return np.concatenate([np.array(windows).T, np.ones((1 + self._mode_bit, len(windows)))])

    def _guess(self) -> int:
        """Choose the word to try at the step after the verified ones."""
        history = np.concatenate([self._start, self._verified]) @ self._key_bits
        # unplayed words are less likely the more keys they have; words that could not be learned can wait
        effort = np.maximum(self._keys_of_word - 1, 0)
        effort[history] = 0
        for word, times in self._postponed.items():
            effort[word] += times
        criteria = [self._random.permutation(len(effort))]
        # how often each word followed the same last n steps, for n from 0 on
        same = np.ones(len(history), dtype=bool)
        for n in range(min(self.options.context, len(history) - 1) + 1):
            same[:n] = False
            if n:
                same[n:] &= history[:-n] == history[-n]
            criteria.append(-np.bincount(history[same], minlength=len(effort)))
        ranking = np.lexsort([*criteria, effort])
        return int(next(word for word in ranking.tolist() if word not in self._refuted))

    def _learn_guess(self) -> bool:
        """Make a network that plays the verified steps and then a guess; return True on success."""
        guess = self._guess()
        keys = guess & self._key_bits != 0
        targets = np.where(np.concatenate([self._verified, keys[None]]), 1.0, -1.0).T
        inputs = self._inputs()
        weights = self._weights.copy()
        for row, signs in zip(weights, targets, strict=True):
            if not self._fit(row, signs, inputs):
                self._postponed[guess] += 1
                return False
        self._weights = weights
        return True

    def _fit(self, weights: np.ndarray, signs: np.ndarray, inputs: np.ndarray) -> bool:
        """Evolve the weights (F,) of one output, in place, until it has the signs (V + 1,) for these inputs."""
        options, random = self.options, self._random
        outputs = signs * (weights @ inputs)
        on = [np.flatnonzero(column[:-1]) for column in inputs.T]
        for _ in range(options.rounds):
            if outputs.min() > options.margin:
                return True
            short = np.maximum(1 - outputs, 0)
            steps = random.choice(len(signs), options.children, p=short / short.sum())
            sources = np.full(options.children, len(inputs) - 1)  # the bias
            for child, step in enumerate(steps):
                if len(on[step]) and random.random() < 1 - BIAS_PROBABILITY:
                    sources[child] = random.choice(on[step])
            changes = np.exp(random.uniform(*STEP_SIZES, options.children)) * signs[steps]
            changed = outputs + changes[:, None] * (signs * inputs[sources])
            losses = np.square(np.maximum(1 - changed, 0)).sum(axis=1)
            self.proposals += options.children
            best = int(losses.argmin())
            if losses[best] < np.square(short).sum():
                weights[sources[best]] += changes[best]
                outputs = changed[best]
        return bool(outputs.min() > options.margin)

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return everything the next steps depend on, as named arrays and plain data."""
        data = {
            **self._identity(),
            "generation": self.generation,
            "evaluations": self.evaluations,
            "proposals": self.proposals,
            "random": self._random.bit_generator.state,
            "refuted": sorted(self._refuted),
            "postponed": [list(pair) for pair in sorted(self._postponed.items())],
        }
        return {"weights": self._weights, "best": self._best, "verified": self._verified}, data

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Continue from a state; raises ValueError if it does not fit this search."""
        check_state(self._identity(), STATE, data)
        weights = Within(self._weights, -LARGEST, LARGEST)
        validate_like({"weights": weights, "best": weights}, arrays)
        validate_like({"verified": AnyLength(self._verified, most=self._steps)}, arrays)
        words = len(self._keys_of_word)
        validate_like([(Within(0, 0, words - 1), Within(0, 0, LARGEST))], data["postponed"], "postponed")
        if set(range(words)) <= set(data["refuted"]):
            raise ValueError("refuted: every step is refuted")
        restore_generator(self._random, data["random"])
        self.generation, self.evaluations = data["generation"], data["evaluations"]
        self.proposals = data["proposals"]
        self._weights, self._best, self._verified = (arrays[name].copy() for name in ("weights", "best", "verified"))
        self._refuted, self._postponed = set(data["refuted"]), Counter(dict(map(tuple, data["postponed"])))
        self.champion = None
        if self.evaluations:
            self._make_champion()

    def _identity(self) -> dict[str, Any]:
        return identity(self, [*self._weights.shape, self._steps])

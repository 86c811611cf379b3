"""Learning a song from nothing but the number of right steps before the first error.

This is the rule under which the seed of this project tried: an episode ends at the first wrong step, and
its length is all that is told. Which key was wrong is not. The search gets far with few episodes because of
what follows from that number:

    The steps before the error were right, so the network's own outputs there are known to be the song's.
    What it played at the error is refuted there. The next guess is another one: what was heard most often so far.
    An inner evolution makes a network that repeats the verified steps and plays the guess after them; it
    trains on the network's own past, and costs no episode. Then one real episode tests the guess.

The inner evolution is per output and guided: it changes weights of inputs that are on where the output is
wrong. Its proposals are counted apart from the episodes. Nothing but `episode` ever sees the song.

Conventions: M remembered steps, T steps to play. Memories are (M, 13) bool, oldest step first. Weights are
(13, F) float64: F - 1 inputs, laid out like the observation of `KeyboardEnv`, and the bias.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium
import neat
import numpy as np

from agents.neat.linear_network import linear_genome, on_grid
from agents.performer import Performer
from agents.rollout import play_episode
from agents.search import Generation
from agents.search_state import check_places, check_state, fitting, identity, restored_array
from songs.keyboard import KEYS
from songs.piano_roll import words


@dataclass(frozen=True)
class VerifiedPrefixOptions:
    """How a song is learned from the number of right steps."""

    context: int = 4
    """A guess is what followed most often on the same last steps, so many of them at most; 0: what was heard most
    often anywhere."""
    children: int = 32
    """Proposals of the inner evolution of which the best is taken, at least 1."""
    rounds: int = 400
    """Rounds of the inner evolution for an output before a guess is put off, at least 1."""
    margin: float = 0.1
    """How far from 0 an output must be at verified steps, above 0 and below 1."""

    def __post_init__(self):
        if self.context < 0:
            raise ValueError(f"context is {self.context} steps: it must be at least 0")
        if self.children < 1 or self.rounds < 1:
            raise ValueError(f"children is {self.children}, rounds is {self.rounds}: both must be at least 1")
        if not 0 < self.margin < 1:
            raise ValueError(f"margin is {self.margin}: it must be above 0 and below 1")


STATE = {
    "generation": 0,
    "evaluations": 0,
    "proposals": 0,
    "random": {},
    "weights": None,
    "best": None,
    "verified": [0],
    "refuted": [0],
    "put_off": [(0, 0)],
}
"""An example of what stands in a state, besides what it is; arrays are left open."""
_KEYS_OF_WORD = (np.arange(1 << KEYS)[:, None] >> np.arange(KEYS) & 1).sum(axis=1)
"""(8192,) how many keys each word presses."""


class RealEpisodes:
    """Episodes in an environment that stops at the first error: a performer in, a number out."""

    def __init__(self, env: gymnasium.Env):
        """
        Args:
            env: a `KeyboardEnv`, wrapped or not, with one song, stopping at errors, without teacher forcing.

        Raises:
            ValueError: it is another kind of environment.
        """
        keyboard: Any = env.unwrapped  # a `KeyboardEnv`
        if not keyboard.stop_at_error or keyboard.teacher_forcing or keyboard.improvise or len(keyboard.songs) != 1:
            raise ValueError(
                "the environment must have one song and stop_at_error=True, and neither teacher forcing nor improvise"
            )
        self.env = env
        self.mode_bit = keyboard.mode_bit
        self.steps = keyboard.songs[0].steps - keyboard.prompt
        observation, _ = env.reset()
        self.start = observation[: keyboard.memory * KEYS].reshape(keyboard.memory, KEYS).astype(bool)
        """(M, 13) bool, what is remembered before the first step."""

    def __call__(self, performer: Performer) -> int:
        """Let a performer play one episode; return its number of right steps before the first error."""
        return play_episode(self.env, performer).prefix


class _Player:
    """A linear network at the keyboard that keeps what it plays."""

    def __init__(self, weights: np.ndarray, mode_bit: bool):
        self._weights = weights
        self._tail = np.ones(1 + mode_bit)
        self.reset(1)

    def reset(self, episodes: int) -> None:
        self.played: list[np.ndarray] = []

    def press(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        keys = self._weights @ np.concatenate([memory.reshape(-1), self._tail]) > 0
        self.played.append(keys)
        return keys[None]


class VerifiedPrefix:
    """A search that is told the number of right steps before the first error, and nothing else."""

    def __init__(
        self,
        episode: Callable[[Performer], int],
        start: np.ndarray,
        steps: int,
        options: VerifiedPrefixOptions,
        seed: int,
        mode_bit: bool = False,
    ):
        """
        Args:
            episode: lets a performer play; returns the number of right steps before the first error.
            start: (M, 13) bool, what is remembered before the first step.
            steps: number of steps T to play, at least 1.
            options: how to search.
            seed: a whole number; the same seed gives the same run.
            mode_bit: whether the network has one more input, which is always 1.
        """
        self.options = options
        self.generation = 0
        self.evaluations = 0
        """Real episodes played."""
        self.proposals = 0
        """Changes that the inner evolution tried, each at one output."""
        self.champion: neat.DefaultGenome | None = None
        self._episode, self._start, self._steps, self._mode_bit = episode, np.asarray(start, bool), steps, mode_bit
        self._random = np.random.default_rng(np.random.SeedSequence(seed))
        self._weights = np.zeros((KEYS, self._start.size + mode_bit + 1))
        self._weights[:, -1] = -1
        self._best = self._weights
        self._verified = np.zeros((0, KEYS), dtype=bool)
        self._refuted: set[int] = set()
        """What is known to be wrong at the step after the verified ones, as words."""
        self._put_off: Counter[int] = Counter()
        """How often the inner evolution failed at a guess for this step."""

    @property
    def solved(self) -> bool:
        """Whether the whole song is verified."""
        return len(self._verified) == self._steps

    def step(self) -> Generation:
        """Make one guess and, if a network can be made that plays it, one real episode."""
        if self.evaluations == 0 or self._learn_guess():
            self._play()
        self.generation += 1
        verified = len(self._verified)
        loss = float(self._steps - verified)
        return Generation(
            generation=self.generation - 1,
            evaluations=self.evaluations,
            best_fitness=-loss,
            mean_fitness=-loss,
            std_fitness=0.0,
            best_right=verified,
            mean_right=float(verified),
            connections=int(np.count_nonzero(self._best[:, :-1])),
            hidden=0,
        )

    def _play(self) -> None:
        """Play a real episode and note what follows from its number of right steps."""
        player = _Player(self._weights, self._mode_bit)
        right, before = self._episode(player), len(self._verified)
        self.evaluations += 1
        if right < before:
            raise ValueError(f"an episode had {right} right steps where {before} were verified: is it another song?")
        if right > before or self.champion is None:
            self._verified = np.array(player.played[:right], dtype=bool).reshape(right, KEYS)
            self._refuted.clear()
            self._put_off.clear()
            inputs = self._inputs()[:-1, :right]
            weights, bias = on_grid(self._weights[:, :-1], self._weights[:, -1], inputs)
            self._best = np.concatenate([weights, bias[:, None]], axis=1)
            self._make_champion()
        if not self.solved:
            self._refuted.add(int(words(player.played[right])))

    def _make_champion(self) -> None:
        self.champion = linear_genome(self._best[:, :-1], self._best[:, -1])
        self.champion.right = len(self._verified)
        self.champion.loss = float(self._steps - len(self._verified))
        self.champion.fitness = -self.champion.loss

    def _inputs(self) -> np.ndarray:
        """Return the inputs (F, V + 1) before every verified step and before the step after them."""
        heard = np.concatenate([self._start, self._verified])
        memory = len(self._start)
        windows = [heard[step : step + memory].reshape(-1) for step in range(len(self._verified) + 1)]
        return np.concatenate([np.array(windows).T, np.ones((1 + self._mode_bit, len(windows)))])

    def _guess(self) -> int:
        """Choose what to try at the step after the verified ones, as a word."""
        heard = words(np.concatenate([self._start, self._verified]))
        # what was never heard is less likely the more keys it has; what could not be learned can wait
        effort = np.maximum(_KEYS_OF_WORD - 1, 0)
        effort[heard] = 0
        for word, times in self._put_off.items():
            effort[word] += times
        criteria = [self._random.permutation(len(effort))]
        # what followed on the same last n steps, for n from none to many
        same = np.ones(len(heard), dtype=bool)
        for n in range(min(self.options.context, len(heard) - 1) + 1):
            same[:n] = False
            if n:
                same[n:] &= heard[:-n] == heard[-n]
            criteria.append(-np.bincount(heard[same], minlength=len(effort)))
        ranking = np.lexsort([*criteria, effort])
        return int(next(word for word in ranking.tolist() if word not in self._refuted))

    def _learn_guess(self) -> bool:
        """Make a network that plays the verified steps and a guess after them; return whether that succeeded."""
        guess = self._guess()
        keys = np.array([guess >> key & 1 for key in range(KEYS)], dtype=bool)
        targets = np.where(np.concatenate([self._verified, keys[None]]), 1.0, -1.0).T
        inputs = self._inputs()
        weights = self._weights.copy()
        for row, signs in zip(weights, targets, strict=True):
            if not self._fit(row, signs, inputs):
                self._put_off[guess] += 1
                return False
        self._weights = weights
        return True

    def _fit(self, weights: np.ndarray, signs: np.ndarray, inputs: np.ndarray) -> bool:
        """Evolve the weights (F,) of one output, in place, until it has the signs (V + 1,) for these inputs."""
        options, random = self.options, self._random
        outputs = signs * (weights @ inputs)
        on = [np.flatnonzero(column[:-1]) for column in inputs.T]
        bias = len(inputs) - 1
        for _ in range(options.rounds):
            if outputs.min() > options.margin:
                return True
            short = np.maximum(1 - outputs, 0)
            steps = random.choice(len(signs), options.children, p=short / short.sum())
            sources = np.array([random.choice(on[t]) if len(on[t]) and random.random() < 0.85 else bias for t in steps])
            changes = np.exp(random.uniform(-3, 1, options.children)) * signs[steps]
            tried = outputs + changes[:, None] * (signs * inputs[sources])
            losses = np.square(np.maximum(1 - tried, 0)).sum(axis=1)
            self.proposals += options.children
            best = int(losses.argmin())
            if losses[best] < np.square(short).sum():
                weights[sources[best]] += changes[best]
                outputs = tried[best]
        return bool(outputs.min() > options.margin)

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return all that the next steps depend on: named arrays and plain data."""
        data = {
            **self._identity(),
            "generation": self.generation,
            "evaluations": self.evaluations,
            "proposals": self.proposals,
            "random": self._random.bit_generator.state,
            "weights": self._weights.tolist(),
            "best": self._best.tolist(),
            "verified": words(self._verified).tolist(),
            "refuted": sorted(self._refuted),
            "put_off": sorted(self._put_off.items()),
        }
        return {}, data

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Continue from a state; raises ValueError if it does not belong to this search."""
        check_state(self._identity(), STATE, data)
        with fitting():
            self.generation, self.evaluations = data["generation"], data["evaluations"]
            self.proposals = data["proposals"]
            self._random.bit_generator.state = data["random"]
            self._weights = restored_array(data["weights"], self._weights, "weights")
            self._best = restored_array(data["best"], self._best, "best")
            played = np.array(data["verified"], dtype=np.int64)
            if len(played) > self._steps:
                raise ValueError(f"{len(played)} steps are verified, of {self._steps}")
            self._verified = (played[:, None] >> np.arange(KEYS) & 1).astype(bool)
            self._refuted = set(data["refuted"])
            self._put_off = Counter(dict(map(tuple, data["put_off"])))
            check_places(self._put_off, len(_KEYS_OF_WORD), "put_off")
            if self._refuted.issuperset(range(len(_KEYS_OF_WORD))):
                raise ValueError("everything is refuted")
            self.champion = None
            if self.evaluations:
                self._make_champion()

    def _identity(self) -> dict[str, Any]:
        return identity(self, [*self._weights.shape, self._steps])

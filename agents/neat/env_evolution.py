"""NEAT in any Gymnasium environment: a genome is worth its mean return over a few episodes.

All genomes of a generation play the same episodes, those that survived play again, and every generation has other
episodes, so that no network is kept for its luck. The best of a generation whose mean return is above the champion's is
tried on further episodes, the *validation* ones, the same for all candidates: it becomes the champion if it does
better there than the champion did. What a report says is measured on a third set of episodes, which decides nothing.

Conventions: as in `agents.neat.env_player`. Seeds of episodes come from the seed of the run. Everything that is played
while searching is counted, validation included.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from typing import Any

import gymnasium
import neat
import numpy as np

from agents.cases import Cases
from agents.neat.env_player import NetworkPolicy, Played, action_writer, input_reader, play_episodes
from agents.neat.network import check_supported
from agents.neat.population import Evolution
from agents.neat.worker_pool import WorkerPool
from songs.validate import OrNone, validate_like

TRAINING, VALIDATION, TEST, PLAYED = range(4)
"""Uses of episodes; each has seeds of its own."""
CHUNKS = 4
"""Pieces of work for each worker: episodes differ in length, and nobody should wait long for the last one."""

MakeEnv = Callable[[], gymnasium.Env]
"""Makes an environment; it can be sent to another process."""
Play = Callable[[Sequence[neat.DefaultGenome], Sequence[int]], Played]
"""Lets genomes play the episodes of some seeds."""


def episode_seeds(seed: int, use: int, episodes: int, generation: int = 0) -> list[int]:
    """Return the seeds of so many episodes of a run, for `TRAINING`, `VALIDATION`, ..."""
    return np.random.SeedSequence([seed, use, generation]).generate_state(episodes).tolist()


def env_cases(env: gymnasium.Env) -> Cases:
    """Return no cases, in the shape of the networks of an environment; raises ValueError if there can be none."""
    inputs, outputs = input_reader(env.observation_space)[0], action_writer(env.action_space)[0]
    return Cases(np.zeros((inputs, 0), np.float32), np.zeros((outputs, 0), bool))


class _Worker:
    """The environment of a process."""

    def __init__(self, make_env: MakeEnv, recurrent: bool):
        self._env, self._recurrent = make_env(), recurrent

    def play(self, genomes: Sequence[neat.DefaultGenome], seeds: Sequence[int]) -> Played:
        policies = (NetworkPolicy(genome, self._env, self._recurrent) for genome in genomes)
        return play_episodes(policies, self._env, seeds)


_worker: _Worker
"""That of this worker process, from `_begin` on."""


def _begin(make_env: MakeEnv, recurrent: bool) -> None:
    global _worker
    _worker = _Worker(make_env, recurrent)


def _play(genomes: Sequence[neat.DefaultGenome], seeds: Sequence[int]) -> Played:
    return _worker.play(genomes, seeds)


@contextmanager
def lend_players(make_env: MakeEnv, recurrent: bool, workers: int) -> Iterator["Players"]:
    """Context manager: players in this process, or in so many others."""
    here = _Worker(make_env, recurrent).play
    if not workers:
        yield Players(here)
        return
    with WorkerPool(workers, _begin, (make_env, recurrent)) as pool:
        yield Players(here, partial(_play_there, pool, workers))


def _play_there(pool: WorkerPool, workers: int, genomes: Sequence[neat.DefaultGenome], seeds: Sequence[int]) -> Played:
    """Play in workers, in pieces of some genomes, or where these are few of one genome and some episodes."""
    rows = _pieces(len(genomes), workers * CHUNKS)
    columns = _pieces(len(seeds), -(-workers * CHUNKS // max(1, len(rows))))
    pairs = [(row, column) for row in rows for column in columns]
    played = Played(np.empty((len(genomes), len(seeds))), np.empty((len(genomes), len(seeds)), np.int64))
    parts = pool.map(_play, [genomes[row] for row, _ in pairs], [seeds[column] for _, column in pairs])
    for pair, part in zip(pairs, parts, strict=True):
        played.returns[pair], played.steps[pair] = part.returns, part.steps
    return played


def _pieces(count: int, most: int) -> list[slice]:
    """Return slices of about the same length that cover `count`, at most so many."""
    ends = np.linspace(0, count, min(count, most) + 1).astype(int).tolist()
    return [slice(first, last) for first, last in pairwise(ends)]


class Players:
    """Lets genomes play, here or in workers, and measures the gain of these."""

    def __init__(self, here: Play, there: Play | None = None):
        self._here, self._there = here, there
        self._rates: list[float] = []

    def __call__(self, genomes: Sequence[neat.DefaultGenome], seeds: Sequence[int]) -> Played:
        """Play; the first call of a run with workers is played here, the second while they start."""
        play, start = self._there if self._there and self._rates else self._here, time.perf_counter()
        played = play(genomes, seeds)
        if len(self._rates) < 3:
            self._rates.append(int(played.steps.sum()) / (time.perf_counter() - start))
        return played

    @property
    def gain(self) -> float | None:
        """Steps a second of the workers over those of this process; None without workers, or until it is known."""
        return self._rates[2] / self._rates[0] if self._there and len(self._rates) == 3 else None


class EpisodeEvaluator:
    """Gives genomes their mean return. It stands in for `agents.neat.evaluator.Evaluator`."""

    def __init__(
        self, players: Players, cases: Cases, seed: int, episodes: int, validation: int, parsimony: float = 0.0
    ):
        """
        Args:
            players: play the episodes.
            cases: from `env_cases`.
            seed: of the run.
            episodes: that a genome plays in a generation.
            validation: that a candidate for the champion plays.
            parsimony: what every enabled connection costs a genome's fitness.
        """
        self.cases, self._players, self._seed, self._parsimony = cases, players, seed, parsimony
        self._episodes, self._validation = episodes, validation
        self.evaluations, self.env_steps = 0, 0

    @property
    def gain_of_workers(self) -> float | None:
        return self._players.gain

    def evaluate(self, genomes: Sequence[neat.DefaultGenome], generation: int) -> None:
        """Set `fitness`, `loss` (minus the mean return, without parsimony) and `right` (0) of every genome."""
        seeds = episode_seeds(self._seed, TRAINING, self._episodes, generation)
        for genome, value in zip(genomes, self._returns(genomes, seeds), strict=True):
            genome.loss, genome.right, genome.version, genome.fitness = -value, 0, 0, value
            if self._parsimony:
                genome.fitness -= self._parsimony * sum(gene.enabled for gene in genome.connections.values())
        self.evaluations += len(genomes)

    def validate(self, genome: neat.DefaultGenome) -> float:
        """Return the mean return of a genome over the validation episodes."""
        return self._returns([genome], episode_seeds(self._seed, VALIDATION, self._validation))[0]

    def _returns(self, genomes: Sequence[neat.DefaultGenome], seeds: Sequence[int]) -> list[float]:
        played = self._players(genomes, seeds)
        self.env_steps += int(played.steps.sum())
        return played.returns.mean(axis=1).tolist()

    def rank(self, genome: neat.DefaultGenome) -> tuple[float, ...]:
        """Return what candidates for the champion are chosen by: the mean return."""
        return (-genome.loss,)

    def check(self, genome: neat.DefaultGenome) -> None:
        """Raise ValueError if a node uses a function that is not supported."""
        check_supported(genome, len(self.cases.targets))

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return all that the next evaluations depend on: named arrays and plain data."""
        return {}, {"evaluations": self.evaluations, "env_steps": self.env_steps}

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Continue from a state; raises ValueError if it is none."""
        validate_like({"evaluations": 0, "env_steps": 0}, data, "evaluator")
        self.evaluations, self.env_steps = data["evaluations"], data["env_steps"]


class EnvEvolution(Evolution):
    """A NEAT run in an environment. It is solved when the champion's validation reaches a return."""

    evaluator: EpisodeEvaluator

    def __init__(self, config: neat.Config, evaluator: EpisodeEvaluator, seed: int, solved_at: float | None):
        """Arguments as of `Evolution`; `solved_at` is a mean return, None where the run has no such end."""
        super().__init__(config, evaluator, seed)
        self._solved_at = solved_at
        self.champion_return: float | None = None
        """Mean return of the champion over the validation episodes."""
        self._refused: int | None = None
        """Key of the last candidate that did no better than the champion: an elite is tried once."""

    @property
    def solved(self) -> bool:
        """True if the champion's mean return over the validation episodes is as high as wanted."""
        known = self._solved_at is not None and self.champion_return is not None
        return known and self.champion_return >= self._solved_at  # type: ignore[operator]

    def _choose_champion(self, genomes: Sequence[neat.DefaultGenome]) -> None:
        best = max(genomes, key=self.evaluator.rank)
        known = self.champion_return
        if best is self.champion or best.key == self._refused or (known is not None and -best.loss <= known):
            return
        value = self.evaluator.validate(best)
        if known is None or value > known:
            self.champion, self.champion_return = best, value
        else:
            self._refused = best.key

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        arrays, data = super().state()
        return arrays, {**data, "champion_return": self.champion_return, "refused": self._refused}

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        validate_like({"champion_return": OrNone(0.0), "refused": OrNone(0)}, data)
        super().restore(arrays, data)
        self.champion_return, self._refused = data["champion_return"], data["refused"]

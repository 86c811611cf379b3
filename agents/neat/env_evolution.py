"""NEAT in any Gymnasium environment: the fitness of a genome is its mean return over a few episodes.

All genomes of a generation play the same episodes, survivors included, and every generation has new episodes, so that
no network is kept because it was lucky. If the best mean return of a generation is above the champion's, that genome
plays *validation* episodes, the same for all candidates. It becomes the champion if it does better there than the
champion did. Reports use a third set of episodes, which decides nothing.

Conventions: as in `agents.neat.env_player`. Seeds of episodes derive from the seed of the run. All steps of the search
are counted, including those of the validation.
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
"""Uses of episodes; each has its own seeds."""
CHUNKS = 4
"""Work items per worker: episodes differ in length, and smaller items balance the load."""

MakeEnv = Callable[[], gymnasium.Env]
"""Factory of an environment; it can be sent to another process."""
Play = Callable[[Sequence[neat.DefaultGenome], Sequence[int]], Played]
"""Function that lets genomes play the episodes with some seeds."""


def episode_seeds(seed: int, use: int, episodes: int, generation: int = 0) -> list[int]:
    """Return the seeds of a number of episodes of a run, for a use: `TRAINING`, `VALIDATION`, ..."""
    return np.random.SeedSequence([seed, use, generation]).generate_state(episodes).tolist()


def env_cases(env: gymnasium.Env) -> Cases:
    """Return zero cases with the inputs and outputs of an environment; raises ValueError if its spaces are unsupported.

    They tell a search the shape of its networks.
    """
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
"""The worker of this process; set by `_begin`."""


def _begin(make_env: MakeEnv, recurrent: bool) -> None:
    global _worker
    _worker = _Worker(make_env, recurrent)


def _play(genomes: Sequence[neat.DefaultGenome], seeds: Sequence[int]) -> Played:
    return _worker.play(genomes, seeds)


@contextmanager
def lend_players(make_env: MakeEnv, recurrent: bool, workers: int) -> Iterator["Players"]:
    """Context manager: players in this process, or in a number of workers."""
    here = _Worker(make_env, recurrent).play
    if not workers:
        yield Players(here)
        return
    with WorkerPool(workers, _begin, (make_env, recurrent)) as pool:
        yield Players(here, partial(_play_there, pool, workers))


def _play_there(pool: WorkerPool, workers: int, genomes: Sequence[neat.DefaultGenome], seeds: Sequence[int]) -> Played:
    """Play in workers, split by genomes, and also by episodes if there are few genomes."""
    rows = _pieces(len(genomes), workers * CHUNKS)
    columns = _pieces(len(seeds), -(-workers * CHUNKS // max(1, len(rows))))
    pairs = [(row, column) for row in rows for column in columns]
    played = Played(np.empty((len(genomes), len(seeds))), np.empty((len(genomes), len(seeds)), np.int64))
    parts = pool.map(_play, [genomes[row] for row, _ in pairs], [seeds[column] for _, column in pairs])
    for pair, part in zip(pairs, parts, strict=True):
        played.returns[pair], played.steps[pair] = part.returns, part.steps
    return played


def _pieces(count: int, most: int) -> list[slice]:
    """Return at most `most` slices of about the same length that cover `count` items."""
    ends = np.linspace(0, count, min(count, most) + 1).astype(int).tolist()
    return [slice(first, last) for first, last in pairwise(ends)]


class Players:
    """Players of genomes in this process or in workers, with a measurement of the workers' gain."""

    def __init__(self, here: Play, there: Play | None = None):
        self._here, self._there = here, there
        self._rates: list[float] = []

    def __call__(self, genomes: Sequence[neat.DefaultGenome], seeds: Sequence[int]) -> Played:
        """Play; with workers, the first call of a run still plays here, and the second includes their start."""
        play, start = self._there if self._there and self._rates else self._here, time.perf_counter()
        played = play(genomes, seeds)
        if len(self._rates) < 3:
            self._rates.append(int(played.steps.sum()) / (time.perf_counter() - start))
        return played

    @property
    def gain(self) -> float | None:
        """Steps per second with workers relative to without; None without workers, or until it is measured."""
        return self._rates[2] / self._rates[0] if self._there and len(self._rates) == 3 else None


class EpisodeEvaluator:
    """An evaluator of genomes by their mean return, in place of `agents.neat.evaluator.Evaluator`."""

    def __init__(
        self, players: Players, cases: Cases, seed: int, episodes: int, validation: int, parsimony: float = 0.0
    ):
        """
        Args:
            players: play the episodes.
            cases: from `env_cases`.
            seed: of the run.
            episodes: number of episodes that a genome plays per generation.
            validation: number of episodes that a candidate for the champion plays.
            parsimony: fitness cost of every enabled connection.
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
        """Return the key for comparing candidates for the champion: the mean return."""
        return (-genome.loss,)

    def check(self, genome: neat.DefaultGenome) -> None:
        """Raise ValueError if a node uses a function that is not supported."""
        check_supported(genome, len(self.cases.targets))

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return everything the next evaluations depend on, as named arrays and plain data."""
        return {}, {"evaluations": self.evaluations, "env_steps": self.env_steps}

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Continue from a state; raises ValueError if it does not fit."""
        validate_like({"evaluations": 0, "env_steps": 0}, data, "evaluator")
        self.evaluations, self.env_steps = data["evaluations"], data["env_steps"]


class EnvEvolution(Evolution):
    """A NEAT run in an environment. It is solved when the champion's validation reaches a return."""

    evaluator: EpisodeEvaluator

    def __init__(self, config: neat.Config, evaluator: EpisodeEvaluator, seed: int, solved_at: float | None):
        """Take the arguments of `Evolution`; `solved_at` is a mean return, or None if the run has no such goal."""
        super().__init__(config, evaluator, seed)
        self._solved_at = solved_at
        self.champion_return: float | None = None
        """Mean return of the champion over the validation episodes."""
        self._refused: int | None = None
        """Key of the last candidate that did no better than the champion, so that an elite is validated only once."""

    @property
    def solved(self) -> bool:
        """True if the champion's mean return over the validation episodes reaches the goal."""
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

"""Evolution: neat-python's Population, one generation at a time, repeatable from a seed.

neat-python draws from Python's global random generator. `Evolution` lends it a state of its own for the
time of a generation and puts the global one back, so nothing else that uses `random` can disturb a run
or be disturbed.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import neat
import numpy as np

from agents.evaluator import Evaluator


@dataclass(frozen=True)
class Generation:
    """What one generation looked like when it had been evaluated."""

    generation: int
    evaluations: int
    """Genomes evaluated since the start."""
    best_fitness: float
    """Minus the smallest unweighted loss, so that generations can be compared."""
    mean_fitness: float
    std_fitness: float
    best_right: int
    """Most cases that one genome gets right."""
    mean_right: float
    species: dict[int, int]
    """Members of each species."""
    connections: int
    """Enabled connections of the champion so far."""
    hidden: int
    """Hidden nodes of the champion so far."""


class Evolution:
    """A NEAT run: a population, its evaluator and the best genome so far."""

    def __init__(self, config: neat.Config, evaluator: Evaluator, seed: int):
        """
        Args:
            config: neat-python's configuration, with `no_fitness_termination = True`.
            evaluator: gives the genomes their fitness.
            seed: a whole number; the same seed gives the same run.
        """
        self.config = config
        self.evaluator = evaluator
        self.champion: neat.DefaultGenome | None = None
        self._random_state = random.Random(seed).getstate()
        with self._own_random():
            self.population = neat.Population(config)
        evaluator.check(next(iter(self.population.population.values())))
        self._report: Generation | None = None

    @contextmanager
    def _own_random(self) -> Iterator[None]:
        """Let neat-python draw from this run's generator."""
        outside = random.getstate()
        random.setstate(self._random_state)
        try:
            yield
        finally:
            self._random_state = random.getstate()
            random.setstate(outside)

    @property
    def generation(self) -> int:
        """Number of generations evaluated so far."""
        return self.population.generation

    @property
    def solved(self) -> bool:
        """Whether the champion is right in all cases."""
        return self.champion is not None and self.champion.right == len(self.evaluator.cases)

    def step(self) -> Generation:
        """Evaluate the population, report it, and breed the next one."""
        with self._own_random():
            self.population.run(self._evaluate, 1)
        # neat-python remembers the parents of every genome that ever lived; nobody asks for them
        self.population.reproduction.ancestors.clear()
        return self._report

    def _evaluate(self, members: list[tuple[int, neat.DefaultGenome]], config: neat.Config) -> None:
        genomes = [genome for _, genome in members]
        self.evaluator.evaluate(genomes, self.population.generation)
        best = max(genomes, key=lambda genome: (genome.right, -genome.loss))
        if self.champion is None or (best.right, -best.loss) > (self.champion.right, -self.champion.loss):
            self.champion = best
        losses = np.array([genome.loss for genome in genomes])
        right = np.array([genome.right for genome in genomes])
        nodes, connections = self.champion.size()
        self._report = Generation(
            generation=self.population.generation,
            evaluations=self.evaluator.evaluations,
            best_fitness=-float(losses.min()),
            mean_fitness=-float(losses.mean()),
            std_fitness=float(losses.std()),
            best_right=int(right.max()),
            mean_right=float(right.mean()),
            species={key: len(one.members) for key, one in self.population.species.species.items()},
            connections=connections,
            hidden=nodes - len(self.evaluator.cases.targets),
        )

"""Evolution: neat-python's Population, one generation at a time, reproducible from a seed and resumable.

neat-python draws from Python's global random generator. During a generation, `Evolution` sets its state to that of the
run, and restores it afterwards. So a run neither disturbs nor is disturbed by other users of `random`.
"""

import random
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from typing import Any, Protocol

import neat
import numpy as np

from agents.cases import Cases
from agents.neat.counters import Count, make_population
from agents.neat.genome import Genome, adopted
from agents.neat.population_state import population_state, restore_population
from agents.search import Generation, SpeciesSize
from agents.search_state import restored_random
from agents.state_parts import Stateful
from songs.validate import validate_like


class PopulationEvaluator(Stateful, Protocol):
    """The evaluator of a population."""

    cases: Cases
    evaluations: int
    """Number of genomes evaluated so far."""

    @property
    def gain_of_workers(self) -> float | None:
        """Speed with workers relative to without; None without workers, or until it is measured."""
        ...

    def evaluate(self, genomes: Sequence[Genome], generation: int) -> None:
        """Set `fitness`, `loss`, `right` and `version` of every genome."""
        ...

    def rank(self, genome: Genome) -> tuple[float, ...]:
        """Return the key for choosing champions; the largest wins."""
        ...

    def check(self, genome: Genome) -> None:
        """Raise ValueError if the genome cannot be evaluated in batches."""
        ...


class Evolution:
    """A NEAT run: a population, its evaluator and the best genome so far. A `Search`."""

    def __init__(self, config: neat.Config, evaluator: PopulationEvaluator, seed: int):
        """
        Args:
            config: neat-python's configuration, with `no_fitness_termination = True`, for `Genome`, `SpeciesSet` and
                `Reproduction` or for neat-python's own classes.
            evaluator: computes the fitness of genomes.
            seed: an integer; the same seed gives the same run.

        Raises:
            ValueError: the genomes use a function that cannot be evaluated in batches.
        """
        self.config = config
        self.evaluator = evaluator
        self.champion: Genome | None = None
        self._random_state = random.Random(seed).getstate()
        with self._own_random():
            self.population = make_population(config)
        evaluator.check(next(iter(self.population.population.values())))
        self._report: Generation
        """Statistics of the last generation; set by every step."""

    def begin_with(self, genomes: Sequence[Genome]) -> None:
        """Replace the first generation by genomes and, if there are too few, their children.

        Their weights are rounded to the grid and clipped to the limits of this run. Call it before the first step.

        Args:
            genomes: at least one, with as many inputs and outputs as in this run; the first ones are used.
        """
        population, options = self.population, self.config.genome_config
        with self._own_random():
            founders = [adopted(genome, options) for genome in genomes[: self.config.pop_size]]
            nodes = max(key for genome in founders for key in genome.nodes)
            options.node_indexer = Count(max(options.node_indexer.value, nodes + 1))
            tracker = population.reproduction.innovation_tracker
            known = [gene.innovation for genome in founders for gene in genome.connections.values()]
            tracker.global_counter = max([tracker.global_counter, *known])
            members = population.reproduction.descend(founders, options, self.config.pop_size)
            population.population = members
            population.species.species = {}
            population.species.speciate(self.config, members, population.generation)

    @contextmanager
    def _own_random(self) -> Iterator[None]:
        """Context manager: let neat-python draw from this run's generator."""
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
    def evaluations(self) -> int:
        """Number of genomes evaluated so far."""
        return self.evaluator.evaluations

    @property
    def solved(self) -> bool:
        """True if the champion is right in all cases that one network can get right."""
        return self.champion is not None and self.champion.right == self.evaluator.cases.most_right

    @property
    def gain_of_workers(self) -> float | None:
        """Speed with workers relative to without; None without workers, or until it is measured."""
        return self.evaluator.gain_of_workers

    def step(self) -> Generation:
        """Evaluate the population, report it, and breed the next one."""
        with self._own_random():
            try:
                self.population.run(self._evaluate, 1)
            except BrokenExecutor:  # a worker has died
                raise
            except RuntimeError as error:  # neat-python's reproduction has no room for many species with elites
                raise ValueError(f"neat-python cannot continue: {error}") from None
        self._take_parents()
        return self._report

    def _take_parents(self) -> None:
        """Move the parents of neat-python's own genomes out of its table, which would grow without end."""
        parents = self.population.reproduction.ancestors
        for key in parents.keys() & self.population.population.keys():
            self.population.population[key].parents = parents[key]
        parents.clear()

    def _evaluate(self, members: list[tuple[int, Genome]], config: neat.Config) -> None:
        genomes = [genome for _, genome in members]
        self.evaluator.evaluate(genomes, self.population.generation)
        self._choose_champion(genomes)
        assert self.champion is not None, "the first generation has one"
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
            connections=connections,
            hidden=nodes - len(self.evaluator.cases.targets),
            species=[
                SpeciesSize(key, getattr(one, "ancestor", 0), len(one.members))
                for key, one in sorted(self.population.species.species.items())
            ],
        )

    def _choose_champion(self, genomes: Sequence[Genome]) -> None:
        """Make the best genome of a generation the champion if it is the best so far."""
        rank = self.evaluator.rank
        best = max(genomes, key=rank)
        if self.champion is None or rank(best) > rank(self.champion):
            self.champion = best

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return everything the next generations depend on, as named arrays and plain data."""
        version, numbers, gauss = self._random_state
        evaluator_arrays, evaluator = self.evaluator.state()
        arrays, data = population_state(self.population, self.champion)
        data |= {"random": [version, list(numbers), gauss], "evaluator": evaluator}
        return arrays | evaluator_arrays, data

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Continue from a state; raises ValueError if it does not fit this run."""
        validate_like({"random": None, "evaluator": {}}, data, "")
        random_state = restored_random(data["random"])
        self.evaluator.restore(arrays, data["evaluator"])
        self.champion = restore_population(self.population, arrays, data)
        for genome in self.population.population.values():
            self.evaluator.check(genome)
        self._random_state = random_state

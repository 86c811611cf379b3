"""MAP-Elites: an atlas of improvising networks, with the best one for every cell of a map of melodies.

The axes of the map are two features of a melody, such as notes per bar, each divided into the same number of cells. A
generation of children is bred from parents chosen evenly among the cells, by NEAT's own crossover and mutations. A
child enters the cell of its melodies if that is empty or if its reward is higher than that of the elite there. So no
cell ever loses quality.

Conventions:
    N genomes, B prompts, T steps, K keys, S cells per side; rolls are (N, B, T, K) bool. A cell is a pair of integers
    from 0 to S - 1, one per feature; the cells at an edge include everything beyond it. Quality is the sum of the
    rewards after the prompt. The QD score is the sum over all cells of the quality above `worst`, 0 for an empty cell;
    the coverage is the share of cells that are not empty.
Source: J.-B. Mouret and J. Clune, Illuminating Search Spaces by Mapping Elites, 2015.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import neat
import numpy as np

from agents.neat.gene_tables import genomes_to_arrays
from agents.neat.genome import Genome
from agents.neat.improvisation import Improvisation, ImprovisationEvaluator
from agents.neat.population_state import counters, restore_counters, restore_genomes
from agents.neat.reproduction import Parents
from agents.search import Generation
from agents.search_state import restored_random
from songs.options import check_options, option
from songs.validate import Within, validate_like

MOST_CELLS = 30

Cell = tuple[int, int]
Measure = Callable[[np.ndarray], np.ndarray]
"""Features (R, 2) of rolls (R, T, K)."""


@dataclass(frozen=True)
class MapElitesOptions:
    """The map of MAP-Elites."""

    cells: int = option(10, "cells along each of the two features", 1, MOST_CELLS)
    features: str = option("notes a bar,repeated bars", "two features of a melody, separated by a comma")
    worst: float = option(
        -4.0,
        "quality that adds 0 to the QD score; by the listener 'learned', 99 of 100 real melodies are better",
        -1e9,
        1e9,
    )

    def __post_init__(self):
        check_options(self)


@dataclass(frozen=True, eq=False)
class MelodyMap:
    """A map of melodies by two features."""

    measure: Measure
    low: np.ndarray
    """(2,), lower bounds of the first cells."""
    high: np.ndarray
    """(2,), upper bounds of the last cells."""
    cells: int
    """S."""

    def cells_of(self, rolls: np.ndarray) -> list[Cell]:
        """Return the cells of N networks by the features of their rolls (N, B, T, K), averaged over the prompts."""
        features = self.measure(rolls.reshape(-1, *rolls.shape[2:])).reshape(*rolls.shape[:2], 2).mean(axis=1)
        share = (features - self.low) / (self.high - self.low)
        first, second = np.clip(np.floor(share * self.cells), 0, self.cells - 1).astype(int).T.tolist()
        return list(zip(first, second, strict=True))


class MapElites(Improvisation):
    """A `Search` that builds an atlas of improvising networks; its population is the elites of the cells."""

    evaluator: ImprovisationEvaluator

    def __init__(
        self, config: neat.Config, evaluator: ImprovisationEvaluator, melody_map: MelodyMap, seed: int, worst: float
    ):
        """
        Args:
            config: as for `Evolution`; its population size is the number of children per generation.
            evaluator: lets the networks play, and asks the listener.
            melody_map: the cells.
            seed: an integer; the same seed gives the same atlas.
            worst: quality that adds 0 to the QD score.
        """
        super().__init__(config, evaluator, seed)
        self.melody_map, self.worst = melody_map, worst
        self.elites: dict[Cell, Genome] = {}
        """The best network of each nonempty cell, in the order in which cells were filled. The dictionary is replaced,
        not modified, when an elite changes."""
        self._generation = 0

    @property
    def generation(self) -> int:
        """Number of generations evaluated so far."""
        return self._generation

    @property
    def figures(self) -> dict[str, float]:
        """The QD score and the coverage so far, for metrics.csv."""
        qualities = np.array([-genome.loss for genome in self.elites.values()])
        return {
            "qd_score": float(np.maximum(qualities - self.worst, 0).sum()),
            "coverage": len(self.elites) / self.melody_map.cells**2,
        }

    def step(self) -> Generation:
        """Breed a generation, let it play, and place it into the cells."""
        with self._own_random():
            self.evaluator.evaluate(list(self.elites.values()), self._generation)  # in a resumed run they play again
            children = self._children() if self.elites else list(self.population.population.values())
            self.evaluator.evaluate(children, self._generation)
        self.elites = self._placed(children)
        self.champion = max(self.elites.values(), key=self.evaluator.rank)
        self._generation += 1
        return self._reported(children, self.champion)

    def _children(self) -> list[Genome]:
        """Return the children of parents chosen evenly among the cells."""
        self.population.reproduction.innovation_tracker.reset_generation()
        parents = Parents(list(self.elites.values()), "truncation")
        child = self.population.reproduction.child
        return [child(self.config, parents, parents) for _ in range(self.config.pop_size)]

    def _placed(self, children: Sequence[Genome]) -> dict[Cell, Genome]:
        """Return the elites with the children placed; the same dictionary if no child is placed."""
        better: dict[Cell, Genome] = {}
        cells = self.melody_map.cells_of(np.array([child.played for child in children]))
        for child, cell in zip(children, cells, strict=True):
            elite = better.get(cell, self.elites.get(cell))
            if elite is None or self.evaluator.rank(child) > self.evaluator.rank(elite):
                better[cell] = child
        return {**self.elites, **better} if better else self.elites

    def _reported(self, children: Sequence[Genome], champion: Genome) -> Generation:
        rewards = -np.array([child.loss for child in children])
        nodes, connections = champion.size()
        return Generation(
            generation=self._generation - 1,
            evaluations=self.evaluator.evaluations,
            best_fitness=float(rewards.max()),
            mean_fitness=float(rewards.mean()),
            std_fitness=float(rewards.std()),
            best_right=0,
            mean_right=0.0,
            connections=connections,
            hidden=nodes - len(self.evaluator.cases.targets),
        )

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return everything the next generations depend on, as named arrays and plain data."""
        version, numbers, gauss = self._random_state
        evaluator_arrays, evaluator = self.evaluator.state()
        arrays = genomes_to_arrays(list(self.elites.values()), self.config.genome_config.num_outputs)
        data = {
            "generation": self._generation,
            "cells": [list(cell) for cell in self.elites],
            **counters(self.population),
            "random": [version, list(numbers), gauss],
            "evaluator": evaluator,
        }
        return arrays | evaluator_arrays, data

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Continue from a state; raises ValueError if it does not fit this atlas."""
        index = Within(0, 0, self.melody_map.cells - 1)
        validate_like({"generation": 0, "cells": [(index, index)], "random": None, "evaluator": {}}, data, "")
        random_state = restored_random(data["random"])
        genomes = restore_genomes(arrays, data, self.config)
        cells: list[Cell] = [(first, second) for first, second in data["cells"]]
        if len(set(cells)) < len(cells) or len(cells) != len(genomes) or bool(cells) != bool(data["generation"]):
            raise ValueError(f"{len(genomes)} genomes do not fit its {len(cells)} cells")
        for genome in genomes:
            self.evaluator.check(genome)
            if not hasattr(genome, "version"):
                raise ValueError(f"the genome {genome.key} was never evaluated")
        self.evaluator.restore(arrays, data["evaluator"])
        restore_counters(self.population, data)
        self.elites = dict(zip(cells, genomes, strict=True))
        self.champion = max(genomes, key=self.evaluator.rank, default=None)
        self._generation, self._random_state = data["generation"], random_state

"""Interactive evolution: NEAT with a person instead of a fitness function.

Nine networks play, a person chooses some, and the next nine are their children. Every generation is kept, so it is
possible to go back and choose from an earlier one. Optionally a listener breeds some generations by itself after every
choice.

Conventions: N networks per generation. Choice number g, from 0, breeds generation g + 1; its random numbers depend only
on the seed and on g. Children with an even index have two parents if at least two were chosen.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import neat
import numpy as np
from neat.innovation import InnovationTracker

from agents.neat.activations import NAMES
from agents.neat.counters import Count
from agents.neat.crossover import crossover
from agents.neat.editor import GenomeEditor
from agents.neat.gene_tables import LARGEST_COUNT, Index, genomes_from_arrays, genomes_to_arrays
from agents.neat.genome import Genome
from agents.neat.melody_networks import imitating_network, random_network
from agents.neat.metre_player import MelodyTask
from agents.neat.operators import mutate
from songs.validate import AnyLength, Within, validate_like

SHOWN = 9
"""N."""
BOLDNESS = 3
"""Rounds of mutation for the last children; the first ones have one."""
TRIES = 12
"""Attempts per child if it hardly plays or repeats a known melody; the last audible attempt is kept."""
FIRST_TRIES = 200
PARENTS = 3
"""Number of best networks that a listener breeds from."""
LEAST_SOUNDING, MOST_SOUNDING = 1 / 12, 11 / 12
"""Bounds on the share of steps at which a child plays."""
FIRST_SOUNDING = 0.25, 0.75
FIRST_KEYS = 4
"""Least number of different keys that a first network plays."""
LEAST_APART = 0.25
"""Least distance between two first networks."""
METRE_SHARE = 4
"""Weight of each metre input, relative to a memory input, when the source of a new connection is drawn."""


@dataclass(frozen=True)
class Machine:
    """A listener that breeds between two choices."""

    reward_fn: Callable[[np.ndarray], np.ndarray]
    """Rewards (B, T) of rolls (B, T, K)."""
    generations: int
    """Generations bred after every choice."""


def distance(roll: np.ndarray, other: np.ndarray) -> float:
    """Return the share of steps at which two melodies (T, K) differ, among the steps at which either plays."""
    either = roll.any(axis=1) | other.any(axis=1)
    return float((roll != other).any(axis=1).sum() / max(1, either.sum()))


class Breeding:
    """Generations of networks bred by choices."""

    def __init__(self, config: neat.Config, task: MelodyTask, seed: int, machine: Machine | None = None):
        """
        Args:
            config: neat-python's configuration, for `Genome`.
            task: inputs and length of the melodies.
            seed: an integer; the same seed and the same choices give the same networks.
            machine: the listener that helps; None: no listener.
        """
        self.task, self.machine = task, machine
        self.generations: list[list[Genome]] = []
        self.rolls: list[np.ndarray] = []
        """Melodies of each generation, (N, T, K) bool."""
        self._neat, self._config, self._seed, self._next_genome = config, config.genome_config, seed, 1
        self._innovations = InnovationTracker()
        self._config.innovation_tracker = self._innovations
        self._config.node_indexer = Count(task.first_free_node)
        metre = range(task.metre, -1 - task.inputs, -1)
        self._config.sources = [*range(-1, task.metre, -1), *METRE_SHARE * [*metre]]

    def begin(self, melodies: Sequence[np.ndarray] = (), genomes: Sequence[Genome] = ()) -> None:
        """Make the first generation from genomes and from networks that imitate melodies (T, K) bool, or at random."""
        with self._drawing():
            if not (melodies or genomes):
                self._show(*self._random_networks())
                return
            first = [imitating_network(self._key(), self._config, self.task, roll) for roll in melodies[:SHOWN]]
            first += self._adopted(genomes[:SHOWN])
            rolls = [self.task.play(genome) for genome in first]
            self._show(first, rolls, self._children(first, rolls, SHOWN - len(first)))

    def breed(self, generation: int, chosen: Sequence[int], keep: bool) -> None:
        """Breed the next generation.

        Args:
            generation: number of the generation of the parents.
            chosen: indices of the parents.
            keep: carry the first parent over unchanged.
        """
        with self._drawing():
            parents = [self.generations[generation][index] for index in chosen]
            rolls = [self.rolls[generation][index] for index in chosen]
            kept = (parents[:1], rolls[:1]) if keep else ([], [])
            for _ in range(self.machine.generations if self.machine else 0):
                parents, rolls = self._best(parents, rolls)
            self._show(*kept, self._children(parents, [*rolls, *kept[1]], SHOWN - len(kept[0])))

    def _best(self, parents: list[Genome], rolls: list[np.ndarray]) -> tuple[list[Genome], list[np.ndarray]]:
        """Return the most rewarded of the parents and their children."""
        assert self.machine is not None
        children, child_rolls = self._children(parents, rolls, SHOWN)
        everyone, all_rolls = [*parents, *children], [*rolls, *child_rolls]
        rewards = self.machine.reward_fn(np.array(all_rolls)).sum(axis=1)
        best = np.argsort(-rewards, kind="stable")[:PARENTS].tolist()
        return [everyone[index] for index in best], [all_rolls[index] for index in best]

    def _show(self, genomes: list[Genome], rolls: list[np.ndarray], more: tuple[list, list] = ([], [])) -> None:
        self.generations.append([*genomes, *more[0]])
        self.rolls.append(np.array([*rolls, *more[1]]))

    def _random_networks(self) -> tuple[list[Genome], list[np.ndarray]]:
        """Return random first networks that play, but not all the time, and that differ from each other."""
        genomes: list[Genome] = []
        rolls: list[np.ndarray] = []
        least_keys = min(FIRST_KEYS, self.task.keyboard.keys)
        for _ in range(SHOWN):
            for _ in range(FIRST_TRIES):
                genome = random_network(self._next_genome, self._config, self.task)
                roll = self.task.play(genome)
                varied = roll.any(axis=0).sum() >= least_keys and _sounds(roll, *FIRST_SOUNDING)
                if varied and all(distance(roll, other) >= LEAST_APART for other in rolls):
                    break
            self._next_genome += 1
            genomes.append(genome)
            rolls.append(roll)
        return genomes, rolls

    def _children(
        self, parents: Sequence[Genome], known: Sequence[np.ndarray], count: int
    ) -> tuple[list[Genome], list[np.ndarray]]:
        """Return children and their rolls: the first are close to their parents, the last are bolder."""
        children, rolls = [], []
        seen = {roll.tobytes() for roll in known}
        for index in range(count):
            audible = None
            for attempt in range(TRIES):
                rounds = 1 + index * BOLDNESS // count + attempt // (TRIES // 2)
                child = self._child(parents, index, rounds)
                roll = self.task.play(child)
                if _sounds(roll, LEAST_SOUNDING, MOST_SOUNDING):
                    audible = child, roll
                    if roll.tobytes() not in seen:
                        break
            child, roll = audible or (child, roll)
            seen.add(roll.tobytes())
            children.append(child)
            rolls.append(roll)
        return children, rolls

    def _child(self, parents: Sequence[Genome], index: int, rounds: int) -> Genome:
        first = parents[index % len(parents)]
        if len(parents) > 1 and index % 2 == 0:
            second = random.choice([each for each in parents if each is not first])
            first.fitness = second.fitness = 0.0  # both were chosen, so neither is better
            editor = crossover(first, second, self._config)
        else:
            editor = GenomeEditor(first, self._config)
        for _ in range(rounds):
            mutate(editor)
        return editor.finish(self._key())

    def _adopted(self, genomes: Sequence[Genome]) -> list[Genome]:
        """Return genomes of another run as genomes of this one; numbers of new genes will not collide with theirs."""
        nodes = [key for genome in genomes for key in genome.nodes]
        numbers = [gene.innovation for genome in genomes for gene in genome.connections.values()]
        self._config.node_indexer = Count(max([self._config.node_indexer.value - 1, *nodes]) + 1)
        self._innovations.global_counter = max([self._innovations.global_counter, *numbers])
        return [Genome(self._key(), genome.nodes, genome.connections) for genome in genomes]

    def _key(self) -> int:
        self._next_genome += 1
        return self._next_genome - 1

    @contextmanager
    def _drawing(self) -> Iterator[None]:
        """Context manager: let operators draw from the random numbers of the next generation."""
        sequence = np.random.SeedSequence((self._seed, len(self.generations)))
        outside = random.getstate()
        random.seed(int.from_bytes(sequence.generate_state(4).tobytes(), "little"))
        self._innovations.reset_generation()
        try:
            yield
        finally:
            random.setstate(outside)

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return everything the next generations depend on, as named arrays and plain data."""
        index = Index([genome for genomes in self.generations for genome in genomes])
        arrays = genomes_to_arrays(index.things, self.task.keyboard.keys)
        rows = [[index.row(genome) for genome in genomes] for genomes in self.generations]
        arrays |= {"generations": np.array(rows), "rolls": np.packbits(np.array(self.rolls), axis=-1)}
        counted = {"genomes": self._next_genome, "nodes": self._config.node_indexer.value}
        return arrays, counted | {"innovations": self._innovations.global_counter}

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Continue from a state; raises ValueError if it does not fit this run."""
        validate_like(dict.fromkeys(("genomes", "nodes", "innovations"), Within(0, 0, LARGEST_COUNT)), data)
        limits: dict[str, tuple[float, float]] = {
            "nodes.key": (0, data["nodes"] - 1),
            "nodes.activation": (0, len(NAMES) - 1),
            "connections.source": (-self.task.inputs, data["nodes"] - 1),
            "connections.sink": (0, data["nodes"] - 1),
            "connections.innovation": (0, data["innovations"]),
            "genomes.key": (0, data["genomes"] - 1),
            "genomes.species": (-1, -1),
            "results.version": (-1, -1),
        }
        genomes = genomes_from_arrays(arrays, limits, self._neat)
        width = -(-self.task.keyboard.keys // 8)
        validate_like(
            {
                "generations": Within(AnyLength(np.zeros((0, SHOWN), dtype=int)), 0, len(genomes) - 1),
                "rolls": np.zeros((len(arrays["generations"]), SHOWN, self.task.steps, width), dtype=np.uint8),
            },
            arrays,
        )
        self.generations = [[genomes[row] for row in rows] for rows in arrays["generations"].tolist()]
        rolls = np.unpackbits(arrays["rolls"], axis=-1, count=self.task.keyboard.keys)
        self.rolls = list(rolls.astype(bool))
        self._next_genome, self._config.node_indexer = data["genomes"], Count(data["nodes"])
        self._innovations.global_counter = data["innovations"]


def apart(rolls: np.ndarray) -> float:
    """Return the mean distance between two different melodies of (N, T, K)."""
    return float(np.mean([distance(one, other) for one, other in combinations(rolls, 2)]))


def from_parents(rolls: np.ndarray, parents: np.ndarray) -> float:
    """Return the mean distance of melodies (N, T, K) to the nearest melody of the parents (P, T, K)."""
    return float(np.mean([min(distance(roll, parent) for parent in parents) for roll in rolls]))


def _sounds(roll: np.ndarray, least: float, most: float) -> bool:
    """Return True if the share of steps with notes is within these bounds."""
    return bool(least <= roll.any(axis=1).mean() <= most)

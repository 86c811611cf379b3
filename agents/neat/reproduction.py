"""Reproduction: neat-python's, extended by interspecies mating, lexicase selection and canonical fitness sharing.

Options, in the [DefaultReproduction] section of neat-python's configuration file:
    interspecies_mating  probability that the second parent is chosen among the parents of all species, so
                         that modules found by one species can reach the others.
    selection            'truncation' (neat-python's: the best of a species are equally likely) or 'lexicase'
                         (epsilon-lexicase over the outputs: in random order, each output keeps the parents
                         about as good as the best one at it). Lexicase uses one loss per output.
    fitness_sharing      'normalized' (neat-python's: species breed in proportion to their mean fitness above
                         the worst genome) or 'canonical' (in proportion to their mean fitness above 0, as in
                         the original NEAT; a loss L counts as the fitness 1 / (1 + L)).
Sources: Stanley and Miikkulainen (2002); La Cava, Spector and Danai (2016), Epsilon-Lexicase Selection for
Regression.
"""

import math
import random
from collections.abc import Sequence
from functools import cached_property
from statistics import fmean

import neat
from neat.config import ConfigParameter, DefaultClassConfig

from agents.neat.crossover import crossover
from agents.neat.editor import GenomeEditor
from agents.neat.genome import Genome, GenomeConfig, new_genome
from agents.neat.operators import mutate
from agents.neat.species import Species

LARGEST_POOL = 60
"""Largest number of genomes that lexicase compares; a larger species is split into pools, and one pool is drawn."""


class Reproduction(neat.DefaultReproduction):
    """Breeding of the next generation."""

    @classmethod
    def parse_config(cls, param_dict: dict) -> DefaultClassConfig:
        options = [
            ConfigParameter("elitism", int, 0),
            ConfigParameter("survival_threshold", float, 0.2),
            ConfigParameter("min_species_size", int, 1),
            ConfigParameter("interspecies_mating", float, 0.0),
            ConfigParameter("selection", str, "truncation"),
            ConfigParameter("fitness_sharing", str, "normalized"),
        ]
        return DefaultClassConfig(param_dict, options, "DefaultReproduction")

    def create_new(self, genome_type: type, genome_config: GenomeConfig, num_genomes: int) -> dict[int, Genome]:
        """Return the first generation."""
        genome_config.innovation_tracker = self.innovation_tracker
        keys = [next(self.genome_indexer) for _ in range(num_genomes)]
        return {key: new_genome(key, genome_config) for key in keys}

    def descend(self, founders: Sequence[Genome], genome_config: GenomeConfig, num_genomes: int) -> dict[int, Genome]:
        """Return a first generation of founders under new keys, followed by their mutated children."""
        genome_config.innovation_tracker = self.innovation_tracker
        self.innovation_tracker.reset_generation()
        keys = [next(self.genome_indexer) for _ in range(num_genomes)]
        genomes = {key: Genome(key, one.nodes, one.connections) for key, one in zip(keys, founders, strict=False)}
        for key in keys[len(founders) :]:
            editor = GenomeEditor(random.choice(founders), genome_config)
            mutate(editor)
            genomes[key] = editor.finish(key)
        return genomes

    def reproduce(self, config: neat.Config, species: neat.DefaultSpeciesSet, pop_size: int, generation: int) -> dict:
        """Return the next population: the elites of every species and their children."""
        config.genome_config.innovation_tracker = self.innovation_tracker
        self.innovation_tracker.reset_generation()
        remaining = []
        for key, one, stagnant in self.stagnation.update(species, generation):
            if stagnant:
                self.reporters.species_stagnant(key, one)
            else:
                remaining.append(one)
        species.species = {}
        if not remaining:
            return {}
        # keep only as many species as have room for their elites; stagnation lists the worst species first
        remaining = remaining[-(pop_size // self._least()) :]
        spawns = self._spawns(remaining, pop_size)
        ranked = [sorted(one.members.values(), key=lambda g: (g.fitness, g.key), reverse=True) for one in remaining]
        survivors = [self._survivors(members) for members in ranked]
        parents = [Parents(group, self.reproduction_config.selection) for group in survivors]
        all_parents = Parents([one for group in survivors for one in group], self.reproduction_config.selection)
        population: dict[int, neat.DefaultGenome] = {}
        for one, spawn, members, group in zip(remaining, spawns, ranked, parents, strict=True):
            species.species[one.key] = one
            one.representative = members[0]
            elites = members[: self.reproduction_config.elitism]
            population.update((genome.key, genome) for genome in elites)
            for _ in range(spawn - len(elites)):
                child = self.child(config, group, all_parents)
                child.species = one.key
                population[child.key] = child
        return population

    def _least(self) -> int:
        """Return the smallest size of a species."""
        return max(1, self.reproduction_config.min_species_size, self.reproduction_config.elitism)

    def _spawns(self, remaining: Sequence[Species], pop_size: int) -> list[int]:
        """Return the size of each species in the next generation."""
        least = self._least()
        if self.reproduction_config.fitness_sharing == "canonical":
            shared = [fmean(1 / (1 - g.fitness) for g in one.members.values()) for one in remaining]
        else:
            fitnesses = [g.fitness for one in remaining for g in one.members.values()]
            worst, spread = min(fitnesses), max(1.0, max(fitnesses) - min(fitnesses))
            shared = [(fmean(g.fitness for g in one.members.values()) - worst) / spread for one in remaining]
        for one, value in zip(remaining, shared, strict=True):
            one.adjusted_fitness = value
        spawns = self.compute_spawn(shared, [len(one.members) for one in remaining], pop_size, least)
        # neat-python's own correction of the sum stops when a species already has the smallest allowed size
        while (missing := pop_size - sum(spawns)) != 0:
            if missing > 0:
                spawns[spawns.index(min(spawns))] += 1
            else:
                spawns[spawns.index(max(spawns))] -= 1
        return spawns

    def _survivors(self, members: Sequence[neat.DefaultGenome]) -> Sequence[neat.DefaultGenome]:
        """Return the members of a species, best first, that may have children: at least two if there are two."""
        if self.reproduction_config.selection == "lexicase":
            return members
        return members[: max(2, math.ceil(self.reproduction_config.survival_threshold * len(members)))]

    def child(self, config: neat.Config, parents: "Parents", all_parents: "Parents") -> Genome:
        """Return a child of two of the parents; with interspecies mating, the second one is from `all_parents`."""
        second_parents = all_parents if random.random() < self.reproduction_config.interspecies_mating else parents
        first, second = parents.choose(), second_parents.choose()
        key = next(self.genome_indexer)
        donors = [random.choice(second_parents.genomes) for _ in range(config.genome_config.donors)]
        editor = crossover(first, second, config.genome_config, donors)
        mutate(editor)
        child = editor.finish(key)
        child.parents = first.key, second.key
        return child


class Parents:
    """The genomes that may have children, and the selection of one of them."""

    def __init__(self, genomes: Sequence[Genome], selection: str):
        """Take the genomes, best first."""
        self.genomes = genomes
        pools = range(-(-len(genomes) // LARGEST_POOL) if selection == "lexicase" else 0)
        self._pools = [Lexicase(genomes[first :: len(pools)]) for first in pools]

    def choose(self) -> Genome:
        """Choose one genome."""
        if not self._pools:
            return random.choice(self.genomes)
        return (self._pools[0] if len(self._pools) == 1 else random.choice(self._pools)).choose()


class Survivors(dict[int, "Survivors"]):
    """Rows of the genomes kept by some outputs; maps each further output, once computed, to those it keeps."""

    def __init__(self, rows: list[int]):
        super().__init__()
        self.rows = rows


class Lexicase:
    """Epsilon-lexicase selection over the losses of the outputs.

    Different orders of outputs often keep the same genomes, so each output filters each set of genomes only once.
    """

    def __init__(self, genomes: Sequence[Genome]):
        self._genomes = genomes
        self._all = Survivors(list(range(len(genomes))))
        self._known: dict[tuple[int, ...], Survivors] = {}

    @cached_property
    def _columns(self) -> list[tuple[float, ...]]:
        """Losses of all genomes, by output."""
        return list(zip(*(genome.losses for genome in self._genomes), strict=True))

    def choose(self) -> Genome:
        """Choose one genome by filtering with the outputs in random order."""
        left, outputs = self._all, list(range(len(self._genomes[0].losses)))
        while outputs and len(left.rows) > 1:
            index = int(random.random() * len(outputs))
            output, outputs[index] = outputs[index], outputs[-1]
            outputs.pop()
            if output not in left:
                left[output] = self._filter(output, left)
            left = left[output]
        return self._genomes[random.choice(left.rows)]

    def _filter(self, output: int, left: Survivors) -> Survivors:
        """Return the genomes about as good as the best one at an output.

        Their losses may exceed the smallest one by the median absolute deviation.
        """
        column = self._columns[output]
        losses = [column[row] for row in left.rows]
        if min(losses) == max(losses):  # relatives share outputs
            return left
        ranked = sorted(losses)
        middle = _middle(ranked)
        limit = ranked[0] + _middle(sorted([abs(loss - middle) for loss in ranked]))
        if ranked[-1] <= limit:
            return left
        rows = [row for row, loss in zip(left.rows, losses, strict=True) if loss <= limit]
        return self._known.setdefault(tuple(rows), Survivors(rows))


def _middle(ranked: Sequence[float]) -> float:
    """Return the median of sorted values, as `statistics.median` does."""
    half = len(ranked) // 2
    return ranked[half] if len(ranked) % 2 else (ranked[half - 1] + ranked[half]) / 2


Reproduction.__name__ = "DefaultReproduction"  # the section of neat-python's configuration file

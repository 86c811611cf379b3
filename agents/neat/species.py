"""Species with a target number, merging, and cheap speciation.

neat-python's species set keeps every species that ever arose, because each one claims its nearest genome before the
others are placed; so a higher threshold cannot lower their number. Here genomes are placed as in the original NEAT:
into the first compatible species, starting with their parents'. A species whose representative has become compatible
with that of an older species is merged into it.

Conventions: a species is represented by its best member of the previous generation.
Source: Stanley and Miikkulainen (2002), section 3.3.
"""

from bisect import bisect_left
from collections.abc import Mapping

import neat
import numpy as np
from neat.config import ConfigParameter, DefaultClassConfig
from neat.genes import DefaultNodeGene
from neat.species import Species

from agents.neat.genome import NO_INPUTS, Genome, GenomeConfig, NodeGene

THRESHOLD_STEP = 1.05
"""Factor by which the threshold changes per generation while the number of species is off its target."""
THRESHOLD_JUMP = 1.25
"""Least factor by which the threshold rises at once if there are more than `MOST_SPECIES`."""
MOST_SPECIES = 60
"""Limit on the number of species if there is a target; the time for speciation grows with it."""
SAMPLE = 60
"""Approximate number of genomes whose distances determine a new threshold."""


class SteadySpecies(Species):
    """A species that stagnates by its unweighted loss, so that error reweighting does not count as stagnation."""

    ancestor = 0
    """Key of the species of its first member's parents; 0 if there is none."""

    def get_fitnesses(self) -> list[float]:
        return [-genome.loss for genome in self.members.values()]


class SpeciesSet(neat.DefaultSpeciesSet):
    """The species of a population."""

    species: dict[int, SteadySpecies]

    @classmethod
    def parse_config(cls, param_dict: dict) -> DefaultClassConfig:
        options = [ConfigParameter("compatibility_threshold", float), ConfigParameter("target_species", int, 0)]
        return DefaultClassConfig(param_dict, options, "DefaultSpeciesSet")

    def __init__(self, config: DefaultClassConfig, reporters: neat.reporting.ReporterSet):
        super().__init__(config, reporters)
        self.threshold = config.compatibility_threshold

    def speciate(self, config: neat.Config, population: dict, generation: int) -> None:
        """Place every genome into a species and steer the threshold towards the target number."""
        while not self._place(config.genome_config, population, generation):
            sampled = self._sampled_threshold(config.genome_config, population)
            self.threshold = max(sampled, THRESHOLD_JUMP * self.threshold)
        self.genome_to_species = {key: genome.species for key, genome in population.items()}
        self._steer()

    def _place(self, options: GenomeConfig, population: dict, generation: int) -> bool:
        """Place every genome into a species; return False, and change nothing, if there are too many species."""
        between = self._distance
        kept: dict[int, SteadySpecies] = {}
        for key in sorted(self.species):
            representative = self.species[key].representative
            if all(between(representative, one.representative, options) >= self.threshold for one in kept.values()):
                kept[key] = self.species[key]
        members: dict[int, dict] = {key: {} for key in kept}
        homes: dict[int, int] = {}
        for key in sorted(population):
            genome = population[key]
            home = getattr(genome, "species", 0)
            candidates = [home, *(one for one in kept if one != home)] if home in kept else list(kept)
            for one in candidates:
                if between(kept[one].representative, genome, options) < self.threshold:
                    break
            else:
                one = next(self.indexer)
                kept[one] = SteadySpecies(one, generation)
                kept[one].representative, kept[one].ancestor = genome, home
                members[one] = {}
                if len(kept) > MOST_SPECIES and self.species_set_config.target_species:
                    return False
            members[one][key] = genome
            homes[key] = one
        for key, genome in population.items():
            genome.species = homes[key]
        self.species = {key: one for key, one in kept.items() if members[key]}
        for key, one in self.species.items():
            one.update(one.representative, members[key])
        return True

    def _sampled_threshold(self, options: GenomeConfig, population: dict) -> float:
        """Return the smallest threshold at which a sample of the population has no more species than the target."""
        sample = [population[key] for key in sorted(population)[:: -(-len(population) // SAMPLE)]]
        distances = np.array([[self._distance(one, other, options) for other in sample] for one in sample])

        def species(threshold: float) -> int:
            representatives: list[int] = []
            for index in range(len(sample)):
                if not (distances[representatives, index] < threshold).any():
                    representatives.append(index)
            return len(representatives)

        steps = np.unique(distances)
        enough = bisect_left(steps, True, key=lambda step: species(step) <= self.species_set_config.target_species)
        return float(steps[min(enough, len(steps) - 1)])

    def _distance(self, one: neat.DefaultGenome, other: neat.DefaultGenome, options) -> float:
        """Return the genetic distance; always 0 if the target is one species."""
        if one is other or self.species_set_config.target_species == 1:
            return 0.0
        return distance(one, other, options)

    def _steer(self) -> None:
        target = self.species_set_config.target_species
        if target and len(self.species) != target:
            self.threshold *= THRESHOLD_STEP if len(self.species) > target else 1 / THRESHOLD_STEP


def distance(one: Genome, other: Genome, config: GenomeConfig) -> float:
    """Return neat-python's genetic distance, skipping genes that both genomes share."""
    unlike = [
        (gene, match)
        for sink, inputs in one.inputs.items()
        if (others := other.inputs.get(sink, NO_INPUTS)) is not inputs
        for gene, match in zip(inputs.values(), map(others.get, inputs), strict=True)
        if match is not gene
    ]
    pairs = [(gene, match) for gene, match in unlike if match is not None]
    apart = sum([abs(gene.weight - match.weight) + (gene.enabled != match.enabled) for gene, match in pairs])
    sizes = len(one.connections), len(other.connections)
    disjoint = sizes[1] - sizes[0] + 2 * (len(unlike) - len(pairs))
    apart = config.compatibility_weight_coefficient * apart + config.compatibility_disjoint_coefficient * disjoint
    return _distance_of_nodes(one.nodes, other.nodes, config) + apart / max(*sizes, 1)


def _distance_of_nodes(nodes: Mapping[int, NodeGene], others: Mapping[int, NodeGene], config: GenomeConfig) -> float:
    unmatched, apart = 0, 0.0
    for key, gene in nodes.items():
        match = others.get(key)
        if match is None:
            unmatched += 1
        elif match is not gene:
            apart += DefaultNodeGene.distance(gene, match, config)
    disjoint = len(others) - len(nodes) + 2 * unmatched
    return (apart + config.compatibility_disjoint_coefficient * disjoint) / max(len(nodes), len(others), 1)


SpeciesSet.__name__ = "DefaultSpeciesSet"  # the section of neat-python's configuration file

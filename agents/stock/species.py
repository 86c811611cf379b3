"""neat-python's speciation and reproduction, only faster: the same species, to the bit.

Source: neat-python 2.0.0, `species.py` and `reproduction.py`.
"""

from collections.abc import Sequence

import neat
import numpy as np
from neat.genome import DefaultGenomeConfig
from neat.math_util import mean, stdev
from neat.reporting import BaseReporter
from neat.species import Species

from agents.networks.gene_arrays import gather
from agents.stock.distance import Genomes
from agents.stock.genome import StockGenome


class DistanceTable:
    """Distances within a population that neat-python would compute and remember.

    The distance from one genome to another and the one back may differ in the last bit. neat-python keeps
    whichever it computed first for both, and so does this table.
    """

    def __init__(self, genomes: Sequence[StockGenome], config: DefaultGenomeConfig):
        self.genomes = genomes
        self.computed: list[tuple[int, np.ndarray, np.ndarray]] = []
        """What was computed, call after call: key of the first genome, places of the others, distances."""
        self._others = Genomes(gather(genome.stored() for genome in genomes), config)
        self._places = {genome.key: place for place, genome in enumerate(genomes)}
        self._rows: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def measure(self, genome: StockGenome, places: np.ndarray) -> np.ndarray:
        """Return the distances from a genome, which need not be one of the population, to those at some places."""
        if genome.key not in self._rows:
            row = self._others.distances(genome.arrays)
            self._rows[genome.key] = row, np.zeros(len(row), dtype=bool)
        row, known = self._rows[genome.key]
        new = np.zeros(len(row), dtype=bool)
        new[places] = True
        new &= ~known
        known[places] = True
        own = self._places.get(genome.key)
        if own is not None:
            for key, (back, back_known) in self._rows.items():
                place = self._places.get(key, own)
                if place != own and new[place] and back_known[own]:
                    row[place], new[place] = back[own], False
        self.computed.append((genome.key, np.flatnonzero(new), row[new]))
        return row[places]


class StockSpeciesSet(neat.DefaultSpeciesSet):
    """Divides a population like `neat.DefaultSpeciesSet`, with distances to all genomes at once."""

    genome_to_species: dict[int, int]

    def speciate(self, config: neat.Config, population: dict[int, StockGenome], generation: int) -> None:
        """Place genomes into species: those that exist live on, with the nearest genome as representative."""
        if not all(type(genome).distance is StockGenome.distance for genome in population.values()):
            super().speciate(config, population, generation)
            return
        genomes = [population[key] for key in sorted(population)]
        table = DistanceTable(genomes, config.genome_config)
        members = self._representatives(table)
        self._fill(members, table)
        self.genome_to_species = {}
        for sid, places in sorted(members.items()):
            if sid not in self.species:
                self.species[sid] = Species(sid, generation)
            chosen = [genomes[place] for place in places]
            self.species[sid].update(chosen[0], {genome.key: genome for genome in chosen})
            self.genome_to_species.update((genome.key, sid) for genome in chosen)
        if len(population) > 1 and any(type(one).info is not BaseReporter.info for one in self.reporters.reporters):
            self._report(table)

    def _representatives(self, table: DistanceTable) -> dict[int, list[int]]:
        """Return for every species the place of the free genome that is nearest to its last representative."""
        members: dict[int, list[int]] = {}
        free = np.ones(len(table.genomes), dtype=bool)
        for sid in sorted(self.species):
            places = np.flatnonzero(free)
            place = int(places[np.argmin(table.measure(self.species[sid].representative, places))])
            members[sid] = [place]
            free[place] = False
        return members

    def _fill(self, members: dict[int, list[int]], table: DistanceTable) -> None:
        """Add every genome to the species with the nearest representative, or to a new one."""
        threshold = self.species_set_config.compatibility_threshold
        free = np.ones(len(table.genomes), dtype=bool)
        free[[places[0] for places in members.values()]] = False
        nearest = np.full(len(table.genomes), np.inf)
        choice = np.zeros(len(table.genomes), dtype=np.int64)
        chosen = np.zeros(len(table.genomes), dtype=bool)

        def offer(sid: int, place: int, places: np.ndarray) -> None:
            row = table.measure(table.genomes[place], places)
            closer = (row < threshold) & (row < nearest[places])
            nearest[places[closer]], choice[places[closer]] = row[closer], sid
            chosen[places[closer]] = True

        for sid, (place,) in list(members.items()):
            offer(sid, place, np.flatnonzero(free))
        while len(alone := np.flatnonzero(free & ~chosen)):
            place = int(alone[0])
            sid = next(self.indexer)
            members[sid] = [place]
            free[place] = False
            offer(sid, place, place + 1 + np.flatnonzero(free[place + 1 :]))
        for place in np.flatnonzero(free).tolist():
            members[int(choice[place])].append(place)

    def _report(self, table: DistanceTable) -> None:
        """Report mean and standard deviation of the distances."""
        # neat-python remembers a distance once for each direction
        values = [
            distance
            for key, places, distances in table.computed
            for place, distance in zip(places.tolist(), distances.tolist(), strict=True)
            for _ in range(1 + (table.genomes[place].key != key))
        ]
        self.reporters.info(f"Mean genetic distance {mean(values):.3f}, standard deviation {stdev(values):.3f}")


class StockReproduction(neat.DefaultReproduction):
    """Breeds like `neat.DefaultReproduction`, but remembers the parents of the last generation only."""

    def reproduce(self, config: neat.Config, species: neat.DefaultSpeciesSet, pop_size: int, generation: int) -> dict:
        """Return the next generation."""
        self.ancestors.clear()
        population = super().reproduce(config, species, pop_size, generation)
        for key, genome in population.items():
            if key not in self.ancestors and isinstance(genome, StockGenome):
                genome.detach()
        return population


# neat-python reads the options of both from the sections of these names
StockSpeciesSet.__name__ = "DefaultSpeciesSet"
StockReproduction.__name__ = "DefaultReproduction"

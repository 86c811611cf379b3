"""Readable counters for a neat-python population, so that a run can be resumed bit-identically.

neat-python counts with `itertools.count`, whose next value cannot be read without consuming it.
"""

import neat


class Count:
    """A counter like `itertools.count` whose next value can be read and set."""

    def __init__(self, value: int):
        self.value = value

    def __next__(self) -> int:
        self.value += 1
        return self.value - 1


def make_population(config: neat.Config) -> neat.Population:
    """Return a new population of the configured classes, with `Count` as its counters."""
    options = config.genome_config
    options.node_indexer = Count(options.num_outputs + options.num_hidden)
    population = neat.Population(config)
    for owner, name in ((population.reproduction, "genome_indexer"), (population.species, "indexer")):
        setattr(owner, name, Count(next(getattr(owner, name))))
    return population

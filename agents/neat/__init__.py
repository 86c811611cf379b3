"""NEAT on the classes of neat-python: genomes, species, reproduction, evaluation, and the population itself."""

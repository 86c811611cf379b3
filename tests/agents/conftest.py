"""Configurations of neat-python for tests, as runs make them."""

from collections.abc import Callable
from itertools import count

import neat
import pytest

from experiments.config.evolve import EvolveConfig
from experiments.config.neat_ini import neat_ini, read_neat_config


@pytest.fixture(scope="session")
def make_config(tmp_path_factory) -> Callable[..., neat.Config]:
    """Return a function that makes a configuration.

    Its arguments are the numbers of inputs and outputs, a preset, and a dictionary of changes for any
    section of `EvolveConfig`.
    """
    folder, numbers = tmp_path_factory.mktemp("neat"), count()

    def make(inputs: int, outputs: int, preset: str | None = None, **sections: dict) -> neat.Config:
        config = EvolveConfig.load(preset)
        for section, values in sections.items():
            config = config.change(section, **values)
        path = folder / f"{next(numbers)}.ini"
        path.write_text(neat_ini(config, inputs, outputs))
        made = read_neat_config(path, neat_pythons=config.evolve.algorithm == "neat_python")
        made.genome_config.innovation_tracker = neat.innovation.InnovationTracker()
        return made

    return make

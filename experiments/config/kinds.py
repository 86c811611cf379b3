"""The configuration class of every kind of run, by the kind's name in meta.json."""

from pkgutil import resolve_name

from experiments.config.settings import Settings

CONFIGS = {
    "evolve": "experiments.config.evolve:EvolveConfig",
    "dqn": "experiments.config.dqn:DqnConfig",
    "breed": "experiments.config.breed:BreedConfig",
    "vae": "experiments.config.vae:VaeConfig",
    "listener": "experiments.config.listener:ListenerConfig",
}
"""Imported on demand, because some need optional packages."""


def config_class(kind: str) -> type[Settings]:
    """Return the configuration class of a kind of run; raise KeyError if the kind is unknown."""
    return resolve_name(CONFIGS[kind])

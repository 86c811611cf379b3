"""The configuration of every kind of run, by the name that meta.json has for it."""

from pkgutil import resolve_name

from experiments.config.settings import Settings

CONFIGS = {
    "evolve": "experiments.config.evolve:EvolveConfig",
    "dqn": "experiments.config.dqn:DqnConfig",
    "breed": "experiments.config.breed:BreedConfig",
    "vae": "experiments.config.vae:VaeConfig",
    "listener": "experiments.config.listener:ListenerConfig",
}
"""Imported when asked for: some need packages that not everyone has."""


def config_class(kind: str) -> type[Settings]:
    """Return the configuration class of a kind of run; raises KeyError if there is no such kind."""
    return resolve_name(CONFIGS[kind])

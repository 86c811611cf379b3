"""The configuration of an improvisation: what a listener rules out, and the prior."""

from experiments.config.evolve import EvolveConfig
from experiments.config.settings import ConfigError
from experiments.runs.named import NO_PRIOR, melody_prior, named_listener
from experiments.runs.plans import FORM, check_plan
from listener.registry import needs_prior

BY_OUTPUT = {
    "modular_crossover": 0.0,
    "donors": 0,
    "loss_weighted_output": 0.0,
    "error_reweighting": 0.0,
    "target_guided": 0.0,
}
"""Operators that need a loss for every output, whereas a listener gives a network one reward."""


def settle_improvisation(config: EvolveConfig) -> EvolveConfig:
    """Return the configuration of an improvisation, without operators that need a loss for every output.

    Raises:
        ConfigError: The listener does not exist, or cannot be combined with other options.
    """
    named_listener(config.improvise.listener, "improvise.listener")
    if config.task.kind != "song":
        raise ConfigError(f"task.kind = {config.task.kind!r}: a listener needs a keyboard to listen to")
    if config.evolve.algorithm not in ("neat", "neat_python", "map_elites") or config.genome.recurrent:
        raise ConfigError(
            "improvise.listener: only feed-forward networks of evolve.algorithm = 'neat' or 'map_elites' improvise"
        )
    if config.evolve.algorithm != "neat" and config.task.mode_bit:
        raise ConfigError("task.mode_bit: only networks of evolve.algorithm = 'neat' learn a song and also improvise")
    config = _settle_prior(config)
    if config.task.lags:
        raise ConfigError(f"task.lags = {config.task.lags!r}: an improvisation remembers the last steps")
    standard = EvolveConfig()
    for name in BY_OUTPUT:
        value = getattr(config.operators, name)
        if value not in (0, getattr(standard.operators, name)):
            raise ConfigError(
                f"operators.{name} = {value:g}: it needs a loss for every output; a listener gives one reward"
            )
    return without_losses(config)


def _settle_prior(config: EvolveConfig) -> EvolveConfig:
    """Return the configuration of an improvisation with its prior resolved; raises ConfigError."""
    prior = config.improvise.prior
    if prior == "auto":
        beside = config.evolve.algorithm == "map_elites" or config.task.mode_bit
        prior = "melody" if beside and needs_prior(config.improvise.listener) else NO_PRIOR
    check_plan(config.task, prior, True, "improvise.prior")
    if prior != FORM:
        melody_prior(prior, "improvise.prior")
    if prior == NO_PRIOR and config.improvise.draws:
        raise ConfigError(f"improvise.draws = {config.improvise.draws}: draws need a prior: add improvise.prior=melody")
    return config.change("improvise", prior=prior)


def without_losses(config: EvolveConfig) -> EvolveConfig:
    """Return a configuration without the operators and options that need losses."""
    return (
        config.change("operators", **BY_OUTPUT)
        .change("evolve", selection="truncation")
        .change("species", fitness_sharing="normalized")
    )

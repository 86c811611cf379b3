"""The searches that a configuration can name."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import neat
import numpy as np

from agents.cases import Cases
from agents.neat.evaluator import ErrorReweighting, Evaluator
from agents.neat.guide import CaseGuide
from agents.neat.improvisation import Improvisation, ImprovisationEvaluator, PlayedInputGuide
from agents.neat.improvisation_switch import SwitchEvolution
from agents.neat.map_elites import MapElites
from agents.neat.population import Evolution
from agents.neat.workers import NO_WORKERS, WorkerOptions, lend_backend
from agents.search import Problem, Search
from experiments.config.evolve import OTHER_SEARCHES, EvolveConfig
from experiments.config.neat_ini import improvises, neat_ini, read_neat_config
from experiments.config.settings import ConfigError
from experiments.runs.assembly import make_cases, make_env, settle_live_inputs
from experiments.runs.evolve.atlas import melody_map, named_features
from experiments.runs.improvise import Improvising
from experiments.runs.named import NO_PRIOR
from songs.files import write_atomically
from songs.song import Song


@contextmanager
def make_search(
    config: EvolveConfig,
    songs: Sequence[Song],
    cases: Cases,
    folder: Path,
    workers: WorkerOptions = NO_WORKERS,
    improvising: Improvising | None = None,
) -> Iterator[Search]:
    """Context manager for the search of a resolved configuration; raises ConfigError if it does not suit the task.

    Args:
        config: The configuration.
        songs: The songs to learn.
        cases: The cases that networks are evaluated on.
        folder: Folder for neat-python's configuration file.
        workers: Processes that evaluate networks.
        improvising: The improvisation task; None if a song is memorised.
    """
    algorithm, seed = config.evolve.algorithm, config.evolve.seed
    if algorithm in OTHER_SEARCHES and (config.genome.recurrent or workers != NO_WORKERS):
        raise ConfigError(f"evolve.algorithm = {algorithm!r}: recurrent networks and workers need 'neat'")
    if improvising:
        if workers != NO_WORKERS:
            raise ConfigError("improvise.listener: improvisations are evaluated in one process, without workers")
        if config.task.mode_bit:
            alone = settle_live_inputs(config.of_song, songs)
            with _neat(alone, make_cases(alone, songs), folder, workers) as song:
                yield _switch(config, song, cases, folder, improvising)
        else:
            yield _improvisation(config, cases, folder / "neat.ini", improvising)
    elif algorithm in OTHER_SEARCHES:
        task, make = config.task, partial(make_env, config.task, songs) if songs else None
        problem = Problem(cases, [song.roll for song in songs], task.remembered, task.prompt, task.mode_bit, make)
        yield OTHER_SEARCHES[algorithm].of(problem, getattr(config, algorithm), seed)
    else:
        with _neat(config, cases, folder, workers) as search:
            yield search


def _improvisation(config: EvolveConfig, cases: Cases, ini: Path, improvising: Improvising) -> Improvisation:
    """Return the evolution of improvising networks."""
    starts, reward, mode_bit = improvising.starts, improvising.listener.rewards, improvising.mode_bit
    evaluator = ImprovisationEvaluator(
        cases,
        reward,
        starts.prompts,
        starts.steps,
        config.task.memory,
        config.operators.parsimony,
        improvising.prior,
        improvising.plan_inputs,
        mode_bit,
    )
    neat_config = write_neat_config(config, cases, ini)
    neat_config.genome_config.guide = PlayedInputGuide(
        starts.prompts.shape[1], config.task.memory, improvising.plan_inputs, mode_bit
    )
    if config.evolve.algorithm == "map_elites":
        return MapElites(
            neat_config, evaluator, melody_map(config.map_elites), config.evolve.seed, config.map_elites.worst
        )
    return Improvisation(neat_config, evaluator, config.evolve.seed)


def _switch(
    config: EvolveConfig, song: Evolution, cases: Cases, folder: Path, improvising: Improvising
) -> SwitchEvolution:
    """Return the evolution of a network whose mode selects between playing the song and improvising."""
    # behind the gates, the improviser has no hidden nodes
    plain = config.change("genome", node_add_prob=0.0).change("task", mode_bit=False)
    ini = folder / "neat-improvisation.ini"
    return SwitchEvolution(song, lambda: _improvisation(plain, cases, ini, improvising), config.task.memory)


def write_neat_config(config: EvolveConfig, cases: Cases, path: Path) -> neat.Config:
    """Write neat-python's configuration file and read it."""
    write_atomically(path, neat_ini(config, len(cases.inputs), len(cases.targets)))
    return read_neat_config(path, neat_pythons=config.evolve.algorithm == "neat_python")


@contextmanager
def _neat(config: EvolveConfig, cases: Cases, folder: Path, workers: WorkerOptions) -> Iterator[Evolution]:
    neat_config = write_neat_config(config, cases, folder / "neat.ini")
    neat_config.genome_config.guide = CaseGuide(cases)
    if config.operators.live_inputs == "yes":
        neat_config.genome_config.sources = [-1 - index for index in np.flatnonzero(cases.inputs.any(axis=1)).tolist()]
    operators, fitness = config.operators, config.evolve.fitness
    reweighting = ErrorReweighting(operators.error_reweighting, operators.reweighting_every)
    immutable = config.evolve.algorithm == "neat"
    with lend_backend(cases, fitness, workers, immutable) as backend:
        evaluator = Evaluator(cases, fitness, reweighting, operators.parsimony, backend)
        yield Evolution(neat_config, evaluator, config.evolve.seed)


def describe(config: EvolveConfig) -> str:
    """Return the name of a configuration's search for reports."""
    if config.task.mode_bit and config.improvise.listener:
        return f"{describe(config.of_song)} for the song, then {describe(config.change('task', mode_bit=False))}"
    algorithm, used = config.evolve.algorithm, operators_used(config)
    if algorithm in OTHER_SEARCHES:
        label = OTHER_SEARCHES[algorithm].LABEL
        return f"{label}, with {', '.join(used)}" if used else label
    kind = "recurrent NEAT" if config.genome.recurrent else "NEAT"
    search = f"{kind} with {', '.join(used)}" if used else f"{kind}, plain"
    if algorithm == "neat_python":
        search = f"plain {kind}, by neat-python's own genome, mutation, crossover and species"
    if config.task.kind == "environment":
        return f"{search}, in {config.environment.id}, by the mean return of {config.environment.episodes} episodes"
    if not config.improvise.listener:
        return search
    if algorithm == "map_elites":
        side, axes = config.map_elites.cells, " and ".join(named_features(config.map_elites))
        search = f"MAP-Elites, {side} by {side} cells of {axes}, over {search}"
    prior = config.improvise.prior
    beside = "" if prior == NO_PRIOR else f"beside the prior {prior}, "
    return f"{search}, {beside}rewarded by the listener {config.improvise.listener}"


def operators_used(config: EvolveConfig) -> list[str]:
    """Return the names of active operators beyond plain NEAT, for reports."""
    algorithm = config.evolve.algorithm
    if algorithm in OTHER_SEARCHES:
        return OTHER_SEARCHES[algorithm].describe(getattr(config, algorithm))
    if algorithm == "neat_python":
        return []
    operators = config.operators
    named = {
        "modular crossover": operators.modular_crossover,
        "loss-weighted output": operators.loss_weighted_output,
        "error reweighting": operators.error_reweighting,
        "parsimony": operators.parsimony,
        "target-guided (looks at inputs and targets)": operators.target_guided,
        "live inputs only": operators.live_inputs == "yes",
        "active-input bias": operators.active_input_bias if improvises(config) else 0,
    }
    used = [name if value is True else f"{name} {value:g}" for name, value in named.items() if value]
    if operators.modular_crossover and operators.donors:
        used[0] += f" with {2 + operators.donors} parents"
    return [*used, "lexicase selection"] if config.evolve.selection == "lexicase" else used

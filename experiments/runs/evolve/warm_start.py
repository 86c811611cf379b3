"""Evolution that starts from genomes of another run: its champion, or the population of a checkpoint.

RUN                 the champion; the first generation is the champion and its children
RUN/checkpoints     the population of the newest checkpoint
"""

import json
import shlex
import tempfile
from collections.abc import Sequence
from pathlib import Path

from agents.neat.counters import make_population
from agents.neat.genome import Genome
from agents.neat.genome_json import genome_from_columns, genome_from_json, genome_to_columns
from agents.neat.population import Evolution
from agents.neat.population_state import restore_population
from agents.search import Search
from experiments.config.evolve import EvolveConfig
from experiments.config.neat_ini import neat_ini, read_neat_config
from experiments.config.settings import ConfigError
from experiments.runs.assembly import network_shape
from experiments.runs.checkpoint import load_checkpoint
from experiments.runs.folder import RunError, RunFolder
from experiments.runs.lifecycle import name_of_kind, read_config
from experiments.runs.origin import Origin
from songs.song import Song
from songs.validate import validate_like

GENOMES = "initial.jsonl"
CHECKPOINTS = "checkpoints"


def evolve_origin(text: str, config: EvolveConfig, songs: Sequence[Song]) -> Origin:
    """Return the origin of a resolved run of evolution that starts from another run.

    Raises:
        RunError: The other run does not exist, or has no genomes.
        ConfigError: The genomes do not fit the new run; the message names options that would fit.
    """
    if config.evolve.algorithm != "neat" or config.task.mode_bit:
        raise ConfigError("--from needs evolve.algorithm = 'neat' and no --mode-bit")
    path = Path(text)
    folder = RunFolder.open(path.parent if path.name == CHECKPOINTS else path)
    if (kind := name_of_kind(folder)) == "breed":
        raise RunError(
            f"--from {text}: its network sees its position in the bar: use kuznechik breed {shlex.quote(text)}"
        )
    if kind != "evolve":
        raise RunError(f"--from {text}: it is a run of {kind}, which has no genomes")
    other = read_config(folder)
    try:
        champion, *shape = genome_from_json(folder.read_text("best/genome.json"))
    except RunError:
        raise
    except ValueError as error:
        raise RunError(f"{folder.path}: best/genome.json is broken: {error}") from None
    _check_fit(text, other, tuple(shape), config, songs)
    if path.name == CHECKPOINTS:
        genomes = _population(folder, other, *shape)
        taken = f"the population of {len(genomes)} genomes"
    else:
        genomes, taken = [champion], f"the champion of {champion.size()[1]} connections"
    _check_order(text, genomes, shape[1], config)
    lines = [json.dumps(genome_to_columns(genome, *shape), separators=(",", ":")) + "\n" for genome in genomes]
    return Origin.of_new(text, taken, GENOMES, "".join(lines).encode(), folder.read_meta())


def begin_with_origin(search: Search, folder: RunFolder, shape: tuple[int, int]) -> None:
    """Start a new search from the initial genomes in the run folder, if any; raises RunError."""
    origin = Origin.of_run(folder, (GENOMES,))
    if origin is None:
        return
    try:
        read = [genome_from_columns(json.loads(line)) for line in origin.content.decode().splitlines()]
        if not read or any(tuple(found) != shape for _, *found in read) or not isinstance(search, Evolution):
            raise ValueError(f"its genomes do not have {shape[0]} inputs and {shape[1]} outputs")
        search.begin_with([genome for genome, _, _ in read])
    except (ValueError, RecursionError) as error:
        raise RunError(f"{folder.path}: {GENOMES} is broken: {error}") from None


def _check_fit(
    text: str, other: EvolveConfig, shape: tuple[int, ...], config: EvolveConfig, songs: Sequence[Song]
) -> None:
    """Raise ConfigError if networks of another run do not fit the inputs and outputs of this one."""
    if other.genome.recurrent != config.genome.recurrent:
        wanted = str(other.genome.recurrent).lower()
        raise ConfigError(f"--from {text}: add --set genome.recurrent={wanted}, as in its run")
    if shape == (wanted_shape := network_shape(config, songs)):
        return
    has = f"--from {text}: its networks have {shape[0]} inputs and {shape[1]} outputs, this run needs {wanted_shape[0]}"
    has += f" and {wanted_shape[1]}"
    if not songs or other.task.kind != "song":
        raise ConfigError(f"{has}: use a run of the same task")
    if shape[1] != wanted_shape[1]:
        raise ConfigError(f"{has}: --keys {shape[1]} --fold gives {songs[0].name} as many keys")
    if other.task.mode_bit:
        raise ConfigError(f"{has}: it has a mode bit, which this run lacks")
    as_there = f"--set task.lags={other.task.lags}" if other.task.lags else f"--memory {other.task.memory}"
    raise ConfigError(f"{has}: {as_there} lets it remember as much")


def _check_order(text: str, genomes: Sequence[Genome], outputs: int, config: EvolveConfig) -> None:
    """Raise ConfigError if connections between hidden nodes do not go from smaller keys to larger ones."""
    if config.genome.recurrent:
        return
    if any(outputs <= sink <= source for genome in genomes for source, sink in genome.connections):
        raise ConfigError(f"--from {text}: its hidden nodes are not in the order that evolve.algorithm = 'neat' needs")


def _population(folder: RunFolder, config: EvolveConfig, inputs: int, outputs: int) -> list[Genome]:
    """Return the genomes of a run's newest checkpoint; raises RunError."""
    state, _ = load_checkpoint(folder.path / CHECKPOINTS)
    if state is None:
        raise RunError(f"{folder.path}: it has no checkpoint; --from {folder.path} uses its champion")
    arrays, data = state
    with tempfile.TemporaryDirectory() as parent:
        ini = Path(parent, "neat.ini")
        ini.write_text(neat_ini(config, inputs, outputs), "utf-8")
        neat_config = read_neat_config(ini, neat_pythons=config.evolve.algorithm == "neat_python")
    population = make_population(neat_config)
    try:
        validate_like({"state": {}}, data)
        restore_population(population, arrays, data["state"])
    except (ValueError, TypeError, LookupError, OverflowError) as error:
        raise RunError(f"{folder.path}: its checkpoint holds no population: {error}") from None
    return list(population.population.values())

"""Runs of evolution: NEAT or another search for a network that plays.

songs/        the songs of the run as MIDI files
starts.json   the prompts of an improvisation
plans.json    its plans, if any
draft.json    its draft, if any
initial.jsonl genomes of another run that it started from, if any
neat.ini      the configuration in neat-python's format
metrics.csv   a row per generation
species.csv   generation, species, ancestor, members
best/         the champion: genome.json, roll.npy, melody.mid, melody.wav; and for MAP-Elites atlas.json
history/      earlier champions: champions.jsonl
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

from agents.neat.workers import NO_WORKERS, WorkerOptions
from experiments.config.evolve import EvolveConfig
from experiments.runs.assembly import left_out, make_cases, read_songs
from experiments.runs.draft import write_draft
from experiments.runs.evolve.env_run import env_training
from experiments.runs.evolve.evolving import Evolving
from experiments.runs.evolve.searches import make_search
from experiments.runs.evolve.warm_start import GENOMES, begin_with_origin
from experiments.runs.folder import RunFolder
from experiments.runs.improvise import improvising_of_run, read_improvising
from experiments.runs.lifecycle import Kind
from experiments.runs.plans import write_plans
from experiments.runs.starts import choose_starts
from songs.song import Song


def prepare(config: EvolveConfig, folder: RunFolder, songs: Sequence[Song]) -> None:
    """Write the songs of a new run, and the prompts, plans and draft of an improvisation."""
    if songs:
        folder.write_songs(songs, left_out(config.task, songs))
    if config.improvise.listener:
        starts = choose_starts(config.task, config.improvise.starts, songs)
        starts.write(folder)
        improvise, planned = config.improvise, config.task.plan
        if improvise.draws:
            task = improvising_of_run(folder, improvise, starts, config.task.memory, songs, improvise.prior)
            with _one_thread():
                write_draft(folder, task, improvise.draws, config.seed, planned)
        elif planned:
            from listener.form.planning import draw_plans  # here, as it loads torch

            write_plans(folder, draw_plans(songs[0], list(starts.prompts), config.seed))


@contextmanager
def training(config: EvolveConfig, folder: RunFolder, workers: WorkerOptions = NO_WORKERS) -> Iterator[Evolving]:
    """Context manager for the search of a run folder; `workers` evaluate networks and do not change the result."""
    if config.task.kind == "environment":
        with env_training(config, folder, workers) as acting:
            begin_with_origin(acting.search, folder, acting.shape)
            yield acting
        return
    songs = read_songs(config, folder)
    improvising = read_improvising(folder, config, songs)
    cases = make_cases(config, songs, improvising.plan_inputs if improvising else None)
    with make_search(config, songs, cases, folder.path, workers, improvising) as search, _one_thread():
        evolving = Evolving(config, songs, cases, search, improvising)
        begin_with_origin(search, folder, evolving.shape)
        yield evolving


def _one_thread() -> AbstractContextManager[None]:
    """Return a context manager that limits torch to one thread, if a listener or a prior has loaded it."""
    if "torch" not in sys.modules:
        return nullcontext()
    from vae.processor import computing

    return computing()


KIND = Kind("evolve", ("evolve.generations",), prepare, training, read_songs, (GENOMES,), checkpoint_every=50)

"""Runs of deep Q-learning.

songs/        the songs of the run as MIDI files
metrics.csv   a row per evaluation of the greedy player
best/         the best greedy player so far: model.safetensors, roll.npy, melody.mid, melody.wav
history/      what earlier best players played: champions.jsonl

For runs with a mode bit, see `experiments.runs.dqn.switch`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from experiments.config.dqn import DqnConfig
from experiments.runs.assembly import left_out, read_songs, resolve_songs
from experiments.runs.dqn.learning import Learning
from experiments.runs.dqn.parts import (
    WEIGHTS,
    begin_with_origin,
    improvisation_listener,
    improvising_task,
    learned_improvising,
    make_agent,
)
from experiments.runs.dqn.switch import SwitchLearning
from experiments.runs.draft import write_draft
from experiments.runs.folder import RunFolder
from experiments.runs.lifecycle import Kind
from experiments.runs.plans import check_plan, check_planned_songs, write_plans
from listener.attachment import hears_any_keyboard
from listener.form.planning import draw_plans
from listener.listener import Listener
from songs.song import Song
from vae.processor import computing


def prepare(config: DqnConfig, folder: RunFolder, songs: Sequence[Song]) -> None:
    """Write the songs, plans and draft of a new run."""
    folder.write_songs(songs, left_out(config.task, songs))
    task = config.task
    if config.prior.draws:
        with computing():
            write_draft(folder, improvising_task(folder, config, songs), config.prior.draws, config.seed, task.plan)
    elif task.plan:
        write_plans(folder, draw_plans(songs[0], [songs[0].roll[: task.prompt]], config.seed))


@contextmanager
def training(
    config: DqnConfig, folder: RunFolder, listener: Listener | None = None
) -> Iterator[Learning | SwitchLearning]:
    """Context manager for the learner of a run folder.

    A listener, if given, replaces the one in the configuration. If it does not judge right and wrong, the best player
    is the one with the highest reward, and nothing counts as solved.
    """
    with computing():
        songs = read_songs(config, folder)
        improvising = learned_improvising(folder, config, songs)
        plans, prior = (improvising.plans, improvising.prior) if improvising else (None, None)
        if config.switches:
            yield SwitchLearning(config, songs, plans, prior)
            return
        learning = Learning(config, songs, listener, plans, prior)
        begin_with_origin(learning.learner, folder)
        yield learning


def resolve_dqn(config: DqnConfig) -> tuple[DqnConfig, list[Song]]:
    """Return the configuration with its memory resolved, and its songs; raises SongError or ConfigError."""
    listener = improvisation_listener(config)  # raises errors before a folder is created
    narrow = listener is not None and not hears_any_keyboard(listener)
    config, songs = resolve_songs(config, narrow or bool(config.prior.model))
    config.check()
    check_plan(config.task, config.prior.model, config.improvises, "prior.model")
    check_planned_songs(config.task, songs)
    plans = None
    if config.task.plan:
        plans = draw_plans(songs[0], [songs[0].roll[: config.task.prompt]], config.seed)
    for part in (config.of_song, config.of_improvisation) if config.switches else (config,):
        make_agent(part, songs[0].keyboard.keys, plans)
    return config, songs


KIND = Kind("dqn", ("dqn.steps", "dqn.stop_when_solved"), prepare, training, read_songs, (WEIGHTS,), 10_000)

"""The plans of a run that improvises by plan.

    plans.json    a plan for each start: the factors of its bars, its character, its lowest key

Plans are drawn once, when the run starts, so that resuming and playing do not depend on the current plan model.
"""

from collections.abc import Sequence

from experiments.config.evolve import Task
from experiments.config.settings import ConfigError
from experiments.runs.folder import RunError, RunFolder
from songs.plan import Plans
from songs.song import Song

FILE = "plans.json"
FORM = "form"
"""Name of the prior that follows plans."""


def check_plan(task: Task, prior: str, improvises: bool, option: str) -> None:
    """Raise ConfigError if the plan option conflicts with other options; `option` is the name of the prior's option."""
    if prior == FORM and not task.plan:
        raise ConfigError(f"{option} = 'form' follows a plan: add --set task.plan=true")
    if not task.plan:
        return
    if not improvises:
        raise ConfigError("task.plan = true: a plan is for improvising: name a listener")
    if task.lags:
        raise ConfigError("task.plan = true: a network with a plan remembers the last steps")


def check_planned_songs(task: Task, songs: Sequence[Song]) -> None:
    """Raise SongError if the task has plans, but plans cannot be made for its songs."""
    if task.plan:
        from listener.form.planning import check_plannable  # here, as it loads torch

        for song in songs:
            check_plannable(song)


def write_plans(folder: RunFolder, plans: Plans) -> None:
    """Write plans.json."""
    folder.write_json(FILE, plans.to_dict())


def read_plans(folder: RunFolder, song: Song) -> Plans:
    """Return the plans of a run for a song; raises RunError if they are missing or broken."""
    content = folder.read_json(FILE)
    try:
        return Plans.from_dict(content, song.steps // song.grid.steps_per_bar, song.keyboard.keys)
    except ValueError as error:
        raise RunError(f"{folder.path}: {FILE} is broken: {error}") from None

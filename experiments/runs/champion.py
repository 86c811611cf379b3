"""The champion of a run, read back from its folder as a performer."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agents.cases import xor_cases
from agents.neat.genome_json import genome_from_json
from agents.neat.network import Network
from agents.performer import Performer
from experiments.config.evolve import Task
from experiments.runs.assembly import make_player, read_songs
from experiments.runs.evolve.env_task import EnvChampion
from experiments.runs.folder import RunError, RunFolder
from experiments.runs.improvise import Improvising, read_improvising
from experiments.runs.lifecycle import kind_of, name_of_kind, read_config
from songs.song import Song

OTHERS = {
    "vae": "trained a MusicVAE, which performs no song: see kuznechik report {path}",
    "listener": "trained a listener, which plays nothing: see kuznechik listener score FILE.mid --listener {path}",
}
"""Kinds of runs without a performer, and a message on what to use instead."""


@dataclass(frozen=True, eq=False, repr=False)
class Run:
    """A finished or interrupted run, read back from its folder."""

    folder: RunFolder
    task: Task
    songs: Sequence[Song]
    performer: Performer | None
    """The champion; None if the task is not music."""
    network: Network | None = None
    """The champion if the task is exclusive or."""
    environment: EnvChampion | None = None
    """The champion if the task is a Gymnasium environment."""
    improvising: Improvising | None = None
    """Its improvisation task; None if it memorised a song."""
    bred: bool = False
    """True if it was bred by ear; its song is then what the champion plays."""

    def __repr__(self) -> str:
        return f"Run({str(self.folder.path)!r})"

    @property
    def memorised(self) -> bool:
        """True if its task was to learn songs; False if it only improvises."""
        return not self.bred and (self.improvising is None or self.task.mode_bit)

    def player(self) -> Performer:
        """Return the champion as a performer; raise RunError if it does not play a keyboard."""
        if self.performer is None:
            learned = self.environment.id if self.environment else self.task.kind
            raise RunError(f"{self.folder.path}: this run learned {learned} and plays no song")
        return self.performer

    def improvisation(self) -> Improvising:
        """Return the improvisation task; raise RunError if the run had no listener to reward it."""
        if self.bred:
            raise RunError(
                f"{self.folder.path}: this run was bred by ear, so nothing in it is right or wrong; "
                f"ask a listener instead: kuznechik listener score {self.folder.path} --listener NAME"
            )
        if self.improvising is None:
            raise RunError(f"{self.folder.path}: this run memorised its song and does not improvise")
        return self.improvising


def open_run(path: str | Path, improvising: Improvising | None = None) -> Run:
    """Read a run folder.

    Args:
        path: Path of the folder.
        improvising: Improvisation task to use in place of the run's own; None keeps the run's own.

    Raises:
        RunError: The folder does not exist, lacks a part, or trained no performer.
    """
    folder = RunFolder.open(path)
    kind = name_of_kind(folder)
    if kind == "evolve":
        return _open_evolved(folder, improvising)
    if kind == "dqn":
        return _open_learned(folder, improvising)
    if kind == "breed":
        return _open_bred(folder)
    raise RunError(f"{path}: this run {OTHERS[kind].format(path=path)}")


def _open_evolved(folder: RunFolder, improvising: Improvising | None) -> Run:
    config = read_config(folder)
    songs = read_songs(config, folder)
    try:
        genome, inputs, outputs = genome_from_json(folder.read_text("best/genome.json"))
        if config.task.kind == "environment":
            return Run(folder, config.task, [], None, environment=EnvChampion(config, genome))
        improvising = improvising or read_improvising(folder, config, songs)
        player = make_player(config, genome, inputs, outputs, songs, improvising)
    except RunError:
        raise
    except ValueError as error:
        raise RunError(f"{folder.path}: best/genome.json is broken: {error}") from None
    if config.task.kind == "xor":
        return Run(folder, config.task, [], None, Network(genome, outputs))
    return Run(folder, config.task, songs, player, improvising=improvising)


def _open_learned(folder: RunFolder, improvising: Improvising | None) -> Run:
    kind_of(folder)  # raises RunError if torch is not installed
    from experiments.runs.dqn.parts import learned_improvising, read_player

    config = read_config(folder)
    songs = read_songs(config, folder)
    improvising = improvising or learned_improvising(folder, config, songs)
    player = read_player(folder, config, songs[0].keyboard.keys, improvising)
    return Run(folder, config.task, songs, player, improvising=improvising)


def _open_bred(folder: RunFolder) -> Run:
    config, roll = read_config(folder), folder.read_roll()
    melody = config.melody
    try:
        task = melody.task
        genome, inputs, outputs = genome_from_json(folder.read_text("best/genome.json"))
        if (inputs, outputs, roll.shape) != (task.inputs, melody.keys, (task.steps, melody.keys)):
            raise ValueError("it does not fit the run's melodies")
        player = task.player(genome)
    except RunError:
        raise
    except ValueError as error:
        raise RunError(f"{folder.path}: best/genome.json is broken: {error}") from None
    name = folder.path.resolve().name
    song = Song(name, roll, name, melody.tempo_bpm, keyboard=melody.keyboard, grid=melody.grid)
    remembered = Task(song=name, memory=task.lags[0], lags=melody.lags, prompt=0)
    return Run(folder, remembered, [song], player, bred=True)


def truth_table(run: Run) -> dict[str, int]:
    """Return how many cases of exclusive or a champion gets right; raise RunError if the run learned another task."""
    cases = xor_cases()
    if run.network is None:
        raise RunError(f"{run.folder.path}: this run plays music and did not learn exclusive or")
    return {"cases": len(cases), "right": int(((run.network(cases.inputs) > 0) == cases.targets).all(axis=0).sum())}

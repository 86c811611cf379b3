"""The start of a breeding run: random networks, a network bred earlier, or melodies of any source.

Networks of other kinds of runs are imitated by what they play: a network that memorised a song has hundreds of
connections that only work together, and its children would not resemble it.
"""

from dataclasses import asdict
from pathlib import Path

from agents.neat.breeding import SHOWN
from agents.neat.genome_json import genome_from_json
from experiments.config.breed import BreedConfig
from experiments.options import UsageError
from experiments.runs.breed.kind import Beginning
from experiments.runs.folder import RunError, RunFolder
from experiments.runs.lifecycle import name_of_kind, read_config
from experiments.runs.source import Playing
from experiments.runs.sources import is_run, read_source
from songs.arrange import ArrangeOptions
from songs.keyboard import common_keyboard, usual_keyboard
from songs.song import Song


def resolve_beginning(
    config: BreedConfig, arranging: ArrangeOptions, tempo_bpm: float | None = None
) -> tuple[BreedConfig, Beginning, list[str]]:
    """Return a configuration with the form of its melodies resolved, the run's inputs, and remarks on changes.

    Args:
        config: A configuration that names the start.
        arranging: How files become songs; without a start, the melodies use its keyboard and grid.
        tempo_bpm: Quarter notes per minute; None: those of the start, or without a start of the configuration.

    Raises:
        ValueError: The start does not exist, or keyboard or grid are not valid.
    """
    start = config.breed.start
    beginning, remarks = Beginning(), []
    if not start:
        if arranging.keys:
            keyboard = usual_keyboard(arranging.keys)
            config = config.change("melody", keys=keyboard.keys, lowest_pitch=keyboard.lowest_pitch)
        if arranging.grid:
            config = config.change("melody", steps_per_beat=arranging.grid)
    elif is_run(start) and name_of_kind(RunFolder.open(start)) == "breed":
        if arranging.keys or arranging.grid:
            raise UsageError(
                f"{start}: its network needs the keys and the grid that it was bred on: leave out --keys and --grid"
            )
        config, beginning = _bred(config, RunFolder.open(start))
    else:
        source = read_source(start, Playing(SHOWN, config.seed, arranging=arranging))
        config, beginning = _imitated(config, list(source.songs)[:SHOWN], source.name)
        remarks = list(source.remarks)
    if tempo_bpm:
        config = config.change("melody", tempo_bpm=tempo_bpm)
    task = config.melody.task  # raises ValueError if keyboard or grid are not valid
    return config.change("melody", lags=",".join(map(str, task.lags))), beginning, remarks


def _bred(config: BreedConfig, folder: RunFolder) -> tuple[BreedConfig, Beginning]:
    """Return the configuration and inputs that start from the network of a breeding run."""
    try:
        genome, _, _ = genome_from_json(folder.read_text("best/genome.json"))
    except RunError:
        raise RunError(f"{folder.path}: nothing was chosen in this run yet: continue it with --resume") from None
    except ValueError as error:
        raise RunError(f"{folder.path}: best/genome.json is broken: {error}") from None
    melody = asdict(read_config(folder).melody)
    return config.change("melody", **melody), Beginning(genomes=[genome])


def _imitated(config: BreedConfig, songs: list[Song], name: str) -> tuple[BreedConfig, Beginning]:
    """Return the configuration and inputs that imitate songs on the grid of the first, cut to the melodies' length."""
    grid = songs[0].grid
    songs = [song for song in songs if song.grid == grid and song.roll.any()]
    if not songs:
        raise UsageError(f"{config.breed.start}: it plays nothing to imitate")
    keyboard = common_keyboard(song.keyboard for song in songs)
    config = config.change(
        "melody", keys=keyboard.keys, lowest_pitch=keyboard.lowest_pitch, tempo_bpm=songs[0].tempo_bpm, **asdict(grid)
    )
    steps = config.melody.task.steps
    numbered = [
        Song(f"{number}-{Path(name).name}", song.on(keyboard).roll[:steps], tempo_bpm=song.tempo_bpm,
             keyboard=keyboard, grid=grid)
        for number, song in enumerate(songs, 1)
    ]  # fmt: skip
    return config, Beginning(songs=numbered)

"""What a run that is bred by ear begins with: chance, a network that was bred before, or melodies of any source.

Networks of other kinds of runs are imitated by what they play: one that memorised a song has hundreds of connections
that hold only together, and its children would not resemble it.
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
    """Return a configuration whose melodies are settled, what it begins with, and lines about what was changed.

    Args:
        config: names the start.
        arranging: how files become songs; without a start, its keyboard and grid are those of the melodies.
        tempo_bpm: quarter notes a minute; None: those of the start, or of the configuration without one.

    Raises:
        ValueError: there is no such start, or keyboard and grid are none.
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
                f"{start}: its network has the keys and the grid that it was bred on: leave out --keys and --grid"
            )
        config, beginning = _bred(config, RunFolder.open(start))
    else:
        source = read_source(start, Playing(SHOWN, config.seed, arranging=arranging))
        config, beginning = _imitated(config, list(source.songs)[:SHOWN], source.name)
        remarks = list(source.remarks)
    if tempo_bpm:
        config = config.change("melody", tempo_bpm=tempo_bpm)
    task = config.melody.task  # raises ValueError where keyboard and grid are none
    return config.change("melody", lags=",".join(map(str, task.lags))), beginning, remarks


def _bred(config: BreedConfig, folder: RunFolder) -> tuple[BreedConfig, Beginning]:
    """Return what begins with the network of a run that was bred."""
    try:
        genome, _, _ = genome_from_json(folder.read_text("best/genome.json"))
    except RunError:
        raise RunError(f"{folder.path}: nothing was chosen in this run yet: go on with it by --resume") from None
    except ValueError as error:
        raise RunError(f"{folder.path}: best/genome.json is broken: {error}") from None
    melody = asdict(read_config(folder).melody)
    return config.change("melody", **melody), Beginning(genomes=[genome])


def _imitated(config: BreedConfig, songs: list[Song], name: str) -> tuple[BreedConfig, Beginning]:
    """Return what begins with networks that imitate songs on the grid of the first, cut to the length of melodies."""
    grid = songs[0].grid
    songs = [song for song in songs if song.grid == grid and song.roll.any()]
    if not songs:
        raise UsageError(f"{config.breed.start}: it plays nothing that could be imitated")
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

"""The page for breeding by ear, and the data of a generation that it receives."""

import shlex
from typing import Any

from experiments.pages.duet import duet_page
from experiments.pages.page import fill, sounds
from experiments.pages.roll_view import notes_of
from experiments.runs.breed.kind import STARRED, BreedingRun
from experiments.runs.champion import open_run
from songs.synth import step_seconds


def breed_page(run: BreedingRun) -> str:
    """Return the page of a run, with its newest generation."""
    melody, song = run.config.melody, run.song
    data = {
        "steps": song.steps,
        "bar": song.grid.steps_per_bar,
        "seconds": step_seconds(song.tempo_bpm, song.grid.steps_per_quarter),
        "keys": melody.keys,
        "lowest": melody.lowest_pitch,
        "run": shlex.quote(str(run.folder.path)),
        "black": list(melody.keyboard.black_keys),
        "newest": generation(run, run.steps),
        "starred": run.starred,
    }
    helped = {"listener": run.config.breed.listener, "between": run.config.breed.between}
    begun = {"run": data["run"], "start": run.config.breed.start}
    return fill("breed.html", ("player.js", "breed.js"), data=data, sounds=sounds(), **helped, **begun)


def generation(run: BreedingRun, number: int) -> dict[str, Any]:
    """Return a generation for the page; raise ValueError if it does not exist."""
    shown = len(run.breeding.generations)
    if not 0 <= number < shown:
        raise ValueError(f"there is no generation {number}")
    choice = run.choices[number - 1] if number else None
    return {
        "number": number,
        "count": shown,
        "parents": choice and {"generation": choice.generation, "chosen": list(choice.chosen), "kept": choice.keep},
        "melodies": [_melody(run, number, index) for index in range(len(run.breeding.rolls[number]))],
    }


def _melody(run: BreedingRun, number: int, index: int) -> dict[str, Any]:
    song = run.melody(number, index, "")
    nodes, connections = run.breeding.generations[number][index].size()
    return {"notes": notes_of(song), "connections": connections, "hidden": nodes - song.keyboard.keys}


def starred_duet(run: BreedingRun, name: str) -> str:
    """Return the duet page of a starred network; raise ValueError if it does not exist."""
    if name not in run.starred:
        raise ValueError(f"there is no star with the name {name[:40]!r}")
    return duet_page(open_run(run.folder.path / STARRED / name))

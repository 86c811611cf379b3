"""Stages of a run: earlier champions, read back from the film kept by `experiments.runs.history`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from agents.neat.genome_json import genome_from_columns
from agents.performer import PerfectPlayer
from experiments.runs.assembly import make_player
from experiments.runs.champion import Run
from experiments.runs.folder import RunError
from experiments.runs.history import HISTORY, generation_of, read_history
from experiments.runs.lifecycle import read_config
from songs.song import Song
from songs.validate import Within, validate_like


def at_generation(run: Run, generation: int) -> Run:
    """Return a run with the champion of a generation, or of a DQN's step: the last one kept up to then.

    Raises:
        RunError: The run plays no keyboard, no champion was kept up to then, or the film is broken.
    """
    if run.environment is None:
        run.player()
    if generation >= _last_row(run)[1]:
        return run
    kept = read_history(run.folder)
    until = [line for line in kept if generation_of(line) <= generation]
    if not until:
        first = f"its first champion is of {generation_of(kept[0])}" if kept else "it kept no earlier champions"
        raise RunError(f"{run.folder.path}: no champion is known at {generation}: {first}")
    return at_stage(run, until[-1])


def beyond_in_words(run: Run, generation: int) -> list[str]:
    """Return a line that says so if a run ended before a generation, or before a DQN's step; otherwise no line."""
    unit, last = _last_row(run)
    return [f"{run.folder.path}: its last {unit} is {last}: its final champion plays"] * (generation > last)


def _last_row(run: Run) -> tuple[str, int]:
    """Return the last row of metrics.csv: "generation", or "step" for a DQN, and its number; raises RunError."""
    column, values = next(iter(run.folder.read_table("metrics.csv").items()))
    return column, int(values[-1])


def at_stage(run: Run, line: Mapping[str, Any]) -> Run:
    """Return a run with the champion of a line of its film; for a DQN, it plays one fixed melody. Raises RunError."""
    try:
        if "parents" in line:
            validate_like({"key": 0, "parents": [0]}, line, "a line")
        if "operators" in line:
            validate_like({"operators": [""]}, line, "a line")
        if run.environment is not None:
            genome, _, _ = genome_from_columns(line["genome"])
            return replace(run, environment=replace(run.environment, genome=genome))
        if "genome" in line:
            network = genome_from_columns(line["genome"])
            return replace(run, performer=make_player(read_config(run.folder), *network, run.songs, run.improvising))
        player = PerfectPlayer(_roll(line, run.songs[0]), run.task.prompt)
    except RunError:
        raise
    except ValueError as error:
        raise RunError(f"{run.folder.path}: {HISTORY} is broken: {error}") from None
    improvising = run.improvising
    if improvising:
        starts = replace(improvising.starts, names=improvising.starts.names[:1], prompts=improvising.starts.prompts[:1])
        improvising = replace(improvising, starts=starts)
    return replace(run, songs=run.songs[:1], performer=player, improvising=improvising)


def _roll(line: Mapping[str, Any], song: Song) -> np.ndarray:
    """Return the roll (T, K) bool of a line; raise ValueError if it is missing or not as long as the song."""
    roll = np.zeros_like(song.roll)
    validate_like({"roll": [[Within(0, 0, song.keyboard.keys - 1)]]}, line, "a line")
    for step, keys in zip(roll, line["roll"], strict=True):
        step[keys] = True
    return roll

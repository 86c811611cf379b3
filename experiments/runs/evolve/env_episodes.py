"""Episodes of the champion of a run in an environment: their returns, and a film."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agents.neat.env_evolution import PLAYED, episode_seeds
from experiments.runs.champion import open_run
from experiments.runs.evolve.env_task import EnvChampion
from experiments.runs.folder import RunFolder
from experiments.runs.lifecycle import read_config
from experiments.runs.sources import is_run
from experiments.runs.stages import at_generation, beyond_in_words
from experiments.tables import significant
from songs.files import write_atomically

MOST_PICTURES = 1000
"""Maximum number of frames in a film; longer episodes are cut off."""
MILLISECONDS = 30
"""Time per frame of a film."""


def acts(text: str) -> bool:
    """Return True if a source is a run in an environment, which plays no music."""
    if not is_run(text):
        return False
    task = getattr(read_config(RunFolder.open(text)), "task", None)
    return task is not None and task.kind == "environment"


def champion_of(path: str, generation: int | None) -> EnvChampion:
    """Return the champion of a run in an environment, as of a generation; raises RunError."""
    run = open_run(path)
    run = run if generation is None else at_generation(run, generation)
    assert run.environment is not None, "`acts` was asked"
    return run.environment


def play_run(path: str, generation: int | None, episodes: int, seed: int, render: bool) -> Iterator[str]:
    """Yield a line for every episode that a champion plays, and a summary; with `render`, show them in a window."""
    champion = champion_of(path, generation)
    if generation is not None:
        yield from beyond_in_words(open_run(path), generation)
    shown: dict[str, Any] = {"render_mode": "human"} if render else {}
    played = champion.episodes(episode_seeds(seed, PLAYED, episodes), **shown)
    for number, (value, steps) in enumerate(zip(played.returns, played.steps, strict=True), start=1):
        yield f"episode {number}: return {significant(value)} in {steps} steps"
    summary = played.summary()
    mean, deviation = significant(summary["mean_return"]), significant(summary["std_return"])
    yield f"{champion.id}: mean return {mean}, standard deviation {deviation}"


def write_film(path: str, generation: int | None, seed: int, out: Path) -> str:
    """Write the first episode of `play_run` as a GIF and return a line; raises RunError or ConfigError."""
    from PIL import Image

    champion = champion_of(path, generation)
    pictures = [Image.fromarray(frame) for frame in champion.film(*episode_seeds(seed, PLAYED, 1))[:MOST_PICTURES]]
    content = io.BytesIO()
    pictures[0].save(content, "GIF", save_all=True, append_images=pictures[1:], duration=MILLISECONDS, loop=0)
    write_atomically(out, content.getvalue())
    return f"{out}: {len(pictures)} pictures"

"""Prompts of improvisations: the openings of songs.

    starts.json  the prompts, and the length of an improvisation

Conventions: B prompts of P steps of K keys, T steps in total.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from experiments.config.evolve import Task
from experiments.runs.folder import RunError, RunFolder
from songs.catalog import read_catalog
from songs.song import Song
from songs.validate import validate_like

MOST_STEPS = 1_000_000
"""Maximum length of an improvisation in starts.json; songs are far shorter."""


@dataclass(frozen=True, eq=False)
class Starts:
    """Prompts of improvisations, and their length."""

    names: tuple[str, ...]
    """The songs whose openings are the prompts."""
    prompts: np.ndarray
    """(B, P, K) bool."""
    steps: int
    """T."""

    @classmethod
    def of_songs(cls, songs: Sequence[Song], prompt: int) -> "Starts":
        """Return the openings of songs, `prompt` steps each; an improvisation is as long as the first song."""
        prompts = np.array([song.roll[:prompt] for song in songs])
        return cls(tuple(song.name for song in songs), prompts, songs[0].steps)

    def repeated(self, count: int) -> "Starts":
        """Return the first prompt, repeated `count` times."""
        return replace(self, names=self.names[:1] * count, prompts=np.repeat(self.prompts[:1], count, axis=0))

    def write(self, folder: RunFolder) -> None:
        """Write starts.json."""
        prompts = [[np.flatnonzero(step).tolist() for step in prompt] for prompt in self.prompts]
        folder.write_json("starts.json", {"steps": self.steps, "songs": list(self.names), "prompts": prompts})

    @classmethod
    def read(cls, folder: RunFolder, keys: int) -> "Starts":
        """Read starts.json, with prompts on `keys` keys; raise RunError if it is missing or broken."""
        content = folder.read_json("starts.json")
        try:
            validate_like({"steps": 0, "songs": [""], "prompts": [[[0]]]}, content, "")
            names, steps, given = content["songs"], content["steps"], content["prompts"]
            prompts = np.zeros((len(given), len(given[0]), keys), dtype=bool)
            for prompt, keys_of_steps in zip(prompts, given, strict=True):
                for step, keys in zip(prompt, keys_of_steps, strict=True):
                    step[keys] = True
            if len(names) != len(prompts) or not prompts.shape[1] < steps <= MOST_STEPS:
                raise ValueError(f"{len(names)} songs, {prompts.shape[:2]} prompts and steps, {steps} steps in total")
        except (LookupError, ValueError) as error:
            raise RunError(f"{folder.path}: starts.json is broken: {error}") from None
        return cls(tuple(names), prompts, steps)


def choose_starts(task: Task, most: int, songs: Sequence[Song]) -> Starts:
    """Return at most `most` distinct prompts: of a run's songs, then of other songs in their catalogue.

    The others have the same keyboard and grid. Without a prompt, the only start is an empty one.
    """
    others = [entry.song for entry in read_catalog(task.folder or None, options=task)]
    alike = [song for song in others if song and (song.keyboard, song.grid) == (songs[0].keyboard, songs[0].grid)]
    usable = [song for song in alike if song.steps > task.prompt]
    chosen: dict[bytes, Song] = {}
    for song in [*songs, *usable]:
        chosen.setdefault(song.roll[: task.prompt].tobytes(), song)
    return Starts.of_songs(list(chosen.values())[:most], task.prompt)

"""Who is told what a run reaches while it goes on, beside its run folder.

Conventions: rolls are (T, 13) bool. A step is whatever a run counts: generations, or steps of an environment.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

import numpy as np

from experiments.runs.folder import RunFolder
from songs.song import Song


class Callback(Protocol):
    """Is told what a run has reached."""

    def figures(self, step: int, values: Mapping[str, float | None]) -> None:
        """Hear of numbers, by name; None is one that is not known."""

    def melody(self, step: int, name: str, roll: np.ndarray, song: Song, prompt: int, memorised: bool = True) -> None:
        """Hear what a new champion plays.

        Args:
            step: of the champion.
            name: of the melody.
            roll: what is played.
            song: gives the tempo, and what should have been played if it was to be memorised.
            prompt: steps at the start that were given.
            memorised: whether the song was to be memorised.
        """


class Silence:
    """Progress, of any kind of run, that nobody sees."""

    def begin(self, *args: object, **kwargs: object) -> None:
        pass

    def update(self, *args: object, **kwargs: object) -> None:
        pass


SILENCE = Silence()


@contextmanager
def watching(folder: RunFolder, wanted: bool) -> Iterator[list[Callback]]:
    """Lend what a run tells its progress to: nothing, or a writer of `tensorboard/` in its folder.

    Args:
        folder: of the run.
        wanted: whether to write; the package tensorboard must be installed then.
    """
    if not wanted:
        yield []
        return
    from experiments.runs.tensorboard import EventWriter

    writer = EventWriter(folder.path / "tensorboard")
    try:
        yield [writer]
    finally:
        writer.close()

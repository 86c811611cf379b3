"""Callbacks notified as a run progresses, beside its run folder.

Conventions: rolls are (T, K) bool. A step is whatever the run counts: generations, environment steps, updates.
"""

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from songs.song import Song


class Callback(Protocol):
    """An observer of a run's progress."""

    def on_metrics(self, step: int, values: Mapping[str, float | None]) -> None:
        """Take the figures of a step, by name; None is a value that is not known."""

    def on_melody(
        self, step: int, name: str, roll: np.ndarray, song: Song, prompt: int, memorised: bool = True
    ) -> None:
        """Take the melody of a new champion.

        Args:
            step: of the champion.
            name: of the melody.
            roll: (T, K) bool, what the champion plays.
            song: gives the tempo, and the expected notes if it was to be memorised.
            prompt: steps given at the start.
            memorised: whether the song was to be memorised.
        """

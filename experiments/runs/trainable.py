"""The base of everything that is run: NEAT and the other searches, DQN, the MusicVAE, trained listeners.

A trainable goes on step by step, can be stopped after any step, and continued from its state to the same bits. The
lifecycle (`experiments.runs.lifecycle`) logs, saves and resumes it without knowing what it learns.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from experiments.runs.checkpoint import State
from experiments.runs.folder import RunFolder
from experiments.runs.history import History
from songs.files import MOST_BYTES
from songs.song import Song


@dataclass(frozen=True)
class Log:
    """Figures of one step, or of those since the last log."""

    metrics: Mapping[str, Any]
    """A row of metrics.csv; its first column counts steps."""
    tables: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """Rows of other tables, by file name."""


@dataclass(frozen=True)
class Status:
    """A progress bar's contents."""

    done: float
    """Cases right, or steps done."""
    total: float
    """Most cases that can be right, or the budget of steps."""
    share: float
    """Part of the budget that is used, 0 to 1."""
    text: str
    """Figures, between commas; the first one is shown however narrow the terminal is."""


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


class Trainable(ABC):
    """Base of what is run, step by step."""

    name: str
    """Title of its progress bar."""
    tables: tuple[str, ...] = ("metrics.csv",)
    """File names of the tables that it logs to, metrics.csv first."""
    history: History | None = None
    """Where it keeps its champions; None if it keeps the last alone."""

    @property
    @abstractmethod
    def steps(self) -> int:
        """Steps done: generations, environment steps, or updates."""

    @property
    @abstractmethod
    def ended(self) -> str:
        """Reason why it is over, such as "solved" or "budget"; empty while it goes on."""

    @property
    @abstractmethod
    def champion(self) -> object | None:
        """Best result so far: another object as soon as there is a better one; None before the first."""

    @property
    def next_row(self) -> int:
        """Rows of the tables count steps below this; a resumed run writes the others again."""
        return self.steps + 1

    @abstractmethod
    def step(self) -> Log | None:
        """Do one step; return figures where there are new ones."""

    @abstractmethod
    def status(self) -> Status:
        """Return what a progress bar shows."""

    def finish(self) -> None:  # noqa: B027, most have nothing to settle
        """Settle the champion when the run stops, for whatever reason."""

    @abstractmethod
    def write_champion(self, folder: RunFolder, callbacks: Sequence[Callback]) -> None:
        """Write `best/` and show the callbacks what it plays."""

    @abstractmethod
    def summary(self) -> dict[str, Any]:
        """Return the result as plain data for summary.json."""

    def largest_checkpoint(self) -> int:
        """Return a number of bytes that no checkpoint of this run exceeds."""
        return MOST_BYTES

    @abstractmethod
    def state(self) -> State:
        """Return all that the next steps depend on."""

    @abstractmethod
    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Continue from a state; raises ValueError if it does not belong to this run."""

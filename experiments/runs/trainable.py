"""The base class of everything that is run: NEAT and the other searches, DQN, the MusicVAE, trained listeners.

A trainable advances step by step, can be stopped after any step, and continues from its state with bit-identical
results. The lifecycle (`experiments.runs.lifecycle`) logs, saves and resumes it without knowing what it learns.
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
    """Maximum number of cases right, or the budget of steps."""
    share: float
    """Share of the budget that is used, 0 to 1."""
    text: str
    """Figures, separated by commas; the first one is shown even in a narrow terminal."""


class Callback(Protocol):
    """An observer of a run's progress."""

    def on_metrics(self, step: int, values: Mapping[str, float | None]) -> None:
        """Receive the figures of a step, by name; None is an unknown value."""

    def on_melody(
        self, step: int, name: str, roll: np.ndarray, song: Song, prompt: int, memorised: bool = True
    ) -> None:
        """Receive the melody of a new champion.

        Args:
            step: Step of the champion.
            name: Name of the melody.
            roll: What the champion plays, (T, K) bool.
            song: Provides the tempo, and the expected notes if it was to be memorised.
            prompt: Steps given at the start.
            memorised: True if the song was to be memorised.
        """


class Trainable(ABC):
    """Base class of what is run, step by step."""

    name: str
    """Title of its progress bar."""
    tables: tuple[str, ...] = ("metrics.csv",)
    """File names of the tables that it logs to, metrics.csv first."""
    history: History | None = None
    """The history of its champions; None if it only keeps the last one."""

    @property
    @abstractmethod
    def steps(self) -> int:
        """Steps done: generations, environment steps, or updates."""

    @property
    @abstractmethod
    def ended(self) -> str:
        """Why it has ended, such as "solved" or "budget"; empty while it is running."""

    @property
    @abstractmethod
    def champion(self) -> object | None:
        """Best result so far: a new object for each better one; None before the first."""

    @property
    def next_row(self) -> int:
        """Step of the next row of the tables; a resumed run deletes rows from this step on and writes them again."""
        return self.steps + 1

    @abstractmethod
    def step(self) -> Log | None:
        """Do one step; return figures if there are new ones."""

    @abstractmethod
    def status(self) -> Status:
        """Return the contents of a progress bar."""

    def finish(self) -> None:  # noqa: B027, most have nothing to do
        """Determine the champion when the run stops, for whatever reason."""

    @abstractmethod
    def write_champion(self, folder: RunFolder, callbacks: Sequence[Callback]) -> None:
        """Write `best/` and pass what it plays to the callbacks."""

    @abstractmethod
    def summary(self) -> dict[str, Any]:
        """Return the result as plain data for summary.json."""

    def largest_checkpoint(self) -> int:
        """Return an upper bound on the size of this run's checkpoints, in bytes."""
        return MOST_BYTES

    @abstractmethod
    def state(self) -> State:
        """Return everything that the next steps depend on."""

    @abstractmethod
    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Continue from a state; raise ValueError if it does not belong to this run."""

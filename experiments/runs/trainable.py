"""The protocol of everything that is run: NEAT and the other searches, DQN, the MusicVAE, trained listeners.

A trainable goes on step by step, can be stopped after any step, and continued from its state to the same bits. The
lifecycle (`experiments.runs.lifecycle`) logs, saves and resumes it without knowing what it learns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from experiments.runs.callback import Callback
from experiments.runs.checkpoint import State
from experiments.runs.folder import RunFolder


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
    """Figures, in a few words."""


class Trainable(Protocol):
    """A learner or a search in progress."""

    @property
    def name(self) -> str:
        """Title of its progress bar."""
        ...

    @property
    def tables(self) -> tuple[str, ...]:
        """File names of the tables that it logs to, metrics.csv first."""
        ...

    @property
    def steps(self) -> int:
        """Steps done: generations, environment steps, or updates."""
        ...

    @property
    def ended(self) -> str:
        """Reason why it is over, such as "solved" or "budget"; empty while it goes on."""
        ...

    @property
    def next_row(self) -> int:
        """Rows of the tables count steps below this; a resumed run writes the others again."""
        ...

    @property
    def champion(self) -> object | None:
        """Best result so far: another object as soon as there is a better one; None before the first."""
        ...

    def step(self) -> Log | None:
        """Do one step; return figures where there are new ones."""
        ...

    def status(self) -> Status:
        """Return what a progress bar shows."""
        ...

    def finish(self) -> None:
        """Settle the champion when the run stops, for whatever reason."""
        ...

    def write_champion(self, folder: RunFolder, callbacks: Sequence[Callback]) -> None:
        """Write `best/` and show the callbacks what it plays."""
        ...

    def summary(self) -> dict[str, Any]:
        """Return the result as plain data for summary.json."""
        ...

    def largest_checkpoint(self) -> int:
        """Return a number of bytes that no checkpoint of this run exceeds."""
        ...

    def state(self) -> State:
        """Return all that the next steps depend on."""
        ...

    def restore(self, state: State) -> None:
        """Continue from a state; raises ValueError if it does not belong to this run."""
        ...

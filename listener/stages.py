"""Stages of training, which go step by step, can be stopped after any, and go on to the same bits.

Conventions: a step takes about a second on one core. A row is plain data for a table: `stage`, `step` and `steps` of
the stage, `loss`, and `score`, None where there is none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from songs.validate import validate_like

State = tuple[dict[str, np.ndarray], dict[str, Any]]


class Part(Protocol):
    """Anything that has a state."""

    def state(self) -> State:
        """Return named arrays and plain data."""
        ...

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Go back to a state; raises ValueError if it does not fit."""
        ...


class Stage(Part, Protocol):
    """One of the things that training does, step by step."""

    name: str

    @property
    def progress(self) -> float:
        """Share that is done, 0 to 1."""
        ...

    @property
    def finished(self) -> bool:
        """True when nothing is left to do."""
        ...

    def step(self) -> dict[str, Any]:
        """Take a step and return its row."""
        ...


class Task:
    """A stage of a single step."""

    def __init__(self, name: str, work: Callable[[], float | None]):
        """
        Args:
            name: of the stage.
            work: does it, and returns the score for the row, if there is one.
        """
        self.name, self.finished, self._work = name, False, work

    @property
    def progress(self) -> float:
        return float(self.finished)

    def step(self) -> dict[str, Any]:
        score = self._work()
        self.finished = True
        return row(self.name, 1, 1, score=score)

    def state(self) -> State:
        return {}, {"finished": self.finished}

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        validate_like({"finished": True}, data)
        self.finished = data["finished"]


def row(stage: str, step: int, steps: int, loss: float | None = None, score: float | None = None) -> dict[str, Any]:
    """Return the row of a step."""
    return {"stage": stage, "step": step, "steps": steps, "loss": loss, "score": score}


@dataclass(frozen=True, eq=False)
class Trained:
    """The result of a training."""

    listener: Any
    """A listener, or the held-out judge."""
    about: dict[str, Any]
    """Plain data on its training, for its JSON file."""

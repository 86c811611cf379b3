"""Training in stages: it can be stopped after any step and resumed with bit-identical results.

A training is a sequence of *stages*: tasks of one step, fits of networks, and attacks. Its state consists of the states
of its parts (networks, generators, attributes that stages set) and of the current stage. It reads and writes no files.

Conventions: a step takes about a second on one core. A row is plain data for a table: `stage`, the `step` and `steps`
of that stage, and `loss` and `score`, None if it has none.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from songs.validate import Within, validate_like

State = tuple[dict[str, np.ndarray], dict[str, Any]]


class Part(Protocol):
    """Anything that has a state."""

    def state(self) -> State:
        """Return named arrays and plain data."""
        ...

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Restore a state; raises ValueError if it does not fit."""
        ...


class Attributes:
    """Attributes of an object, arrays and plain data, as part of the state; `examples` are for `validate_like`."""

    def __init__(self, owner: object, examples: Mapping[str, Any]):
        self._owner, self._examples = owner, examples

    def state(self) -> State:
        values = {name: getattr(self._owner, name) for name in self._examples}
        arrays = {name: value.copy() for name, value in values.items() if isinstance(value, np.ndarray)}
        return arrays, {name: value for name, value in values.items() if name not in arrays}

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        values = {**data, **arrays}
        validate_like(self._examples, values)
        for name in self._examples:
            setattr(self._owner, name, values[name])


class Stage(ABC):
    """One stage of a training, such as a fit or an attack. One call of `step` may do several of its `steps`."""

    def __init__(self, name: str, steps: int):
        self.name, self.steps, self.done = name, steps, 0
        self.kept: dict[str, Any] = {"done": Within(0, 0, steps)}
        """Examples of the attributes that make up its state."""

    @property
    def finished(self) -> bool:
        """True if no steps are left."""
        return self.done >= self.steps

    @abstractmethod
    def step(self) -> dict[str, Any]:
        """Take a step and return its row."""

    def row(self, loss: float | None = None, score: float | None = None) -> dict[str, Any]:
        """Return the row of the step just taken."""
        return {"stage": self.name, "step": self.done, "steps": self.steps, "loss": loss, "score": score}

    def state(self) -> State:
        return Attributes(self, self.kept).state()

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        Attributes(self, self.kept).restore(arrays, data)


class Task(Stage):
    """A stage of a single step: a function that returns the score for the row, or None."""

    def __init__(self, name: str, work: Callable[[], float | None]):
        super().__init__(name, 1)
        self._work = work

    def step(self) -> dict[str, Any]:
        score = self._work()
        self.done = 1
        return self.row(score=score)


@dataclass(frozen=True, eq=False)
class Trained:
    """The result of a training."""

    listener: Any
    """A listener, or the held-out judge."""
    about: dict[str, Any]
    """Plain data about its training, for its JSON file."""


Stages = Sequence[tuple[float, Callable[[], Stage]]]
"""The relative cost of each stage, and a function that creates it."""


class Training(ABC):
    """A sequence of stages, each created when the one before it is finished."""

    stage: int
    """Index of the stage of the next step."""

    def __init__(self, stages: Stages, parts: Mapping[str, Part]):
        """Begin the first stage; `parts` holds by name what the stages use and change."""
        self._stages, self._parts = list(stages), parts
        self._begin_stage(0)

    @property
    @abstractmethod
    def result(self) -> Trained:
        """The trained listener, once training is finished."""

    @property
    def progress(self) -> float:
        """Share of the training that is done, 0 to 1."""
        costs = [cost for cost, _ in self._stages]
        share = self._current.done / max(1, self._current.steps)  # the attack of a short training may have none
        return (sum(costs[: self.stage]) + costs[self.stage] * share) / sum(costs)

    @property
    def finished(self) -> bool:
        """True if all stages are finished."""
        return self._current.finished and self.stage == len(self._stages) - 1

    def step(self) -> dict[str, Any]:
        """Take a step of about a second and return its row; training must not be finished."""
        row = self._current.step()
        if self._current.finished and not self.finished:
            self._begin_stage(self.stage + 1)
        return row

    def state(self) -> State:
        """Return named arrays and plain data."""
        states = {name: part.state() for name, part in self._everything().items()}
        arrays = {f"{name}/{key}": value for name, (named, _) in states.items() for key, value in named.items()}
        return arrays, {"stage": self.stage, "parts": {name: data for name, (_, data) in states.items()}}

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Restore a state bit for bit; raises ValueError if it does not fit this training."""
        validate_like({"stage": Within(0, 0, len(self._stages) - 1)}, data)
        self._begin_stage(data["stage"])
        everything = self._everything()
        validate_like({"parts": {name: {} for name in everything}}, data)
        for name, part in everything.items():
            of_part = {key.removeprefix(f"{name}/"): each for key, each in arrays.items() if key.startswith(f"{name}/")}
            try:
                part.restore(of_part, data["parts"][name])
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None

    def _begin_stage(self, number: int) -> None:
        self.stage, self._current = number, self._stages[number][1]()

    def _everything(self) -> dict[str, Part]:
        return {"stage": self._current, **self._parts}

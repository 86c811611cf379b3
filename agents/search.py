"""The protocol of a search for a network: NEAT, evolution strategies, per-key evolution and the others.

All of them share one command, one kind of run folder and one report.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import gymnasium
import neat
import numpy as np

from agents.cases import Cases
from agents.state_parts import Stateful
from songs.piano_roll import Memory


@dataclass(frozen=True)
class SpeciesSize:
    """A species in one generation."""

    species: int
    """Its key."""
    ancestor: int
    """Key of the species it descends from; 0 if there is none."""
    members: int


@dataclass(frozen=True)
class Generation:
    """Statistics of one generation, after its evaluation."""

    generation: int
    evaluations: int
    """Networks evaluated since the start."""
    best_fitness: float
    """Minus the smallest loss, without error reweighting, so that generations are comparable."""
    mean_fitness: float
    std_fitness: float
    best_right: int
    """Largest number of cases that one network gets right."""
    mean_right: float
    connections: int
    """Enabled connections of the champion so far."""
    hidden: int
    """Hidden nodes of the champion so far."""
    species: Sequence[SpeciesSize] = ()
    """Size of each species, by its key; empty without species."""

    @classmethod
    def of_one_network(
        cls, *, generation: int, evaluations: int, loss: float, right: int, connections: int, hidden: int
    ) -> Self:
        """Return the statistics of a search with a single network: its best is also its mean, and the spread is 0."""
        return cls(
            generation=generation,
            evaluations=evaluations,
            best_fitness=-loss,
            mean_fitness=-loss,
            std_fitness=0.0,
            best_right=right,
            mean_right=float(right),
            connections=connections,
            hidden=hidden,
        )


class Search(Stateful, Protocol):
    """A search that runs step by step and can be stopped and resumed after any step, bit-identically."""

    @property
    def champion(self) -> neat.DefaultGenome | None:
        """The best network so far, with `right` (cases right) and `loss`; None before the first step."""
        ...

    @property
    def generation(self) -> int:
        """Number of steps done."""
        ...

    @property
    def evaluations(self) -> int:
        """Networks evaluated since the start."""
        ...

    @property
    def solved(self) -> bool:
        """True if the champion is right in all cases."""
        ...

    def step(self) -> Generation:
        """Do one step and report it."""
        ...


@dataclass(frozen=True, eq=False)
class Problem:
    """The task of a search that is not NEAT."""

    cases: Cases
    """Inputs and targets of the networks."""
    rolls: Sequence[np.ndarray] = ()
    """(T, K) bool each, the songs; empty where the task is not music."""
    memory: Memory = 0
    prompt: int = 0
    mode_bit: bool = False
    make_env: Callable[..., gymnasium.Env] | None = None
    """Factory of the songs' environment; takes options of `KeyboardEnv`."""


class OtherSearch(Search, Protocol):
    """A search selected by name in a configuration; its options are the section of that name."""

    LABEL: ClassVar[str]
    """Name in reports."""
    ONE_SONG: ClassVar[bool]
    """True if it learns exactly one song."""

    @classmethod
    def of(cls, problem: Problem, options: Any, seed: int) -> Self:
        """Return a search for a problem."""
        ...

    @staticmethod
    def describe(options: Any) -> list[str]:
        """Return a description of the options for reports, such as the operators that are on."""
        ...

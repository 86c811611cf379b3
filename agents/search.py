"""The protocol of a search for a network: NEAT, evolution strategies, per-key evolution and the others.

One command runs all of them, one run folder keeps them, and one report shows them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, Self

import gymnasium
import neat
import numpy as np

from agents.cases import Cases
from agents.state_parts import Stateful
from songs.piano_roll import Memory


@dataclass(frozen=True)
class Generation:
    """Figures of one generation, after its evaluation."""

    generation: int
    evaluations: int
    """Networks evaluated since the start."""
    best_fitness: float
    """Minus the smallest loss, without error reweighting, so that generations can be compared."""
    mean_fitness: float
    std_fitness: float
    best_right: int
    """Most cases that one network gets right."""
    mean_right: float
    connections: int
    """Enabled connections of the champion so far."""
    hidden: int
    """Hidden nodes of the champion so far."""
    species: dict[int, int] = field(default_factory=dict)
    """Members of each species; empty where there are none."""

    @classmethod
    def of_one_network(
        cls, *, generation: int, evaluations: int, loss: float, right: int, connections: int, hidden: int
    ) -> Self:
        """Figures of a search that keeps a single network: its best is its mean, and nothing spreads."""
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
    """A search that goes on step by step, can be stopped after any, and continued to the same bits."""

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
    """Makes the environment of the songs, with options of `KeyboardEnv`."""


class OtherSearch(Search, Protocol):
    """A search that a configuration names; its options are the section of the same name."""

    LABEL: ClassVar[str]
    """Name in reports."""
    ONE_SONG: ClassVar[bool]
    """Whether it learns exactly one song."""

    @classmethod
    def of(cls, problem: Problem, options: Any, seed: int) -> Self:
        """Return a search for a problem."""
        ...

    @staticmethod
    def describe(options: Any) -> list[str]:
        """Return what reports say of the options, such as the operators that are on."""
        ...

"""The protocol of searches for a network: steps, a champion, a state that can be saved.

NEAT, evolution strategies, per-key evolution and the others are such searches, so that one command runs
them, one run folder keeps them, and one report shows them.
"""

from dataclasses import dataclass, field
from typing import Any, Protocol

import neat
import numpy as np


@dataclass(frozen=True)
class Generation:
    """Statistics of one evaluated generation of a search."""

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


class Search(Protocol):
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

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return all that the next steps depend on: named arrays, and plain data that JSON can hold."""
        ...

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Continue from a state; raises ValueError if it does not belong to this search."""
        ...

"""The guided operator: new connections chosen by looking at inputs and targets.

It is not part of NEAT and off by default: it tells evolution where to look, as a learning rule would. Runs that use it
are labelled accordingly.

Conventions: for an output of a genome, a guide proposes the key of an input, and the sign of the weight, +1.0 or -1.0.
"""

import random
from typing import Any, Protocol

import numpy as np

from agents.cases import Cases


class Guide(Protocol):
    """A source of proposed connections."""

    def propose(self, genome: Any, output: int) -> tuple[int, float] | None:
        """Return an input to connect to an output, and the sign of the weight; None if there is nothing to propose."""
        ...


class CaseGuide:
    """A guide that proposes connections to correct a wrong case."""

    def __init__(self, cases: Cases):
        self._inputs = cases.inputs
        self._signs = np.where(cases.targets, 1.0, -1.0) * cases.possible

    def propose(self, genome: Any, output: int) -> tuple[int, float] | None:
        """Return an input that is on in a violated case of an output, and the sign its weight should have.

        Hidden nodes are ignored: the output is computed as the sum of its bias and its direct inputs.

        Returns:
            The key of the input and +1.0 or -1.0; None if no case is violated, or no input is on there.
        """
        total = np.full(self._inputs.shape[1], genome.nodes[output].bias)
        for (source, _), gene in genome.connections.inputs(output).items():
            if source < 0 and gene.enabled:
                total += gene.weight * self._inputs[-1 - source]
        violated = np.flatnonzero((self._signs[output] * total < 1) & (self._signs[output] != 0))
        if not len(violated):
            return None
        case = violated[random.randrange(len(violated))]
        on = np.flatnonzero(self._inputs[:, case])
        if not len(on):
            return None
        return -1 - int(on[random.randrange(len(on))]), float(self._signs[output, case])

"""Evolution of a network of AND nodes: nodes grow where outputs are wrong, and their weights are mutated.

The cost of a connection, which is the loss it must save, falls as fewer candidates are accepted. So the first nodes
serve many rows, the last ones a single row.
"""

from typing import Any

import numpy as np

from agents.other_searches.per_key.and_nodes import AndNodes
from agents.other_searches.per_key.margins import ThresholdUnits
from agents.other_searches.per_key.node_growth import grow
from agents.other_searches.per_key.pruning import prune
from agents.other_searches.per_key.sparse_cases import SparseCases
from agents.search_state import LARGEST
from agents.state_parts import State, join_states, restore_parts
from songs.validate import Within, validate_like

FIRST_COST, LAST_COST = 3.0, 0.02
"""Cost of a connection at the beginning, and its lower limit."""
COST_DECAY = 0.9
"""Factor applied to the cost when less than `ACCEPTED_SHARE` of the candidates became nodes."""
ACCEPTED_SHARE = 0.05
GROWTHS = 10
"""Rounds of growth per generation."""


class AndEvolution:
    """The AND nodes and biases of some outputs, while they evolve."""

    def __init__(self, cases: SparseCases):
        self.units = ThresholdUnits(cases)
        self.nodes = AndNodes(self.units)
        self._cost = FIRST_COST

    @property
    def solved(self) -> bool:
        """True if every cell is right."""
        return bool((self.units.margins > 0).all())

    def step(self, random: np.random.Generator) -> None:
        """Run one generation: several rounds of growth, then one mutation of all weights and biases."""
        for _ in range(GROWTHS):
            if grow(self.nodes, self._cost, random) < ACCEPTED_SHARE:
                self._cost = max(self._cost * COST_DECAY, LAST_COST)
            if self.solved:
                return
        self.nodes.mutate(self._cost, random)
        for output in range(self.units.cases.outputs):
            self.units.mutate_bias(output, random)
        self.nodes.keep_used()

    def prune(self, random: np.random.Generator) -> None:
        """Delete connections that no case needs."""
        self.nodes.keep_used()
        prune(self.nodes, random)

    def state(self) -> State:
        """Return everything the next generations depend on, as arrays and plain data."""
        arrays, data = join_states({"nodes": self.nodes})
        data |= {"cost": self._cost, "evaluations": self.units.evaluations}
        return {**arrays, "bias": self.units.bias}, data

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Continue from a state; raises ValueError if it does not fit."""
        validate_like({"cost": Within(0.0, 0, LARGEST), "evaluations": 0}, data)
        validate_like({"bias": Within(self.units.bias, -LARGEST, LARGEST)}, arrays)
        restore_parts({"nodes": self.nodes}, arrays, data)
        self._cost, self.units.evaluations = data["cost"], data["evaluations"]
        self.units.bias[:] = arrays["bias"]
        self.units.margins = self.units.cases.signs * (self.units.bias + self.nodes.sums())

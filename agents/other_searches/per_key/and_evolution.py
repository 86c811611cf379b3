"""Evolution of a network of AND nodes: nodes grow where outputs are wrong, and their weights are mutated.

What a connection must save to be worth having, its price, falls from generation to generation as fewer candidates
are worth it: the first nodes serve many rows, the last ones a single row.
"""

from typing import Any

import numpy as np

from agents.other_searches.per_key import and_nodes
from agents.other_searches.per_key.and_nodes import AndNodes
from agents.other_searches.per_key.node_growth import Grower, NodeGrowth
from agents.other_searches.per_key.pruning import prune
from agents.other_searches.per_key.sparse_cases import SparseCases
from agents.other_searches.per_key.threshold_units import ThresholdUnits
from agents.search_state import restored_array

PRICES = (0.02, 3.0)
"""Lowest price of a connection, and the first one."""
PRICE_FALLS = 0.9
"""What the price is multiplied with when fewer than this share of the candidates were worth it:"""
SHARE_WORTH_IT = 0.05
GROWTHS = 10
"""Times nodes grow in a generation."""
GROWTH = NodeGrowth(tournament=16)
STATE = {"price": 0.0, "bias": None, "evaluations": 0, "nodes": and_nodes.STATE}
"""An example of what `AndEvolution.state` returns; arrays are left open."""


class AndEvolution:
    """The AND nodes and biases of some outputs, while they evolve."""

    def __init__(self, cases: SparseCases, weight_limit: float = 30.0, margin: float = 0.0):
        """
        Args:
            cases: what the outputs should answer.
            weight_limit: weights of the nodes lie between minus this and this.
            margin: nodes grow until every cell's margin is greater.
        """
        self.units = ThresholdUnits(cases, weight_limit)
        self.nodes = AndNodes(self.units)
        self.margin = margin
        self._grower = Grower(self.nodes, GROWTH, margin)
        self._price = PRICES[1]

    @property
    def solved(self) -> bool:
        """Whether every cell is right by the margin."""
        return bool((self.units.margins > self.margin).all())

    def step(self, random: np.random.Generator) -> None:
        """Do one generation: let nodes grow some times, then mutate all weights and biases once."""
        for _ in range(GROWTHS):
            if self._grower.grow(self._price, random) < SHARE_WORTH_IT:
                self._price = max(self._price * PRICE_FALLS, PRICES[0])
            if self.solved:
                return
        self.nodes.mutate(self._price, random)
        for output in range(self.units.cases.outputs):
            self.units.mutate_bias(output, random)
        self.nodes.keep_used()

    def prune(self, random: np.random.Generator) -> None:
        """Delete connections that no case needs."""
        self.nodes.keep_used()
        prune(self.nodes, random, self.margin)

    def state(self) -> dict[str, Any]:
        """Return all that the next generations depend on, as plain data."""
        return {
            "price": self._price,
            "bias": self.units.bias.tolist(),
            "evaluations": self.units.evaluations,
            "nodes": self.nodes.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state, of the kind of `STATE`."""
        self._price = state["price"]
        self.units.evaluations = state["evaluations"]
        self.nodes.restore(state["nodes"])
        self.units.bias = restored_array(state["bias"], self.units.bias, "bias")
        self.units.margins = self.units.cases.signs * (self.units.bias + self.nodes.sums())

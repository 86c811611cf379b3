"""Threshold units, their margins, the loss that per-key evolution lowers, and the grid of the weights.

A *margin* is how far a unit's sum lies on its right side of 0 in a row; the unit is right there if it is above 0. The
loss is the squared hinge: the square of what the margin lacks to 1.

Weights and biases lie on the grid of 1/1024 of `agents/neat/genome.py` and margins are sums of them, so single
precision holds them exactly: margins that were changed a million times equal margins computed anew, to the bit.

Conventions: R rows, O outputs, as in `per_key.sparse_cases`; a *cell* is a row and an output.
"""

from typing import Any

import numpy as np

from agents.neat.genome import WEIGHT_GRID
from agents.other_searches.per_key.sparse_cases import SparseCases

SMALLEST_GAIN = 1e-3
"""Least decrease of the loss that counts, more than single precision loses in the sums."""
WEIGHT_LIMIT = 30.0
"""Weights and biases lie between minus this and this."""
INITIAL_BIAS = -1
"""A key rests unless an input speaks for it."""
BIAS_PROPOSALS = 3
"""Changes of a bias that a mutation proposes."""


def hinge(margins: np.ndarray) -> np.ndarray:
    """Return the squared hinge loss of margins, in their shape."""
    short = 1 - margins
    np.maximum(short, 0, out=short)
    short *= short
    return short


def round_to_grid(values: np.ndarray) -> np.ndarray:
    """Return values on the grid of weights, float32."""
    return (np.round(values * WEIGHT_GRID) / WEIGHT_GRID).astype(np.float32)


def sample_indices(weights: np.ndarray, random: np.random.Generator, count: int) -> np.ndarray:
    """Sample indices (count,) of weights in proportion to them; uniformly where all weights are 0."""
    sums = np.cumsum(weights, dtype=np.float64)
    if sums[-1] <= 0:
        return random.integers(len(weights), size=count)
    return np.minimum(np.searchsorted(sums, random.random(count) * sums[-1], side="right"), len(weights) - 1)


def propose_bias_changes(random: np.random.Generator) -> np.ndarray:
    """Return changes of a bias, of either sign, from e^-4 to e."""
    return np.exp(random.uniform(-4, 1, BIAS_PROPOSALS)) * random.choice((-1.0, 1.0), BIAS_PROPOSALS)


def change_on_grid(value: Any, change: Any) -> Any:
    """Return the change, float32, of a weight or of several that is possible on the grid and within the limit."""
    return round_to_grid(np.clip(value + change, -WEIGHT_LIMIT, WEIGHT_LIMIT)) - value


class ThresholdUnits:
    """A threshold unit for every output, which hidden nodes feed, with its margins (R, O) in all rows."""

    def __init__(self, cases: SparseCases):
        self.cases = cases
        self.bias = np.full(cases.outputs, INITIAL_BIAS, dtype=np.float32)
        self.margins = cases.signs * self.bias
        self.evaluations = 0

    def mutate_bias(self, output: int, random: np.random.Generator) -> None:
        """Propose some changes of a bias, and accept each that lowers the loss."""
        signs = self.cases.signs[:, output]
        for proposal in propose_bias_changes(random):
            change = change_on_grid(self.bias[output], proposal)
            self.evaluations += 1
            margins = self.margins[:, output]
            changed = margins + signs * change
            if (hinge(margins) - hinge(changed)).sum() > SMALLEST_GAIN:
                self.bias[output] += change
                self.margins[:, output] = changed

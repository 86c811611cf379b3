"""Threshold units, their margins, the loss of per-key evolution, and the weight grid.

The *margin* of a unit in a row is its sum, with the sign that makes it positive where the unit is right. The loss is
the squared hinge: the square of the margin's shortfall from 1.

Weights and biases lie on the grid of 1/1024 of `agents/neat/genome.py`, and margins are sums of them, so single
precision represents them exactly: margins after a million updates are bit-identical to margins computed from scratch.

Conventions: R rows, O outputs, as in `per_key.sparse_cases`; a *cell* is a row and an output.
"""

from typing import Any

import numpy as np

from agents.neat.genome import WEIGHT_GRID
from agents.other_searches.per_key.sparse_cases import SparseCases

SMALLEST_GAIN = 1e-3
"""Least decrease of the loss that counts; above the rounding error of its sums in single precision."""
WEIGHT_LIMIT = 30.0
"""Limit on the absolute values of weights and biases."""
INITIAL_BIAS = -1
"""Negative, so that a key rests by default."""
BIAS_PROPOSALS = 3
"""Number of bias changes proposed by a mutation."""


def hinge(margins: np.ndarray) -> np.ndarray:
    """Return the squared hinge loss of margins, in their shape."""
    short = 1 - margins
    np.maximum(short, 0, out=short)
    short *= short
    return short


def round_to_grid(values: np.ndarray) -> np.ndarray:
    """Return the values rounded to the weight grid, float32."""
    return (np.round(values * WEIGHT_GRID) / WEIGHT_GRID).astype(np.float32)


def sample_indices(weights: np.ndarray, random: np.random.Generator, count: int) -> np.ndarray:
    """Sample indices (count,) in proportion to their weights; uniformly if all weights are 0."""
    sums = np.cumsum(weights, dtype=np.float64)
    if sums[-1] <= 0:
        return random.integers(len(weights), size=count)
    return np.minimum(np.searchsorted(sums, random.random(count) * sums[-1], side="right"), len(weights) - 1)


def propose_bias_changes(random: np.random.Generator) -> np.ndarray:
    """Return random changes of a bias, of either sign, with magnitudes from e^-4 to e."""
    return np.exp(random.uniform(-4, 1, BIAS_PROPOSALS)) * random.choice((-1.0, 1.0), BIAS_PROPOSALS)


def change_on_grid(value: Any, change: Any) -> Any:
    """Return changes of weights, float32, adjusted so that the results are on the grid and within the limit."""
    return round_to_grid(np.clip(value + change, -WEIGHT_LIMIT, WEIGHT_LIMIT)) - value


class ThresholdUnits:
    """Threshold units, one for every output, fed by hidden nodes, with their margins (R, O) in all rows."""

    def __init__(self, cases: SparseCases):
        self.cases = cases
        self.bias = np.full(cases.outputs, INITIAL_BIAS, dtype=np.float32)
        self.margins = cases.signs * self.bias
        self.evaluations = 0

    def mutate_bias(self, output: int, random: np.random.Generator) -> None:
        """Propose some changes of an output's bias, and accept each that lowers the loss."""
        signs = self.cases.signs[:, output]
        for proposal in propose_bias_changes(random):
            change = change_on_grid(self.bias[output], proposal)
            self.evaluations += 1
            margins = self.margins[:, output]
            changed = margins + signs * change
            if (hinge(margins) - hinge(changed)).sum() > SMALLEST_GAIN:
                self.bias[output] += change
                self.margins[:, output] = changed

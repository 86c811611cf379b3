"""Threshold units that hidden nodes feed: the biases of all outputs, and their margins in all rows.

A *margin* is how far an output's sum lies on its right side of 0; the loss of a cell (a row and an output) is the
squared hinge: the square of what its margin lacks to 1.

Weights and biases lie on a grid of 1/1024 and margins are sums of them, so single precision holds them exactly:
margins that were changed a million times are the margins computed anew, to the bit.

Conventions: R rows, O outputs, as in `per_key.sparse_cases`. Margins are (R, O).
"""

import numpy as np

from agents.neat.genome import WEIGHT_GRID
from agents.other_searches.per_key.hinge import SMALLEST_GAIN, hinge, round_to_grid
from agents.other_searches.per_key.sparse_cases import SparseCases

BIAS_LIMIT = 30.0


class ThresholdUnits:
    """A threshold unit for every output, with its margins in all rows."""

    def __init__(self, cases: SparseCases, weight_limit: float = 30.0):
        """
        Args:
            cases: what the units should answer.
            weight_limit: weights into the units lie between minus this and this; biases are as free as 30.
        """
        self.cases = cases
        self.weight_limit = float(np.floor(weight_limit * WEIGHT_GRID) / WEIGHT_GRID)
        # an output is off unless something speaks for it
        self.bias = np.full(cases.outputs, -1, dtype=np.float32)
        self.margins = cases.signs * self.bias
        self.evaluations = 0

    def losses(self) -> np.ndarray:
        """Return the loss of every output, (O,) float64."""
        return hinge(self.margins).sum(axis=0, dtype=np.float64)

    def mutate_bias(self, output: int, random: np.random.Generator, tries: int = 3) -> None:
        """Propose some changes of a bias, and accept each that lowers the loss."""
        signs = self.cases.signs[:, output]
        for change in np.exp(random.uniform(-4, 1, tries)) * random.choice((-1.0, 1.0), tries):
            by = round_to_grid(np.clip(self.bias[output] + change, -BIAS_LIMIT, BIAS_LIMIT)) - self.bias[output]
            self.evaluations += 1
            margins = self.margins[:, output]
            changed = margins + signs * by
            if (hinge(margins) - hinge(changed)).sum() > SMALLEST_GAIN:
                self.bias[output] += by
                self.margins[:, output] = changed

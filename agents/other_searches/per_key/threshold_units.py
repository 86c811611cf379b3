"""Threshold units that hidden nodes feed: the biases of all outputs, and their margins in all rows.

Conventions: R rows, O outputs, as in `per_key.sparse_cases`. Margins, as in `per_key.margins`, are (R, O); a *cell* is
a row and an output.
"""

import numpy as np

from agents.other_searches.per_key.margins import INITIAL_BIAS, SMALLEST_GAIN, change_on_grid, hinge, propose_changes
from agents.other_searches.per_key.sparse_cases import SparseCases


class ThresholdUnits:
    """A threshold unit for every output, with its margins in all rows."""

    def __init__(self, cases: SparseCases):
        self.cases = cases
        self.bias = np.full(cases.outputs, INITIAL_BIAS, dtype=np.float32)
        self.margins = cases.signs * self.bias
        self.evaluations = 0

    def mutate_bias(self, output: int, random: np.random.Generator, proposals: int = 3) -> None:
        """Propose some changes of a bias, and accept each that lowers the loss."""
        signs = self.cases.signs[:, output]
        for proposal in propose_changes(random, proposals):
            change = change_on_grid(self.bias[output], proposal)
            self.evaluations += 1
            margins = self.margins[:, output]
            changed = margins + signs * change
            if (hinge(margins) - hinge(changed)).sum() > SMALLEST_GAIN:
                self.bias[output] += change
                self.margins[:, output] = changed

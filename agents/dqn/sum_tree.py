"""A sum tree over weights, to sample indices in proportion to their weights in logarithmic time.

Source:
    Schaul et al., Prioritized Experience Replay (2016), appendix B.2.1.
"""

import numpy as np


class SumTree:
    """Weights of a fixed number of items, all 0 at first.

    The sums are stored in one array: node 1 is the root, the children of node i are 2i and 2i + 1, the leaves are the
    weights. A sum is always computed from its two children, so it depends only on the weights, not on the order in
    which they were set.
    """

    def __init__(self, size: int):
        self._leaves = 1 << max(0, size - 1).bit_length()
        self._sums = np.zeros(2 * self._leaves)

    @property
    def total(self) -> float:
        """Sum of all weights."""
        return float(self._sums[1])

    def weights(self, indices: np.ndarray) -> np.ndarray:
        """Return the weights (B,) float64 of items."""
        return self._sums[self._leaves + indices]

    def set(self, indices: np.ndarray, weights: np.ndarray) -> None:
        """Set the weights (B,) of items (B,); weights must not be negative."""
        nodes = self._leaves + np.asarray(indices)
        self._sums[nodes] = weights
        while nodes.size and nodes[0] > 1:
            nodes = nodes >> 1  # an ancestor of two items gets the same sum twice
            self._sums[nodes] = self._sums[2 * nodes] + self._sums[2 * nodes + 1]

    def find(self, heights: np.ndarray) -> np.ndarray:
        """Return the items (B,) int64 at heights (B,) in [0, total), with the weights laid end to end."""
        heights = np.array(heights, dtype=np.float64)
        nodes = np.ones(len(heights), dtype=np.int64)
        while nodes.size and nodes[0] < self._leaves:
            left = self._sums[2 * nodes]
            # rounding must not lead to items of weight 0
            right = (heights >= left) & (self._sums[2 * nodes + 1] > 0)
            heights -= np.where(right, left, 0.0)
            nodes = 2 * nodes + right
        return nodes - self._leaves

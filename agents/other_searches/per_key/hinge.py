"""The loss that per-key evolution lowers, and the grid that its weights lie on."""

import numpy as np

from agents.neat.genome import WEIGHT_GRID

SMALLEST_GAIN = 1e-3
"""A change must better the loss by more than single precision may lose in its sums."""


def hinge(margins: np.ndarray) -> np.ndarray:
    """Return the squared hinge loss of margins, in their shape."""
    short = 1 - margins
    np.maximum(short, 0, out=short)
    short *= short
    return short


def round_to_grid(values: np.ndarray) -> np.ndarray:
    """Return values on the grid of weights, float32."""
    return (np.round(values * WEIGHT_GRID) / WEIGHT_GRID).astype(np.float32)


def draw(weights: np.ndarray, random: np.random.Generator, count: int) -> np.ndarray:
    """Draw places of an array in proportion to its values; any places where all values are 0."""
    sums = np.cumsum(weights, dtype=np.float64)
    if sums[-1] <= 0:
        return random.integers(len(weights), size=count)
    return np.minimum(np.searchsorted(sums, random.random(count) * sums[-1], side="right"), len(weights) - 1)

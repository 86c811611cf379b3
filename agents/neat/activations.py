"""Activation functions of nodes, on arrays.

Conventions: an output is on where it is above 0 before its activation. The `OUTPUT_ACTIVATIONS` preserve this: tanh is
then above 0, sigmoid above 1/2.
Source: formulas of neat-python 2.0.0, `activations.py`.
"""

from collections.abc import Callable

import numpy as np


def _sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(5 * z, -60, 60)))


def _tanh(z: np.ndarray) -> np.ndarray:
    return np.tanh(np.clip(2.5 * z, -60, 60))


ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sigmoid": _sigmoid,
    "tanh": _tanh,
    "identity": lambda z: z,
    "relu": lambda z: np.maximum(z, 0),
    "clamped": lambda z: np.clip(z, -1, 1),
    "sin": lambda z: np.sin(np.clip(5 * z, -60, 60)),
    "gauss": lambda z: np.exp(-5 * np.clip(z, -3.4, 3.4) ** 2),
    "abs": np.abs,
}
OUTPUT_ACTIVATIONS = ("tanh", "sigmoid", "identity", "relu", "clamped")
NAMES = tuple(ACTIVATIONS)
NUMBERS = {name: number for number, name in enumerate(NAMES)}
"""Number of each activation, its index in `NAMES`."""

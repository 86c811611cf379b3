"""Arrays of several parts in one dictionary, each under the name of its part, a dot, and its own name."""

from collections.abc import Mapping

import numpy as np

from agents.dqn.checked_state import check_array


def joined(parts: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return the arrays of all parts in one dictionary."""
    return {f"{part}.{name}": array for part, arrays in parts.items() for name, array in arrays.items()}


def part(arrays: Mapping[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    """Return the arrays of one part, empty if there is no such part."""
    return {key.removeprefix(f"{name}."): array for key, array in arrays.items() if key.startswith(f"{name}.")}


def restore_arrays(own: dict[str, np.ndarray], state: dict[str, np.ndarray], what: str) -> None:
    """Copy a state into arrays of the same names; raises ValueError if one has another shape or no numbers."""
    for name, array in own.items():
        if state[name].shape != array.shape:
            raise ValueError(f"the {what}' {name} have the shape {state[name].shape}, this run needs {array.shape}")
        check_array(array, state[name], f"{what}' {name}")
    for name, array in own.items():
        array[...] = state[name]

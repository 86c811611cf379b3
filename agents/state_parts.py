"""States of several parts joined into one.

Conventions:
    A state is a pair: named arrays, and plain data that JSON can hold. In a joined state the arrays of a part are named
    `part.name`, and its data is stored under its name in the dictionary `data`. A restored state may come from any
    file: any fault in it is a ValueError that names the part.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from songs.validate import Within, validate_like

State = tuple[dict[str, np.ndarray], dict[str, Any]]


class Stateful(Protocol):
    """An object whose state can be saved and restored."""

    def state(self) -> State: ...

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> Any: ...


def join_states(parts: Mapping[str, Stateful]) -> State:
    """Return the states of all parts as one."""
    states = {name: part.state() for name, part in parts.items()}
    arrays = join_arrays({name: arrays for name, (arrays, _) in states.items()})
    return arrays, {name: data for name, (_, data) in states.items()}


def join_arrays(parts: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return the arrays of all parts, each named `part.name`."""
    return {f"{part}.{name}": array for part, arrays in parts.items() for name, array in arrays.items()}


def restore_parts(parts: Mapping[str, Stateful], arrays: dict[str, np.ndarray], data: dict[str, Any]) -> dict[str, Any]:
    """Restore every part from a joined state; return the result of each `restore`. Raises ValueError if it fails."""
    validate_like({name: {} for name in parts}, data)
    returned = {}
    for name, part in parts.items():
        try:
            returned[name] = part.restore(arrays_of_part(arrays, name), data[name])
        except ValueError as error:
            raise ValueError(f"{name}.{error}") from None
    return returned


def arrays_of_part(arrays: Mapping[str, np.ndarray], part: str) -> dict[str, np.ndarray]:
    """Return the arrays of one part of a joined state, without the prefix of the part."""
    return {name.removeprefix(f"{part}."): array for name, array in arrays.items() if name.startswith(f"{part}.")}


def restore_arrays(targets: dict[str, np.ndarray], arrays: dict[str, np.ndarray], **most: float) -> None:
    """Copy arrays of a state into the targets of the same names; raises ValueError if one does not fit.

    Keywords in `most` name arrays and limit their values to the range from 0 to the given number.
    """
    validate_like(targets | {name: Within(targets[name], 0, largest) for name, largest in most.items()}, arrays)
    for name, target in targets.items():
        target[...] = arrays[name]


def restore_generator(random: np.random.Generator, state: dict[str, Any]) -> None:
    """Set the state of a generator's bit generator; raises ValueError if the state does not fit."""
    validate_like(random.bit_generator.state, state, "random")
    try:
        random.bit_generator.state = state
    except (OverflowError, TypeError) as error:
        raise ValueError(f"random: {error}") from None

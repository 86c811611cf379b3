"""Validation of the states that searches resume from. They come from files; any fault in them is a ValueError."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import numpy as np

from songs.validate import OrNone, validate_like

LARGEST = 1e12
"""Limit on the magnitude of a search's numbers; only cell weights come near it."""
FARTHEST = 40.0
"""Limit on the magnitude of a sample from the standard normal distribution."""


def identity(search: Any, shape: list) -> dict[str, Any]:
    """Return the part of a state that must equal that of the search: its kind, options and shape."""
    return {"search": type(search).__name__, "options": asdict(search.options), "shape": shape}


def check_state(same: dict[str, Any], kinds: dict[str, Any], state: Any) -> None:
    """Raise ValueError unless a state holds `same`, the `identity` of the search, and is like the example `kinds`."""
    validate_like({}, state, "the state")
    for name, value in same.items():
        if state.get(name) != value:
            raise ValueError(f"the state has {name} {state.get(name)!r:.200}, this search has {value!r}")
    validate_like(kinds, state, "")


@contextmanager
def fitting() -> Iterator[None]:
    """Context manager: turn errors while restoring a state into ValueError."""
    try:
        yield
    except (LookupError, TypeError, AttributeError, AssertionError, OverflowError) as error:
        raise ValueError(f"parts of the state do not fit each other: {error!r}") from None


def check_size(values: np.ndarray | Sequence[float], what: str, least: float = -LARGEST, most: float = LARGEST) -> None:
    """Raise ValueError unless all values are numbers from `least` to `most`."""
    numbers = np.asarray(values)
    if not ((numbers >= least) & (numbers <= most)).all():
        raise ValueError(f"{what} must hold numbers from {least:g} to {most:g}")


def restored_random(values: Any) -> tuple:
    """Return a valid state for Python's random generator; raises ValueError if the values are not one."""
    validate_like((0, [0], OrNone(0.0)), values, "random")
    version, numbers, gauss = values
    if gauss is not None:
        check_size([gauss], "random", most=FARTHEST)
    state = (version, tuple(numbers), gauss)
    with fitting():
        random.Random().setstate(state)
    return state

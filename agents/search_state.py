"""States that searches continue from: they are read from a file, and whatever is wrong with one is a ValueError."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import numpy as np

from songs.validate import OrNone, validate_like

LARGEST = 1e12
"""Limit of the numbers that a search computes with; only weights of cells come near it."""
FARTHEST = 40.0
"""No normally distributed number is farther from 0 than this."""


def identity(search: Any, shape: list) -> dict[str, Any]:
    """Return what the state of a search must repeat: its kind, its options, its shape."""
    return {"search": type(search).__name__, "options": asdict(search.options), "shape": shape}


def check_state(same: dict[str, Any], kinds: dict[str, Any], state: Any) -> None:
    """Raise ValueError if a state has not the `identity` of the search, `same`, or is not like the example `kinds`."""
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
    """Raise ValueError if a value is no number from `least` to `most`."""
    numbers = np.asarray(values)
    if not ((numbers >= least) & (numbers <= most)).all():
        raise ValueError(f"{what} does not hold numbers of {least:g} to {most:g}")


def restored_random(values: Any) -> tuple:
    """Return a state of Python's random generator; raises ValueError if it is none."""
    validate_like((0, [0], OrNone(0.0)), values, "random")
    version, numbers, gauss = values
    if gauss is not None:
        check_size([gauss], "random", most=FARTHEST)
    state = (version, tuple(numbers), gauss)
    with fitting():
        random.Random().setstate(state)
    return state

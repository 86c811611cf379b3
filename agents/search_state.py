"""States that searches go on from: they are read from a file, and may be anything.

Conventions: whatever is wrong is a ValueError that says what.
"""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import numpy as np

from songs.validate import OrNone, validate_like

LARGEST = 1e12
"""Of the numbers that a search computes with; its own stay far below, but for weights of cells, which end here."""
FARTHEST = 40.0
"""No normally distributed number is farther from 0 than this."""


def identity(search: Any, shape: list) -> dict[str, Any]:
    """Return what has to stand in the state of a search, with `options`, as it is: its kind, its options, its shape."""
    return {"search": type(search).__name__, "options": asdict(search.options), "shape": shape}


def check_state(same: dict[str, Any], kinds: dict[str, Any], state: Any) -> None:
    """Raise ValueError if a state belongs to another search, or is not of the kind that it should be.

    Args:
        same: what has to stand in the state as it is, the `identity` of the search.
        kinds: an example of all else, as `songs.validate.validate_like` has them.
        state: what was read.
    """
    validate_like({}, state, "the state")
    for name, value in same.items():
        if state.get(name) != value:
            raise ValueError(f"the state has {name} {state.get(name)!r:.200}, this search has {value!r}")
    validate_like(kinds, state, "")


@contextmanager
def fitting() -> Iterator[None]:
    """Lend a block that takes a state over: parts of it that do not fit each other are a ValueError."""
    try:
        yield
    except (LookupError, TypeError, AttributeError, AssertionError, OverflowError) as error:
        raise ValueError(f"parts of the state do not fit each other: {error!r}") from None


def check_size(values: np.ndarray | Sequence[float], what: str, least: float = -LARGEST, most: float = LARGEST) -> None:
    """Raise ValueError if there is something else than numbers of a possible size."""
    found = np.asarray(values)
    if not ((found >= least) & (found <= most)).all():
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

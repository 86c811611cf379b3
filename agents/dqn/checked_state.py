"""Arrays that are read to go on from may hold anything: what a run itself would not write is a ValueError."""

from collections.abc import Mapping

import numpy as np


def check_array(own: np.ndarray, found: np.ndarray, what: str) -> None:
    """Raise ValueError if an array is of another type than one's own, or holds a float that is no number.

    Its shape is left open: how much is kept may depend on how far a run is.
    """
    if found.dtype != own.dtype:
        raise ValueError(f"the {what} are {found.dtype}, this run needs {own.dtype}")
    if found.dtype.kind == "f" and not np.isfinite(found).all():
        raise ValueError(f"the {what} are not all numbers")


def check_places(arrays: Mapping[str, np.ndarray], most: Mapping[str, int], what: str) -> None:
    """Raise ValueError if an array holds a whole number outside of 0 and the most that its name stands for."""
    for name, last in most.items():
        if arrays[name].size and not 0 <= arrays[name].min() <= arrays[name].max() <= last:
            raise ValueError(f"the {what}' {name} are not all from 0 to {last}")

"""Validation of what was read from a file, against an example of one's own.

Everything that is restored (checkpoints, genomes, data sets, model files) is compared with what the reader itself
would write: kinds, shapes and dtypes, before anything of that size is made. Nothing read is ever executed.

Conventions: an example is plain data (dict, list, tuple, str, int, float, bool) with NumPy arrays in it.
"""

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

LONGEST_SHOWN = 40
"""Characters of a wrong value that a message shows."""


@dataclass(frozen=True)
class OrNone:
    """An example of a value that may also be None."""

    example: Any


@dataclass(frozen=True)
class ByAnyName:
    """An example of every value of a dictionary, whatever the keys are."""

    example: Any


@dataclass(frozen=True)
class AnyLength:
    """An example of an array whose first axis may have any length up to `most` (None: any)."""

    example: np.ndarray
    most: int | None = None


@dataclass(frozen=True)
class Within:
    """An example of a number, or an array of numbers, all from `low` to `high`."""

    example: Any
    low: float
    high: float


def validate_like(example: Any, found: Any, name: str = "") -> None:
    """Raise ValueError if data is of another kind than an example.

    Args:
        example: A dict lists the keys that must be there; a list holds one example of all its items, a tuple one for
            each item in turn; None accepts anything. An int must be >= 0 unless the example is negative. Floats
            must be finite; an int is accepted for a float. An array must have the example's dtype and shape, and hold
            finite numbers.
        found: the data that was read.
        name: where it stands, for the message: "population.genomes[3]".
    """
    if isinstance(example, OrNone):
        if found is not None:
            validate_like(example.example, found, name)
    elif isinstance(example, Within):
        validate_like(example.example, found, name)
        _validate_range(example, found, name)
    elif isinstance(example, AnyLength | np.ndarray):
        _validate_array(example, found, name)
    elif isinstance(example, ByAnyName) and isinstance(found, dict):
        validate_like(dict.fromkeys(found, example.example), found, name)
    elif isinstance(example, dict) and isinstance(found, dict):
        for key, value in example.items():
            path = f"{name}.{key}" if name else str(key)
            if key not in found:
                raise ValueError(f"{path} is missing")
            validate_like(value, found[key], path)
    elif isinstance(example, list | tuple) and isinstance(found, list):
        if isinstance(example, tuple) and len(example) != len(found):
            raise ValueError(f"{name or 'it'} has {len(found)} values, not {len(example)}")
        for number, value in enumerate(found):
            validate_like(example[number if isinstance(example, tuple) else 0], value, f"{name}[{number}]")
    elif example is not None and not _same_kind(example, found):
        shown = repr(found)
        shown = shown if len(shown) <= LONGEST_SHOWN else f"{shown[:LONGEST_SHOWN]}..."
        raise ValueError(f"{name or 'it'} is {shown}")


def _same_kind(example: Any, found: Any) -> bool:
    """Return whether both are texts, both booleans, both counts, or both numbers."""
    if isinstance(found, bool) or isinstance(example, bool):
        return isinstance(found, bool) and isinstance(example, bool)
    if isinstance(example, int):
        return isinstance(found, int) and (found >= 0 or example < 0)
    if isinstance(example, float):
        return isinstance(found, int | float) and abs(found) <= sys.float_info.max
    return isinstance(example, str) and isinstance(found, str)


def _validate_array(example: AnyLength | np.ndarray, found: Any, name: str) -> None:
    """Raise ValueError if an array has another dtype or shape than its example, or numbers that are not finite."""
    own = example.example if isinstance(example, AnyLength) else example
    if not isinstance(found, np.ndarray):
        raise ValueError(f"{name} is not an array")
    if found.dtype != own.dtype:
        raise ValueError(f"{name} is {found.dtype}, this run needs {own.dtype}")
    if isinstance(example, AnyLength):
        most = len(found) if example.most is None else example.most
        fits = found.ndim == own.ndim and found.shape[1:] == own.shape[1:] and len(found) <= most
    else:
        fits = found.shape == own.shape
    if not fits:
        raise ValueError(f"{name} has the shape {found.shape}, this run needs {own.shape}")
    if found.dtype.kind == "f" and not np.isfinite(found).all():
        raise ValueError(f"{name} holds values that are not finite")


def _validate_range(example: Within, found: Any, name: str) -> None:
    values = np.asarray(found)
    if not ((values >= example.low) & (values <= example.high)).all():
        raise ValueError(f"{name} holds values that are not from {example.low:g} to {example.high:g}")

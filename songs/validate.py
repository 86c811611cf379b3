"""Validation of data read from a file, against an example.

Everything that is restored (checkpoints, genomes, data sets, model files) is compared with what the reader itself would
write: types, shapes and dtypes, before anything of that size is allocated. Nothing read is ever executed.

Conventions: an example is plain data (dict, list, tuple, str, int, float, bool) with NumPy arrays in it.
"""

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

LONGEST_SHOWN = 40
"""Most characters of an invalid value shown in a message."""


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


def validate_like(example: Any, value: Any, name: str = "") -> None:
    """Raise ValueError if data does not match an example.

    Args:
        example: A dict lists the required keys; a list holds one example for all its items, a tuple one for each item
            in turn; None accepts anything. An int must be >= 0 unless the example is negative. Floats must be finite;
            an int is accepted for a float. An array must have the example's dtype and shape, and hold finite numbers.
        value: the data to check.
        name: its name in messages, as in "population.genomes[3]".
    """
    if isinstance(example, OrNone):
        if value is not None:
            validate_like(example.example, value, name)
    elif isinstance(example, Within):
        validate_like(example.example, value, name)
        _validate_range(example, value, name)
    elif isinstance(example, AnyLength | np.ndarray):
        _validate_array(example, value, name)
    elif isinstance(example, ByAnyName) and isinstance(value, dict):
        validate_like(dict.fromkeys(value, example.example), value, name)
    elif isinstance(example, dict) and isinstance(value, dict):
        for key, each in example.items():
            path = f"{name}.{key}" if name else str(key)
            if key not in value:
                raise ValueError(f"{path} is missing")
            validate_like(each, value[key], path)
    elif isinstance(example, list | tuple) and isinstance(value, list):
        if isinstance(example, tuple) and len(example) != len(value):
            raise ValueError(f"{name or 'it'} has {len(value)} values, not {len(example)}")
        for number, item in enumerate(value):
            validate_like(example[number if isinstance(example, tuple) else 0], item, f"{name}[{number}]")
    elif example is not None and not _same_kind(example, value):
        shown = repr(value)
        shown = shown if len(shown) <= LONGEST_SHOWN else f"{shown[:LONGEST_SHOWN]}..."
        raise ValueError(f"{name or 'it'} is {shown}")


def _same_kind(example: Any, value: Any) -> bool:
    """Return True if both are strings, both booleans, both integers of the allowed sign, or both numbers."""
    if isinstance(value, bool) or isinstance(example, bool):
        return isinstance(value, bool) and isinstance(example, bool)
    if isinstance(example, int):
        return isinstance(value, int) and (value >= 0 or example < 0)
    if isinstance(example, float):
        return isinstance(value, int | float) and abs(value) <= sys.float_info.max
    return isinstance(example, str) and isinstance(value, str)


def _validate_array(example: AnyLength | np.ndarray, value: Any, name: str) -> None:
    """Raise ValueError if an array's dtype or shape differs from its example, or if it holds non-finite numbers."""
    wanted = example.example if isinstance(example, AnyLength) else example
    if not isinstance(value, np.ndarray):
        raise ValueError(f"{name} is not an array")
    if value.dtype != wanted.dtype:
        raise ValueError(f"{name} is {value.dtype}, this run needs {wanted.dtype}")
    fits = value.shape == wanted.shape
    if isinstance(example, AnyLength):
        fits = value.ndim == wanted.ndim and value.shape[1:] == wanted.shape[1:]
        fits = fits and (example.most is None or len(value) <= example.most)
    if not fits:
        raise ValueError(f"{name} has the shape {value.shape}, this run needs {wanted.shape}")
    if value.dtype.kind == "f" and not np.isfinite(value).all():
        raise ValueError(f"{name} holds values that are not finite")


def _validate_range(example: Within, value: Any, name: str) -> None:
    values = np.asarray(value)
    if not ((values >= example.low) & (values <= example.high)).all():
        raise ValueError(f"{name} holds values that are not from {example.low:g} to {example.high:g}")

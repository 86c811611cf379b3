"""Validation of the arguments of `step` and `reset`.

Conventions: N environments, K keys. Where a single environment takes one value, N of them take either one for all or N.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

OPTIONS = ("song", "start", "improvise")


def check_keys(keys: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return keys as bool.

    Args:
        keys: 1 presses a key, 0 does not; any boolean, integer or floating type.
        shape: the required shape, (K,) or (N, K).

    Raises:
        ValueError: the shape or type is wrong, or a value is neither 0 nor 1.
    """
    pressed = np.asarray(keys)
    if pressed.shape != shape:
        each = "an action is" if len(shape) == 1 else f"{shape[0]} environments take {shape[0]} actions, each"
        raise ValueError(
            f"{each} {shape[-1]} values of 0 or 1, one per key; got an array of shape {pressed.shape}: {keys!r}"
        )
    if pressed.dtype.char in "?bB":
        values = pressed.astype(bool)
        if values.tobytes() == pressed.tobytes():  # much faster than comparing arrays
            return values
    elif pressed.dtype.kind in "biuf" and ((pressed == 0) | (pressed == 1)).all():
        return pressed.astype(bool)
    raise ValueError(f"an action is {shape[-1]} values of 0 or 1, one per key; got {keys!r}")


def check_mask(mask: np.ndarray, envs: int) -> np.ndarray:
    """Return the mask (envs,) of the environments to reset.

    Raises:
        TypeError: the mask is not a boolean array.
        ValueError: its shape is not (envs,), or it is False everywhere.
    """
    if not isinstance(mask, np.ndarray) or mask.dtype != bool:
        raise TypeError(f"the reset option 'reset_mask' must be a NumPy array of bool; got {mask!r}")
    if mask.shape != (envs,) or not mask.any():
        raise ValueError(f"the reset option 'reset_mask' needs shape ({envs},) and at least one True; got {mask!r}")
    return mask


def check_options(options: dict[str, Any], shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Return the reset options that are not None, each as an array with one value per environment.

    Args:
        options: without 'reset_mask'.
        shape: (N,), or () for a single environment.

    Returns:
        (N,) arrays by name: int for 'song' and 'start', bool for 'improvise'.

    Raises:
        ValueError: an option is unknown, or has the wrong shape or type.
    """
    known = OPTIONS if shape == () else (*OPTIONS, "reset_mask")
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        raise ValueError(f"unknown reset options {unknown}: choose from {', '.join(map(repr, known))}")
    checked = {}
    for option, value in options.items():
        if value is None:
            continue
        values = np.asarray(value)
        if values.shape not in ((), shape):
            allowed = f"one value or {shape[0]} values" if shape else "one value"
            raise ValueError(f"the reset option {option!r} takes {allowed}; got shape {values.shape}")
        if option == "improvise" and values.dtype != bool:
            raise ValueError(f"the reset option 'improvise' must be True, False or None; got {value!r}")
        if option != "improvise" and values.dtype.kind not in "iu":
            raise ValueError(f"the reset option {option!r} takes an integer for each environment; got {value!r}")
        checked[option] = np.broadcast_to(values, shape or (1,))
    return checked


def seeds_of(seed: int | Sequence[int | None] | None, count: int, envs: np.ndarray) -> list[int | None]:
    """Return the seeds of the given environments: environment i gets `seed + i`, or item i of a sequence.

    Raises:
        ValueError: the sequence does not hold one seed for each of the `count` environments.
    """
    if seed is None:
        return [None] * len(envs)
    if isinstance(seed, int | np.integer):
        return [int(seed) + env for env in envs.tolist()]
    if len(seed) != count:
        raise ValueError(f"got {len(seed)} seeds for {count} environments: give one number, or one per environment")
    return [seed[env] for env in envs.tolist()]

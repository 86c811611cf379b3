"""Options and seeds of `reset`: one value for all of N environments, or N values."""

from collections.abc import Sequence
from typing import Any

import numpy as np

OPTIONS = ("song", "start", "improvise")


def check_mask(mask: np.ndarray, envs: int) -> np.ndarray:
    """Return the mask (envs,) of the environments that are to be reset.

    Raises:
        TypeError: the mask is no boolean array.
        ValueError: it has another shape than (envs,), or is False everywhere.
    """
    if not isinstance(mask, np.ndarray) or mask.dtype != bool:
        raise TypeError(f"the reset option 'reset_mask' is a NumPy array of bool; got {mask!r}")
    if mask.shape != (envs,) or not mask.any():
        raise ValueError(f"the reset option 'reset_mask' has the shape ({envs},) and at least one True; got {mask!r}")
    return mask


def check_options(options: dict[str, Any], shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Return the options that are not None, each as an array with one value for each environment.

    Args:
        options: of a reset, without 'reset_mask'.
        shape: (N,) for N environments, which may have a value each; () for a single one.

    Returns:
        (N,) arrays by their names; (1,) for a single environment.

    Raises:
        ValueError: there is no such option, or it has another shape, or 'improvise' is no bool.
    """
    known = OPTIONS if shape == () else (*OPTIONS, "reset_mask")
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        raise ValueError(f"unknown reset options {unknown}: there are {', '.join(map(repr, known))}")
    checked = {}
    for option, value in options.items():
        if value is None:
            continue
        values = np.asarray(value)
        if values.shape not in ((), shape):
            allowed = f"one value or {shape[0]} values" if shape else "one value"
            raise ValueError(f"the reset option {option!r} is {allowed}; got the shape {values.shape}")
        if option == "improvise" and values.dtype != bool:
            raise ValueError(f"the reset option 'improvise' is True, False or None; got {value!r}")
        checked[option] = np.broadcast_to(values, shape or (1,))
    return checked


def seeds_of(seed: int | Sequence[int | None] | None, count: int, envs: np.ndarray) -> list[int | None]:
    """Return the seeds of some environments: environment i has `seed + i`, or item i of a sequence.

    Raises:
        ValueError: the sequence has not one seed for each of the `count` environments.
    """
    if seed is None:
        return [None] * len(envs)
    if isinstance(seed, int | np.integer):
        return [int(seed) + env for env in envs.tolist()]
    if len(seed) != count:
        raise ValueError(f"there are {len(seed)} seeds for {count} environments: give one number, or one for each")
    return [seed[env] for env in envs.tolist()]

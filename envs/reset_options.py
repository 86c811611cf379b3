"""What `reset` of N environments is told: one value for all of them, or N values."""

from collections.abc import Sequence
from typing import Any

import numpy as np

OPTIONS = ("song", "start", "improvise")
"""What `KeyboardEnv.reset` knows."""


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


def check_options(options: dict[str, Any], envs: int) -> dict[str, np.ndarray]:
    """Return the options that are not None, each as an array (envs,).

    Raises:
        ValueError: there is no such option, or it is neither one value nor one for each environment.
    """
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        raise ValueError(f"unknown reset options {unknown}: there are {', '.join(map(repr, OPTIONS))} and 'reset_mask'")
    checked = {}
    for option, value in options.items():
        values = np.asarray(value)
        if values.shape not in ((), (envs,)):
            raise ValueError(f"the reset option {option!r} is one value or {envs} values; got the shape {values.shape}")
        if value is not None:
            checked[option] = np.broadcast_to(values, (envs,))
    return checked


def seeds_of(seed: int | Sequence[int | None] | None, count: int, envs: np.ndarray) -> list[int | None]:
    """Return the seeds of some environments: environment i has `seed + i`, or what stands in the list.

    Raises:
        ValueError: the list has not one seed for each of the `count` environments.
    """
    if seed is None:
        return [None] * len(envs)
    if isinstance(seed, int | np.integer):
        return [int(seed) + env for env in envs.tolist()]
    if len(seed) != count:
        raise ValueError(f"there are {len(seed)} seeds for {count} environments: give one number, or one for each")
    return [seed[env] for env in envs.tolist()]

"""Information of many environments, laid out as in `gymnasium.vector.SyncVectorEnv`.

Conventions: N environments. Each array `name` (N, ...) comes with a mask `_name` (N,) bool. Values are valid where the
mask is True; elsewhere they are 0, False or None.
"""

from typing import Any

import numpy as np

Values = dict[str, np.ndarray]


def masked(values: Values, mask: np.ndarray) -> dict[str, Any]:
    """Return the values with a mask of the environments for which they are valid."""
    information: dict[str, Any] = {}
    for name, value in values.items():
        nothing: Any = None if value.dtype == object else value.dtype.type(0)
        information[name] = np.where(mask.reshape(-1, *[1] * (value.ndim - 1)), value, nothing)
        information[f"_{name}"] = mask.copy()
    return information


def after_step(
    song: np.ndarray, step: np.ndarray, played: Values, begun: np.ndarray, everyone: np.ndarray
) -> dict[str, Any]:
    """Return the information after a step.

    Args:
        song, step: (N,), valid in every environment.
        played: values of the step just played; changed in place.
        begun: (b,) int, environments that have begun an episode and have played nothing in it yet.
        everyone: (N,) bool, all True; becomes the mask of values that are valid in every environment.
    """
    information: dict[str, Any] = {"song": song, "_song": everyone, "step": step, "_step": everyone}
    if begun.size == len(song):
        return information
    mask = everyone
    if begun.size:
        mask = everyone.copy()
        mask[begun] = False
    for name, value in played.items():
        if begun.size:
            value[begun] = 0
        information[name], information[f"_{name}"] = value, mask
    return information


def final(observations: np.ndarray, values: Values, over: np.ndarray) -> dict[str, Any]:
    """Return the last observations (N, M) and the last information of the episodes `over` (N,) bool."""
    last = np.full(len(over), None, dtype=object)
    for env in over.nonzero()[0].tolist():
        last[env] = observations[env].copy()
    information = {"final_obs": last, "final_info": masked(values, over)}
    return information | {f"_{name}": over.copy() for name in information}

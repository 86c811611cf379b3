"""Information of many environments, laid out as `gymnasium.vector.SyncVectorEnv` does.

Conventions: N environments. Beside each array (N, ...) stands, as `_name`, a mask (N,) bool: where it is True the value
holds, elsewhere there is 0, False or None.
"""

from typing import Any

import numpy as np

Values = dict[str, np.ndarray]


def masked(values: Values, mask: np.ndarray) -> dict[str, Any]:
    """Return the values of the environments in a mask."""
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
        song, step: (N,), known in every environment.
        played: known of the step that was played, changed in place.
        begun: (b,) int, environments that have begun an episode, in which nothing was played yet.
        everyone: (N,) bool, True, which becomes the mask of all that holds for every environment.
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
    """Return the last observations (N, M) and the last information of the episodes that are over, (N,) bool."""
    last = np.full(len(over), None, dtype=object)
    for env in over.nonzero()[0].tolist():
        last[env] = observations[env].copy()
    information = {"final_obs": last, "final_info": masked(values, over)}
    return information | {f"_{name}": over.copy() for name in information}

"""Validation of the keys that a performer presses.

Conventions: one step is (K,), that of N environments (N, K). 1 presses a key, 0 does not.
"""

import numpy as np


def check_keys(keys: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return keys as bool.

    Args:
        keys: of any boolean, integer or floating type.
        shape: the shape they must have, (K,) or (N, K).

    Raises:
        ValueError: they have another shape, another type, or values other than 0 and 1.
    """
    pressed = np.asarray(keys)
    if pressed.shape != shape:
        each = "an action is" if len(shape) == 1 else f"{shape[0]} environments take {shape[0]} actions, each"
        raise ValueError(
            f"{each} {shape[-1]} values of 0 or 1, one a key; got an array of shape {pressed.shape}: {keys!r}"
        )
    if pressed.dtype.char in "?bB":
        values = pressed.astype(bool)
        if values.tobytes() == pressed.tobytes():  # much faster than comparing arrays
            return values
    elif pressed.dtype.kind in "biuf" and ((pressed == 0) | (pressed == 1)).all():
        return pressed.astype(bool)
    raise ValueError(f"an action is {shape[-1]} values of 0 or 1, one a key; got {keys!r}")

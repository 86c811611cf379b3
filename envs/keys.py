"""Check the keys that a performer presses.

Conventions:
    One step of keys is (13,), a batch of N performers presses (N, 13). 1 presses a key, 0 does not.
"""

import numpy as np

from songs.keyboard import KEYS


def check_keys(keys: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return keys as bool.

    Args:
        keys: of any boolean, integer or floating type.
        shape: the shape they must have, (13,) or (N, 13).

    Raises:
        ValueError: they have another shape, another type, or values other than 0 and 1.
    """
    pressed = np.asarray(keys)
    if pressed.shape != shape:
        each = "an action is" if len(shape) == 1 else f"{shape[0]} environments take {shape[0]} actions, each"
        raise ValueError(f"{each} {KEYS} values of 0 or 1, one a key; got an array of shape {pressed.shape}: {keys!r}")
    if pressed.dtype.char in "?bB":
        values = pressed.view(np.uint8)  # where a negative int8 is more than 127
        if values.item(values.argmax()) <= 1:  # much faster than max() for few values
            return pressed.view(bool)
    elif pressed.dtype.kind in "biuf" and ((pressed == 0) | (pressed == 1)).all():
        return pressed.astype(bool)
    raise ValueError(f"an action is {KEYS} values of 0 or 1, one a key; got {keys!r}")

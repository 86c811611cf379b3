"""A taste in files: a learned listener, the scale of its features, and the preferences."""

from pathlib import Path
from typing import Any

import numpy as np

from listener.file_parts import errors_in_json, errors_name, read_array
from listener.learned.files import learned_contents, read_learned
from listener.melody_features import LEAST_DEVIATION
from listener.taste.features import TASTE_FEATURES
from listener.taste.model import Scale, Taste

PREFIX = "taste"
"""First part of the names of its own arrays."""
MOST_BARS = 10_000
"""Most bars of the melodies that a taste was learned from."""


def taste_contents(listener: Taste) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the arrays and the JSON fields of a taste."""
    arrays, head = learned_contents(listener)
    taste = {**vars(listener.scale), "preference": listener.preference}
    arrays |= {f"{PREFIX}.{name}": values for name, values in taste.items()}
    return arrays, {**head, "features": list(TASTE_FEATURES), "strength": listener.strength}


def read_taste(path: Path, about: dict[str, Any], arrays: dict[str, np.ndarray]) -> Taste:
    """Return a taste from its JSON and arrays; raises ValueError if they are invalid."""
    with errors_in_json(path):
        if tuple(about["features"]) != TASTE_FEATURES:
            raise ValueError("features do not match this version: learn the taste again")
    with errors_name(path):
        mean = arrays.get(f"{PREFIX}.mean", np.zeros((0, 0)))
        shape = (min(max(len(mean), 1), MOST_BARS), len(TASTE_FEATURES))
        scale = Scale(**{name: read_array(arrays, f"{PREFIX}.{name}", shape) for name in Scale.__dataclass_fields__})
        if not (scale.deviation >= np.float32(LEAST_DEVIATION)).all():
            raise ValueError(f"{PREFIX}.deviation is below {LEAST_DEVIATION}")
        preference = read_array(arrays, f"{PREFIX}.preference", shape[1:])
    return Taste(read_learned(path, about, arrays), scale, preference, float(about["strength"]))

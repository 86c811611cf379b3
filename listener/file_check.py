"""What the files of a trained listener say: they can come from anywhere.

Conventions: whatever is wrong is a ValueError that says what, and not in which file.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from listener.melody_features import BANDS, LEAST_DEVIATION
from songs.validate import validate_like

LARGEST = 1e4
"""Of any parameter and any other number of a listener; those of the project's stay below 250."""
WIDEST = 4096
"""Of any layer of a network."""
KINDS: dict[str, dict[str, Any]] = {
    "ngram": {"constant": 0.0},
    "melody": {"constant": 0.0, "model": {}},
    "learned": {"nets": {}, "weights": {}, "norms": {}},
    "judge": {"reader": {}, "reference": [0.0]},
}
"""What the JSON of a listener of each kind has, besides what it may tell."""


def check_about(about: dict[str, Any]) -> None:
    """Raise ValueError if the JSON of a listener is not of a known kind, or lacks what its kind has."""
    validate_like({"kind": ""}, about, "")
    if about["kind"] not in KINDS:
        raise ValueError(f"there is no kind of listener {about['kind']!r:.40}")
    validate_like(KINDS[about["kind"]], about, "")
    if "reference" in about:
        check_numbers(about["reference"], "reference")
    if "constant" in about:
        check_numbers([about["constant"]], "constant")


def check_numbers(found: Any, what: str, least: float = -LARGEST) -> None:
    """Raise ValueError if what was read is no list of at least one number of a possible size."""
    validate_like([0.0], found, what)
    if not found:
        raise ValueError(f"{what} is empty")
    if not all(least <= number <= LARGEST for number in found):
        raise ValueError(f"{what} holds a number that is not from {least:g} to {LARGEST:g}")


def check_weights(found: dict[str, Any], names: Iterable[str]) -> None:
    """Raise ValueError if what was read does not hold a weight of at least 0 by each of some names."""
    validate_like(dict.fromkeys(names, 0.0), found, "weights")
    for name in names:
        check_numbers([found[name]], f"weights.{name}", least=0)


def check_norms(found: dict[str, Any], nets: Iterable[str]) -> None:
    """Raise ValueError if what was read are not the norms of networks of some names, and of the statistics."""
    for part, names in (("good", nets), ("deviation", (*nets, *BANDS)), ("low", BANDS), ("high", BANDS)):
        validate_like({part: {name: [0.0] for name in names}}, found, "norms")
        for name, values in found[part].items():
            check_numbers(values, f"norms.{part}.{name}", least=LEAST_DEVIATION if part == "deviation" else -LARGEST)


def check_options(own: dict[str, Any], found: Any, what: str) -> None:
    """Raise ValueError if what was read are no sizes and chances of a network.

    Args:
        own: the options of any network of that kind.
        found: what was read.
        what: where it stands.
    """
    validate_like(own, found, what)
    for name, value in found.items():
        if name not in own:
            raise ValueError(f"{what} has no {name!r:.40}")
        if isinstance(own[name], int) and not 1 <= value <= WIDEST:
            raise ValueError(f"{what}.{name} is {value}; it is from 1 to {WIDEST}")
        if isinstance(own[name], float) and not 0 <= value < 1:
            raise ValueError(f"{what}.{name} is {value}; it is from 0 to below 1")


def check_array(arrays: dict[str, np.ndarray], name: str, shape: tuple[int, ...]) -> None:
    """Raise ValueError if an array is missing, has another shape, or does not hold numbers of a possible size."""
    if name not in arrays:
        raise ValueError(f"has no {name}: it is of another kind of listener")
    if arrays[name].shape != shape:
        raise ValueError(f"{name} has the shape {arrays[name].shape}, not {shape}")
    if arrays[name].dtype.kind != "f" or not (np.abs(arrays[name]) <= LARGEST).all():
        raise ValueError(f"{name} does not hold numbers of at most {LARGEST:g}")

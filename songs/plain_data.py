"""Plain data that was read from a file, and may be anything: is it of the kind that it should be?"""

import math
from typing import Any

LONGEST_SHOWN = 40


def check_kind(own: Any, found: Any, what: str) -> None:
    """Raise ValueError if plain data is of another kind than an example.

    Args:
        own: the example. A dictionary names what has to be there, a list holds one example of all that may stand in it,
            None leaves a value open. Whole numbers count something, from 0; other numbers are finite.
        found: what was read.
        what: where it stands.
    """
    if isinstance(own, dict) and isinstance(found, dict):
        for name, value in own.items():
            if name not in found:
                raise ValueError(f"{what}.{name} is missing" if what else f"{name} is missing")
            check_kind(value, found[name], f"{what}.{name}" if what else name)
    elif isinstance(own, list) and isinstance(found, list):
        for number, value in enumerate(found):
            check_kind(own[0], value, f"{what}[{number}]")
    elif own is not None and not _is_like(own, found):
        shown = repr(found)
        shown = shown if len(shown) <= LONGEST_SHOWN else f"{shown[:LONGEST_SHOWN]}..."
        raise ValueError(f"{what or 'it'} is {shown}")


def _is_like(own: Any, found: Any) -> bool:
    """Return whether a text is a text, a count a count, a number a number."""
    if isinstance(found, bool) or isinstance(own, bool):
        return isinstance(found, bool) and isinstance(own, bool)
    if isinstance(own, int):
        return isinstance(found, int) and found >= 0
    if isinstance(own, float):
        return isinstance(found, int) or (isinstance(found, float) and math.isfinite(found))
    return isinstance(own, str) and isinstance(found, str)

"""Plain data that was read from a file, and may be anything: is it of the kind that it should be?"""

import sys
from dataclasses import dataclass
from typing import Any

LONGEST_SHOWN = 40


@dataclass(frozen=True)
class OrNone:
    """An example of what may also be None."""

    own: Any


@dataclass(frozen=True)
class ByAnyName:
    """An example of all that stands in a dictionary, whatever the names."""

    own: Any


def check_kind(own: Any, found: Any, what: str) -> None:
    """Raise ValueError if plain data is of another kind than an example.

    Args:
        own: the example. A dictionary names what has to be there, a list holds one example of all that may stand in it,
            a tuple one of each value in turn, None leaves a value open. Whole numbers count something, from 0, where
            the example is below 0 they can be, too; other numbers are finite.
        found: what was read.
        what: where it stands.
    """
    if isinstance(own, OrNone):
        if found is not None:
            check_kind(own.own, found, what)
    elif isinstance(own, ByAnyName) and isinstance(found, dict):
        check_kind(dict.fromkeys(found, own.own), found, what)
    elif isinstance(own, dict) and isinstance(found, dict):
        for name, value in own.items():
            if name not in found:
                raise ValueError(f"{what}.{name} is missing" if what else f"{name} is missing")
            check_kind(value, found[name], f"{what}.{name}" if what else name)
    elif isinstance(own, list | tuple) and isinstance(found, list):
        if isinstance(own, tuple) and len(own) != len(found):
            raise ValueError(f"{what or 'it'} has {len(found)} values, not {len(own)}")
        for number, value in enumerate(found):
            check_kind(own[number if isinstance(own, tuple) else 0], value, f"{what}[{number}]")
    elif own is not None and not _is_like(own, found):
        shown = repr(found)
        shown = shown if len(shown) <= LONGEST_SHOWN else f"{shown[:LONGEST_SHOWN]}..."
        raise ValueError(f"{what or 'it'} is {shown}")


def _is_like(own: Any, found: Any) -> bool:
    """Return whether a text is a text, a count a count, a number a number."""
    if isinstance(found, bool) or isinstance(own, bool):
        return isinstance(found, bool) and isinstance(own, bool)
    if isinstance(own, int):
        return isinstance(found, int) and (found >= 0 or own < 0)
    if isinstance(own, float):
        return isinstance(found, int | float) and abs(found) <= sys.float_info.max
    return isinstance(own, str) and isinstance(found, str)

"""Options: dataclass fields with a help text, a range and choices, declared once, next to the code that uses them.

A *section* is a frozen dataclass whose fields are made by `option`. `experiments.config.settings` builds
configurations, TOML files, `--set` and `--options` from sections; any package may declare one.
"""

import dataclasses
import math
from dataclasses import field
from typing import Any, TypeVar

Section = TypeVar("Section")

LONGEST_SHOWN = 200
"""Most characters of an invalid value shown in a message."""
LARGEST_SHOWN = 10**300
"""Python refuses to print integers of many digits; larger ones are described instead."""

KINDS = {int: "a whole number", float: "a number", str: "text in quotes", bool: "true or false"}


class OptionError(ValueError):
    """An invalid value of an option; the message names the option and the values allowed."""


def option(
    default: Any,
    help: str,
    low: float | None = None,
    high: float | None = None,
    choices: tuple = (),
    numbers: bool = False,
) -> Any:
    """Declare a field of a section.

    Args:
        default: default value; its type, int, float, str or bool, is the type of the option.
        help: one line for `--options`.
        low: smallest value allowed, None for no limit.
        high: largest value allowed, None for no limit.
        choices: the values allowed; empty for any.
        numbers: convert a list of whole numbers to text, [1, 2, 4] to "1,2,4".
    """
    metadata = {"help": help, "low": low, "high": high, "choices": choices, "numbers": numbers}
    return field(default=default, metadata=metadata)


def limits(option: dataclasses.Field) -> str:
    """Describe the values that an option allows: "1 to 64", "at least 0", "tanh, sigmoid"; "" for any."""
    low, high, choices = (option.metadata.get(key) for key in ("low", "high", "choices"))
    if choices:
        return ", ".join(str(choice) for choice in choices)
    if low is None and high is None:
        return ""
    return f"at least {low:g}" if high is None else f"at most {high:g}" if low is None else f"{low:g} to {high:g}"


def checked_value(name: str, option: dataclasses.Field, value: Any) -> Any:
    """Check a value of an option and convert it to the type of the option.

    Args:
        name: name of the option for messages, as in "evolve.seed".
        option: a field made by `option`.
        value: value from a user or a file.

    Raises:
        OptionError: the value has another type, is out of range, or is not one of the choices.
    """
    wanted: Any = option.type
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value) if abs(value) < LARGEST_SHOWN else math.inf if value > 0 else -math.inf
    if option.metadata.get("numbers") and isinstance(value, list) and all(type(each) is int for each in value):
        value = ",".join(map(str, value))
    if type(value) is not wanted:
        raise OptionError(f"{name} = {shown(value)}: it must be {KINDS[wanted]}")
    if wanted is str and any("\ud800" <= char <= "\udfff" for char in value):  # a file name that is not UTF-8
        raise OptionError(f"{name} = {shown(value)}: it must be text in UTF-8: rename the file")
    low, high, choices = (option.metadata.get(key) for key in ("low", "high", "choices"))
    if choices and value not in choices:
        raise OptionError(f"{name} = {shown(value)}: choose one of {limits(option)}")
    if wanted is float and not math.isfinite(value):
        raise OptionError(f"{name} = {shown(value)}: it must be finite")
    if (low is not None and value < low) or (high is not None and value > high):
        raise OptionError(f"{name} = {shown(value)}: it must be {limits(option)}")
    return value


def check_section(section: Any) -> None:
    """Raise OptionError if an option of a section has an invalid value."""
    for each in dataclasses.fields(section):
        checked_value(each.name, each, getattr(section, each.name))


def read_section(kind: type[Section], data: Any, name: str) -> Section:
    """Build a section from plain data, for example part of a JSON file.

    Args:
        kind: the class of the section.
        data: a dictionary of its options; missing ones get their defaults.
        name: name of the section for messages.

    Raises:
        OptionError: an option is unknown or has an invalid value.
    """
    options: dict[str, dataclasses.Field] = {each.name: each for each in dataclasses.fields(kind)}  # type: ignore[arg-type]
    if not isinstance(data, dict):
        raise OptionError(f"{name} = {shown(data)}: it must be a table of options")
    unknown = ", ".join(sorted(map(str, set(data) - set(options))))
    if unknown:
        raise OptionError(f"unknown {name} options: {unknown[:LONGEST_SHOWN]}; known are {', '.join(options)}")
    return kind(**{each: checked_value(each, options[each], value) for each, value in data.items()})


def shown(value: Any) -> str:
    """Return a value as text for a message, shortened if it is long."""
    if isinstance(value, int) and abs(value) >= LARGEST_SHOWN:
        return "a number of hundreds of digits"
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def check_options(section: Any) -> None:
    """Raise OptionError if a field of a section, a dataclass with fields made by `option`, is out of range."""
    for option in dataclasses.fields(section):
        checked_value(option.name, option, getattr(section, option.name))

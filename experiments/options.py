"""Options that several verbs share, and printing for people and for programs."""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

Number = TypeVar("Number", int, float)

MOST = 1_000_000_000
MOST_PROCESSES = 1024
MOST_MINUTES = 1_000_000


class UsageError(ValueError):
    """A command line that cannot be carried out; the message says why."""


def add_catalog_options(parser: argparse.ArgumentParser) -> None:
    """Add --folder and --track."""
    parser.add_argument("--folder", type=word, metavar="DIR", help="folder of MIDI files [the songs of the project]")
    parser.add_argument("--track", type=word, metavar="NAME", help="read only the MIDI tracks of this name [all]")


def add_actions(parser: argparse.ArgumentParser, actions: Mapping[str, Callable]) -> None:
    """Add the actions of a verb: functions, by name, that add arguments and whose docstrings are the descriptions."""
    parsers = parser.add_subparsers(metavar="ACTION", required=True)
    for name, add in actions.items():
        about = add.__doc__ or ""
        action = parsers.add_parser(name, help=about.partition("\n")[0], description=about)
        add(action)
        action.set_defaults(action=name)


def word(text: str) -> str:
    """Read a text that is not empty, which would count as no value."""
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty")
    return text


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return a parser of whole numbers from `least` to `most`."""

    def number(text: str) -> int:
        return _within(int(text), text, least, most)

    return number


def between(least: float, most: float) -> Callable[[str], float]:
    """Return a parser of numbers from `least` to `most`."""

    def number(text: str) -> float:
        return _within(float(text), text, least, most)

    return number


def above_zero(most: float) -> Callable[[str], float]:
    """Return a parser of numbers above 0, up to `most`."""

    def number(text: str) -> float:
        value = float(text)
        if not 0 < value <= most:
            raise argparse.ArgumentTypeError(f"{text}: it must be above 0, at most {most}")
        return value

    return number


def positive(text: str) -> int:
    """Read a whole number of at least 1."""
    return _within(int(text), text, 1, MOST)


def count(text: str) -> int:
    """Read a whole number of at least 0."""
    return _within(int(text), text, 0, MOST)


def _within(value: Number, text: str, least: float, most: float) -> Number:
    """Return a value; raises ArgumentTypeError if it is out of bounds or NaN."""
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(f"{text}: it must be {least} to {most}")
    return value


def print_json(content: Any) -> None:
    """Print JSON for other programs."""
    print(json.dumps(content, indent=1, ensure_ascii=False))


def refuse(options: argparse.Namespace, reason: str, names: Sequence[str]) -> None:
    """Raise UsageError if one of these options is given."""
    for name in names:
        value = getattr(options, name)
        if value is not None and value is not False:
            raise UsageError(f"{'SONG' if name == 'song' else '--' + name.replace('_', '-')} does not go with {reason}")


def require(*packages: str, extra: str, what: str) -> None:
    """Raise UsageError if a package cannot be imported."""
    for package in packages:
        try:
            __import__(package)
        except ImportError:
            message = f"{what} needs the package {package}, which is not installed: pip install 'kuznechik[{extra}]'"
            raise UsageError(message) from None

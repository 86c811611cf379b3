"""Options that several verbs share, and printing for people and for programs."""

import argparse
import json
from collections.abc import Sequence
from typing import Any


class UsageError(ValueError):
    """A command line that asks for something impossible."""


def add_catalog_options(parser: argparse.ArgumentParser) -> None:
    """Add --folder and --track."""
    parser.add_argument("--folder", metavar="DIR", help="folder of MIDI files [the songs of the project]")
    parser.add_argument("--track", metavar="NAME", help="read only the MIDI tracks of this name [all]")


def positive(text: str) -> int:
    """Read a whole number from 1 on."""
    number = int(text)
    if not 1 <= number <= 1_000_000_000:
        raise argparse.ArgumentTypeError(f"{text}: it must be 1 to 1000000000")
    return number


def count(text: str) -> int:
    """Read a whole number from 0 on."""
    return 0 if text == "0" else positive(text)


def print_json(content: Any) -> None:
    """Print JSON for other programs."""
    print(json.dumps(content, indent=1, ensure_ascii=False))


def refuse(options: argparse.Namespace, reason: str, names: Sequence[str]) -> None:
    """Raise UsageError if one of these options is given."""
    for name in names:
        value = getattr(options, name)
        if value is not None and value is not False:
            raise UsageError(f"{'SONG' if name == 'song' else '--' + name.replace('_', '-')} does not go with {reason}")

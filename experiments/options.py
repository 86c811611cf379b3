"""Options that several verbs share, and output as text and as JSON."""

import argparse
import inspect
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from songs.keyboard import MOST_KEYS

if TYPE_CHECKING:
    from songs.synth import Instrument

Number = TypeVar("Number", int, float)

ARRANGE_OPTIONS = ("track", "channel", "grid", "keys", "fold", "bars", "chords")
MOST = 1_000_000_000
MOST_PROCESSES = 1024
MOST_MINUTES = 1_000_000


class UsageError(ValueError):
    """A command line that cannot be carried out; the message gives the reason."""


class RunStopped(Exception):
    """A run stopped by an outside cause; the message gives the command that resumes it from its last checkpoint."""


def add_catalog_options(parser: argparse.ArgumentParser) -> None:
    """Add --folder and the options that control how a file becomes a song."""
    parser.add_argument("--folder", type=word, metavar="DIR", help="folder of MIDI files [the songs of the project]")
    add_arrange_options(parser)


def add_arrange_options(parser: argparse.ArgumentParser) -> None:
    """Add --track, --channel, --grid, --keys, --fold, --bars and --chords; options not given are None."""
    group = parser.add_argument_group("From a file to a song")
    group.add_argument("--track", type=word, metavar="NAME|NUMBER", help="part to use [the likely melody]")
    group.add_argument("--channel", type=whole(1, 16), metavar="N", help="use only parts on this MIDI channel")
    group.add_argument("--grid", type=whole(1, 12), metavar="N", help="steps per quarter note [the fewest that fit]")
    group.add_argument(
        "--keys", type=whole(1, MOST_KEYS), metavar="N", help="keys of the keyboard [the fewest that fit]"
    )
    group.add_argument(
        "--fold", action="store_true", default=None, help="move notes by octaves onto the 13 keys, or --keys of them"
    )
    group.add_argument("--bars", type=word, metavar="A-B|all", help="bars to use [all of up to 32, else the best 16]")
    group.add_argument("--chords", action="store_true", default=None, help="keep all simultaneous notes of a part")


SOURCES = (
    "run folders, MIDI files or folders, song names, vae:16, form:16, markov:4, melody, random, silence, mine.py:Class"
)


def add_source_options(parser: argparse.ArgumentParser, melodies: int) -> None:
    """Add --melodies and --seed, which control how sources play, --folder, and how a file becomes a song."""
    add_catalog_options(parser)
    parser.add_argument(
        "--melodies",
        type=whole(1, 10_000),
        default=melodies,
        metavar="N",
        help=f"melodies to draw from a sampled source [{melodies}]",
    )
    parser.add_argument("--seed", type=count, default=0, metavar="N", help="the same seed gives the same melodies [0]")


def arrange_choices(options: argparse.Namespace) -> dict[str, Any]:
    """Return the given options among those that control how a file becomes a song."""
    choices = {name: getattr(options, name, None) for name in ARRANGE_OPTIONS}
    return {name: value for name, value in choices.items() if value is not None}


def arrange_options(options: argparse.Namespace) -> Any:
    """Return the ArrangeOptions of a command line."""
    from songs.arrange import DEFAULTS  # here, as it loads numpy

    return DEFAULTS.change(**arrange_choices(options))


def add_own_listener(parser: argparse.ArgumentParser) -> None:
    """Add --listener, for verbs that read a run whose listener may be the user's own code."""
    parser.add_argument(
        "--listener",
        metavar="FILE.py:CLASS",
        help="your own listener that the run uses (code is loaded only if you name it)",
    )


def add_env(parser: argparse.ArgumentParser, help_text: str) -> None:
    """Add --env, the id of a Gymnasium environment."""
    parser.add_argument("--env", type=word, metavar="ID", help=help_text)


def add_midi(parser: argparse.ArgumentParser, help_text: str) -> None:
    """Add --midi, folders of MIDI files; the option may be repeated."""
    parser.add_argument("--midi", type=Path, action="append", default=[], metavar="DIR", help=help_text)


def add_own_env(parser: argparse.ArgumentParser) -> None:
    """Add --env, for verbs that read a run whose environment may be the user's own code."""
    add_env(parser, "your own environment that the run uses, module:Id (code is loaded only if you name it)")


def add_force(parser: argparse.ArgumentParser) -> None:
    """Add --force, for actions that write to files named by the user."""
    parser.add_argument("--force", action="store_true", help="replace existing files")


def refuse_existing(options: argparse.Namespace, *paths: Path) -> None:
    """Raise UsageError if an output file exists and --force is not given, OSError if it is not a regular file."""
    from songs.files import check_replaceable

    for path in paths:
        check_replaceable(path)
        if os.path.lexists(path) and not options.force:
            raise UsageError(f"{path} already exists: choose another name, or replace it with --force")


def add_actions(parser: argparse.ArgumentParser, actions: Mapping[str, Callable]) -> None:
    """Add a verb's actions: functions by name, which add arguments and whose docstrings are the help texts."""
    parsers = parser.add_subparsers(metavar="ACTION", required=True)
    for name, add in actions.items():
        description = inspect.getdoc(add) or ""
        action = parsers.add_parser(name, help=description.partition("\n")[0], description=description)
        add(action)
        action.set_defaults(action=name, parser=action)


def word(text: str) -> str:
    """Parse a non-empty text; an empty one would count as no value."""
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty")
    return text


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return a parser of integers from `least` to `most`."""

    def number(text: str) -> int:
        return _within(int(text), text, least, most)

    return number


positive = whole(1, MOST)
count = whole(0, MOST)


def between(least: float, most: float) -> Callable[[str], float]:
    """Return a parser of numbers from `least` to `most`."""

    def number(text: str) -> float:
        return _within(float(text), text, least, most)

    return number


def cell(text: str) -> tuple[int, int]:
    """Parse a cell of an atlas: two integers of at least 0, as in 3,7."""
    first, comma, second = text.partition(",")
    if not (comma and first.strip().isdecimal() and second.strip().isdecimal()):
        raise argparse.ArgumentTypeError(f"{text}: it must be two whole numbers from 0 up, such as 3,7")
    return int(first), int(second)


def above_zero(most: float) -> Callable[[str], float]:
    """Return a parser of numbers above 0 and at most `most`."""

    def number(text: str) -> float:
        value = float(text)
        if not 0 < value <= most:
            raise argparse.ArgumentTypeError(f"{text}: it must be above 0 and at most {most}")
        return value

    return number


def _within(value: Number, text: str, least: float, most: float) -> Number:
    """Return the value; raise ArgumentTypeError if it is out of bounds or NaN."""
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(f"{text}: it must be {least} to {most}")
    return value


def print_lines(lines: Sequence[str]) -> None:
    """Print remarks for the user on stderr."""
    for line in lines:
        print(line, file=sys.stderr)


def print_json(content: Any) -> None:
    """Print JSON for other programs."""
    print(json.dumps(content, indent=1, ensure_ascii=False))


def refuse(options: argparse.Namespace, reason: str, names: Sequence[str]) -> None:
    """Raise UsageError if any of these options is given."""
    for name in names:
        value = getattr(options, name)
        if value is not None and value is not False:
            raise UsageError(f"{'SONG' if name == 'song' else '--' + name.replace('_', '-')} does not go with {reason}")


def add_soundfont(parser: argparse.ArgumentParser) -> None:
    """Add --soundfont, the instrument that melodies are played on."""
    parser.add_argument(
        "--soundfont",
        metavar="FILE.sf2",
        help="play on the grand piano of a SoundFont, or its first instrument [the built-in piano]",
    )


def instrument_of(options: argparse.Namespace) -> "Instrument":
    """Return the instrument of --soundfont; raise UsageError if it cannot be read."""
    from songs.instrument import tone

    if not options.soundfont:
        return tone
    from songs.soundfont import SoundFont

    try:
        return SoundFont(options.soundfont)
    except ImportError:
        raise UsageError(
            "--soundfont needs the package tinysoundfont, which is not installed: pip install 'kuznechik[soundfont]', "
            "or, without PortAudio, pip install --no-deps tinysoundfont"
        ) from None
    except OSError as error:
        raise UsageError(f"{options.soundfont}: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(str(error)) from None


def require(*packages: str, extra: str, what: str) -> None:
    """Raise UsageError if a package cannot be imported."""
    for package in packages:
        try:
            __import__(package)
        except ImportError:
            message = f"{what} needs the package {package}, which is not installed: pip install 'kuznechik[{extra}]'"
            raise UsageError(message) from None

"""Options that several verbs share, and printing for people and for programs."""

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
    """A command line that cannot be carried out; the message says why."""


class RunStopped(Exception):
    """A run that cannot go on for a reason outside of it; the message says what goes on from its last checkpoint."""


def add_catalog_options(parser: argparse.ArgumentParser) -> None:
    """Add --folder, and the options that say how a file becomes a song."""
    parser.add_argument("--folder", type=word, metavar="DIR", help="folder of MIDI files [the songs of the project]")
    add_arrange_options(parser)


def add_arrange_options(parser: argparse.ArgumentParser) -> None:
    """Add --track, --channel, --grid, --keys, --fold, --bars and --chords; what is not given is None."""
    group = parser.add_argument_group("From a file to a song")
    group.add_argument("--track", type=word, metavar="NAME|NUMBER", help="the part to take [the likely melody]")
    group.add_argument("--channel", type=whole(1, 16), metavar="N", help="take only parts on this MIDI channel")
    group.add_argument("--grid", type=whole(1, 12), metavar="N", help="steps in a quarter note [the fewest that fit]")
    group.add_argument(
        "--keys", type=whole(1, MOST_KEYS), metavar="N", help="keys of the keyboard [the fewest that fit]"
    )
    group.add_argument(
        "--fold", action="store_true", default=None, help="move notes by octaves onto 13 keys, or --keys"
    )
    group.add_argument("--bars", type=word, metavar="A-B|all", help="bars to take [all of up to 32, else the best 16]")
    group.add_argument("--chords", action="store_true", default=None, help="keep all notes a part plays at once")


SOURCES = "run folders, MIDI files or folders, names of songs, vae:16, markov:4, melody, random, silence, mine.py:Class"


def add_source_options(parser: argparse.ArgumentParser, melodies: int) -> None:
    """Add --folder, --melodies and --seed, which say how sources play, and how a file becomes a song."""
    add_catalog_options(parser)
    parser.add_argument(
        "--melodies",
        type=whole(1, 10_000),
        default=melodies,
        metavar="N",
        help=f"melodies of a source that is sampled [{melodies}]",
    )
    parser.add_argument("--seed", type=count, default=0, metavar="N", help="the same seed gives the same melodies [0]")


def arrange_choices(options: argparse.Namespace) -> dict[str, Any]:
    """Return the options that say how a file becomes a song, as far as they were given."""
    choices = {name: getattr(options, name, None) for name in ARRANGE_OPTIONS}
    return {name: value for name, value in choices.items() if value is not None}


def arrange_options(options: argparse.Namespace) -> Any:
    """Return the ArrangeOptions of a command line."""
    from songs.arrange import DEFAULTS  # here, as it loads numpy

    return DEFAULTS.change(**arrange_choices(options))


def add_own_listener(parser: argparse.ArgumentParser) -> None:
    """Add --listener, for verbs that read a run whose listener may be code of the user's own."""
    parser.add_argument(
        "--listener", metavar="FILE.py:CLASS", help="the listener of the run, if it is your own: no file may name code"
    )


def add_env(parser: argparse.ArgumentParser, help_text: str) -> None:
    """Add --env, the id of a Gymnasium environment."""
    parser.add_argument("--env", type=word, metavar="ID", help=help_text)


def add_midi(parser: argparse.ArgumentParser, help_text: str) -> None:
    """Add --midi, folders of MIDI files; the option may be given again."""
    parser.add_argument("--midi", type=Path, action="append", default=[], metavar="DIR", help=help_text)


def add_own_env(parser: argparse.ArgumentParser) -> None:
    """Add --env, for verbs that read a run whose environment may be code of the user's own."""
    add_env(parser, "the environment of the run, if it is your own, module:Id: no file may name code")


def add_force(parser: argparse.ArgumentParser) -> None:
    """Add --force, for the actions that write to files a user names."""
    parser.add_argument("--force", action="store_true", help="replace files that are there")


def refuse_existing(options: argparse.Namespace, *paths: Path) -> None:
    """Raise UsageError if a file to be written is there and --force is not given; OSError if it is no regular file."""
    from songs.files import check_replaceable

    for path in paths:
        check_replaceable(path)
        if os.path.lexists(path) and not options.force:
            raise UsageError(f"{path} is there already: choose another name, or replace it with --force")


def add_actions(parser: argparse.ArgumentParser, actions: Mapping[str, Callable]) -> None:
    """Add the actions of a verb: functions, by name, that add arguments and whose docstrings are the descriptions."""
    parsers = parser.add_subparsers(metavar="ACTION", required=True)
    for name, add in actions.items():
        about = inspect.getdoc(add) or ""
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


positive = whole(1, MOST)
count = whole(0, MOST)


def between(least: float, most: float) -> Callable[[str], float]:
    """Return a parser of numbers from `least` to `most`."""

    def number(text: str) -> float:
        return _within(float(text), text, least, most)

    return number


def cell(text: str) -> tuple[int, int]:
    """Read a cell of an atlas, two whole numbers from 0 up, as in 3,7."""
    first, comma, second = text.partition(",")
    if not (comma and first.strip().isdecimal() and second.strip().isdecimal()):
        raise argparse.ArgumentTypeError(f"{text}: it must be two whole numbers from 0 up, such as 3,7")
    return int(first), int(second)


def above_zero(most: float) -> Callable[[str], float]:
    """Return a parser of numbers above 0, up to `most`."""

    def number(text: str) -> float:
        value = float(text)
        if not 0 < value <= most:
            raise argparse.ArgumentTypeError(f"{text}: it must be above 0, at most {most}")
        return value

    return number


def _within(value: Number, text: str, least: float, most: float) -> Number:
    """Return a value; raises ArgumentTypeError if it is out of bounds or NaN."""
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(f"{text}: it must be {least} to {most}")
    return value


def print_lines(lines: Sequence[str]) -> None:
    """Print what a user should know beside the result, on stderr."""
    for line in lines:
        print(line, file=sys.stderr)


def print_json(content: Any) -> None:
    """Print JSON for other programs."""
    print(json.dumps(content, indent=1, ensure_ascii=False))


def refuse(options: argparse.Namespace, reason: str, names: Sequence[str]) -> None:
    """Raise UsageError if one of these options is given."""
    for name in names:
        value = getattr(options, name)
        if value is not None and value is not False:
            raise UsageError(f"{'SONG' if name == 'song' else '--' + name.replace('_', '-')} does not go with {reason}")


def add_soundfont(parser: argparse.ArgumentParser) -> None:
    """Add the option of the instrument on which melodies sound."""
    parser.add_argument(
        "--soundfont", metavar="FILE.sf2", help="sound as the first instrument of a SoundFont [the built-in piano]"
    )


def instrument_of(options: argparse.Namespace) -> "Instrument":
    """Return the instrument of the option; raises UsageError if there is none."""
    from songs.instrument import tone

    if not options.soundfont:
        return tone
    from songs.soundfont import SoundFont

    try:
        return SoundFont(options.soundfont)
    except ImportError:
        raise UsageError(
            "--soundfont needs the package tinysoundfont, which is not installed: pip install 'kuznechik[soundfont]', "
            "or pip install --no-deps tinysoundfont where there is no PortAudio"
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

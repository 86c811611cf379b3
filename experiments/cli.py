"""The `kuznechik` command: reads the command line and calls the module of a verb in `experiments.verbs`.

A verb's module has HELP (a line), a docstring (its description), `add_options(parser)` and `run(options)`,
which returns the exit status. It imports what is heavy inside `run`, so that light verbs answer at once.
A mistake of the user ends with one line on stderr and the status 2.
"""

import argparse
import importlib
import importlib.util
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

PACKAGES = ("songs", "listener", "envs", "agents", "basic_midi", "vae")
VERBS = (
    "songs",
    "evolve",
    "dqn",
    "score",
    "plot",
    "play",
    "repeat",
    "report",
    "duet",
    "listening-test",
    "ablate",
    "vae",
    "capacity",
    "listener",
    "leaderboard",
)

LONGEST_MESSAGE = 2000
"""Characters; what a message quotes of a file can be longer."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    # one thread: the products are small, and threads would cost more than they bring
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    shadow = shadowed_package()
    if shadow:
        print(f"kuznechik: {shadow}", file=sys.stderr)
        return 2
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # for characters that the terminal's encoding lacks
    try:
        options = make_parser().parse_args(arguments)
        options.command_line = ["kuznechik", *arguments]
        return options.run(options)
    except ValueError as error:  # SongError, ConfigError, RunError, ...: all messages for the user
        print(one_line(f"kuznechik: {error}"), file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of our output, such as head, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        print(one_line(f"kuznechik: {place}{error.strerror or error}"), file=sys.stderr)
        return 2
    except MemoryError as error:
        print(one_line(f"kuznechik: not enough memory: {error}"), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("kuznechik: interrupted", file=sys.stderr)
        return 130


def one_line(message: str) -> str:
    """Return a message as one line that only shows; file names and files may bring anything into it, and any amount."""
    from songs.plain_text import plain

    text = plain(" ".join(message.splitlines()))
    return text if len(text) <= LONGEST_MESSAGE else f"{text[: LONGEST_MESSAGE - 500]} [...] {text[-500:]}"


def shadowed_package() -> str | None:
    """Return a message if another installed distribution hides one of our packages."""
    root = Path(__file__).resolve().parents[1]
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        places = [Path(place).resolve() for place in (spec.submodule_search_locations or [])] if spec else []
        if root / name not in places:
            where = places[0] if places else "nowhere"
            return (
                f"the package {name!r} is found at {where} instead of {root / name}: "
                "another distribution hides it; install kuznechik in a virtual environment of its own"
            )
    return None


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def parse_known_args(self, args=None, namespace=None):
        for argument in args or ():
            if argument.startswith("--") and argument.endswith("=--"):  # argparse would take it for an empty list
                self.error(f"argument {argument.removesuffix('=--')}: -- is no value")
        return super().parse_known_args(args, namespace)

    def error(self, message: str):
        self.exit(2, one_line(f"{self.prog}: {message}; see {self.prog} --help") + "\n")


class Version(argparse.Action):
    """Prints the version that is installed, which nobody looks up who does not ask for it."""

    def __call__(self, parser, namespace, values, option_string=None):
        from importlib.metadata import PackageNotFoundError, version

        try:
            known = version("kuznechik")
        except PackageNotFoundError:
            known = f"that is not installed, at {Path(__file__).resolve().parents[1]}"
        print(f"kuznechik {known}")
        parser.exit()


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command."""
    parser = Parser(
        prog="kuznechik",
        description="Neuroevolution and reinforcement learning of melodies on a keyboard of 13 keys.",
        epilog="kuznechik VERB --help explains a verb; defaults stand in brackets. "
        "Exit status: 0 done, 1 a repeated run is another, 2 a mistake in the call or its files, 130 interrupted.",
    )
    parser.add_argument("--version", action=Version, nargs=0, help="print the version")
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    for name in VERBS:
        verb = importlib.import_module(f"experiments.verbs.{name.replace('-', '_')}")
        own = verbs.add_parser(name, help=verb.HELP, description=verb.__doc__)
        verb.add_options(own)
        own.set_defaults(run=verb.run)
    return parser

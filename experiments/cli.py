"""The `kuznechik` command: parses the command line and calls a verb's module in `experiments.verbs`.

Each verb is a module of that package with the verb's name. It defines:

    HELP            its line in the list of verbs
    GROUP, ORDER    the position of that line; groups missing from `GROUPS` come last
    EXAMPLES        commands shown at the end of its `--help`
    a docstring     its description
    add_options(parser)
    run(options)    returns the exit status

Heavy modules are imported inside `run`, so that light verbs answer at once. A user's mistake ends with one line on
stderr and exit status 2.
"""

import argparse
import importlib
import importlib.util
import io
import os
import pkgutil
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from experiments import verbs as verb_package
from experiments.options import RunStopped

PACKAGES = ("songs", "listener", "envs", "agents", "basic_midi", "vae")
GROUPS = ("Play and look", "Learn", "Judge", "Study")
"""Groups of verbs, in listing order."""

LONGEST_MESSAGE = 2000
"""Characters; a message may quote longer text from a file and is then shortened."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    # one thread: the matrix products are small, and more threads would cost more than they save
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    shadow = shadowed_package()
    if shadow:
        print(f"kuznechik: {shadow}", file=sys.stderr)
        return 2
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # for characters missing from the terminal's encoding
    try:
        parser = make_parser(*arguments[:1])
        if not arguments:
            parser.print_help()
            return 0
        options, unknown = parser.parse_known_args(arguments)
        if unknown:
            options.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
        options.command_line = ["kuznechik", *arguments]
        lend_own_code(options)
        status = options.run(options)
        sys.stdout.flush()  # here, where a closed pipe is caught, rather than at interpreter exit
        return status
    except (ValueError, RunStopped) as error:  # SongError, ConfigError, RunError, ...: all messages for the user
        print(one_line(f"kuznechik: {error}"), file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of our output, such as head, has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(one_line(f"kuznechik: {where}{error.strerror or error}"), file=sys.stderr)
        return 2
    except MemoryError as error:
        print(one_line(f"kuznechik: not enough memory: {error}"), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("kuznechik: interrupted", file=sys.stderr)
        return 130


def lend_own_code(options: argparse.Namespace) -> None:
    """Allow this process to run the user's own code named by --listener or --env; raise ValueError if it fails."""
    if ":" in (getattr(options, "env", None) or ""):
        from experiments.runs.evolve.env_task import lend_env

        lend_env(options.env)
    named = getattr(options, "listener", None) or []
    for text in [named] if isinstance(named, str) else named:
        from listener.registry import lend_own

        lend_own(text)


def one_line(message: str) -> str:
    """Return a message as one printable line of limited length; file names in it may contain any character."""
    from songs.plain_text import plain

    text = plain(" ".join(message.splitlines()))
    return text if len(text) <= LONGEST_MESSAGE else f"{text[: LONGEST_MESSAGE - 500]} [...] {text[-500:]}"


def shadowed_package() -> str | None:
    """Return a message if another installed distribution hides one of our packages."""
    root = Path(__file__).resolve().parents[1]
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        paths = [Path(path).resolve() for path in (spec.submodule_search_locations or [])] if spec else []
        if root / name not in paths:
            where = paths[0] if paths else "nowhere"
            return (
                f"the package {name!r} was found at {where} instead of {root / name}: "
                "another distribution hides it; install kuznechik in a virtual environment of its own"
            )
    return None


class HelpText(argparse.HelpFormatter):
    """A formatter that keeps paragraphs separate, leaves indented ones unchanged, and splits no word at a hyphen."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        paragraphs = text.strip("\n").split("\n\n")
        return "\n\n".join(
            part if part.startswith(" ") or "\n  " in part else "\n".join(self._split_lines(part, width))
            for part in paragraphs
        )

    def _split_lines(self, text: str, width: int) -> list[str]:
        return textwrap.wrap(" ".join(text.split()), width, break_on_hyphens=False)


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def __init__(self, **settings):
        super().__init__(**{"formatter_class": HelpText, **settings})

    def parse_known_args(self, args=None, namespace=None):
        for argument in args or ():
            if argument.startswith("--") and argument.endswith("=--"):  # argparse would read it as an empty list
                self.error(f"argument {argument.removesuffix('=--')}: -- is not a value")
        return super().parse_known_args(args, namespace)

    def error(self, message: str):
        self.exit(2, one_line(f"{self.prog}: {message}; see {self.prog} --help") + "\n")


class Version(argparse.Action):
    """Option that looks up and prints the installed version."""

    def __call__(self, parser, namespace, values, option_string=None):
        from importlib.metadata import PackageNotFoundError, version

        try:
            known = version("kuznechik")
        except PackageNotFoundError:
            known = f"(not installed, run from {Path(__file__).resolve().parents[1]})"
        print(f"kuznechik {known}")
        parser.exit()


def find_verbs() -> dict[str, ModuleType]:
    """Return the modules of all verbs by name, in listing order."""
    names = [module.name for module in pkgutil.iter_modules(verb_package.__path__)]
    modules = {name.replace("_", "-"): importlib.import_module(f"{verb_package.__name__}.{name}") for name in names}
    verbs = {name: module for name, module in modules.items() if hasattr(module, "add_options")}

    def position(item: tuple[str, ModuleType]) -> tuple:
        name, verb = item
        group = GROUPS.index(verb.GROUP) if verb.GROUP in GROUPS else len(GROUPS)
        return group, verb.GROUP, verb.ORDER, name

    return dict(sorted(verbs.items(), key=position))


def overview(verbs: dict[str, ModuleType]) -> str:
    """Return the list of verbs, by group."""
    lines = []
    for group in dict.fromkeys(verb.GROUP for verb in verbs.values()):
        lines += ["", f"{group}:"]
        lines += [f"  {name:<16}{verb.HELP}" for name, verb in verbs.items() if group == verb.GROUP]
    return "\n".join(lines)


def make_parser(verb: str | None = None) -> argparse.ArgumentParser:
    """Return the parser of the whole command; if `verb` is given, only its options are added, which saves time."""
    verbs = find_verbs()
    parser = Parser(
        prog="kuznechik",
        usage="kuznechik VERB ...",
        description="Small networks learn to play music: neuroevolution and reinforcement learning on a keyboard.\n"
        + overview(verbs),
        epilog="kuznechik VERB --help explains a verb; defaults are in brackets. "
        "Exit status: 0 done, 1 a repeated run differs or a run of a sweep failed, 2 a mistake in the command or its "
        "files, or a run that cannot continue, 130 interrupted.",
    )
    parser.add_argument("--version", action=Version, nargs=0, help="print the version")
    choices = parser.add_subparsers(prog="kuznechik", metavar="VERB", required=True, help=argparse.SUPPRESS)
    for name, module in verbs.items():
        examples = "\n".join(["examples:", *(f"  {example}" for example in module.EXAMPLES)])
        verb_parser = choices.add_parser(name, description=module.__doc__, epilog=examples)
        if name == verb or verb not in verbs:
            module.add_options(verb_parser)
        verb_parser.set_defaults(run=module.run, parser=verb_parser)
    return parser

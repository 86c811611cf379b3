"""What all training verbs share: options, starting or resuming a run, and the closing lines."""

import argparse
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.config.kinds import config_class
from experiments.config.settings import Settings
from experiments.options import RunStopped, UsageError, count, print_json, print_lines, refuse, require, word

OUT = "runs"
"""Default parent of run folders."""


def add_origin(parser: argparse.ArgumentParser, help_text: str) -> None:
    """Add --from, the run that a new run starts from."""
    parser.add_argument("--from", type=word, metavar="RUN", help=help_text)


class ShowOptions(argparse.Action):
    """Prints all options that --set and TOML files accept for one kind of run, and exits."""

    def __init__(self, option_strings, dest, const, **keywords):
        super().__init__(option_strings, dest, nargs=0, const=const, **keywords)

    def __call__(self, parser, namespace, values, option_string=None):
        print(config_class(self.const).describe())
        parser.exit()


def add_run_options(parser: argparse.ArgumentParser, kind: str, example: str, every: str, out: str = "") -> None:
    """Add the options shared by all training verbs.

    Args:
        parser: The verb's parser.
        kind: The kind of run.
        example: An example setting, `section.key=value`.
        every: The default of --checkpoint-every, with its unit: "50 generations".
        out: Text on what else --out may name.
    """
    parser.add_argument("--resume", metavar="RUN", help="continue a run from its last checkpoint")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help=f"change an option, as in --set {example}"
    )
    parser.add_argument("--options", action=ShowOptions, const=kind, help="list all options with defaults and ranges")
    parser.add_argument("--seed", type=count, metavar="N", help="the same seed gives the same run [0]")
    parser.add_argument("--out", metavar="DIR", help=f"run folder, which must be new [{OUT}/NAME-1, -2, ...]{out}")
    parser.add_argument(
        "--checkpoint-every", type=count, metavar="N", help=f"steps between checkpoints; 0 for none [{every}]"
    )
    parser.add_argument(
        "--tensorboard", action="store_true", help="also write figures, rolls and sound for TensorBoard"
    )
    parser.add_argument("--plot", action="store_true", help="draw the pictures at the end, like `kuznechik plot`")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")


def configured(kind: str, source: str | None, flags: Mapping[str, Mapping[str, Any]], settings: Sequence[str]) -> Any:
    """Return a configuration: a file or preset, overridden by the given flags and then by the settings.

    `source` is as for `Settings.load`. `flags` holds values by section and key; None means not given.
    """
    config = config_class(kind).load(source)
    for section, values in flags.items():
        config = config.change(section, **{name: value for name, value in values.items() if value is not None})
    for setting in settings:
        config = config.apply(setting)
    return config


@dataclass(frozen=True)
class Processes:
    """Processes that train one model together; by default only this one."""

    first: bool = True
    """True for the process that writes files."""
    wait: Callable[[], None] = lambda: None
    """Barrier: waits until all processes have reached it."""
    agree: Callable[[bool], bool] = bool
    """Returns True if any process passes True."""


ALONE = Processes()


@contextmanager
def supervised(
    options: argparse.Namespace, folder: Any, resources: Mapping[str, Any], processes: Processes = ALONE
) -> Iterator[Any]:
    """Context manager: the supervision that the command line requests, with the run folder locked.

    Raises:
        RunStopped: A worker process died.
    """
    from concurrent.futures import BrokenExecutor

    from experiments.runs.lifecycle import Supervision, name_of_kind
    from experiments.runs.progress import ProgressBar

    callbacks = []
    with ExitStack() as stack:
        if processes.first:
            stack.enter_context(folder.writing())
        progress = stack.enter_context(ProgressBar(quiet=options.json or not processes.first))
        if options.tensorboard and processes.first:
            from experiments.plots.tensorboard import EventWriter

            callbacks.append(stack.enter_context(closing(EventWriter(folder.path / "tensorboard"))))
        try:
            yield Supervision(
                options.checkpoint_every, progress, callbacks, resources, processes.first, processes.agree
            )
        except BrokenExecutor:
            following = f"kuznechik {VERBS[name_of_kind(folder)]} --resume {shlex.quote(str(folder.path))}"
            raise RunStopped(f"a worker was killed or ran out of memory; continue with: {following}") from None


def begin_or_resume(
    options: argparse.Namespace,
    kind: str,
    resolve: Callable[[], tuple[Settings, Any, str]],
    fixed: Sequence[str],
    resources: Mapping[str, Any],
    processes: Processes = ALONE,
    origin_of: Callable[[str, Any, Any], Any] | None = None,
) -> tuple[Any, dict[str, Any]]:
    """Start the run that the command line describes, or resume the one given by --resume.

    Args:
        options: The parsed command line.
        kind: The kind of run.
        resolve: Returns a resolved configuration, the run's inputs, and the name of its folder.
        fixed: Options that cannot be combined with --resume.
        resources: Keyword arguments of the kind's `training`.
        processes: The processes that train together.
        origin_of: Returns the `Origin` of --from, given a resolved configuration and its inputs.

    Returns:
        The run folder and the content of summary.json.
    """
    from experiments.runs.folder import RunFolder
    from experiments.runs.lifecycle import kind_of, load_kind, resume, set_up, start

    if options.tensorboard:
        require("tensorboard", extra="tensorboard", what="--tensorboard")
    if options.resume:
        refuse(options, "--resume", [name for name in (*fixed, "seed", "out") if name not in _named_again(options)])
        folder = RunFolder.open(options.resume)
        actual = kind_of(folder).name
        if actual != kind:
            raise UsageError(f"--resume {options.resume}: it is a run of kuznechik {VERBS[actual]}, not {VERBS[kind]}")
        with supervised(options, folder, resources, processes) as supervision:
            summary, warnings = resume(folder, options.set, supervision)
        for warning in warnings:
            print(f"kuznechik: {warning}", file=sys.stderr)
    else:
        config, inputs, name = resolve()
        other = getattr(options, "from", None)
        origin = origin_of(other, config, inputs) if origin_of and other else None
        if origin:
            print_lines([origin.in_words()])
        with ExitStack() as stack:
            if processes.first:
                folder = RunFolder.new(options.out, OUT, name)
                stack.enter_context(folder.deleted_if_refused())
                set_up(load_kind(kind), config, folder, inputs, options.command_line, origin)
            else:
                folder = RunFolder(options.out)
            processes.wait()
            supervision = stack.enter_context(supervised(options, folder, resources, processes))
            summary = start(load_kind(kind), config, folder, supervision)
    if options.plot and processes.first:
        draw(folder)
    return folder, summary


def _named_again(options: argparse.Namespace) -> list[str]:
    """Return the options that name the user's own code; run folders never name code, so --resume accepts them again."""
    from listener.registry import own_names

    listeners = ["listener"] if getattr(options, "listener", None) and own_names(options.listener) else []
    return [*listeners, "env"] if ":" in (getattr(options, "env", None) or "") else listeners


def draw(folder: Any) -> None:
    """Draw the pictures of a run, if it logged anything."""
    if (folder.path / "metrics.csv").is_file():
        from experiments.plots.run import plot_run

        plot_run(folder)


ENDINGS = {"solved": "Solved", "budget": "Budget used", "interrupted": "Interrupted", "finished": "Finished"}
"""Reasons why a search stopped: the value in summary.json and the text printed for it."""
VERBS = {"evolve": "evolve", "dqn": "dqn", "breed": "breed", "vae": "vae train", "listener": "listener train"}
"""The verb that starts and resumes each kind of run."""


def finish(options: argparse.Namespace, kind: str, folder: Path, summary: dict[str, Any], lines: Sequence[str]) -> int:
    """Print the summary as JSON or `lines`, of which the last names the next commands; return the exit status."""
    interrupted = summary["stopped"] == "interrupted"
    if options.json:
        print_json({**summary, "run": str(folder)})
    else:
        *result, following = lines
        print(*result, f"Written: {folder}", sep="\n")
        print(f"Continue: kuznechik {VERBS[kind]} --resume {shlex.quote(str(folder))}" if interrupted else following)
    return 130 if interrupted else 0


def next_commands(verbs: str, folder: Path, listener: str = "") -> str:
    """Return the line with the next commands for a run; the user's own listener must be given to them again."""
    from listener.registry import own_names

    own = f"; score and report with --listener {shlex.quote(listener)}" if listener and own_names(listener) else ""
    return f"Next: kuznechik {verbs} {shlex.quote(str(folder))}{own}"

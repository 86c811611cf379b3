"""Breed melodies by ear: nine networks play, you choose, and NEAT breeds the next nine from those you like.

A page opens in your browser. Hear the nine, choose one or more by mouse, keys or touch, and breed; go back to any
earlier generation; star a network, give it a name, save it as MIDI, or play a duet with it. The page is served on this
machine alone, at an address with a token, until you press Ctrl-C or finish on the page. Every choice is kept at once
in choices.jsonl of the run folder: --resume goes on from there, and kuznechik repeat makes the same networks again
from the choices alone.

The first nine play what chance gives, or with START what that is: networks imitate a song, a file, samples of a model
(melody, vae:16) or what a run plays. START may also be a run of this kind or one of its stars: its own network goes on.

With --listener a listener breeds --between generations by itself after every choice of yours, with your choice as
its first parents.
"""

import argparse
import shlex
import sys
import webbrowser
from typing import Any

from experiments.command import ENDINGS, add_run_options, begin_or_resume, configured, finish
from experiments.options import (
    ARRANGE_OPTIONS,
    UsageError,
    add_arrange_options,
    arrange_options,
    between,
    count,
    whole,
    word,
)

HELP = "breed melodies by ear: you choose, NEAT breeds"
GROUP, ORDER = "Learn", 3
EXAMPLES = (
    "kuznechik breed",
    "kuznechik breed grasshopper --listener learned --between 5",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "start",
        nargs="?",
        type=word,
        metavar="START",
        help="what the first nine play: a song, a file, a run, melody, vae:16 [chance]",
    )
    add_arrange_options(parser)
    parser.add_argument("--length", type=whole(1, 64), metavar="BARS", help="bars of a melody [8]")
    parser.add_argument(
        "--tempo", type=between(20, 400), metavar="BPM", help="quarter notes a minute [110, or the song's]"
    )
    parser.add_argument(
        "--listener",
        type=word,
        metavar="NAME",
        help="breeds between two choices: a name, a file, mine.py:Class",
    )
    parser.add_argument(
        "--between", type=count, metavar="N", help="generations that the listener breeds each time [10]"
    )
    parser.add_argument("--no-browser", action="store_true", help="print the address of the page and open no browser")
    parser.add_argument(
        "--port", type=whole(0, 65535), default=0, metavar="N", help="port of the page [any that is free]"
    )
    add_run_options(parser, "breed", "genome.weights_changed=5", "10 choices")


FIXED = (*ARRANGE_OPTIONS, "start", "length", "tempo", "listener", "between")


def run(options: argparse.Namespace) -> int:
    from experiments.pages.breed_server import serving
    from experiments.runs.breed.desk import Desk

    if options.between is not None and not (options.listener or options.resume):
        raise UsageError("--between goes with --listener: name who breeds between two choices")
    desk = Desk()
    with serving(desk, options.port) as address:
        desk.opened = lambda: _announce(address, options)
        folder, summary = begin_or_resume(options, "breed", lambda: _resolved(options), FIXED, {"desk": desk})
    return finish(options, "breed", folder.path, summary, _lines(summary, folder.path))


def _announce(address: str, options: argparse.Namespace) -> None:
    """Say where the page is, and open it."""
    print(f"Open {address} (Ctrl-C ends)", file=sys.stderr, flush=True)
    if not options.no_browser:
        webbrowser.open(address)


def _resolved(options: argparse.Namespace) -> tuple[Any, Any, str]:
    """Return the configuration that the command line asks for, what the run begins with, and its name."""
    from experiments.options import print_lines
    from experiments.runs.breed.start import resolve_beginning

    flags = {
        "breed": {
            "seed": options.seed, "start": options.start, "listener": options.listener, "between": options.between,
        },
        "melody": {"bars": options.length},
    }  # fmt: skip
    config, beginning, remarks = resolve_beginning(
        configured("breed", None, flags, options.set), arrange_options(options), options.tempo
    )
    if options.length and options.length != config.melody.bars:
        raise UsageError(f"{options.start}: its network plays {config.melody.bars} bars: leave out --length")
    print_lines(remarks)
    return config, beginning, "breed"


def _lines(summary: dict, folder: Any) -> list[str]:
    """Return the result for people, and what to do next."""
    starred = f"; starred: {', '.join(summary['starred'])}" if summary["starred"] else ""
    named = shlex.quote(str(folder))
    return [
        f"{ENDINGS[summary['stopped']]} after {summary['generations']} choices{starred}.",
        f"Next: kuznechik play|duet|report {named}, or kuznechik breed --resume {named}",
    ]

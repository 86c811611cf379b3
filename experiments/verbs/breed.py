"""Breed melodies by ear: nine networks play, you choose, and NEAT breeds the next nine from those you like.

A page opens in your browser. Listen to the nine, choose one or more by mouse, keys or touch, and breed. You can go back
to any earlier generation, and star a network, name it, save it as MIDI, or play a duet with it. The page is served only
on this machine, at an address with a token, until you press Ctrl-C or finish on the page. Every choice is saved at once
in choices.jsonl of the run folder. --resume continues from there, and kuznechik repeat rebuilds the same networks from
the choices.

The first nine networks are random. With START they imitate a song, a file, samples of a model (melody, vae:16) or what
a run plays. If START is a breeding run or one of its stars, its own network is bred further.

With --listener, a listener breeds --between generations after each of your choices, with your choice as the first
parents.
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
        help="what the first nine imitate: a song, a file, a run, melody, vae:16 [they are random]",
    )
    add_arrange_options(parser)
    parser.add_argument("--length", type=whole(1, 64), metavar="BARS", help="bars of a melody [8]")
    parser.add_argument(
        "--tempo", type=between(20, 400), metavar="BPM", help="quarter notes per minute [110, or the song's]"
    )
    parser.add_argument(
        "--listener",
        type=word,
        metavar="NAME",
        help="listener that breeds between your choices: a name, a file, mine.py:Class",
    )
    parser.add_argument(
        "--between", type=count, metavar="N", help="generations that the listener breeds after each choice [10]"
    )
    parser.add_argument("--no-browser", action="store_true", help="print the page's address without opening a browser")
    parser.add_argument("--port", type=whole(0, 65535), default=0, metavar="N", help="port of the page [any free one]")
    add_run_options(parser, "breed", "genome.weights_changed=5", "10 choices")


FIXED = (*ARRANGE_OPTIONS, "start", "length", "tempo", "listener", "between")


def run(options: argparse.Namespace) -> int:
    from experiments.pages.breed_server import serving
    from experiments.runs.breed.desk import Desk

    if options.between is not None and not (options.listener or options.resume):
        raise UsageError("--between needs --listener, which breeds between your choices")
    desk = Desk()
    with serving(desk, options.port) as address:
        desk.opened = lambda: _announce(address, options)
        folder, summary = begin_or_resume(options, "breed", lambda: _resolved(options), FIXED, {"desk": desk})
    return finish(options, "breed", folder.path, summary, _lines(summary, folder.path))


def _announce(address: str, options: argparse.Namespace) -> None:
    """Print the page's address and open it."""
    print(f"Open {address} (Ctrl-C ends)", file=sys.stderr, flush=True)
    if not options.no_browser:
        webbrowser.open(address)


def _resolved(options: argparse.Namespace) -> tuple[Any, Any, str]:
    """Return the configuration that the command line describes, the run's inputs, and its name."""
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
    """Return the lines that print the result and the next commands."""
    starred = f"; starred: {', '.join(summary['starred'])}" if summary["starred"] else ""
    named, choices = shlex.quote(str(folder)), summary["generations"]
    return [
        f"{ENDINGS[summary['stopped']]} after {choices} choice{'s' * (choices != 1)}{starred}.",
        f"Next: kuznechik play|duet|report {named}, or kuznechik breed --resume {named}",
    ]

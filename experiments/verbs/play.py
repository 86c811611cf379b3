"""Play the champion of a run, or a song.

It plays on a MIDI port if there is one and otherwise writes a WAV file. With more --steps than the song has, a
champion continues from its memory.
"""

import argparse
from pathlib import Path

from experiments.options import add_force, refuse_existing, whole

HELP = "play the champion of a run, or a MIDI file"
GROUP, ORDER = "Play and look", 2
EXAMPLES = (
    "kuznechik play grasshopper",
    "kuznechik play runs/grasshopper-1 --wav champion.wav",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="RUN_OR_MIDI", help="a run folder, a .mid file, or a name in the catalogue")
    parser.add_argument(
        "--wav", metavar="FILE", help="write sound to this file [NAME.wav, NAME-2.wav, ... without a port]"
    )
    parser.add_argument("--port", metavar="NAME", help="MIDI output port [the first one]")
    parser.add_argument(
        "--steps", type=whole(1, 1_000_000), metavar="N", help="number of steps to play [the length of the song]"
    )
    add_force(parser)
    parser.add_argument("--improvise", action="store_true", help="let a network with a mode bit improvise (mode 0)")


def run(options: argparse.Namespace) -> int:
    from experiments.melody_player import play

    if options.wav:
        refuse_existing(options, Path(options.wav))
    for line in play(options.source, options.wav, options.port, options.steps, options.improvise):
        print(line)
    return 0

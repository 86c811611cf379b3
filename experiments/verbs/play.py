"""Hear the champion of a run, or a song.

Plays to a MIDI port where there is one and otherwise writes a WAV file. With more --steps than the song has,
a champion goes on from what it remembers.
"""

import argparse

from experiments.verbs.options import whole

HELP = "hear the champion of a run, or a MIDI file"
GROUP, ORDER = "Play and look", 2
EXAMPLES = (
    "kuznechik play grasshopper",
    "kuznechik play runs/grasshopper-1 --wav champion.wav",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="RUN_OR_MIDI", help="a run folder, a .mid file, or a name in the catalogue")
    parser.add_argument("--wav", metavar="FILE", help="write sound to this file")
    parser.add_argument("--port", metavar="NAME", help="MIDI output port [the first there is]")
    parser.add_argument("--steps", type=whole(1, 1_000_000), metavar="N", help="steps to play [the song's length]")
    parser.add_argument("--improvise", action="store_true", help="mode 0 of a network that was made with a mode bit")


def run(options: argparse.Namespace) -> int:
    from experiments.melody_player import play

    for line in play(options.source, options.wav, options.port, options.steps, options.improvise):
        print(line)
    return 0

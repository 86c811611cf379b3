"""Play the champion of a run, a song, or any other source.

It plays on a MIDI port if there is one and otherwise writes a WAV file. With more --steps than the song has, a
champion continues from its memory. A source is a run folder, a MIDI file or a folder of them, the name of a song,
vae:16 (samples of the MusicVAE of 16 bars), the file of a MusicVAE, markov:4, melody, random or silence.
"""

import argparse
from pathlib import Path

from experiments.options import add_force, add_source_options, refuse_existing, whole

HELP = "play the champion of a run, a MIDI file, samples of a MusicVAE"
GROUP, ORDER = "Play and look", 2
EXAMPLES = (
    "kuznechik play runs/grasshopper-1 --wav champion.wav",
    "kuznechik play vae:16 --seed 3",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source", metavar="SOURCE", help="a run folder, a .mid file, a name in the catalogue, vae:16 ..."
    )
    parser.add_argument(
        "--wav", metavar="FILE", help="write sound to this file [NAME.wav, NAME-2.wav, ... without a port]"
    )
    parser.add_argument("--port", metavar="NAME", help="MIDI output port [the first one]")
    parser.add_argument(
        "--steps", type=whole(1, 1_000_000), metavar="N", help="number of steps to play [the length of the song]"
    )
    add_source_options(parser, melodies=1)
    add_force(parser)
    parser.add_argument("--improvise", action="store_true", help="let a network with a mode bit improvise (mode 0)")


def run(options: argparse.Namespace) -> int:
    from experiments.melody_player import play
    from experiments.runs.sources import playing

    if options.wav:
        refuse_existing(options, Path(options.wav))
    how = playing(options, steps=options.steps, improvise=options.improvise)
    for line in play(options.source, how, options.wav, options.port):
        print(line)
    return 0

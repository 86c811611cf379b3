"""Play the champion of a run, a song, or any other source.

The melody plays on a MIDI port, or is written to a WAV file if no port exists. With more --steps than the song has, a
champion continues from its memory. At a temperature above 0 it samples the keys from its network's output values, and
the same seed gives the same keys. A source is a run folder, a MIDI file or a folder of them, the name of a song, vae:16
(samples of the 16-bar MusicVAE), the file of a MusicVAE, form:16, markov:4, melody, random, silence or mine.py:Class.
Of a folder, the first melody plays, or with --melodies more of them.

The champion of a run in an environment plays --episodes, and their returns are printed. --out FILE.gif films the first
one; --render shows all of them in a window.
"""

import argparse
from pathlib import Path

from experiments.options import (
    ARRANGE_OPTIONS,
    UsageError,
    add_force,
    add_own_env,
    add_soundfont,
    add_source_options,
    between,
    cell,
    instrument_of,
    refuse,
    refuse_existing,
    whole,
)

HELP = "play the champion of a run, a MIDI file or samples of a MusicVAE"
GROUP, ORDER = "Play and look", 2
EXAMPLES = (
    "kuznechik play runs/grasshopper-1 --generation 120 --out early.mid",
    "kuznechik play vae:16 --seed 3",
    "kuznechik play runs/CartPole-v1-1 --episodes 5 --out pole.gif",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source", metavar="SOURCE", help="a run folder, a .mid file, a name in the catalogue, vae:16 ..."
    )
    parser.add_argument(
        "--out",
        "--wav",
        metavar="FILE",
        help="write sound to FILE.wav, MIDI to FILE.mid, or a film of an episode to FILE.gif [NAME.wav without a port]",
    )
    parser.add_argument("--port", metavar="NAME", help="MIDI output port [the first one]")
    parser.add_argument(
        "--steps", type=whole(1, 1_000_000), metavar="N", help="number of steps to play [the length of the song]"
    )
    parser.add_argument(
        "--tempo", type=between(20, 300), metavar="BPM", help="quarter notes per minute [the song's own]"
    )
    parser.add_argument(
        "--original-key", action="store_true", help="play at the pitch of the file, before the song was transposed"
    )
    parser.add_argument(
        "--temperature",
        type=between(0, 100),
        metavar="T",
        help="0 plays the keys with the highest values, or the likeliest notes [0]",
    )
    parser.add_argument(
        "--generation",
        type=whole(0, 10**9),
        metavar="N",
        help="the champion as of generation N, or of step N for a DQN [the last]",
    )
    parser.add_argument(
        "--cell", type=cell, metavar="X,Y", help="play the network in this cell of a run's atlas, such as 3,7"
    )
    parser.add_argument(
        "--episodes", type=whole(1, 10_000), metavar="N", help="number of episodes, for a run in an environment [10]"
    )
    parser.add_argument(
        "--render", action="store_true", help="show the episodes in a window, for a run in an environment"
    )
    add_own_env(parser)
    add_soundfont(parser)
    add_source_options(parser, melodies=1)
    add_force(parser)
    parser.add_argument("--improvise", action="store_true", help="let a network with a mode bit improvise (mode 0)")


FOR_MUSIC = (
    *ARRANGE_OPTIONS,
    "port",
    "steps",
    "tempo",
    "original_key",
    "temperature",
    "folder",
    "improvise",
    "cell",
    "soundfont",
)


def run(options: argparse.Namespace) -> int:
    from experiments.melody_player import play
    from experiments.runs.evolve.env_episodes import acts
    from experiments.runs.source import playing

    if options.out:
        refuse_existing(options, Path(options.out))
    if acts(options.source):
        refuse(options, "a run in an environment", FOR_MUSIC)
        return _act(options)
    refuse(options, "music", ("episodes", "render", "env"))
    choices = {name: getattr(options, name) for name in ("steps", "improvise", "temperature", "generation", "cell")}
    how = playing(options, **choices)
    sound = (options.tempo, options.original_key, instrument_of(options))
    for line in play(options.source, how, options.out, options.port, *sound):
        print(line)
    return 0


def _act(options: argparse.Namespace) -> int:
    """Let the champion of a run in an environment play episodes."""
    from experiments.runs.evolve.env_episodes import play_run, write_film

    if options.out and Path(options.out).suffix.lower() != ".gif":
        raise UsageError(f"{options.out}: the film of an episode must be a .gif file")
    for line in play_run(options.source, options.generation, options.episodes or 10, options.seed, options.render):
        print(line)
    if options.out:
        print(write_film(options.source, options.generation, options.seed, Path(options.out)))
    return 0

"""MusicVAE: make data sets of melodies, train models, and let them play. Needs torch.

BARS is 2, 4, 8 or 16. `kuznechik vae sample 16` plays the 16-bar model that comes with the project, which encodes
melodies as piano rolls in C major or A minor. For your own data sets and models, -p means piano roll, --onsets means
onsets on the 13 keys, and neither means MIDI-like tokens, which keep repeated notes. -t means melodies in C major or A
minor. Nothing is downloaded; docs/musicvae.md lists collections of MIDI files.
"""

import argparse
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from experiments.command import add_run_options
from experiments.options import (
    MOST_MINUTES,
    MOST_PROCESSES,
    above_zero,
    add_actions,
    add_force,
    between,
    count,
    positive,
    require,
    whole,
    word,
)

HELP = "MusicVAE: data sets, training, samples, reconstructions, interpolations (needs torch)"
GROUP, ORDER = "Learn", 3
EXAMPLES = (
    "kuznechik vae sample 16",
    "kuznechik vae reconstruct grasshopper -n 3",
)
BARS = (2, 4, 8, 16)
MOST_MELODIES = 100_000


def add_options(parser: argparse.ArgumentParser) -> None:
    add_actions(parser, {name: add for name, (add, _) in ACTIONS.items()})


def run(options: argparse.Namespace) -> int:
    require("torch", "safetensors", extra="torch", what="kuznechik vae")
    from vae.processor import computing

    action = resolve_name(f"experiments.{ACTIONS[options.action][1]}")
    with computing(getattr(options, "threads", 1)):
        return action(options)


def _bars_or_melody(text: str) -> int | str:
    """Parse BARS, or the name of a melody if BARS is left out."""
    return _bars(text) if text.isdigit() else text


def _bar_numbers(text: str) -> set[int]:
    """Parse bar numbers, as in 1,4 or 1-8,13-16."""
    chosen: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if not (first.isdigit() and (last or first).isdigit() and 1 <= int(first) <= int(last or first) <= max(BARS)):
            raise argparse.ArgumentTypeError(f"{text}: write bar numbers from 1 to {max(BARS)}, as in 1,4 or 1-8,13-16")
        chosen |= set(range(int(first), int(last or first) + 1))
    return chosen


def _bars(text: str) -> int:
    if text not in map(str, BARS):
        raise argparse.ArgumentTypeError(f"{text}: choose {', '.join(map(str, BARS))} bars")
    return int(text)


SHARED: dict[str, dict[str, Any]] = {
    "source": {"type": Path, "metavar": "RUN", "help": "a run folder or a .safetensors file"},
    "bars": {"type": _bars, "metavar": "BARS", "help": "2, 4, 8 or 16"},
    "--data": {"type": Path, "default": Path("vae-data"), "metavar": "DIR", "help": "folder of data sets [vae-data]"},
    "--device": {"metavar": "NAME", "help": "cpu, cuda, ... [cuda if available]"},
    "--threads": {"type": whole(1, MOST_PROCESSES), "default": 1, "metavar": "N", "help": "CPU threads [1]"},
    "--seed": {"type": count, "default": 0, "metavar": "N", "help": "seed of all random draws [0]"},
    "--model": {"metavar": "PATH", "help": "a .safetensors file or a run folder [the project's own]"},
    "--track": {"type": word, "metavar": "NAME|NUMBER", "help": "part to use [the likely melody]"},
    "--channel": {"type": whole(1, 16), "metavar": "N", "help": "use only parts on this MIDI channel"},
    "--bars": {
        "type": word,
        "dest": "excerpt",
        "metavar": "A-B",
        "help": "bars to use from a longer file, or the first of them [those that recur most]",
    },
    "--json": {"action": "store_true", "help": "print the result as JSON"},
}
"""Arguments that several actions share."""
MINUTES = above_zero(MOST_MINUTES)


def _add(parser: argparse.ArgumentParser, *names: str) -> None:
    """Add arguments from `SHARED`."""
    for name in names:
        parser.add_argument(name, **SHARED[name])


def _form(parser: argparse.ArgumentParser, bars: bool = True, of_model: bool = False) -> None:
    """Add BARS, -p, --onsets and -t; with `of_model`, without these options all is as the model needs it."""
    if bars:
        _add(parser, "bars")
    tokens, keys = ("as the model", "as the model") if of_model else ("MIDI-like", "all keys")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("-p", "--pianoroll", action="store_true", help=f"piano roll [{tokens}]")
    which.add_argument("--onsets", action="store_true", help="onsets on the 13 keys, in eighths")
    parser.add_argument("-t", "--transposed", action="store_true", help=f"in C major or A minor [{keys}]")


def _play(parser: argparse.ArgumentParser, where: str, temperature: float | None = None) -> None:
    """Add the options shared by actions that play."""
    parser.add_argument("-s", "--save_location", type=Path, metavar="PATH", help=where)
    parser.add_argument("-v", "--visualize", action="store_true", help="also draw a picture of the melodies")
    parser.add_argument("--page", action="store_true", help="also write a page that plays the melodies")
    if temperature is not None:
        shown = f"0: the likeliest notes [{temperature:g}]"
        parser.add_argument("--temperature", type=between(0, 100), default=temperature, metavar="T", help=shown)
    parser.add_argument(
        "--tempo", type=between(20, 300), default=120.0, metavar="BPM", help="tempo of the melodies, 20 to 300 [120]"
    )
    parser.add_argument("--no-wav", action="store_true", help="write only MIDI")
    parser.add_argument("--seed", type=count, metavar="N", help="seed of all random draws [a new one, printed]")
    _add(parser, "--model", "--device", "--json")
    add_force(parser)


def _melody(parser: argparse.ArgumentParser, what: str) -> None:
    """Add [BARS] [FILE], the options of the melody's form, and those of reading the file."""
    bars = "2, 4, 8 or 16 [the length of the melody]"
    parser.add_argument("bars", nargs="?", type=_bars_or_melody, metavar="BARS", help=bars)
    parser.add_argument("file", nargs="?", metavar="FILE", help=f"MIDI file, song or riff {what}")
    _form(parser, bars=False, of_model=True)
    parser.add_argument("-f", "--start_sequence", metavar="FILE", help="the same as FILE")
    _add(parser, "--track", "--channel", "--bars")


def _generate(parser: argparse.ArgumentParser) -> None:
    """Make a data set from folders of MIDI files.

    The most likely melody part of each file is read, put on a grid of 16ths by the file's 4/4 bars or by a beats file
    next to it, transposed to one key with -t, and cut into windows. Pieces that share windows go to the same split, so
    no test window occurs in training. A folder with MAESTRO's CSV is split as the CSV states.
    """
    parser.add_argument("split", choices=("all", "train", "validation", "test"), help="which split to write")
    _add(parser, "bars")
    parser.add_argument("stride", type=positive, metavar="STRIDE", help="bars from one window to the next")
    _form(parser, bars=False)
    parser.add_argument(
        "--midi", type=Path, action="append", required=True, metavar="DIR", help="MIDI files; may be repeated"
    )
    _add(parser, "--track", "--channel", "--seed", "--data", "--json")
    add_force(parser)


def _show(parser: argparse.ArgumentParser) -> None:
    """List the data sets."""
    parser.add_argument("-s", "--statistics", action="store_true", help="also print statistics of the test melodies")
    _add(parser, "--data", "--json")


def _delete(parser: argparse.ArgumentParser) -> None:
    """Delete a data set."""
    _form(parser)
    _add(parser, "--data")


def _train(parser: argparse.ArgumentParser) -> None:
    """Train a model; Ctrl-C ends it early and keeps the best so far.

    The run folder is like any other: --resume continues it, and plot, report, play and repeat accept it. For several
    processes start it with torchrun: torchrun --nproc-per-node 2 -m experiments vae train ...
    """
    parser.add_argument("epochs", nargs="?", type=positive, metavar="EPOCHS", help="passes over the training melodies")
    parser.add_argument("batch", nargs="?", type=positive, metavar="BATCH", help="melodies per step")
    parser.add_argument("bars", nargs="?", type=_bars, metavar="BARS", help="2, 4, 8 or 16")
    _form(parser, bars=False)
    parser.add_argument("--minutes", type=MINUTES, metavar="M", help="limit on CPU time (wall time on a GPU)")
    parser.add_argument("--config", metavar="FILE", help="TOML file with the options of a run")
    parser.add_argument(
        "--initialize", type=Path, metavar="FILE", help="start from those parameters of a model that fit"
    )
    parser.add_argument("--architecture", metavar="NAME", help="fast, flat, mlp, faithful or seed [fast]")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of data sets [vae-data]")
    _add(parser, "--threads", "--device")
    add_run_options(parser, "vae", "training.beta=0.2", "each validation")


def _prior(parser: argparse.ArgumentParser) -> None:
    """Learn a better prior for a trained model: bar by bar, with echoes of earlier bars.

    Draws from the prior (by sample, infill, and actions that start without a file) then use it. Reconstructions do not
    change.
    """
    _add(parser, "source")
    parser.add_argument("--minutes", type=MINUTES, required=True, metavar="M", help="CPU time (wall time on a GPU)")
    parser.add_argument("--of", metavar="NAME", help="learn from only one source of the data set [all]")
    parser.add_argument("--layers", type=positive, default=3, metavar="N", help="layers of the flow [3]")
    parser.add_argument("--width", type=positive, default=256, metavar="N", help="units per layer [256]")
    parser.add_argument("--batch", type=positive, default=96, metavar="N", help="melodies per step [96]")
    parser.add_argument(
        "--spread",
        type=between(0, 1),
        default=0.3,
        metavar="S",
        help="learn from posterior means (0), posterior samples (1) or between; more is wilder [0.3]",
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="the .safetensors file [prior.safetensors next to the model]"
    )
    _add(parser, "--seed", "--threads", "--device", "--data", "--json")
    add_force(parser)


def _evaluate(parser: argparse.ArgumentParser) -> None:
    """Print as JSON how well a model reconstructs held-out melodies, and how its samples compare with them."""
    _form(parser)
    _add(parser, "--model", "--device", "--data", "--seed")
    parser.add_argument("--split", choices=("train", "validation", "test"), default="test", help="[test]")
    parser.add_argument(
        "-n", "--samples", type=whole(0, MOST_MELODIES), default=200, metavar="N", help="samples from the prior [200]"
    )
    parser.add_argument(
        "--temperature", type=between(0, 100), default=0.0, metavar="T", help="temperature of the samples [0]"
    )
    parser.add_argument("-s", "--save_location", type=Path, metavar="FILE", help="also write the JSON to this file")
    add_force(parser)


def _export(parser: argparse.ArgumentParser) -> None:
    """Write a run's model at half the size, with its test-set figures: FILE.safetensors, .json and .md."""
    _add(parser, "source")
    parser.add_argument("out", type=Path, metavar="FILE", help="the .safetensors file to write")
    parser.add_argument("--dtype", choices=("float32", "float16", "bfloat16"), default="float16", help="[float16]")
    add_force(parser)
    parser.add_argument("--licence", default="", metavar="TEXT", help="licence of the data, for the model card")
    parser.add_argument("--hardware", default="", metavar="TEXT", help="what it was trained on, for the model card")
    _add(parser, "--data")


def _import(parser: argparse.ArgumentParser) -> None:
    """Turn a checkpoint of the MusicVAE thesis project (a .tar) into a model; nothing in it is executed."""
    parser.add_argument("file", type=Path, metavar="FILE", help="the checkpoint, with last_vae_state_dict")
    parser.add_argument("bars", type=_bars, metavar="BARS", help="length it was trained on: 2, 4, 8 or 16")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the .safetensors file to write")
    add_force(parser)
    parser.add_argument("--best", action="store_true", help="use best_vae_state_dict [last_vae_state_dict]")


def _sample(parser: argparse.ArgumentParser) -> None:
    """Play new melodies, drawn from the prior."""
    _form(parser, of_model=True)
    parser.add_argument("-n", "--number", type=whole(1, MOST_MELODIES), default=1, metavar="N", help="melodies [1]")
    _play(parser, "MIDI file to write; with -n FILE-1, FILE-2, ... [vae-out/sample-K.mid]", 0.0)


def _reconstruct(parser: argparse.ArgumentParser) -> None:
    """Play the model's reconstruction of a melody, then the reconstruction of that reconstruction, and so on.

    The first is decoded from the posterior mean, the others from posterior samples.
    """
    _melody(parser, "[a melody of the test set]")
    parser.add_argument("-n", "--times", type=whole(1, MOST_MELODIES), default=1, metavar="N", help="repetitions [1]")
    _add(parser, "--data")
    _play(parser, "folder to write to [vae-out/reconstruct-K]", 0.0)


def _infill(parser: argparse.ArgumentParser) -> None:
    """Keep some bars of a melody exactly and generate the others."""
    _melody(parser, "to start from")
    parser.add_argument("--keep", type=_bar_numbers, required=True, metavar="LIST", help="bars, as in 1,4 or 1-8,13-16")
    parser.add_argument("-n", "--number", type=whole(1, MOST_MELODIES), default=1, metavar="N", help="melodies [1]")
    _play(parser, "folder to write to [vae-out/infill-K]", 0.0)


def _interpolate(parser: argparse.ArgumentParser) -> None:
    """Play an interpolation between two melodies in even steps: both ends, and STEPS melodies between them."""
    _form(parser, of_model=True)
    parser.add_argument("steps", type=whole(1, MOST_MELODIES), metavar="STEPS", help="melodies between the two ends")
    _start(parser)
    parser.add_argument("-e", "--end_sequence", metavar="FILE", help="MIDI file, song or riff [a draw from the prior]")
    _play(parser, "folder to write to [vae-out/interpolate-K]")


def _attribute(parser: argparse.ArgumentParser) -> None:
    """Give a melody more or less of an attribute that examples show, such as dense, high or lively.

    The two sets of examples are compared by features: notes per bar, rests, pitch, range, intervals, pitch classes,
    beats. The action searches near the melody for one whose distinguishing features are shifted by half the difference
    times the amount.
    """
    _form(parser, of_model=True)
    parser.add_argument("--having", type=Path, required=True, metavar="DIR", help="MIDI files with the attribute")
    parser.add_argument("--lacking", type=Path, required=True, metavar="DIR", help="MIDI files without it")
    _start(parser)
    parser.add_argument(
        "--amounts", default="-1,0,1", metavar="A,B,...", help="shifts, in units of half the difference [-1,0,1]"
    )
    _play(parser, "folder to write to [vae-out/attribute-K]")


def _start(parser: argparse.ArgumentParser) -> None:
    """Add the melody that an action starts from."""
    start = "MIDI file, song or riff [a draw from the prior]"
    parser.add_argument("-f", "--start_sequence", metavar="FILE", help=start)
    _add(parser, "--track", "--channel", "--bars")


ACTIONS = {
    "generate-dataset": (_generate, "musicvae.data:generate_dataset"),
    "show-datasets": (_show, "musicvae.data:show_datasets"),
    "delete-dataset": (_delete, "musicvae.data:delete_dataset"),
    "train": (_train, "musicvae.train:train"),
    "train-prior": (_prior, "musicvae.train:train_prior"),
    "evaluate": (_evaluate, "musicvae.train:evaluate"),
    "export": (_export, "musicvae.train:export"),
    "import-checkpoint": (_import, "musicvae.train:import_seed_checkpoint"),
    "sample": (_sample, "musicvae.play:sample"),
    "reconstruct": (_reconstruct, "musicvae.play:reconstruct"),
    "infill": (_infill, "musicvae.play:infill"),
    "interpolate": (_interpolate, "musicvae.play:interpolate"),
    "attribute": (_attribute, "musicvae.play:attribute"),
}
"""For each action, the function that adds its arguments and the path of the one that runs it, imported when needed."""

"""Listeners: train one on MIDI files, score melodies by one, audit one; and the held-out judge, which rewards nobody.

A listener is a name (theory, vae, ngram, melody, learned), the .safetensors file of a trained one, or a weighted sum as
theory=1,ngram=.5. Nothing is downloaded; docs/listeners.md says what the listeners pay and what fools them.
"""

import argparse
from pathlib import Path

from experiments.verbs.options import count, positive

HELP = "listeners: train one on music, score melodies by one, audit one"
GROUP, ORDER = "Judge", 2
EXAMPLES = (
    "kuznechik listener score basic_midi/grasshopper.mid",
    "kuznechik listener audit theory",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    for name, add in ACTIONS.items():
        about = add.__doc__ or ""
        action = actions.add_parser(name, help=about.partition("\n")[0], description=about)
        add(action)
        action.set_defaults(action=name)


def run(options: argparse.Namespace) -> int:
    if options.action == "train":
        from experiments.listening.train import train

        return train(options)
    if options.action == "score":
        from experiments.listening.score import score

        return score(options)
    if options.action == "judge":
        from experiments.listening.judge import judge

        return judge(options)
    from experiments.listening.audit import audit

    return audit(options)


def _train(parser: argparse.ArgumentParser) -> None:
    """Train a listener on the melodies of folders of MIDI files.

    The melodies are cut into excerpts that fit on the 13 keys. Pieces that share phrases stay together; a part of them
    is kept for thresholds, and another, for the audit alone, is not looked at. The judge learns from that one alone.
    The learned listener, the melody model and the judge need torch.
    """
    parser.add_argument(
        "--midi", type=Path, action="append", required=True, metavar="DIR", help="MIDI files; may be given again"
    )
    parser.add_argument(
        "--kind", choices=("learned", "ngram", "melody", "judge"), default="learned", help="what to train [learned]"
    )
    parser.add_argument(
        "--minutes",
        type=_minutes,
        metavar="M",
        help="about how long, on one core: it sets the number of steps, so the result does not depend on the clock "
        "[10; the melody model: 4; the judge: 3]",
    )
    parser.add_argument("--seed", type=count, default=0, metavar="N", help="the same seed trains the same [0]")
    parser.add_argument("--licence", default="", metavar="TEXT", help="of the music, for the card")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="where to, NAME.safetensors")


def _score(parser: argparse.ArgumentParser) -> None:
    """Score melodies: the sum of the rewards, what each term pays, and the percentile among real melodies."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="MIDI files that the keyboard can play")
    parser.add_argument("--listener", default="learned", metavar="NAME", help="name, file or sum [learned]")
    parser.add_argument("--track", metavar="NAME", help="read only the MIDI tracks of this name [all]")
    parser.add_argument("--json", action="store_true", help="print a JSON array")


def _judge(parser: argparse.ArgumentParser) -> None:
    """Ask the held-out judge for the percentiles of melodies among real ones.

    It is another kind of network than the learned listener, trained on pieces that no listener was trained on, and no
    reward.
    """
    parser.add_argument("files", nargs="+", metavar="FILE", help="MIDI files that the keyboard can play")
    parser.add_argument("--judge", type=Path, metavar="FILE", help="a trained judge [that of the project]")
    parser.add_argument("--track", metavar="NAME", help="read only the MIDI tracks of this name [all]")
    parser.add_argument("--json", action="store_true", help="print a JSON array")


def _audit(parser: argparse.ArgumentParser) -> None:
    """Measure what a listener hears, what fools it, and what an optimiser makes of it.

    Real melodies are those of the folders that training held out; with --all, all of them, for a collection that the
    listener was not trained on. Prints tables; --out keeps them with a figure.
    """
    parser.add_argument("listener", metavar="LISTENER", help="name, file or sum")
    parser.add_argument(
        "--midi",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="MIDI files; may be given again [all songs of the project]",
    )
    parser.add_argument("--all", action="store_true", help="take all melodies, not only those held out in training")
    parser.add_argument(
        "--generations", type=count, default=400, metavar="N", help="of the genetic red team; 0 leaves it out [400]"
    )
    parser.add_argument("--islands", type=positive, default=8, metavar="N", help="of the red team, of 32 melodies [8]")
    parser.add_argument("--seed", type=count, default=0, metavar="N", help="the same seed measures the same [0]")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for audit.json, audit.md and audit.png")
    parser.add_argument("--card", action="store_true", help="write the card of a trained listener beside its file")
    parser.add_argument("--json", action="store_true", help="print a JSON object")


ACTIONS = {"train": _train, "score": _score, "audit": _audit, "judge": _judge}


def _minutes(text: str) -> float:
    minutes = float(text)
    if not 0 < minutes <= 10_000:
        raise argparse.ArgumentTypeError(f"{text}: it must be above 0, at most 10000")
    return minutes

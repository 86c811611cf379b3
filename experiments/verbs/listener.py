"""Train a listener on MIDI files, score melodies with one or audit one; or ask the held-out judge, which is no reward.

A listener is a name (theory, ending, variety, vae-elbo, ngram, melody, learned, vae), the .safetensors file or run of a
trained one, or a weighted sum such as theory=1,ngram=.5. Nothing is downloaded. docs/listeners.md explains what each
listener rewards and what fools it.
"""

import argparse
import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.command import add_run_options, begin_or_resume, configured, finish
from experiments.options import (
    SOURCES,
    UsageError,
    above_zero,
    add_actions,
    add_force,
    add_midi,
    add_source_options,
    count,
    positive,
    print_lines,
    refuse_existing,
    word,
)

HELP = "train a listener on music, score melodies with one, audit one"
GROUP, ORDER = "Judge", 2
EXAMPLES = (
    "kuznechik listener score grasshopper vae:16",
    "kuznechik listener audit theory",
    "kuznechik listener train --kind taste --choices answers.json --out taste.safetensors",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    add_actions(parser, ACTIONS)


def run(options: argparse.Namespace) -> int:
    if options.action == "train":
        return _run_training(options)
    if options.action == "audit":
        from experiments.listening.audit import audit
        from experiments.runs.folder import RunFolder

        if options.card and Path(options.listener).is_dir():
            RunFolder(options.listener).refuse_links()
        return audit(options, _rolls_of_sources(options))
    if options.action == "separability":
        from experiments.studies.source_comparison import compare

        return compare(options)
    from experiments.studies.listener_scores import judge, score

    return judge(options) if options.action == "judge" else score(options)


def _rolls_of_sources(options: argparse.Namespace) -> dict[str, Any]:
    """Return the first 16 bars of each source's melodies, by source: rolls (N, 128, K); shorter ones are left out."""
    import numpy as np

    from experiments.runs.source import as_heard, playing
    from experiments.runs.sources import read_sources
    from songs.keyboard import SONG_STEPS

    rolls = {}
    for source in map(as_heard, read_sources(options.sources, playing(options))):
        long = [song.roll[:SONG_STEPS] for song in source.songs if song.steps >= SONG_STEPS]
        if not long:
            raise UsageError(f"{source.name}: an audit compares 16 bars, and no melody has as many")
        short = len(source.songs) - len(long)
        print_lines(
            [*source.remarks, *[f"{source.name}: {short} melodies shorter than 16 bars left out"] * bool(short)]
        )
        rolls[source.name] = np.array(long)
    return rolls


def _train(parser: argparse.ArgumentParser) -> None:
    """Train a listener on the melodies of folders of MIDI files.

    The melodies are cut into excerpts that fit on the 13 keys. Pieces that share phrases stay in the same split. One
    split sets the thresholds; another is held out for the audit, and only the judge learns from it. The learned
    listener, the melody model and the judge need torch.

    With --choices it instead learns what one person prefers, in seconds and without music, from the choices in runs of
    kuznechik breed and from answers to kuznechik listening-test --better. --out names the file.

    The run folder holds the listener, best/listener.safetensors, and everything --resume needs except the music, which
    stays where it is. Ctrl-C ends a run early; --resume continues it to the same listener.
    """
    parser.add_argument(
        "--midi", action="append", type=word, metavar="DIR", help="folder of MIDI files; may be repeated"
    )
    parser.add_argument("--config", metavar="FILE", help="TOML file with the options of a run")
    parser.add_argument(
        "--kind",
        choices=("learned", "vae", "ngram", "melody", "judge", "taste", "form"),
        help="what to train [learned]",
    )
    parser.add_argument(
        "--choices",
        nargs="+",
        type=word,
        metavar="RUN|FILE",
        help="kind taste: runs of breed, and answers to listening-test --better",
    )
    parser.add_argument(
        "--vae",
        type=word,
        metavar="RUN",
        help="run or file of your own MusicVAE for kind vae, of two bars as a piano roll",
    )
    parser.add_argument(
        "--minutes",
        type=above_zero(10_000),
        metavar="M",
        help="approximate time on one core; it sets the number of steps, so the result does not depend on the clock "
        "[10; the melody model: 4; the judge: 3; the model of form: 6]",
    )
    parser.add_argument("--licence", metavar="TEXT", help="licence of the music, for the model card")
    also = "; FILE.safetensors: the listener is also copied there"
    add_run_options(parser, "listener", "learned.nets=3", "30 steps of about a second each", also)
    add_force(parser)


FIXED = ("midi", "config", "kind", "vae", "minutes", "licence")


def _run_training(options: argparse.Namespace) -> int:
    if options.kind == "taste" or options.choices:
        from experiments.studies.taste import learn

        return learn(options)
    from listener.files import IN_RUN, SUFFIX

    copy = Path(options.out) if options.out and options.out.endswith(SUFFIX) else None
    if copy:
        refuse_existing(options, *(copy.with_suffix(suffix) for suffix in (SUFFIX, ".json", ".md")))
        options.out = None  # the run folder has its default name
    resources: dict[str, Any] = {}

    def resolved() -> tuple[Any, Any, str]:
        from experiments.listening.progress import progress
        from experiments.runs.listener.kind import resolve_listener

        kind = options.kind or ("vae" if options.vae else None)
        flags = {
            "data": {"midi": os.pathsep.join(options.midi) if options.midi else None, "licence": options.licence},
            "listener": {"kind": kind, "minutes": options.minutes, "seed": options.seed},
            "vae": {"model": options.vae},
        }
        config = configured("listener", options.config, flags, options.set)
        with progress() as report:
            config, music = resolve_listener(config, lambda *done: report("reading", *done))
        resources["music"] = music  # passed on, to be read only once
        print_lines(_left_out(config.data.folders, music.corpora.short))
        return config, music.identity, f"listener-{config.listener.kind}"

    folder, summary = begin_or_resume(options, "listener", resolved, FIXED, resources)
    if copy and summary["stopped"] == "finished":
        from experiments.listening.model_files import copy_model

        copy_model(folder.path / IN_RUN, copy)
    lines = _lines(summary, copy or folder.path / IN_RUN, bool(copy))
    return finish(options, "listener", folder.path, summary, lines)


def _left_out(folders: Sequence[Path], corpus: Any) -> list[str]:
    """Return a line on the files that gave no 4-bar excerpt, with the reasons, or no line if all files gave one."""
    from vae.dataset_making import list_files

    total, parts = len(list_files(folders)), (corpus.training, corpus.validation, corpus.test)
    used = len(set().union(*(part.pieces.tolist() for part in parts)))
    reasons = {
        "cannot be read or have no notes": total - corpus.pieces,
        "have no four bars of 4/4 that fit on the keyboard": corpus.pieces - used,
    }
    words = [f"{number} {reason}" for reason, number in reasons.items() if number]
    return [f"{total - used} of {total} files were left out: {', '.join(words)}"] if words else []


def _lines(summary: dict, model: Path, is_copy: bool) -> list[str]:
    """Return the lines that print the result and the next command for the model, or for its copy at --out."""
    if summary["stopped"] == "interrupted":
        waiting = [f"{model} is not written yet: give --out again."] if is_copy else []
        return [f"Interrupted at {summary['progress']:.0%} of the training.", *waiting, ""]
    rounds = [
        f"round {number}: attack {each['attacked']:+.2f} sd, degenerate players up to percentile {each['bank']:.1f}"
        for number, each in enumerate(summary["rounds"], start=1)
    ]
    trained = f"Trained on {summary['excerpts']} excerpts, {summary['cpu_seconds']:.1f} CPU seconds."
    use = {"judge": "listener judge FILE.mid --judge ", "form": "play form:"}
    next_ = use.get(summary["kind"], "listener score FILE.mid --listener ")
    return [*rounds, trained, f"Next: kuznechik {next_}{shlex.quote(str(model))}"]


def _score(parser: argparse.ArgumentParser) -> None:
    """Score melodies: the sum of rewards, the share of each term, and the percentile among real melodies."""
    _melodies(parser)
    parser.add_argument("--listener", default="learned", metavar="NAME", help="name, file, run or sum [learned]")


def _melodies(parser: argparse.ArgumentParser) -> None:
    """Add the melodies to judge."""
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help=SOURCES)
    add_source_options(parser, melodies=16)
    parser.add_argument("--json", action="store_true", help="print a JSON array")


def _judge(parser: argparse.ArgumentParser) -> None:
    """Print the percentiles of melodies among real ones, according to the held-out judge.

    The judge is a different kind of network from the learned listener, trained on pieces that no listener was trained
    on, and is never used as a reward.
    """
    _melodies(parser)
    parser.add_argument("--judge", type=Path, metavar="FILE", help="file or run of a trained judge [the project's own]")


def _audit(parser: argparse.ArgumentParser) -> None:
    """Measure what a listener can tell apart, what fools it, and what an optimizer can exploit.

    The real melodies are those that training held out from the folders; --all uses all of them, for a collection that
    the listener was not trained on. Prints tables; --out also saves them, with a figure.
    """
    parser.add_argument("listener", metavar="LISTENER", help="name, file, run or sum")
    parser.add_argument("sources", nargs="*", metavar="SOURCE", help=f"also ranked among real melodies: {SOURCES}")
    add_source_options(parser, melodies=16)
    add_midi(parser, "folder of MIDI files; may be repeated [all songs of the project]")
    parser.add_argument("--all", action="store_true", help="use all melodies, not only those held out in training")
    parser.add_argument(
        "--generations",
        type=count,
        default=400,
        metavar="N",
        help="generations of the genetic red team; 0 leaves it out [400]",
    )
    parser.add_argument(
        "--islands", type=positive, default=8, metavar="N", help="islands of the red team, 32 melodies each [8]"
    )
    parser.add_argument(
        "--quick", action="store_true", help="under a minute: fewer melodies, players and attacks, no beam search"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for audit.json, audit.md and audit.png")
    add_force(parser)
    parser.add_argument("--card", action="store_true", help="write a trained listener's model card next to its file")
    parser.add_argument("--json", action="store_true", help="print a JSON object")


def _separability(parser: argparse.ArgumentParser) -> None:
    """Measure how well a classifier tells A's melodies from B's: .5 is indistinguishable, 1 is always right.

    Extra-trees are cross-validated in five folds; this needs scikit-learn. Also prints the most telling features,
    MusPy's metrics of both sources and, with torch, their Fréchet distance in the latent space of the two-bar MusicVAE.
    """
    parser.add_argument("one", metavar="A", help=SOURCES)
    parser.add_argument("other", nargs="?", metavar="B", help="another source, or A again for other melodies")
    add_midi(
        parser, "instead of B: excerpts of 16 bars from MIDI files, of pieces that training held out; may be repeated"
    )
    add_source_options(parser, melodies=200)
    parser.add_argument("--json", action="store_true", help="print a JSON object")


ACTIONS = {"train": _train, "score": _score, "audit": _audit, "judge": _judge, "separability": _separability}

"""Listeners: train one on MIDI files, score melodies by one, audit one; and the held-out judge, which rewards nobody.

A listener is a name (theory, ngram, melody, learned, vae, vae-elbo), the .safetensors file or the run of a trained one,
or a weighted sum as theory=1,ngram=.5. Nothing is downloaded; docs/listeners.md says what the listeners reward and what
fools them.
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

HELP = "listeners: train one on music, score melodies by one, audit one"
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
    """Return the first 16 bars of the melodies of sources by name, those that have so many: rolls (N, 128, K)."""
    import numpy as np

    from experiments.runs.source import as_heard, playing
    from experiments.runs.sources import read_sources
    from songs.keyboard import SONG_STEPS

    rolls = {}
    for source in map(as_heard, read_sources(options.sources, playing(options))):
        long = [song.roll[:SONG_STEPS] for song in source.songs if song.steps >= SONG_STEPS]
        if not long:
            raise UsageError(f"{source.name}: no melody has the 16 bars that an audit compares")
        short = len(source.songs) - len(long)
        print_lines(
            [*source.remarks, *[f"{source.name}: {short} melodies of fewer than 16 bars left out"] * bool(short)]
        )
        rolls[source.name] = np.array(long)
    return rolls


def _train(parser: argparse.ArgumentParser) -> None:
    """Train a listener on the melodies of folders of MIDI files.

    The melodies are cut into excerpts that fit on the 13 keys. Pieces that share phrases stay together; a part of them
    is kept for thresholds, and another, for the audit alone, is not looked at. The judge learns from that one alone.
    The learned listener, the melody model and the judge need torch.

    With --choices it learns what one person prefers instead, in seconds and without music, from the choices in the runs
    of kuznechik breed and from the answers to kuznechik listening-test --better. --out names the file.

    The run folder keeps the listener, as best/listener.safetensors, and all that --resume needs, except for the music:
    that stays where it is. Ctrl-C ends a run early; --resume continues it to the same listener.
    """
    parser.add_argument(
        "--midi", action="append", type=word, metavar="DIR", help="folder of MIDI files; may be given again"
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
        help="kind vae on a MusicVAE of your own, of two bars as a piano roll: run or file",
    )
    parser.add_argument(
        "--minutes",
        type=above_zero(10_000),
        metavar="M",
        help="about how long, on one core: it sets the number of steps, so the result does not depend on the clock "
        "[10; the melody model: 4; the judge: 3; the model of form: 6]",
    )
    parser.add_argument("--licence", metavar="TEXT", help="of the music, for the card")
    also = "; FILE.safetensors: the listener is also copied there"
    add_run_options(parser, "listener", "learned.nets=3", "30 steps, of about a second", also)
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
        resources["music"] = music  # so that it is read only once
        print_lines(_left_out(config.data.folders, music.corpora.short))
        return config, music.identity, f"listener-{config.listener.kind}"

    folder, summary = begin_or_resume(options, "listener", resolved, FIXED, resources)
    if copy and summary["stopped"] == "finished":
        from experiments.listening.model_files import copy_model

        copy_model(folder.path / IN_RUN, copy)
    lines = _lines(summary, copy or folder.path / IN_RUN, bool(copy))
    return finish(options, "listener", folder.path, summary, lines)


def _left_out(folders: Sequence[Path], corpus: Any) -> list[str]:
    """Return a line that says how many files gave no excerpt of a corpus of 4 bars, and why; none if all did."""
    from vae.dataset_making import list_files

    total, parts = len(list_files(folders)), (corpus.training, corpus.validation, corpus.test)
    used = len(set().union(*(part.pieces.tolist() for part in parts)))
    reasons = {
        "cannot be read or have no notes": total - corpus.pieces,
        "have no 4 bars of 4/4 that fit on the keyboard": corpus.pieces - used,
    }
    words = [f"{number} {reason}" for reason, number in reasons.items() if number]
    return [f"{total - used} of {total} files are left out: {', '.join(words)}"] if words else []


def _lines(summary: dict, model: Path, is_copy: bool) -> list[str]:
    """Return the result for people, and what to do next with the model, or the copy of it that --out named."""
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
    """Score melodies: the sum of the rewards, the part of each term, and the percentile among real melodies."""
    _melodies(parser)
    parser.add_argument("--listener", default="learned", metavar="NAME", help="name, file, run or sum [learned]")


def _melodies(parser: argparse.ArgumentParser) -> None:
    """Add the melodies to be judged."""
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help=SOURCES)
    add_source_options(parser, melodies=16)
    parser.add_argument("--json", action="store_true", help="print a JSON array")


def _judge(parser: argparse.ArgumentParser) -> None:
    """Ask the held-out judge for the percentiles of melodies among real ones.

    It is another kind of network than the learned listener, trained on pieces that no listener was trained on, and no
    reward.
    """
    _melodies(parser)
    parser.add_argument(
        "--judge", type=Path, metavar="FILE", help="file or run of a trained judge [that of the project]"
    )


def _audit(parser: argparse.ArgumentParser) -> None:
    """Measure what a listener can tell apart, what fools it, and what an optimizer makes of it.

    Real melodies are those of the folders that training held out; with --all, all of them, for a collection that the
    listener was not trained on. Prints tables; --out keeps them with a figure.
    """
    parser.add_argument("listener", metavar="LISTENER", help="name, file, run or sum")
    parser.add_argument("sources", nargs="*", metavar="SOURCE", help=f"also ranked among real melodies: {SOURCES}")
    add_source_options(parser, melodies=16)
    add_midi(parser, "MIDI files; may be given again [all songs of the project]")
    parser.add_argument("--all", action="store_true", help="take all melodies, not only those held out in training")
    parser.add_argument(
        "--generations", type=count, default=400, metavar="N", help="of the genetic red team; 0 leaves it out [400]"
    )
    parser.add_argument("--islands", type=positive, default=8, metavar="N", help="of the red team, of 32 melodies [8]")
    parser.add_argument(
        "--quick", action="store_true", help="less than a minute: fewer melodies, players and attacks, no beam search"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for audit.json, audit.md and audit.png")
    add_force(parser)
    parser.add_argument("--card", action="store_true", help="write the card of a trained listener beside its file")
    parser.add_argument("--json", action="store_true", help="print a JSON object")


def _separability(parser: argparse.ArgumentParser) -> None:
    """Measure how well a classifier tells the melodies of A from those of B: .5 is indistinguishable, 1 always.

    Extra-trees learn from four fifths of the melodies and are asked about the others, five times; needs scikit-learn.
    Also prints the most telling figures, MusPy's metrics of both, and, with torch, their Fréchet distance in the latent
    space of the MusicVAE of two bars.
    """
    parser.add_argument("one", metavar="A", help=SOURCES)
    parser.add_argument("other", nargs="?", metavar="B", help="another, or the same with other melodies")
    add_midi(
        parser, "instead of B: excerpts of 16 bars of MIDI files, of pieces that training held out; may be given again"
    )
    add_source_options(parser, melodies=200)
    parser.add_argument("--json", action="store_true", help="print a JSON object")


ACTIONS = {"train": _train, "score": _score, "audit": _audit, "judge": _judge, "separability": _separability}

"""`kuznechik listener train`: reads MIDI files, trains a listener and writes its files and its card."""

import argparse
import sys
import time

import numpy as np

from experiments.listening.card import card
from experiments.listening.progress import progress
from experiments.verbs.options import UsageError
from listener.corpus import Corpus, moved, read_corpora, rolls_of
from listener.files import read_about, write_listener
from listener.ngram import NGram
from listener.registry import SUFFIX

EXCERPT_BARS, SONG_BARS = 8, 16
SPLIT_SEED = 0
"""One split for all listeners: what one of them was trained on is held out for none."""


def train(options: argparse.Namespace) -> int:
    """Run the action."""
    if options.out.suffix != SUFFIX:
        raise UsageError(f"{options.out}: the name of a listener's file ends in {SUFFIX}")
    begun = time.process_time()
    with progress() as report:
        excerpts, songs = read_corpora(
            options.midi, (EXCERPT_BARS, SONG_BARS), SPLIT_SEED, lambda *done: report("reading", *done)
        )
        if options.kind == "ngram":
            listener, training = NGram.trained(excerpts.training.melodies), {}
        else:
            listener, training = _learned(excerpts, songs, options, report)
    real = moved(songs.validation.melodies, np.random.default_rng(SPLIT_SEED))
    about = {
        "data": {
            "folders": [folder.resolve().name for folder in options.midi],
            "licence": options.licence,
            "pieces": songs.pieces,
            "split_seed": SPLIT_SEED,
            "excerpts": {f"{bars} bars": _sizes(each) for bars, each in ((EXCERPT_BARS, excerpts), (SONG_BARS, songs))},
        },
        "command": _command(options),
        "cpu_seconds": round(time.process_time() - begun, 1),
        "reference": reference(listener, real),
        **training,
    }
    write_listener(options.out, listener, about)
    options.out.with_suffix(".md").write_text(card(options.out.stem, read_about(options.out)))
    print(f"{options.out}: trained on {len(excerpts.training)} excerpts, {about['cpu_seconds']} CPU seconds")
    return 0


def _learned(excerpts: Corpus, songs: Corpus, options: argparse.Namespace, report) -> tuple:
    try:
        import torch
    except ImportError:
        raise UsageError("the learned listener needs torch: pip install -e '.[torch]', or take --kind ngram") from None
    from listener.net_training import TrainingOptions
    from listener.training import train_learned

    torch.set_num_threads(1)
    listener, training = train_learned(excerpts, songs, TrainingOptions.lasting(options.minutes), options.seed, report)
    for number, each in enumerate(training["rounds"], start=1):
        print(
            f"round {number}: attack {each['attacked']:+.2f} sd, degenerate players up to the "
            f"{each['bank']:.1f}th percentile",
            file=sys.stderr,
        )
    return listener, training


def _command(options: argparse.Namespace) -> str:
    """Return the call, with folders and files by their names alone."""
    folders = " ".join(f"--midi {folder.resolve().name}" for folder in options.midi)
    minutes = f" --minutes {options.minutes:g}" if options.kind == "learned" else ""
    call = f"kuznechik listener train {folders} --kind {options.kind}{minutes} --seed {options.seed}"
    return f"{call} --out {options.out.name}"


def _sizes(corpus: Corpus) -> dict[str, int]:
    return {part: len(getattr(corpus, part)) for part in ("training", "validation", "test")}


def reference(listener, real: np.ndarray) -> list[float]:
    """Return the scores of real melodies (N, T) at the percentiles 0 to 100."""
    scores = listener.rewards(rolls_of(real)).sum(axis=1, dtype=np.float64)
    return np.percentile(scores, np.arange(101)).round(4).tolist()

"""`kuznechik listener train`: trains a listener on MIDI files and writes its files and its card."""

import argparse
import sys
import time

import numpy as np

from experiments.listening.card import card, judge_card
from experiments.listening.progress import progress
from experiments.verbs.options import UsageError
from listener.corpus import (
    EXCERPT_BARS,
    SHORT_BARS,
    SONG_BARS,
    SPLIT_SEED,
    Corpora,
    Corpus,
    moved,
    read_music,
    rolls_of,
)
from listener.files import JUDGE, SUFFIX, read_about, write_listener
from listener.registry import training_of
from listener.training_options import MINUTES, JudgeOptions, LearnedOptions, MelodyOptions

OPTIONS: dict[str, type[LearnedOptions | MelodyOptions | JudgeOptions]] = {
    "learned": LearnedOptions,
    "melody": MelodyOptions,
    "judge": JudgeOptions,
}


def train(options: argparse.Namespace) -> int:
    """Run the action."""
    if options.out.suffix != SUFFIX:
        raise UsageError(f"{options.out}: the name of a listener's file ends in {SUFFIX}")
    begun = time.process_time()
    with progress() as report:
        corpora = read_music(options.midi, lambda *done: report("reading", *done))
        training = _training(corpora, options)
        while not training.finished:
            row = training.step()
            report(row["stage"], row["step"], row["steps"])
        listener, about = training.result.listener, training.result.about
        about = {**_about(corpora, options, begun), **about}
        for number, each in enumerate(about.get("rounds", ()), start=1):
            print(
                f"round {number}: attack {each['attacked']:+.2f} sd, degenerate players up to the "
                f"{each['bank']:.1f}th percentile",
                file=sys.stderr,
            )
    return _write(listener, about, corpora, options)


def _write(listener, about: dict, corpora: Corpora, options: argparse.Namespace) -> int:
    if options.kind == JUDGE:
        write_listener(options.out, listener, about)
        text, count = judge_card(options.out.stem, read_about(options.out)), len(corpora.excerpts.test)
    else:
        real = moved(corpora.songs.validation.melodies, np.random.default_rng(SPLIT_SEED))
        write_listener(options.out, listener, {**about, "reference": reference(listener, real)})
        text, count = card(options.out.stem, read_about(options.out)), len(corpora.excerpts.training)
    options.out.with_suffix(".md").write_text(text)
    print(f"{options.out}: trained on {count} excerpts, {about['cpu_seconds']} CPU seconds")
    return 0


def _training(corpora: Corpora, options: argparse.Namespace):
    """Return the training of a kind; raises UsageError where torch is not installed and needed."""
    try:
        lasting = OPTIONS[options.kind].lasting(_minutes(options)) if options.kind in OPTIONS else None
        return training_of(options.kind, corpora, lasting, options.seed)
    except ImportError:
        raise UsageError(
            "learned listeners, melody models and judges need torch: "
            "pip install 'kuznechik[torch]', or take --kind ngram"
        ) from None


def _about(corpora: Corpora, options: argparse.Namespace, begun: float) -> dict:
    """Return the data and the cost of the training, as plain data."""
    by_length = {EXCERPT_BARS: corpora.excerpts, SHORT_BARS: corpora.short, SONG_BARS: corpora.songs}
    if options.kind == JUDGE:
        del by_length[SHORT_BARS]
    return {
        "data": {
            "folders": [folder.resolve().name for folder in options.midi],
            "licence": options.licence,
            "pieces": corpora.songs.pieces,
            "split_seed": SPLIT_SEED,
            "excerpts": {f"{bars} bars": _sizes(corpus) for bars, corpus in by_length.items()},
        },
        "command": _command(options),
        "cpu_seconds": round(time.process_time() - begun, 1),
    }


def _minutes(options: argparse.Namespace) -> float:
    """Return the minutes of the training, by default those that its kind needs."""
    return options.minutes or MINUTES[options.kind]


def _command(options: argparse.Namespace) -> str:
    """Return the call, with folders and files by their names alone."""
    folders = " ".join(f"--midi {folder.resolve().name}" for folder in options.midi)
    minutes = "" if options.kind == "ngram" else f" --minutes {_minutes(options):g}"
    call = f"kuznechik listener train {folders} --kind {options.kind}{minutes} --seed {options.seed}"
    return f"{call} --out {options.out.name}"


def _sizes(corpus: Corpus) -> dict[str, int]:
    return {part: len(getattr(corpus, part)) for part in ("training", "validation", "test")}


def reference(listener, real: np.ndarray) -> list[float]:
    """Return the scores of real melodies (N, T) at the percentiles 0 to 100."""
    scores = listener.rewards(rolls_of(real)).sum(axis=1, dtype=np.float64)
    return np.percentile(scores, np.arange(101)).round(4).tolist()

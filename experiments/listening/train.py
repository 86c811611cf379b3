"""`kuznechik listener train`: reads MIDI files, trains a listener and writes its files and its card."""

import argparse
import sys
import time
from contextlib import AbstractContextManager, nullcontext

import numpy as np

from experiments.listening.card import card, judge_card
from experiments.listening.progress import progress
from experiments.verbs.options import UsageError
from listener.corpus import Corpus, moved, read_corpora, rolls_of
from listener.files import JUDGE, read_about, write_listener
from listener.ngram import NGram
from listener.registry import SUFFIX

SHORT_BARS, EXCERPT_BARS, SONG_BARS = 4, 8, 16
MINUTES = {"learned": 10.0, "melody": 4.0, "judge": 3.0}
SPLIT_SEED = 0
"""One split for all listeners: what one of them was trained on is held out for none."""


def train(options: argparse.Namespace) -> int:
    """Run the action."""
    if options.out.suffix != SUFFIX:
        raise UsageError(f"{options.out}: the name of a listener's file ends in {SUFFIX}")
    begun = time.process_time()
    with _processor(options.kind), progress() as report:
        lengths = (EXCERPT_BARS, SHORT_BARS, SONG_BARS)
        corpora = read_corpora(options.midi, lengths, SPLIT_SEED, lambda *done: report("reading", *done))
        excerpts, short, songs = corpora
        if options.kind == JUDGE:
            return _train_judge(excerpts, songs, options, begun, report)
        if options.kind == "ngram":
            listener, training = NGram.trained(excerpts.training.melodies), {}
        elif options.kind == "melody":
            listener, training = _melody(corpora, options, report)
        else:
            listener, training = _learned(excerpts, short, songs, options, report)
        real = moved(songs.validation.melodies, np.random.default_rng(SPLIT_SEED))
        about = {
            **_about(dict(zip(lengths, corpora, strict=True)), options, begun),
            "reference": reference(listener, real),
            **training,
        }
    write_listener(options.out, listener, about)
    options.out.with_suffix(".md").write_text(card(options.out.stem, read_about(options.out)))
    print(f"{options.out}: trained on {len(excerpts.training)} excerpts, {about['cpu_seconds']} CPU seconds")
    return 0


def _about(corpora: dict[int, Corpus], options: argparse.Namespace, begun: float) -> dict:
    """Return what is to know of data and cost, as plain data."""
    return {
        "data": {
            "folders": [folder.resolve().name for folder in options.midi],
            "licence": options.licence,
            "pieces": next(iter(corpora.values())).pieces,
            "split_seed": SPLIT_SEED,
            "excerpts": {f"{bars} bars": _sizes(corpus) for bars, corpus in corpora.items()},
        },
        "command": _command(options),
        "cpu_seconds": round(time.process_time() - begun, 1),
    }


def _train_judge(excerpts: Corpus, songs: Corpus, options: argparse.Namespace, begun: float, report) -> int:
    """Train the held-out judge and write its files."""
    from listener.judge_file import write_judge
    from listener.judge_training import JudgeOptions, train_judge

    judge, training = train_judge(excerpts, songs, JudgeOptions.lasting(_minutes(options)), options.seed, report)
    about = {**_about({EXCERPT_BARS: excerpts, SONG_BARS: songs}, options, begun), **training}
    write_judge(options.out, judge, about)
    options.out.with_suffix(".md").write_text(judge_card(options.out.stem, read_about(options.out)))
    print(f"{options.out}: trained on {len(excerpts.test)} excerpts, {about['cpu_seconds']} CPU seconds")
    return 0


def _processor(kind: str) -> AbstractContextManager[None]:
    """Return what the training of a kind computes in; raises UsageError where torch is not installed and needed."""
    if kind == "ngram":
        return nullcontext()
    try:
        from vae.processor import computing
    except ImportError:
        raise UsageError(
            "learned listeners, melody models and judges need torch: "
            "pip install 'kuznechik[torch]', or take --kind ngram"
        ) from None
    return computing()


def _learned(excerpts: Corpus, short: Corpus, songs: Corpus, options: argparse.Namespace, report) -> tuple:
    from listener.learned.net_training import TrainingOptions
    from listener.learned.training import train_learned

    lasting = TrainingOptions.lasting(_minutes(options))
    listener, training = train_learned(excerpts, short, songs, lasting, options.seed, report)
    for number, each in enumerate(training["rounds"], start=1):
        print(
            f"round {number}: attack {each['attacked']:+.2f} sd, degenerate players up to the "
            f"{each['bank']:.1f}th percentile",
            file=sys.stderr,
        )
    return listener, training


def _melody(corpora: list[Corpus], options: argparse.Namespace, report) -> tuple:
    import torch

    from listener.melody_model import Expected
    from listener.model_training import DEFAULT_MINUTES, STEPS, train_model

    torch.manual_seed(options.seed)
    generator = np.random.default_rng(options.seed)
    steps = max(1, round(STEPS * _minutes(options) / DEFAULT_MINUTES))
    done = iter(range(1, steps + 1))
    sorts = [corpus.training.melodies for corpus in corpora]
    model = train_model(sorts, steps, generator, lambda loss: report("melody model", next(done), steps))
    real = moved(corpora[-1].validation.melodies, generator)
    listener = Expected.of(model, real)
    return listener, {"nats a step of validation": round(-listener.constant, 4)}


def _minutes(options: argparse.Namespace) -> float:
    """Return how long training is to take, by default as long as a kind needs."""
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

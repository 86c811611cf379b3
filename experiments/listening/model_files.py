"""The files of a trained listener: its model, a JSON with everything else, and a model card.

They contain nothing that differs between runs of the same configuration, such as the cost.
"""

from pathlib import Path
from typing import Any

import numpy as np

from experiments.config.listener import ListenerConfig
from experiments.listening.card import card, judge_card, taste_card
from listener.corpus import EXCERPT_BARS, LONG_BARS, SHORT_BARS, SONG_BARS, SPLIT_SEED, Corpora, moved, rolls_of
from listener.files import JUDGE, TASTE, read_about, write_listener
from listener.listener import Listener
from listener.stages import Trained
from songs.files import read_whole, write_atomically


def write_model(path: Path, trained: Trained, config: ListenerConfig, corpora: Corpora) -> None:
    """Write the files of a listener, or of the judge.

    Args:
        path: Path of the .safetensors file; the other files are written next to it.
        trained: Result of the training.
        config: Configuration of the run.
        corpora: Music of the run.
    """
    about = {"data": describe_music(config, corpora), "command": config.command, **trained.about}
    if config.rewards:
        about["reference"] = reference(trained.listener, config, corpora)
    write_listener(path, trained.listener, about)
    write_card(path)


def copy_model(source: Path, path: Path) -> None:
    """Copy the files of a listener to another name."""
    for suffix in (source.suffix, ".json"):
        write_atomically(path.with_suffix(suffix), read_whole(source.with_suffix(suffix)))
    write_card(path)


def write_card(path: Path, audit: dict[str, Any] | None = None) -> None:
    """Write a listener's model card next to its file, with its audit if available."""
    about = read_about(path)
    if about["kind"] == JUDGE:
        text = judge_card(path.stem, about)
    else:
        text = (taste_card if about["kind"] == TASTE else card)(path.stem, about, audit)
    write_atomically(path.with_suffix(".md"), text)


def describe_music(config: ListenerConfig, corpora: Corpora) -> dict[str, Any]:
    """Return the origin and amount of the music, as plain data."""
    by_length = {EXCERPT_BARS: corpora.excerpts, SHORT_BARS: corpora.short, SONG_BARS: corpora.songs}
    if corpora.long:
        by_length[LONG_BARS] = corpora.long
    if config.is_judge:
        by_length = {SONG_BARS: corpora.wide}
    return {
        "folders": [folder.resolve().name for folder in config.data.folders],
        "licence": config.data.licence,
        "pieces": corpora.songs.pieces,
        "split_seed": SPLIT_SEED,
        "keys": config.listener.keys,
        "excerpts": {
            f"{bars} bars": {part: len(getattr(corpus, part)) for part in ("training", "validation", "test")}
            for bars, corpus in by_length.items()
        },
    }


def reference(listener: Listener, config: ListenerConfig, corpora: Corpora) -> list[float]:
    """Return the scores of the validation melodies of 16 bars at the percentiles 0 to 100."""
    real = moved(corpora.songs.validation.melodies, np.random.default_rng(SPLIT_SEED))
    scores = listener.rewards(rolls_of(real, config.listener.keys)).sum(axis=1, dtype=np.float64)
    return np.percentile(scores, np.arange(101)).round(4).tolist()

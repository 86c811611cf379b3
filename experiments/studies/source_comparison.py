"""`kuznechik listener separability`: how two sources differ, by a classifier and by comparable metrics."""

import argparse
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from experiments.listening.progress import progress
from experiments.options import UsageError, print_json, print_lines, require
from experiments.runs.source import Source, playing
from experiments.runs.sources import read_source
from experiments.studies.muspy_metrics import NAMES, muspy_metrics
from experiments.studies.separability import check_enough, separability
from experiments.tables import show_table
from songs.song import Song


def compare(options: argparse.Namespace) -> int:
    """Print how well two sources can be told apart, their Fréchet distance, and MusPy's metrics of both."""
    require("sklearn", extra="sklearn", what="listener separability")
    if (options.other is None) == (not options.midi):
        raise UsageError("give a source B to compare A with, or folders of real melodies with --midi")
    real = [real_melodies(options.midi, options.seed)] if options.midi else []
    for source in real:  # before the sources play, which may take minutes
        check_enough(source.songs, source.name)
    texts = [options.one] if options.midi else [options.one, options.other]
    sources = [*(read_source(text, playing(options)) for text in texts), *real]
    print_lines([remark for source in sources for remark in source.remarks])
    one, other = (source.songs for source in sources)
    found = {
        "sources": [options.one, options.other or sources[1].name],
        **separability(one, other, options.seed),
        "frechet_distance": distances_from(one)(other),
        "frechet_distance_of_halves": [distances_from(songs[::2])(songs[1::2]) for songs in (one, other)],
        "muspy": {"one": muspy_metrics(one), "other": muspy_metrics(other)},
    }
    if options.json:
        print_json(found)
    else:
        _print(found)
    return 0


def real_melodies(folders: Sequence[Path], seed: int) -> Source:
    """Return held-out excerpts of 16 bars on 13 keys, from MIDI files; raises ValueError."""
    from listener.corpus import SONG_BARS, moved, read_corpus, rolls_of

    with progress() as report:
        corpus = read_corpus(folders, SONG_BARS, lambda *done: report("reading", *done))
    rolls = rolls_of(moved(corpus.test.melodies, np.random.default_rng(seed)))
    songs = [Song(f"piece {piece}", roll) for piece, roll in zip(corpus.test.pieces.tolist(), rolls, strict=True)]
    name = "+".join(folder.resolve().name for folder in folders)
    return Source(f"{name}, held out", "real melodies", songs)


def distances_from(songs: Sequence[Song]) -> Callable[[Sequence[Song]], float | None]:
    """Return a function that gives the Fréchet distance of other songs from these, None without torch."""
    if not find_spec("torch"):
        return lambda others: None
    from experiments.studies.latent_distance import frechet_distance, latent_vectors

    vectors = latent_vectors(songs)
    return lambda others: frechet_distance(vectors, latent_vectors(others))


def _print(found: dict[str, Any]) -> None:
    names = found["sources"]
    rows = [
        [each["figure"], f"{each['auc']:.2f}", *(f"{mean:.3f}" for mean in each["means"])] for each in found["telling"]
    ]
    auc = f"AUC {found['auc']:.3f} ({found['low']:.3f} to {found['high']:.3f}; .5 is indistinguishable)"
    melodies = " and ".join(map(str, found["melodies"]))
    show_table(["most telling", "AUC alone", *names], rows, f"{auc}, {melodies} melodies.")
    metrics = [[name, *(_figure(found["muspy"][which][name], 3) for which in ("one", "other"))] for name in NAMES]
    distance, *halves = (_figure(each) for each in (found["frechet_distance"], *found["frechet_distance_of_halves"]))
    latent = f"{distance}; between the halves of each {halves[0]} and {halves[1]}"
    show_table(["MusPy's metric", *names], metrics, f"Fréchet distance in the MusicVAE's latent space: {latent}.")


def _figure(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}f}"

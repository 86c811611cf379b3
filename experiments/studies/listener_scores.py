"""`kuznechik listener score` and `judge`: scores of the melodies of sources, by a listener or the held-out judge."""

import argparse
from collections.abc import Callable

import numpy as np

from experiments.options import print_json, print_lines, require
from experiments.runs.source import Source, as_heard, playing
from experiments.runs.sources import read_source
from experiments.tables import show_table
from listener.attachment import attached
from listener.judging import percentile
from listener.listener import Listener
from listener.registry import listener_named, reference_scores
from songs.song import Song


def score(options: argparse.Namespace) -> int:
    """Print the scores of melodies according to a listener."""
    listener, reference = listener_named(options.listener), reference_scores(options.listener)
    rows = _rows(options, lambda song: _scored(listener, reference, song))
    if options.json:
        print_json(rows)
        return 0
    terms = list(rows[0]["terms"])
    cells = [
        [
            row["file"],
            f"{row['score']:.2f}",
            "-" if row["percentile"] is None else f"{row['percentile']:.0f}",
            *(f"{row['terms'][term]:.2f}" for term in terms),
        ]
        for row in rows
    ]
    caption = f"Listener {options.listener}; the score of a song is the sum of its rewards."
    if reference:
        caption += " Percentiles are among real melodies of 16 bars that training did not use."
    show_table(["file", "score", "percentile", *terms], cells, caption)
    return 0


def judge(options: argparse.Namespace) -> int:
    """Print the percentiles of melodies according to the judge."""
    require("torch", extra="torch", what="the judge")
    from listener.files import read_judge

    percentiles = read_judge(options.judge).percentiles

    def judged(song: Song) -> dict:
        return {"percentile": round(float(percentiles(song.roll[None], song.grid)[0]), 1)}

    rows = _rows(options, judged)
    if options.json:
        print_json(rows)
    else:
        caption = "Percentiles are among real melodies of 16 bars that the judge was not trained on."
        show_table(["file", "percentile"], [[row["file"], f"{row['percentile']:.0f}"] for row in rows], caption)
    return 0


def _scored(listener: Listener, reference: list[float] | None, song: Song) -> dict:
    hears, roll = attached(listener, song.keyboard, song.grid), song.roll[None]
    total = float(hears.rewards(roll).sum(dtype=np.float64))
    terms = hears.terms(roll) if hasattr(hears, "terms") else {}
    return {
        "score": round(total, 4),
        "percentile": round(float(percentile(reference, np.array([total]))[0]), 1) if reference else None,
        "terms": {name: round(float(rewards.sum()), 4) for name, rewards in terms.items()},
    }


def _rows(options: argparse.Namespace, score_song: Callable[[Song], dict]) -> list[dict]:
    """Return a row for every melody of the sources; sources that cannot be judged are reported and left out.

    Args:
        options: The parsed command line.
        score_song: Returns the row's values apart from the name; raises ValueError if the melody cannot be judged.

    Raises:
        ValueError: None of the sources can be judged.
    """
    rows: list[dict] = []
    unusable: list[ValueError] = []
    for text in options.sources:
        try:
            source = read_source(text, playing(options))
            try:
                scores = [score_song(song) for song in source.songs]
            except ValueError:  # some melodies need folding
                source = as_heard(source)
                scores = [score_song(song) for song in source.songs]
        except ValueError as error:
            unusable.append(error)
            continue
        print_lines(source.remarks)
        rows += [{"file": name} | values for name, values in zip(_names(text, source), scores, strict=True)]
    if not rows:
        raise unusable[0]
    print_lines([f"left out: {reason}" for reason in unusable])
    return rows


def _names(text: str, source: Source) -> list[str]:
    """Return a name for every melody of a source."""
    if len(source.songs) == 1:
        return [text]
    if source.sampled or len({song.name for song in source.songs}) < len(source.songs):
        return [f"{source.name} {number}" for number in range(1, len(source.songs) + 1)]
    return [f"{source.name}: {song.name}" for song in source.songs]

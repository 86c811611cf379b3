"""`kuznechik listener score` and `judge`: scores of the melodies of MIDI files, by a listener or the held-out judge."""

import argparse
import sys
from collections.abc import Callable, Sequence

import numpy as np

from experiments.options import arrange_options, print_json, require
from experiments.tables import show_table
from listener.judging import percentile
from listener.listener import Listener
from listener.registry import listener_named, reference_scores
from songs.arrange import ArrangeOptions
from songs.catalog import check_listenable, read_song
from songs.song import SongError


def score(options: argparse.Namespace) -> int:
    """Print the scores of files by a listener."""
    listener, reference = listener_named(options.listener), reference_scores(options.listener)
    rows = _rows_of_files(options.files, arrange_options(options), lambda roll: _scored(listener, reference, roll))
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
    """Print the percentiles of files by the judge."""
    require("torch", extra="torch", what="the judge")
    from listener.files import read_judge

    percentiles = read_judge(options.judge).percentiles
    rows = _rows_of_files(
        options.files, arrange_options(options), lambda roll: {"percentile": round(float(percentiles(roll)[0]), 1)}
    )
    if options.json:
        print_json(rows)
    else:
        caption = "Percentiles are among real melodies of 16 bars that the judge was not trained on."
        show_table(["file", "percentile"], [[row["file"], f"{row['percentile']:.0f}"] for row in rows], caption)
    return 0


def _scored(listener: Listener, reference: list[float] | None, roll: np.ndarray) -> dict:
    total = float(listener.rewards(roll).sum(dtype=np.float64))
    terms = listener.terms(roll) if hasattr(listener, "terms") else {}
    return {
        "score": round(total, 4),
        "percentile": round(float(percentile(reference, np.array([total]))[0]), 1) if reference else None,
        "terms": {name: round(float(rewards.sum()), 4) for name, rewards in terms.items()},
    }


def _rows_of_files(
    paths: Sequence[str], arranging: ArrangeOptions, score_roll: Callable[[np.ndarray], dict]
) -> list[dict]:
    """Return a row for every file that can be played; the others are named and left out.

    Args:
        paths: of MIDI files.
        arranging: how the files become songs.
        score_roll: takes rolls (1, T, 13) and returns the row's values beside the name of the file.

    Raises:
        SongError: none of the files can be played.
    """
    rows, unusable = [], []
    for path in paths:
        try:
            song = check_listenable(read_song(path, arranging))
        except SongError as error:
            unusable.append(error)
        else:
            rows.append({"file": path, **score_roll(song.roll[None])})
            if song.changes:
                print(f"{path}: {', '.join(song.changes)}", file=sys.stderr)
    if not rows:
        raise unusable[0]
    for reason in unusable:
        print(f"left out: {reason}", file=sys.stderr)
    return rows

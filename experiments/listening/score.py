"""`kuznechik listener score`: the rewards of melodies of MIDI files."""

import argparse

import numpy as np

from experiments.listening.scored_files import rows_of_files
from experiments.tables import show_table
from experiments.verbs.options import print_json
from listener.judging import percentile
from listener.listener import Listener
from listener.registry import listener_named, reference_scores


def score(options: argparse.Namespace) -> int:
    """Run the action."""
    listener, reference = listener_named(options.listener), reference_scores(options.listener)
    rows = rows_of_files(options.files, options.track, lambda roll: _scored(listener, reference, roll))
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


def _scored(listener: Listener, reference: list[float] | None, roll: np.ndarray) -> dict:
    total = float(listener.rewards(roll).sum(dtype=np.float64))
    terms = listener.terms(roll) if hasattr(listener, "terms") else {}
    return {
        "score": round(total, 4),
        "percentile": round(float(percentile(reference, np.array([total]))[0]), 1) if reference else None,
        "terms": {name: round(float(values.sum()), 4) for name, values in terms.items()},
    }

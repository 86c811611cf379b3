"""`kuznechik listener judge`: percentiles of MIDI files by the held-out judge."""

import argparse

from experiments.listening.scored_files import rows_of_files
from experiments.tables import show_table
from experiments.verbs.options import UsageError, print_json


def judge(options: argparse.Namespace) -> int:
    """Run the action."""
    try:
        from listener.files import read_judge
    except ImportError:
        raise UsageError("the judge needs torch: pip install 'kuznechik[torch]'") from None
    percentiles = read_judge(options.judge).percentiles
    rows = rows_of_files(
        options.files, options.track, lambda roll: {"percentile": round(float(percentiles(roll)[0]), 1)}
    )
    if options.json:
        print_json(rows)
    else:
        caption = "Percentiles are among real melodies of 16 bars that the judge was not trained on."
        show_table(["file", "percentile"], [[row["file"], f"{row['percentile']:.0f}"] for row in rows], caption)
    return 0

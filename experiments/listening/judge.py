"""`kuznechik listener judge`: what the held-out judge thinks of melodies of MIDI files."""

import argparse
import sys

from experiments.tables import show_table
from experiments.verbs.options import UsageError, print_json
from songs.catalog import read_song
from songs.song import SongError


def judge(options: argparse.Namespace) -> int:
    """Run the action."""
    try:
        from listener.judge_file import read_judge
    except ImportError:
        raise UsageError("the judge needs torch: pip install -e '.[torch]'") from None
    ranks, rows, unusable = read_judge(options.judge).percentiles, [], []
    for path in options.files:
        try:
            roll = read_song(path, track=options.track).roll[None]
            rows.append({"file": path, "percentile": round(float(ranks(roll)[0]), 1)})
        except SongError as error:
            unusable.append(error)
    if not rows:
        raise unusable[0]
    for fault in unusable:
        print(f"left out: {fault}", file=sys.stderr)
    if options.json:
        print_json(rows)
    else:
        caption = "Percentiles are among real melodies of 16 bars that the judge did not learn from."
        show_table(["file", "percentile"], [[row["file"], f"{row['percentile']:.0f}"] for row in rows], caption)
    return 0

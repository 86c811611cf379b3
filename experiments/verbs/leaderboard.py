"""Judge performers by several listeners: the champions of runs beside real songs, a Markov chain, chance and silence.

The table and a melody of each, as MIDI and sound, are written into a folder. The listener that rewarded a champion
says little about it: look at the others, at the percentile among real melodies by the held-out judge
(it needs torch), at the statistics outside the real songs' 5th to 95th percentile, and at how many steps are copied
from a song, or with --midi from the melodies that listeners learned from.
"""

import argparse
from pathlib import Path

from experiments.options import UsageError, add_catalog_options, arrange_choices, count, print_json, whole

HELP = "compare performers by several listeners"
GROUP, ORDER = "Judge", 3
EXAMPLES = (
    "kuznechik leaderboard runs/grasshopper-1",
    "kuznechik leaderboard runs/grasshopper-1 runs/grasshopper-2 --listener learned",
)
LISTENERS = ("theory", "ngram")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run_folders", nargs="*", metavar="RUN", help="run folders, whose champions take part")
    parser.add_argument(
        "--listener",
        action="append",
        metavar="NAME",
        help=f"a listener that judges; may be repeated [{', '.join(LISTENERS)}]",
    )
    add_catalog_options(parser)
    parser.add_argument(
        "--melodies",
        type=whole(1, 10_000),
        default=16,
        metavar="N",
        help="melodies of the chain and of random keys [16]",
    )
    parser.add_argument(
        "--midi",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="MIDI files that a listener was trained on, to measure what is copied from them; may be given again",
    )
    parser.add_argument(
        "--seed", type=count, default=0, metavar="N", help="seed of the chain, random keys and intervals [0]"
    )
    parser.add_argument("--out", metavar="DIR", help="folder, which must be new [runs/leaderboard-1, -2, ...]")
    parser.add_argument("--json", action="store_true", help="print a JSON object")


def run(options: argparse.Namespace) -> int:
    from experiments.config.evolve import Task
    from experiments.runs.assembly import listenable_songs
    from experiments.runs.champion import open_run
    from experiments.runs.folder import RunFolder
    from experiments.studies.leaderboard import PIECE, baselines, champion, judge, write
    from listener.registry import listener_named
    from songs.keyboard import SONG_STEPS

    names = list(dict.fromkeys(options.listener or LISTENERS))
    listeners = {name: listener_named(name) for name in names}
    songs = listenable_songs(Task(folder=options.folder or "", **arrange_choices(options)))
    songs = [song for song in songs if song.steps >= PIECE]
    if not songs:
        raise UsageError(f"{options.folder}: no song has {PIECE} steps or more")
    entries = [champion(open_run(path)) for path in options.run_folders]
    entries += baselines(songs, options.melodies, SONG_STEPS, options.seed)
    twice = [one.name for one in entries if [other.name for other in entries].count(one.name) > 1]
    if twice:
        raise UsageError(f"two performers are called {twice[0]!r}: rename a run folder")
    rows = judge(entries, listeners, songs, options.seed, _percentiles(), _trained_on(options.midi))
    folder = RunFolder.create(options.out) if options.out else RunFolder.create_numbered("runs", "leaderboard")
    write(folder, rows, entries)
    if options.json:
        print_json({"rows": rows, "folder": str(folder.path)})
    else:
        _print(rows, names, str(folder.path))
    return 0


def _percentiles():
    """Return what the held-out judge says, None without torch."""
    try:
        from listener.files import read_judge
    except ImportError:
        return None
    return read_judge().percentiles


def _trained_on(folders: list[Path]) -> list:
    """Return the rolls of the excerpts that listeners learn from."""
    if not folders:
        return []
    from listener.corpus import EXCERPT_BARS, read_corpora, rolls_of

    (corpus,) = read_corpora(folders, (EXCERPT_BARS,))
    return list(rolls_of(corpus.training.melodies))


def _interval(estimate: dict | None, digits: int = 3) -> str | None:
    if estimate is None:
        return None
    middle = estimate.get("mean", estimate.get("median"))
    if estimate["low"] is None:
        return f"{middle:.{digits}f}"
    return f"{middle:.{digits}f} ({estimate['low']:.{digits}f} to {estimate['high']:.{digits}f})"


def _print(rows: list[dict], names: list[str], folder: str) -> None:
    from experiments.tables import show_table

    lines = [
        [
            row["name"],
            row["melodies"],
            *(_interval(row["rewards"][name]) for name in names),
            _interval(row.get("percentile"), digits=0),
            len(row["outside_the_real_ones"]),
            None if row["longest_shared_run"] is None else f"{row['longest_shared_run']:.1f}",
            *([row["shared_with_training"]] if "shared_with_training" in row else []),
        ]
        for row in rows
    ]
    columns = ["performer", "melodies", *names, "judge's percentile", "statistics outside", "steps shared"]
    columns += ["with training"] * ("shared_with_training" in rows[0])
    show_table(columns, lines, f"Rewards of a step, with 95% intervals. Written: {folder}")

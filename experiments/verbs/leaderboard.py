"""Judge performers by several listeners: the champions of runs beside real songs, a Markov chain, chance and silence.

The table and a melody of each, as MIDI and sound, are written into a folder. A listener that a champion was paid by
says little about it: look at the others, at the statistics outside the real songs' 5th to 95th percentile, and at how
many steps are copied from a song.
"""

import argparse

from experiments.verbs.options import UsageError, add_catalog_options, count, positive, print_json

HELP = "judge performers by several listeners"
LISTENERS = ("theory", "ngram")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run_folders", nargs="*", metavar="RUN", help="run folders, whose champions take part")
    parser.add_argument(
        "--listener", action="append", metavar="NAME", help=f"who judges; may be repeated [{', '.join(LISTENERS)}]"
    )
    add_catalog_options(parser)
    parser.add_argument("--melodies", type=positive, default=16, metavar="N", help="of the chain and of chance [16]")
    parser.add_argument("--seed", type=count, default=0, metavar="N", help="of the chain, chance and intervals [0]")
    parser.add_argument("--out", metavar="DIR", help="folder, which must be new [runs/leaderboard-1, -2, ...]")
    parser.add_argument("--json", action="store_true", help="print a JSON object")


def run(options: argparse.Namespace) -> int:
    from experiments.assembly import open_run, playable_songs
    from experiments.config import Task
    from experiments.leaderboard import PIECE, baselines, champion, judge, write
    from experiments.run_folder import RunFolder
    from listener.registry import listener_named
    from songs.keyboard import SONG_STEPS

    names = list(dict.fromkeys(options.listener or LISTENERS))
    listeners = {name: listener_named(name) for name in names}
    songs = playable_songs(Task(folder=options.folder or "", track=options.track or ""))
    songs = [song for song in songs if song.steps >= PIECE]
    if not songs:
        raise UsageError(f"{options.folder}: no song has {PIECE} steps or more")
    entries = [champion(open_run(path)) for path in options.run_folders]
    entries += baselines(songs, options.melodies, SONG_STEPS, options.seed)
    twice = [one.name for one in entries if [other.name for other in entries].count(one.name) > 1]
    if twice:
        raise UsageError(f"two performers are called {twice[0]!r}: rename a run folder")
    rows = judge(entries, listeners, songs, options.seed)
    folder = RunFolder.create(options.out) if options.out else RunFolder.create_numbered("runs", "leaderboard")
    write(folder, rows, entries)
    if options.json:
        print_json({"rows": rows, "folder": str(folder.path)})
    else:
        _print(rows, names, str(folder.path))
    return 0


def _interval(paid: dict) -> str:
    if paid["low"] is None:
        return f"{paid['mean']:.3f}"
    return f"{paid['mean']:.3f} ({paid['low']:.3f} to {paid['high']:.3f})"


def _print(rows: list[dict], names: list[str], folder: str) -> None:
    from experiments.tables import show_table

    lines = [
        [
            row["name"],
            row["melodies"],
            *(_interval(row["paid"][name]) for name in names),
            len(row["outside_the_real_ones"]),
            None if row["longest_shared_run"] is None else f"{row['longest_shared_run']:.1f}",
        ]
        for row in rows
    ]
    columns = ["performer", "melodies", *names, "statistics outside", "steps shared"]
    show_table(columns, lines, f"Rewards of a step, with 95% intervals. Written: {folder}")

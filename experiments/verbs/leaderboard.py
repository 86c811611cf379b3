"""Judge sources by several listeners, compared with real songs, samples of models, random keys and silence.

The models are the 16-bar MusicVAE, a Markov chain, and the best of 16 draws (--draws) from the model of real melodies
and from the model of form, chosen by the first listener. Melodies on other keys or another grid are folded onto 13 keys
and eighths, with a message.

The table, a page that plays melodies of each performer, and one melody of each as MIDI and sound are written to a
folder. The listener that rewarded a champion says little about it. Look at the other listeners, at the percentile among
real melodies by the held-out judge (which needs torch), at the features outside the real songs' 5th to 95th
percentile, and at the number of steps copied from a song, or with --midi from listeners' training melodies. The Fréchet
distance from the real songs in the MusicVAE's latent space, and MusPy's metrics in leaderboard.json, are comparable
with other work.
"""

import argparse
from pathlib import Path

from experiments.options import SOURCES, add_midi, add_source_options, positive, print_json, print_lines

HELP = "compare performers by several listeners"
GROUP, ORDER = "Judge", 3
EXAMPLES = (
    "kuznechik leaderboard runs/grasshopper-1",
    "kuznechik leaderboard runs/grasshopper-1 runs/grasshopper-2 mine.mid --listener learned",
)
LISTENERS = ("theory", "ngram")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sources", nargs="*", metavar="SOURCE", help=SOURCES)
    parser.add_argument(
        "--listener",
        action="append",
        metavar="NAME",
        help=f"a listener that judges; may be repeated [{', '.join(LISTENERS)}]",
    )
    add_source_options(parser, melodies=16)
    add_midi(parser, "MIDI files that a listener was trained on, to measure what is copied from them; may be repeated")
    parser.add_argument(
        "--draws", type=positive, default=16, metavar="N", help="draws from a model for each best one [16]"
    )
    parser.add_argument("--out", metavar="DIR", help="folder, which must be new [runs/leaderboard-1, -2, ...]")
    parser.add_argument("--json", action="store_true", help="print a JSON object")


def run(options: argparse.Namespace) -> int:
    from experiments.pages.leaderboard_view import leaderboard_view
    from experiments.pages.report import write_report
    from experiments.runs.folder import RunFolder
    from experiments.runs.source import REAL, playing
    from experiments.studies.leaderboard import judge, performers, write
    from listener.registry import listener_named

    names = list(dict.fromkeys(options.listener or LISTENERS))
    listeners = {name: listener_named(name) for name in names}
    folder = RunFolder.new(options.out, "runs", "leaderboard")
    with folder.deleted_if_refused():
        trained_on = _trained_on(options.midi)
        entries = performers(options.sources, playing(options), listeners[names[0]], options.draws)
        print_lines([remark for entry in entries for remark in entry.remarks])
        songs = next(entry.songs for entry in entries if entry.name == REAL)
        rows = judge(entries, listeners, songs, options.seed, _percentiles(), trained_on)
        write(folder, rows, entries)
        page = leaderboard_view(rows, entries, options.command_line)
        write_report([], folder.file("leaderboard.html"), others=[page])
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
    from listener.corpus import EXCERPT_BARS, read_corpus, rolls_of

    corpus = read_corpus(folders, EXCERPT_BARS)
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
            None if row["frechet_distance"] is None else f"{row['frechet_distance']:.1f}",
            *([f"{row['terms_at_cap']:.0%}"] if "terms_at_cap" in row else []),
            *([row["shared_with_training"]] if "shared_with_training" in row else []),
        ]
        for row in rows
    ]
    columns = ["performer", "melodies", *names, "judge's percentile", "features outside", "steps shared"]
    columns += ["Fréchet distance"]
    columns += ["terms at cap"] * ("terms_at_cap" in rows[0])
    columns += ["with training"] * ("shared_with_training" in rows[0])
    show_table(columns, lines, f"Rewards of a step, with 95% intervals. Written: {folder}")

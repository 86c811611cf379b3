"""Make a blind listening test, human or machine, or analyse its answers.

The test is one HTML page. It plays pairs of melodies, one by a human and one by a machine, in random order and at the
same tempo; the visitor says which one is the human's and saves the answers. --analyse reads these files.
"""

import argparse
from pathlib import Path

from experiments.options import (
    SOURCES,
    UsageError,
    add_force,
    add_source_options,
    between,
    positive,
    print_json,
    print_lines,
    refuse_existing,
    whole,
)

HELP = "make a blind test, human or machine, or analyse its answers"
GROUP, ORDER = "Judge", 4
EXAMPLES = (
    "kuznechik listening-test --machine runs/grasshopper-1",
    "kuznechik listening-test --analyse answers.json --out answers.png",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--machine", nargs="+", metavar="SOURCE", help=SOURCES)
    parser.add_argument("--human", nargs="+", metavar="SOURCE", help="the same [the songs of the project]")
    parser.add_argument("--pairs", type=whole(1, 10_000), default=15, metavar="N", help="number of pairs [15]")
    parser.add_argument("--steps", type=positive, default=64, metavar="T", help="longest melody, in eighth notes [64]")
    parser.add_argument(
        "--tempo", type=between(20, 400), default=120, metavar="BPM", help="tempo of all melodies [120]"
    )
    add_source_options(parser, melodies=15)
    parser.add_argument(
        "--out", metavar="FILE", help="file of the page [listening-test.html], or of the figure of --analyse"
    )
    add_force(parser)
    parser.add_argument("--analyse", nargs="+", metavar="FILE", help="saved answers")
    parser.add_argument("--json", action="store_true", help="print the analysis as JSON")


def run(options: argparse.Namespace) -> int:
    if options.analyse:
        return _analyse(options)
    if not options.machine:
        raise UsageError("--machine is missing: run folders or MIDI files of what machines played")
    from experiments.pages.page import fill, sounds
    from experiments.runs.source import playing
    from experiments.runs.sources import read_source
    from experiments.studies.listening_test import draw_pairs, melodies_of
    from songs.catalog import default_folder
    from songs.files import free_path, write_atomically
    from songs.synth import step_seconds

    if options.out:
        refuse_existing(options, Path(options.out))
    how = playing(options)
    sides = [
        [read_source(text, how) for text in texts]
        for texts in (options.human or [str(default_folder())], options.machine)
    ]
    print_lines([remark for side in sides for source in side for remark in source.remarks])
    humans, machines = ([melody for source in side for melody in melodies_of(source, options.steps)] for side in sides)
    path = Path(options.out) if options.out else free_path(Path("listening-test.html"))
    pairs = draw_pairs(humans, machines, options.pairs, options.seed)
    test = {"name": path.stem, "seconds": step_seconds(options.tempo), "pairs": pairs}
    scripts = ("player.js", "listening_test.js")
    write_atomically(path, fill("listening_test.html", scripts, test=test, sounds=sounds()))
    print(path)
    return 0


def _analyse(options: argparse.Namespace) -> int:
    from experiments.plots.sheet import figure_paths, save
    from experiments.studies.listening_test import analyse, answers_figure, read_answers
    from experiments.tables import show_table

    if options.out:
        refuse_existing(options, *figure_paths(Path(options.out)))
    rows = analyse(read_answers(options.analyse))
    if options.out:
        save(answers_figure(rows), Path(options.out))
    if options.json:
        print_json({"groups": rows})
        return 0
    columns = ("group", "right", "answers", "share", "95% interval", "p")
    table = [
        (
            row["group"],
            row["right"],
            row["answers"],
            f"{row['share']:.2f}",
            f"{row['low']:.2f} to {row['high']:.2f}",
            f"{row['p']:.3f}",
        )
        for row in rows
    ]
    show_table(columns, table, "Guessing is right half of the time; p is the probability of such a result by guessing.")
    return 0

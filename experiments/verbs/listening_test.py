"""Make a blind listening test, or analyse its answers.

The test is one HTML page that plays pairs of melodies in random order, with the same length, tempo and sound. By
default one is by a human and one by a machine, and the participant decides which one is human. With --better both are
by machines, and the participant decides which one is better; kuznechik listener train --kind taste learns from these
answers.

The page asks about musical experience and keeps every answer in the browser at once, so that closing the page loses
nothing. The participant saves the answers as a file. --analyse reads these files; duplicate answers count once.

The two melodies of a pair differ. Machine melodies that equal a human one, or a song that their run learned, are left
out. --temperature makes the networks of runs sample, so that they play as many melodies as the test needs.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from experiments.options import (
    SOURCES,
    UsageError,
    add_force,
    add_soundfont,
    add_source_options,
    between,
    instrument_of,
    positive,
    print_json,
    print_lines,
    refuse_existing,
    whole,
)

HELP = "make a blind test (human or machine, or which is better), or analyse its answers"
GROUP, ORDER = "Judge", 4
EXAMPLES = (
    "kuznechik listening-test --machine melody",
    "kuznechik listening-test --better --machine runs/one runs/two --temperature 0.5",
    "kuznechik listening-test --analyse answers.json --out answers.png",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--machine", nargs="+", metavar="SOURCE", help=SOURCES)
    parser.add_argument("--human", nargs="+", metavar="SOURCE", help="sources by humans [the songs of the project]")
    parser.add_argument("--better", action="store_true", help="machine against machine: which is better?")
    parser.add_argument("--pairs", type=whole(1, 10_000), default=15, metavar="N", help="number of pairs [15]")
    parser.add_argument(
        "--steps", type=positive, default=64, metavar="T", help="maximum length of a melody, in eighth notes [64]"
    )
    parser.add_argument(
        "--tempo", type=between(20, 400), default=120, metavar="BPM", help="tempo of all melodies [120]"
    )
    parser.add_argument(
        "--temperature", type=between(0, 100), metavar="T", help="above 0 the networks of runs sample their keys [0]"
    )
    add_soundfont(parser)
    add_source_options(parser, melodies=15)
    parser.add_argument(
        "--out", metavar="FILE", help="the page to write [listening-test.html], or the figure of --analyse"
    )
    add_force(parser)
    parser.add_argument("--analyse", nargs="+", metavar="FILE", help="saved answers")
    parser.add_argument("--json", action="store_true", help="print the analysis as JSON")


def run(options: argparse.Namespace) -> int:
    if options.analyse:
        return _analyse(options)
    if not options.machine:
        raise UsageError("--machine is missing: give run folders, or MIDI files that machines played")
    if options.better and options.human:
        raise UsageError("--human does not go with --better, which compares machines")
    from experiments.pages.page import fill, sounds
    from experiments.studies.listening_test import BETTER, EXPERIENCE, HUMAN, make_test
    from songs.files import free_path, write_atomically
    from songs.synth import step_seconds

    if options.out:
        refuse_existing(options, Path(options.out))
    instrument = instrument_of(options)
    pairs, lines = _pairs(options)
    print_lines(lines)
    path = Path(options.out) if options.out else free_path(Path("listening-test.html"))
    test = make_test(path.stem, BETTER if options.better else HUMAN, pairs, step_seconds(options.tempo))
    scripts = ("player.js", "listening_test.js")
    page = fill("listening_test.html", scripts, test=test, experience=EXPERIENCE, sounds=sounds(instrument))
    write_atomically(path, page)
    print(path)
    return 0


def _pairs(options: argparse.Namespace) -> tuple[list[dict], list[str]]:
    """Return the pairs of a test, and remarks on what was changed or left out."""
    from experiments.runs.source import playing
    from experiments.runs.sources import read_source
    from experiments.studies.listening_test import (
        different,
        melodies_of,
        pairs_of_both,
        pairs_of_machines,
        too_few,
        without_known,
    )
    from songs.catalog import default_folder

    how = playing(options)
    texts = [] if options.better else options.human or [str(default_folder())]
    people = [read_source(text, how) for text in texts]
    sources = [source for text in options.machine for source in _sampled(text, how, options)]
    humans, machines = (
        different([melody for source in side for melody in melodies_of(source, options.steps)])
        for side in (people, sources)
    )
    songs = [melody.song for melody in humans] + _learned(options.machine)
    machines, lines = without_known(machines, songs)
    if options.better:
        pairs = pairs_of_machines(machines, options.pairs, options.seed)
    else:
        pairs = pairs_of_both(humans, machines, options.pairs, options.seed)
    lines = [*(remark for source in people + sources for remark in source.remarks), *lines]
    return pairs, list(dict.fromkeys([*lines, *too_few(machines, len(pairs), options.pairs)]))


def _sampled(text: str, how: Any, options: argparse.Namespace) -> list[Any]:
    """Return the sources that a text names; a run whose networks sample is read several times, with different seeds."""
    from experiments.runs.sources import is_run, read_source

    if not options.temperature or not is_run(text):
        return [read_source(text, how)]
    warm = replace(how, temperature=options.temperature)
    source = read_source(text, warm)
    if source.sampled:
        return [source]
    times = -(-options.pairs // len(source.songs))
    return [source, *(read_source(text, replace(warm, seed=how.seed + number)) for number in range(1, times))]


def _learned(texts: Sequence[str]) -> list[Any]:
    """Return the songs that runs of evolution and Q-learning learned."""
    from experiments.runs.champion import open_run
    from experiments.runs.folder import RunFolder
    from experiments.runs.lifecycle import name_of_kind
    from experiments.runs.sources import is_run

    runs = [text for text in texts if is_run(text)]
    return [song for text in runs if name_of_kind(RunFolder.open(text)) != "vae" for song in open_run(text).songs]


def _analyse(options: argparse.Namespace) -> int:
    from experiments.plots.sheet import figure_paths, save
    from experiments.studies.listening_answers import analyse, answers_figure, read_answers
    from experiments.tables import show_table

    if options.out:
        refuse_existing(options, *figure_paths(Path(options.out)))
    rows = analyse(read_answers(options.analyse))
    if options.out:
        save(answers_figure(rows), Path(options.out))
    if options.json:
        print_json({"rows": rows})
        return 0
    table = [
        (
            row["question"],
            row["by"],
            row["name"],
            row["right"],
            row["answers"],
            f"{row['share']:.2f}",
            f"{row['low']:.2f} to {row['high']:.2f}",
            f"{row['p']:.3f}",
        )
        for row in rows
    ]
    columns = ("question", "by", "name", "right", "answers", "share", "95% interval", "p")
    show_table(
        columns,
        table,
        "Guessing is right half of the time; p is the probability of such a result by guessing. For the question which "
        "is better, right counts how often a group was preferred to others, or the first melody of a pair to the "
        "second.",
    )
    return 0

"""`kuznechik listener audit`: tables and a figure of what a listener notices and what fools it."""

import argparse
import json
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from experiments.listening.card import tables
from experiments.listening.model_files import write_card
from experiments.listening.progress import progress
from experiments.options import UsageError, print_json, refuse_existing
from listener.audit import AuditOptions, in_chunks
from listener.audit import audit as measure
from listener.corpus import SONG_BARS, Excerpts, cut, moved, read_corpus, read_pieces
from listener.judging import percentile
from listener.listener import Listener
from listener.red_team import total
from listener.registry import listener_named, trained_file
from songs.catalog import default_folder

FILES = ("audit.json", "audit.md", "audit.png")


def audit(options: argparse.Namespace, sources: Mapping[str, np.ndarray]) -> int:
    """Run the action; `sources` are rolls (N, 128, K) by name, to rank among the real melodies."""
    begun = time.process_time()
    path = trained_file(options.listener)
    if options.card and path is None:
        raise UsageError(f"{options.listener}: only a trained listener has a card")
    if options.out:
        refuse_existing(options, *(options.out / name for name in FILES))
    listener = listener_named(options.listener)
    with progress() as report:
        real, known = _melodies(options, lambda *done: report("reading", *done))
        size = AuditOptions(islands=options.islands, generations=options.generations, seed=options.seed)
        if options.quick:
            size = AuditOptions.quick(options.seed)
        results = measure(listener, real, known, size, report)
        results["sources"] = ranked(listener, moved(real.melodies, np.random.default_rng(options.seed)), sources)
    results = {
        "listener": options.listener,
        "data": [folder.resolve().name for folder in options.midi] or ["the songs of the project"],
        "held out": bool(options.midi) and not options.all,
        "command": _command(options),
        "cpu_seconds": round(time.process_time() - begun, 1),
        **results,
    }
    if options.out:
        _write(results, options.out)
    if options.card and path is not None:
        write_card(path, results)
    if options.json:
        print_json(results)
    else:
        print(tables(results))
    return 0


def ranked(listener: Listener, real: np.ndarray, sources: Mapping[str, np.ndarray]) -> dict[str, dict]:
    """Return the percentiles of sources' rolls among real melodies (N, T) according to a listener, by source."""
    scores, ranks = in_chunks(total(listener))(real), {}
    for name, rolls in sources.items():
        each = percentile(scores, listener.rewards(rolls).sum(axis=1, dtype=np.float64))
        ranks[name] = {"melodies": len(rolls), "median": float(np.median(each)), "highest": float(each.max())}
    return ranks


def _command(options: argparse.Namespace) -> str:
    """Return the command, with folders by name only."""
    folders = [f"--midi {folder.resolve().name}" for folder in options.midi] + ["--all"] * options.all
    size = "--quick" if options.quick else f"--generations {options.generations} --islands {options.islands}"
    seed = f"--seed {options.seed}"
    return " ".join(["kuznechik listener audit", options.listener, *options.sources, *folders, size, seed])


def _melodies(options: argparse.Namespace, report) -> tuple[Excerpts, np.ndarray]:
    """Return the real melodies, and those that Markov chains learn from."""
    if options.midi and not options.all:
        corpus = read_corpus(options.midi, SONG_BARS, report)
        return corpus.test, corpus.training.melodies
    pieces = read_pieces(options.midi or [default_folder()], report)
    real = cut(pieces, SONG_BARS)
    if not len(real):
        raise UsageError(f"no melody of {len(pieces)} has {SONG_BARS} bars of 4/4 that fit on 13 keys")
    return real, real.melodies


def _write(results: dict, folder: Path) -> None:
    from experiments.figures import write_figure
    from experiments.listening.figure import figure
    from songs.files import write_atomically

    data, text, drawing = (folder / name for name in FILES)
    write_atomically(data, json.dumps(results, indent=1) + "\n")
    write_atomically(text, tables(results) + "\n")
    write_figure(figure(results), drawing, 110)

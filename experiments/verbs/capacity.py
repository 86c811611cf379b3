"""Measure how many songs one network can hold: evolve one for each number of songs and play all songs free running.

Melodies come from MIDI files, also in subfolders. Long pieces are cut into songs of 16 bars and transposed onto the 13
keys, or --keys of them. The networks come from cooperative per-key evolution, which looks at inputs and targets; this
is not plain NEAT. Ctrl-C keeps the finished rows.
"""

import argparse
import sys
from functools import partial

from experiments.options import add_arrange_options, arrange_options, count, positive, print_json

HELP = "measure how many songs one network can hold"
GROUP, ORDER = "Study", 3
EXAMPLES = (
    "kuznechik capacity --songs 10,30",
    "kuznechik capacity --midi nottingham --prompt-noise 0.05 --wrong-notes 104",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--midi", nargs="+", default=[], metavar="PATH", help="MIDI files, or folders [the songs of the project]"
    )
    add_arrange_options(parser)
    parser.add_argument(
        "--songs",
        type=_numbers,
        default=[10, 30, 100, 300, 1000],
        metavar="N,N,...",
        help="numbers of songs to try [10,30,100,300,1000]",
    )
    parser.add_argument("--prompt", type=positive, default=8, metavar="P", help="steps given at the start [8]")
    parser.add_argument("--memory", type=positive, default=128, metavar="M", help="steps remembered [128]")
    parser.add_argument("--seed", type=count, default=0, metavar="N", help="the same seed gives the same networks [0]")
    parser.add_argument(
        "--prompt-noise", type=_share, default=0.0, metavar="X", help="probability of a wrong cell in noisy prompts [0]"
    )
    parser.add_argument("--copies", type=positive, default=60, metavar="N", help="noisy copies of each song [60]")
    parser.add_argument(
        "--wrong-notes", type=count, default=0, metavar="N", help="play N prompts of each song with one wrong note [0]"
    )
    parser.add_argument("--out", metavar="DIR", help="folder for summary.json and capacity.png [runs/capacity-1, ...]")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")


def _numbers(text: str) -> list[int]:
    return sorted({positive(part) for part in text.split(",")})


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text}: it must be 0 to 1")
    return share


def run(options: argparse.Namespace) -> int:
    from experiments.listening.progress import progress
    from experiments.runs.folder import RunFolder
    from experiments.runs.interrupt import deferred_interrupt
    from experiments.studies.capacity import Setting, draw, measure, summarise
    from experiments.studies.capacity_songs import collect, midi_paths
    from songs.song import SongError

    setting = Setting(
        options.memory, options.prompt, options.seed, options.prompt_noise, options.copies, options.wrong_notes
    )
    paths = midi_paths(options.midi)
    melodies = collect(paths, setting.memory, setting.prompt, options.songs[-1], setting.seed, arrange_options(options))
    songs = [song for song in melodies.songs if song.steps > setting.prompt]
    if not songs:
        reasons = _listed(melodies.left_out)
        raise SongError(f"none of {len(paths)} MIDI files has 8 bars that fit on the keyboard; left out: {reasons}")
    sizes = sorted({min(size, len(songs)) for size in options.songs})
    folder = RunFolder.new(options.out, "runs", "capacity")
    notes = [f"{len(songs)} songs of {len(paths)} MIDI files; left out: " + _listed(melodies.left_out)]
    if len(songs) < options.songs[-1]:
        notes.append(f"{options.songs[-1]} songs were requested, but only {len(songs)} were found")
    print(*notes, sep="\n", file=sys.stderr)
    rows = []
    with deferred_interrupt() as interrupt, progress() as report:
        for size in sizes:
            stage = f"correct steps of {size} songs"
            row = measure(songs[:size], setting, partial(report, stage), lambda: interrupt.requested)
            if row is None:
                break
            rows.append(row)
            print(f"{row.whole} of {row.songs} songs whole, {row.cpu_seconds:.1f} CPU seconds", file=sys.stderr)
            folder.write_json("summary.json", summarise(rows, setting, melodies.left_out))
            draw(rows, setting, folder.path / "capacity.png")
    summary = summarise(rows, setting, melodies.left_out)
    if options.json:
        print_json({**summary, "folder": str(folder.path)})
    else:
        _print_table(rows, summary, folder)
    return 0 if len(rows) == len(sizes) else 130


def _listed(left_out: dict[str, int]) -> str:
    return ", ".join(f"{number} ({reason})" for reason, number in sorted(left_out.items())) or "none"


def _print_table(rows: list, summary: dict, folder) -> None:
    from experiments.tables import show_table

    columns = ["songs", "whole", "AND nodes", "connections", "after pruning", "CPU seconds"]
    cells = [
        [row.songs, row.whole, row.hidden, row.connections_before, row.connections, f"{row.cpu_seconds:.1f}"]
        for row in rows
    ]
    if any(row.whole_after_wrong_note is not None for row in rows):
        columns.append("whole after a wrong note")
        for line, row in zip(cells, rows, strict=True):
            line.append(f"{row.whole_after_wrong_note:.1%}")
    exponents = summary["growth_exponents"]
    grows = ", ".join(
        f"{name.replace('cpu', 'CPU').replace('_', ' ')} as songs^{value:.2f}" for name, value in exponents.items()
    )
    between = f" from {rows[-2].songs} to {rows[-1].songs} songs" if len(rows) > 1 else ""
    caption = (
        f"Growth{between}: {grows}. " if grows else ""
    ) + f"Search: {summary['search']}. Written to {folder.path}"
    show_table(columns, cells, caption)

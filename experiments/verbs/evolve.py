"""Evolve a network that plays a song: NEAT through neat-python's Population.

All that comes of it is kept in a run folder. Ctrl-C ends a run early and keeps what there is; --resume goes
on to the same result as if it had never stopped. Operators beyond plain NEAT (modular crossover, focus,
boost) are on by default and are named in the summary; --config plain-neat switches them off.
"""

import argparse
import shlex
import sys
from pathlib import Path

from experiments.verbs.options import add_catalog_options, count, print_json, refuse

HELP = "evolve a network that plays a song"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("song", nargs="?", metavar="SONG", help="name in the catalogue or .mid file [grasshopper]")
    add_catalog_options(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--each", action="store_true", help="evolve one network for each song of the catalogue")
    which.add_argument("--together", action="store_true", help="evolve one network for all songs of the catalogue")
    which.add_argument("--resume", metavar="RUN", help="go on with a run from its last checkpoint")
    parser.add_argument("--config", metavar="FILE", help="TOML file or name of a preset (xor, plain-neat)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change one option: evolve.population_size=300"
    )
    parser.add_argument("--memory", type=int, metavar="M", help="steps remembered [what the song needs, at least 32]")
    parser.add_argument("--prompt", type=int, metavar="P", help="steps at the start that are given [8]")
    parser.add_argument("--seed", type=int, metavar="N", help="the same seed gives the same run [0]")
    parser.add_argument("--out", metavar="DIR", help="run folder, which must be new [runs/SONG-1, -2, ...]")
    parser.add_argument(
        "--checkpoint-every", type=count, default=50, metavar="N", help="generations between checkpoints; 0: none [50]"
    )
    parser.add_argument("--plot", action="store_true", help="draw the pictures at the end, like `kuznechik plot`")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")


def run(options: argparse.Namespace) -> int:
    from experiments.assembly import resolve
    from experiments.evolution_run import evolve, resume
    from experiments.progress import EvolutionProgress
    from experiments.run_folder import RunFolder

    if options.each:
        return _run_each(options)
    progress = EvolutionProgress(quiet=options.json)
    if options.resume:
        refuse(options, "--resume", ("song", "folder", "track", "config", "memory", "prompt", "seed", "out"))
        folder = RunFolder.open(options.resume)
        with progress:
            summary, warnings = resume(folder, options.set, progress, options.checkpoint_every)
        for warning in warnings:
            print(f"kuznechik: {warning}; resumed from the checkpoint before it", file=sys.stderr)
    else:
        config, songs = resolve(_config(options))
        name = "together" if config.task.together else songs[0].name if songs else config.task.kind
        folder = RunFolder.create(options.out) if options.out else RunFolder.create_numbered("runs", name)
        with progress:
            summary = evolve(config, folder, songs, options.command_line, progress, options.checkpoint_every)
    if options.plot and summary["generations"]:
        from experiments.plot import plot_run

        plot_run(folder)
    if options.json:
        print_json({**summary, "run": str(folder.path)})
    else:
        _print_summary(summary, folder.path)
    return 130 if summary["stopped"] == "interrupted" else 0


def _config(options: argparse.Namespace):
    """Return the configuration that the command line asks for."""
    from experiments.config import EvolveConfig

    config = EvolveConfig.load(options.config)
    flags = {"task": ("song", "folder", "track", "memory", "prompt"), "evolve": ("seed",)}
    for section, names in flags.items():
        given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
        config = config.change(section, **given)
    if options.together:
        config = config.change("task", together=True)
    for setting in options.set:
        config = config.apply(setting)
    return config


def _print_summary(summary: dict, folder: Path) -> None:
    ending = {"solved": "Solved", "budget": "Budget used", "interrupted": "Interrupted"}[summary["stopped"]]
    beside = []
    if summary["songs"]:
        beside.append(f"always resting: {summary['always_rest']}")
    if summary["ceiling"] < summary["cases"]:
        beside.append(f"the most that one network can: {summary['ceiling']}")
    print(
        f"{ending} after {summary['generations']} generations, {summary['evaluations']} evaluations, "
        f"{summary['cpu_seconds']:.1f} CPU seconds."
    )
    print(
        f"{summary['right_teacher_forced']} of {summary['cases']} {'steps' if summary['songs'] else 'cases'} right"
        + (f" ({'; '.join(beside)})" if beside else "")
        + f". Search: {summary['algorithm']}"
        + (f" with {', '.join(summary['operators'])}." if summary["operators"] else ", plain.")
    )
    print("Written:", *(f"  {path}" for path in sorted(folder.rglob("*")) if path.is_file()), sep="\n")
    verbs = "score|plot|play" if summary["songs"] else "score|plot"
    print(f"Next: kuznechik {verbs} {shlex.quote(str(folder))}")


def _run_each(options: argparse.Namespace) -> int:
    """Evolve one network for each song of the catalogue, each in a run folder of its own."""
    from experiments.assembly import playable_songs, resolve
    from experiments.evolution_run import evolve
    from experiments.progress import EvolutionProgress
    from experiments.run_folder import RunFolder

    config = _config(options)
    found = playable_songs(config.task)
    parent = RunFolder.create(options.out) if options.out else RunFolder.create_numbered("runs", "each")
    summaries = []
    for song in found:
        own, songs = resolve(config.change("task", song=song.name))
        folder = RunFolder.create(parent.path / song.name)
        with EvolutionProgress(quiet=options.json) as progress:
            summary = evolve(own, folder, songs, options.command_line, progress, options.checkpoint_every)
        summaries.append({**summary, "run": str(folder.path)})
        parent.write_json("summaries.json", {"runs": summaries})
        if summary["stopped"] == "interrupted":
            break
    if options.json:
        print_json(summaries)
    else:
        _print_table(summaries, parent.path)
    return 130 if summaries[-1]["stopped"] == "interrupted" else 0


def _print_table(summaries: list[dict], folder: Path) -> None:
    from experiments.tables import show_table

    columns = ("song", "memory", "solved", "right_teacher_forced", "cases", "always_rest", "evaluations", "connections")
    rows = [[*(summary[column] for column in columns), f"{summary['cpu_seconds']:.1f}"] for summary in summaries]
    solved, cpu = sum(one["solved"] for one in summaries), sum(one["cpu_seconds"] for one in summaries)
    caption = f"{solved} of {len(summaries)} songs solved in {cpu:.1f} CPU seconds. The runs are in {folder}"
    show_table([*(column.replace("_", " ") for column in columns), "CPU seconds"], rows, caption)

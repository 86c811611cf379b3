"""Evolve a network that plays a song: NEAT through neat-python's Population.

All that comes of it is kept in a run folder. Ctrl-C ends a run early and keeps what there is; --resume goes
on to the same result as if it had never stopped. Operators beyond plain NEAT (modular crossover, focus,
boost) are on by default and are named in the summary; --config plain-neat switches them off.

With --listener no song is learned: networks go on alone from the beginning of the song, and a listener pays for what
they play; operators that need a loss of every output are off (--config improvise, which --listener takes by itself).
--prompt 0 begins from nothing; --set improvise.starts=8 has a network judged by what it makes of eight songs'
beginnings. With --mode-bit the song is learned first; then the same network learns to improvise when its mode is 0,
behind gates that its mode 1 shuts.
"""

import argparse
import shlex
import sys
from pathlib import Path

from experiments.verbs.options import (
    MOST_PROCESSES,
    UsageError,
    add_catalog_options,
    add_tensorboard,
    count,
    print_json,
    refuse,
    require,
    whole,
)

HELP = "evolve a network that plays a song"
PRESETS = "improvise, many-songs, plain-neat, xor"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("song", nargs="?", metavar="SONG", help="name in the catalogue or .mid file [grasshopper]")
    add_catalog_options(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--each", action="store_true", help="evolve one network for each song of the catalogue")
    which.add_argument("--together", action="store_true", help="evolve one network for all songs of the catalogue")
    which.add_argument("--resume", metavar="RUN", help="go on with a run from its last checkpoint")
    parser.add_argument("--config", metavar="FILE", help=f"TOML file or name of a preset ({PRESETS})")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change one option: evolve.population_size=300"
    )
    parser.add_argument("--memory", type=count, metavar="M", help="steps remembered [what the song needs, at least 32]")
    parser.add_argument("--prompt", type=count, metavar="P", help="steps at the start that are given [8]")
    parser.add_argument(
        "--listener", metavar="NAME", help="improvise for a listener: theory, or a sum such as ngram=1,theory=.5"
    )
    parser.add_argument(
        "--mode-bit", action="store_true", help="with --listener: one network that learns the song and improvises, too"
    )
    parser.add_argument("--seed", type=count, metavar="N", help="the same seed gives the same run [0]")
    parser.add_argument("--out", metavar="DIR", help="run folder, which must be new [runs/SONG-1, -2, ...]")
    parser.add_argument(
        "--checkpoint-every", type=count, default=50, metavar="N", help="generations between checkpoints; 0: none [50]"
    )
    parser.add_argument(
        "--workers", type=whole(0, MOST_PROCESSES), default=0, metavar="N", help="processes that evaluate; 0: none [0]"
    )
    parser.add_argument("--backend", choices=("process", "ray"), default="process", help="kind of workers [process]")
    parser.add_argument("--ray-address", metavar="HOST:PORT", help="a Ray cluster [one of its own on this machine]")
    add_tensorboard(parser)
    parser.add_argument("--plot", action="store_true", help="draw the pictures at the end, like `kuznechik plot`")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")


def run(options: argparse.Namespace) -> int:
    from experiments.runs.assembly import resolve
    from experiments.runs.callback import watching
    from experiments.runs.evolve import evolve, resume
    from experiments.runs.folder import RunFolder
    from experiments.runs.progress import EvolutionProgress

    if options.tensorboard:
        require("tensorboard", extra="tensorboard", what="--tensorboard")
    for flag in ("each", "together"):
        if getattr(options, flag):
            refuse(options, f"--{flag}", ("song",))
    if options.each:
        return _run_each(options)
    progress, keep = EvolutionProgress(quiet=options.json), _keep(options)
    if options.resume:
        fixed = ("song", "folder", "track", "config", "memory", "prompt", "listener", "mode_bit", "seed", "out")
        refuse(options, "--resume", fixed)
        folder = RunFolder.open(options.resume)
        with folder.writing(), progress, watching(folder, options.tensorboard) as watch:
            summary, warnings = resume(folder, options.set, progress, **keep, watch=watch)
        for warning in warnings:
            print(f"kuznechik: {warning}", file=sys.stderr)
    else:
        config, songs = resolve(_config(options))
        name = "together" if config.task.together else songs[0].name if songs else config.task.kind
        folder = RunFolder.create(options.out) if options.out else RunFolder.create_numbered("runs", name)
        with folder.writing(), progress, watching(folder, options.tensorboard) as watch:
            summary = evolve(config, folder, songs, options.command_line, progress, **keep, watch=watch)
    if options.plot:
        _plot(folder.path, summary)
    if options.json:
        print_json({**summary, "run": str(folder.path)})
    else:
        _print_summary(summary, folder.path)
    return 130 if summary["stopped"] == "interrupted" else 0


def _keep(options: argparse.Namespace) -> dict:
    """Return the options that change how a run is done and not what comes of it."""
    from agents.neat.workers import WorkerOptions

    workers = WorkerOptions(options.workers, options.backend == "ray", options.ray_address)
    return {"checkpoint_every": options.checkpoint_every, "workers": workers}


def _config(options: argparse.Namespace):
    """Return the configuration that the command line asks for."""
    from experiments.config.evolve import EvolveConfig

    improvises = options.listener and not options.mode_bit
    config = EvolveConfig.load(options.config or ("improvise" if improvises else None))
    flags = {"task": ("song", "folder", "track", "memory", "prompt"), "improvise": ("listener",), "evolve": ("seed",)}
    for section, names in flags.items():
        given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
        config = config.change(section, **given)
    if options.together:
        config = config.change("task", together=True)
    if options.mode_bit:
        config = config.change("task", mode_bit=True)
    for setting in options.set:
        config = config.apply(setting)
    if config.task.kind == "xor":
        refuse(options, "task.kind = 'xor'", ("song", "folder", "track", "memory", "prompt", "each", "together"))
    return config


def _plot(folder: Path, summary: dict) -> None:
    """Draw a run in which anything was evaluated."""
    if summary["generations"]:
        from experiments.plots.run import plot_run
        from experiments.runs.folder import RunFolder

        plot_run(RunFolder(folder))


def _print_summary(summary: dict, folder: Path) -> None:
    from experiments.config.evolve import EvolveConfig
    from experiments.runs.assembly import read_config
    from experiments.runs.folder import RunFolder

    ending = {"solved": "Solved", "budget": "Budget used", "interrupted": "Interrupted"}[summary["stopped"]]
    print(
        f"{ending} after {summary['generations']} generations, {summary['evaluations']} evaluations, "
        f"{summary['cpu_seconds']:.1f} CPU seconds."
    )
    if summary["ceiling"] is not None:
        _print_learned(summary)
    if "listener" in summary:
        _print_improvisation(summary)
    print("Written:", *(f"  {path}" for path in sorted(folder.rglob("*")) if path.is_file()), sep="\n")
    recurrent = read_config(RunFolder(folder), EvolveConfig).genome.recurrent
    page = "" if recurrent else "|duet"  # a recurrent network remembers by itself, which a page cannot
    verbs = f"score|plot|play|report{page}" if summary["songs"] else "score|plot|report"
    print(f"Next: kuznechik {verbs} {shlex.quote(str(folder))}")


def _print_improvisation(summary: dict) -> None:
    if "reward_a_step" in summary:
        paid = summary["baselines_a_step"].items()
        print(
            f"The listener {summary['listener']} pays the champion {summary['reward_a_step']:.3f} a step "
            f"({', '.join(f'{name} {value:.3f}' for name, value in paid)}; the most there can be is not known). "
            f"From {len(summary['starts'])} starts it plays {summary['different_rolls']} different rolls."
        )
    if summary["ceiling"] is None:
        print(f"Search: {summary['search']}.")


def _print_learned(summary: dict) -> None:
    beside = []
    if summary["songs"]:
        beside.append(f"always resting: {summary['always_rest']}")
    if summary["ceiling"] < summary["cases"]:
        beside.append(f"the most that one network can: {summary['ceiling']}")
    print(
        f"{summary['right_teacher_forced']} of {summary['cases']} {'steps' if summary['songs'] else 'cases'} right"
        + (f" ({'; '.join(beside)})" if beside else "")
        + f". Search: {summary['search']}."
    )
    for name, best in summary.get("ambiguous", {}).items():
        print(
            f"{name}: {best['most_right']} of {best['steps']} at most; elsewhere the same memory goes on differently."
        )
    gain = summary.get("gain_of_workers")
    if gain is not None and gain < 1:
        print(f"The workers evaluated {gain:.2f} times as fast as one process alone: at this size they do not pay.")


def _run_each(options: argparse.Namespace) -> int:
    """Evolve one network for each song of the catalogue, each in a run folder of its own."""
    from experiments.runs.assembly import playable_songs, resolve
    from experiments.runs.callback import watching
    from experiments.runs.evolve import evolve
    from experiments.runs.folder import RunFolder
    from experiments.runs.progress import EvolutionProgress

    config = _config(options)
    if config.improvise.listener:
        raise UsageError("--each learns songs: improvise with one run for each song")
    tasks = [config.change("task", song=song.name, together=False) for song in playable_songs(config.task)]
    resolved = [resolve(task) for task in tasks]  # an error comes before any song is evolved
    parent = RunFolder.create(options.out) if options.out else RunFolder.create_numbered("runs", "each")
    summaries = []
    for own, songs in resolved:
        folder = RunFolder.create(parent.path / songs[0].name)
        with EvolutionProgress(quiet=options.json) as progress, watching(folder, options.tensorboard) as watch:
            summary = evolve(own, folder, songs, options.command_line, progress, **_keep(options), watch=watch)
        if options.plot:
            _plot(folder.path, summary)
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

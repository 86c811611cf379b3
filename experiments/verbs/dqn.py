"""Learn to play songs by deep Q-learning.

There are two regimes. The preset bandit: the memory holds the song whatever is played (teacher forcing), every key is
paid for itself, and nothing later counts (gamma 0), which is close to supervised learning. The preset episodic, the
honest way: the memory holds what was played, the first mistake ends the episode, and all that is told of a step is
whether all of it was right. What is scored and kept is the greedy player, which never explores.

All that comes of it is kept in a run folder. Ctrl-C ends a run early and keeps what there is; --resume goes on to the
same result as if it had never stopped.
"""

import argparse
import shlex
import sys
from pathlib import Path

from experiments.verbs.options import (
    UsageError,
    add_catalog_options,
    add_tensorboard,
    between,
    count,
    positive,
    print_json,
    refuse,
    require,
)

HELP = "learn to play songs by deep Q-learning (needs torch)"
PRESETS = ("bandit", "episodic", "improvisation", "prior")
REGIMES = (
    "bandit (close to supervised learning), episodic, or for a listener improvisation, prior (beside a model of real "
    "melodies) [bandit; with --listener improvisation, if it has learned in it prior]"
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "song", nargs="*", metavar="SONG", help="names in the catalogue or .mid files [grasshopper; with --folder: all]"
    )
    add_catalog_options(parser)
    parser.add_argument("--together", action="store_true", help="learn all songs of the catalogue in one network")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--preset", choices=PRESETS, help=REGIMES)
    which.add_argument("--config", metavar="FILE", help="TOML file with the options of a run")
    which.add_argument("--resume", metavar="RUN", help="go on with a run from its last checkpoint")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change one option: dqn.gamma=0.9"
    )
    parser.add_argument("--memory", type=positive, metavar="M", help="steps remembered [what they need, at least 32]")
    parser.add_argument("--prompt", type=count, metavar="P", help="steps at the start that are given [8]")
    parser.add_argument(
        "--random-start", type=between(0, 1), metavar="P", help="chance that an episode begins anywhere in the song [0]"
    )
    parser.add_argument(
        "--listener", metavar="NAME", help="improvise for a listener: theory, or a sum such as ngram=1,theory=.5"
    )
    parser.add_argument("--seed", type=count, metavar="N", help="the same seed gives the same run [0]")
    parser.add_argument("--out", metavar="DIR", help="run folder, which must be new [runs/SONG-1, -2, ...]")
    parser.add_argument(
        "--checkpoint-every",
        type=count,
        default=10_000,
        metavar="N",
        help="environment steps between checkpoints; 0: none [10000]",
    )
    add_tensorboard(parser)
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")


def run(options: argparse.Namespace) -> int:
    require("torch", "safetensors", extra="torch", what="kuznechik dqn")
    if options.tensorboard:
        require("tensorboard", extra="tensorboard", what="--tensorboard")
    from experiments.runs.callback import watching
    from experiments.runs.dqn import resolve_dqn, resume, train
    from experiments.runs.folder import RunFolder
    from experiments.runs.progress import DqnProgress

    progress, every = DqnProgress(quiet=options.json), options.checkpoint_every
    if options.resume:
        options.song = options.song or None
        fixed = ("song", "folder", "track", "together", "memory", "prompt", "random_start", "listener", "seed", "out")
        refuse(options, "--resume", fixed)
        folder = RunFolder.open(options.resume)
        with folder.writing(), progress, watching(folder, options.tensorboard) as watch:
            summary, warnings = resume(folder, options.set, progress, every, watch=watch)
        for warning in warnings:
            print(f"kuznechik: {warning}; resumed from the checkpoint before it", file=sys.stderr)
    else:
        config, songs = resolve_dqn(_config(options))
        folder = RunFolder.create(options.out) if options.out else RunFolder.create_numbered("runs", _name(songs))
        with folder.writing(), progress, watching(folder, options.tensorboard) as watch:
            summary = train(config, folder, songs, options.command_line, progress, every, watch=watch)
    if options.json:
        print_json({**summary, "run": str(folder.path)})
    else:
        _print_summary(summary, folder.path)
    return 130 if summary["stopped"] == "interrupted" else 0


def _config(options: argparse.Namespace):
    """Return the configuration that the command line asks for."""
    from experiments.config.dqn import DqnConfig

    config = DqnConfig.load(options.preset or options.config or _preset_for(options.listener))
    flags = {
        "task": ("folder", "track", "memory", "prompt"),
        "environment": ("random_start", "listener"),
        "dqn": ("seed",),
    }
    for section, names in flags.items():
        given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
        config = config.change(section, **given)
    if options.song:
        if options.together:
            raise UsageError("SONG does not go with --together")
        config = config.change("task", song=", ".join(options.song))
    elif options.together or options.folder:
        config = config.change("task", together=True)
    for setting in options.set:
        config = config.apply(setting)
    return config


def _preset_for(listener: str | None) -> str | None:
    """Return the preset for a listener: what is trained on real music pays at bar lines alone, and needs a prior."""
    if not listener:
        return None
    return "prior" if "learned" in listener else "improvisation"


def _name(songs: list) -> str:
    return songs[0].name if len(songs) == 1 else "together"


def _print_summary(summary: dict, folder: Path) -> None:
    from experiments.config.dqn import DqnConfig
    from experiments.runs.assembly import read_config
    from experiments.runs.folder import RunFolder

    ending = {"solved": "Solved", "budget": "Budget used", "interrupted": "Interrupted"}[summary["stopped"]]
    print(
        f"{ending} after {summary['steps']} environment steps, {summary['updates']} updates, "
        f"{summary['cpu_seconds']:.1f} CPU seconds."
    )
    if summary["greedy_reward"] is not None:
        print(f"The listener pays the champion {summary['greedy_reward']:.3f} a step. Regime: {summary['regime']}.")
    else:
        _print_learned(summary)
    print("Written:", *(f"  {path}" for path in sorted(folder.rglob("*")) if path.is_file()), sep="\n")
    config = read_config(RunFolder(folder), DqnConfig)
    verbs = "score|plot|play|report" if config.prior.decides else "score|plot|play|report|duet"  # a page has no prior
    print(f"Next: kuznechik {verbs} {shlex.quote(str(folder))}")


def _print_learned(summary: dict) -> None:
    print(
        f"{summary['right_teacher_forced']} of {summary['cases']} steps right, {summary['right_free_running']} free "
        f"running (always resting: {summary['always_rest']}; the most that one network can: {summary['ceiling']}). "
        f"{summary['whole_songs']} of {summary['songs']} songs whole. Regime: {summary['regime']}."
    )

"""Learn to play songs by deep Q-learning.

There are two regimes. In the preset bandit, the memory holds the song whatever is played (teacher forcing), every key
has its own reward, and later rewards do not count (gamma 0); this is close to supervised learning. In the preset
episodic, the honest one, the memory holds what was played, the first mistake ends the episode, and the reward of a step
is only whether all its keys were right. The greedy player, which never explores, is scored and kept.

The results are written to a run folder. Ctrl-C ends a run early and keeps the best so far; --resume continues it to the
same result as if it had never stopped.
"""

import argparse
from typing import Any

from experiments.command import ENDINGS, add_origin, add_run_options, begin_or_resume, configured, finish, next_commands
from experiments.options import (
    ARRANGE_OPTIONS,
    UsageError,
    add_catalog_options,
    arrange_choices,
    between,
    count,
    positive,
    print_lines,
    require,
)

HELP = "learn to play songs by deep Q-learning (needs torch)"
GROUP, ORDER = "Learn", 2
EXAMPLES = (
    "kuznechik dqn grasshopper",
    "kuznechik dqn grasshopper --preset episodic --random-start 0.9",
)
PRESETS = ("bandit", "episodic", "improvisation", "prior")
REGIMES = (
    "bandit (close to supervised learning), episodic, or for a listener improvisation or prior (along with a model of "
    "real melodies) [bandit; with --listener: prior if it contains learned, vae or taste, else improvisation]"
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "song", nargs="*", metavar="SONG", help="names in the catalogue or .mid files [grasshopper; with --folder: all]"
    )
    add_catalog_options(parser)
    parser.add_argument("--together", action="store_true", help="learn all songs of the catalogue with one network")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--preset", choices=PRESETS, help=REGIMES)
    which.add_argument("--config", metavar="FILE", help="TOML file with the options of a run")
    parser.add_argument(
        "--memory", type=positive, metavar="M", help="steps remembered [as the songs need, at least four bars]"
    )
    parser.add_argument("--prompt", type=count, metavar="P", help="steps given at the start [one bar]")
    parser.add_argument(
        "--random-start",
        type=between(0, 1),
        metavar="P",
        help="probability that an episode starts at a random step of the song [0]",
    )
    parser.add_argument(
        "--listener",
        metavar="NAME",
        help="improvise for a listener: theory, a sum such as ngram=1,theory=.5, or your own, mine.py:Class",
    )
    add_origin(parser, "start from the network of a run's champion")
    parser.add_argument(
        "--mode-bit",
        action="store_true",
        help="with --listener: learn the song (mode 1), then learn to improvise along with a prior (mode 0)",
    )
    add_run_options(parser, "dqn", "dqn.gamma=0.9", "10000 environment steps")


FIXED = (
    *ARRANGE_OPTIONS,
    "song",
    "folder",
    "together",
    "preset",
    "config",
    "memory",
    "prompt",
    "random_start",
    "listener",
    "from",
    "mode_bit",
)


def run(options: argparse.Namespace) -> int:
    require("torch", extra="torch", what="kuznechik dqn")
    from experiments.runs.assembly import what_was_changed
    from experiments.runs.dqn.kind import resolve_dqn
    from experiments.runs.dqn.parts import dqn_origin

    options.song = options.song or None

    def resolved() -> tuple[Any, Any, str]:
        config, songs = resolve_dqn(_config(options))
        print_lines(what_was_changed(config.task, songs))
        return config, songs, songs[0].name if len(songs) == 1 else "together"

    folder, summary = begin_or_resume(options, "dqn", resolved, FIXED, {}, origin_of=dqn_origin)
    return finish(options, "dqn", folder.path, summary, _lines(summary, folder))


def _config(options: argparse.Namespace) -> Any:
    """Return the configuration that the command line describes."""
    from experiments.config.dqn import preset_for

    task = {name: getattr(options, name) for name in ("folder", "memory", "prompt")} | arrange_choices(options)
    if options.song:
        if options.together:
            raise UsageError("SONG does not go with --together")
        task["song"] = ", ".join(options.song)
    elif options.together or options.folder:
        task["together"] = True
    if options.mode_bit:
        task["mode_bit"] = True
    flags = {
        "task": task,
        "environment": {"random_start": options.random_start, "listener": options.listener},
        "dqn": {"seed": options.seed},
    }
    source = options.preset or options.config or preset_for(options.listener)
    return configured("dqn", source, flags, options.set)


def _lines(summary: dict, folder: Any) -> list[str]:
    """Return the lines that print the result and the next commands."""
    from experiments.runs.lifecycle import read_config

    lines = [
        f"{ENDINGS[summary['stopped']]} after {summary['steps']} environment steps, {summary['updates']} updates, "
        f"{summary['cpu_seconds']:.1f} CPU seconds."
    ]
    if summary["greedy_reward"] is not None:
        lines.append(f"Reward of the champion: {summary['greedy_reward']:.3f} a step. Regime: {summary['regime']}.")
    if summary["greedy_reward"] is None or summary["regime"].startswith("bandit"):
        lines.append(
            f"{summary['right_teacher_forced']} of {summary['cases']} steps right, "
            f"{summary['right_free_running']} free running (always resting: {summary['always_rest']}; "
            f"ceiling for one network: {summary['ceiling']}). "
            f"{summary['whole_songs']} of {summary['songs']} songs whole. Regime: {summary['regime']}."
        )
    config = read_config(folder)
    # a page has no prior and no plan
    page = "" if config.prior.decides or config.task.plan else "|duet"
    return [*lines, next_commands(f"score|plot|play|report{page}", folder.path, config.environment.listener)]

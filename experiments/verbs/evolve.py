"""Evolve a network that plays a song: NEAT through neat-python's Population.

The results are written to a run folder. Ctrl-C ends a run early and keeps the best so far; --resume continues it to the
same result as if it had never stopped. Operators beyond plain NEAT (modular crossover, loss-weighted output, error
reweighting) are on by default and named in the summary; --config plain-neat runs neat-python's own NEAT.

With --listener no song is learned. Networks continue the opening of the song on their own, and a listener rewards what
they play; --config form does so by a plan of bars and phrases, with better results. Operators that need a loss for
every output are off (the preset improvise, which --listener implies). With --prompt 0 networks start from silence; with
--set improvise.starts=8 each is judged by how it continues the openings of eight songs. With --mode-bit the song is
learned first. A second network then learns to improvise, and both are joined: mode 1 plays the song, mode 0 improvises.

With --env a network acts in any Gymnasium environment whose observations and actions are Box or Discrete. A genome's
fitness is its mean return over a few episodes, and --workers speed up the run.
"""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.command import (
    ENDINGS,
    add_origin,
    add_run_options,
    begin_or_resume,
    configured,
    draw,
    finish,
    next_commands,
    supervised,
)
from experiments.options import (
    ARRANGE_OPTIONS,
    MOST_PROCESSES,
    UsageError,
    add_catalog_options,
    add_env,
    arrange_choices,
    count,
    print_json,
    print_lines,
    refuse,
    whole,
)

HELP = "evolve a network that plays a song"
GROUP, ORDER = "Learn", 1
EXAMPLES = (
    "kuznechik evolve grasshopper --seed 1 --plot",
    "kuznechik evolve grasshopper --config form",
)
PRESETS = "CartPole-v1, LunarLander-v3, environment, form, improvise, many-songs, plain-neat, xor"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("song", nargs="?", metavar="SONG", help="name in the catalogue or .mid file [grasshopper]")
    add_catalog_options(parser)
    parser.add_argument("--each", action="store_true", help="evolve one network for each song of the catalogue")
    parser.add_argument("--together", action="store_true", help="evolve one network for all songs of the catalogue")
    parser.add_argument("--config", metavar="FILE", help=f"TOML file or name of a preset ({PRESETS})")
    parser.add_argument(
        "--memory", type=count, metavar="M", help="steps remembered [as the song needs, at least four bars]"
    )
    parser.add_argument("--prompt", type=count, metavar="P", help="steps given at the start [one bar]")
    parser.add_argument(
        "--listener",
        metavar="NAME",
        help="improvise for a listener: theory, a sum such as ngram=1,theory=.5, or your own, mine.py:Class",
    )
    parser.add_argument(
        "--mode-bit", action="store_true", help="with --listener: one network that learns the song and also improvises"
    )
    add_env(parser, "act in a Gymnasium environment, such as CartPole-v1, or your own, module:Id")
    parser.add_argument(
        "--workers",
        type=whole(0, MOST_PROCESSES),
        default=0,
        metavar="N",
        help="worker processes that evaluate networks [0]",
    )
    parser.add_argument("--backend", choices=("process", "ray"), default="process", help="kind of workers [process]")
    parser.add_argument("--ray-address", metavar="HOST:PORT", help="a Ray cluster [a new one on this machine]")
    add_origin(parser, "start from the champion of a run, or with RUN/checkpoints from its population")
    add_run_options(parser, "evolve", "evolve.population_size=300", "50 generations")


FOR_SONGS = (*ARRANGE_OPTIONS, "song", "folder", "memory", "prompt", "each", "together", "listener", "mode_bit")
FIXED = (*FOR_SONGS, "config", "env", "from")


def run(options: argparse.Namespace) -> int:
    from experiments.runs.assembly import resolve, what_was_changed
    from experiments.runs.evolve.warm_start import evolve_origin

    for flag, others in (("each", ("song", "together", "resume", "from")), ("together", ("song", "resume"))):
        if getattr(options, flag):
            refuse(options, f"--{flag}", others)
    if options.each:
        return _run_each(options)

    def resolved() -> tuple[Any, Any, str]:
        config, songs = resolve(_config(options))
        print_lines(what_was_changed(config.task, songs))
        return config, songs, _name(config, songs)

    folder, summary = begin_or_resume(options, "evolve", resolved, FIXED, _resources(options), origin_of=evolve_origin)
    return finish(options, "evolve", folder.path, summary, _lines(summary, folder))


def _name(config: Any, songs: Sequence[Any]) -> str:
    """Return the name of a run's folder."""
    if config.task.kind == "environment":
        return re.sub(r"[^\w.-]", "-", config.environment.id)
    return "together" if config.task.together else songs[0].name if songs else config.task.kind


def _resources(options: argparse.Namespace) -> dict[str, Any]:
    """Return the resources that affect how a run is computed, but not its result."""
    from agents.neat.workers import WorkerOptions

    return {"workers": WorkerOptions(options.workers, options.backend == "ray", options.ray_address)}


def _config(options: argparse.Namespace) -> Any:
    """Return the configuration that the command line describes."""
    improvises = options.listener and not options.mode_bit
    task = {name: getattr(options, name) for name in ("song", "folder", "memory", "prompt")} | arrange_choices(options)
    switches = {name: True for name in ("together", "mode_bit") if getattr(options, name)}
    flags = {
        "task": {**task, **switches},
        "improvise": {"listener": options.listener},
        "evolve": {"seed": options.seed},
    }
    if options.env:
        flags |= {"task": {"kind": "environment"}, "environment": {"id": options.env}}
    preset = _env_preset(options.env) if options.env else "improvise" if improvises else None
    config = configured("evolve", options.config or preset, flags, options.set)
    if config.task.kind != "song":
        refuse(options, f"task.kind = '{config.task.kind}'", FOR_SONGS)
    return config


def _env_preset(env_id: str) -> str:
    """Return the preset for an environment: the one with its name, or the general one."""
    from experiments.config.evolve import EvolveConfig

    return env_id if env_id in EvolveConfig.presets() else "environment"


def _lines(summary: dict, folder: Any) -> list[str]:
    """Return the lines that print the result and the next commands."""
    from experiments.runs.lifecycle import read_config

    generations = summary["generations"]
    lines = [
        f"{ENDINGS[summary['stopped']]} after {generations} generation{'s' * (generations != 1)}, "
        f"{summary['evaluations']} evaluations, {summary['cpu_seconds']:.1f} CPU seconds."
    ]
    if summary["ceiling"] is not None:
        lines += _memorised(summary)
    if "listener" in summary:
        lines += _improvised(summary)
    if "environment" in summary:
        lines += _acted(summary)
    config = read_config(folder)
    without_prior = not config.improvise.listener or config.improvise.prior == "none"
    # a page has no prior and no plan, and cannot play a network with a memory of its own
    page = "|duet" if without_prior and not config.task.plan and not config.genome.recurrent else ""
    if "coverage" in summary:
        lines.append(f"Atlas: {summary['coverage']:.0%} of the cells are filled, QD score {summary['qd_score']:.1f}.")
    verbs = f"score|plot|play|report{page}" if summary["songs"] else "score|plot|report"
    verbs = "play|score|plot|report" if "environment" in summary else verbs
    return [*lines, next_commands(verbs, folder.path, config.improvise.listener)]


def _acted(summary: dict) -> list[str]:
    from experiments.tables import significant

    if "mean_return" not in summary:
        return []
    end = "" if summary["solved_at"] is None else f"; {summary['solved_at']:g} in validation solves it"
    lines = [
        f"Mean return over {summary['test_episodes']} fresh episodes: {significant(summary['mean_return'])} (from "
        f"{significant(summary['least_return'])} to {significant(summary['greatest_return'])}{end}).",
        f"Without learning: {', '.join(f'{name} {significant(each)}' for name, each in summary['baselines'].items())}.",
        f"Environment steps: {summary['env_steps']}. Search: {summary['search']}.",
    ]
    return lines + _gain_in_words(summary)


def _gain_in_words(summary: dict) -> list[str]:
    gain = summary.get("gain_of_workers")
    if gain is None or gain >= 1:
        return []
    return [f"With workers the run was {gain:.2f} times as fast as without: at this size they do not pay off."]


def _improvised(summary: dict) -> list[str]:
    lines = []
    if "reward_a_step" in summary:
        baselines = ", ".join(
            f"{name.replace('_', ' ')} {value:.3f}" for name, value in summary["baselines_a_step"].items()
        )
        lines.append(
            f"Reward of the listener {summary['listener']}: {summary['reward_a_step']:.3f} a step ({baselines}; the "
            f"maximum is not known). Different melodies, a prompt each: {summary['different_rolls']} of "
            f"{len(summary['starts'])}."
        )
    return lines if summary["ceiling"] is not None else [*lines, f"Search: {summary['search']}."]


def _memorised(summary: dict) -> list[str]:
    references = []
    if summary["songs"]:
        references.append(f"always resting: {summary['always_rest']}")
    if summary["ceiling"] < summary["cases"]:
        references.append(f"ceiling for one network: {summary['ceiling']}")
    lines = [
        f"{summary['right_teacher_forced']} of {summary['cases']} {'steps' if summary['songs'] else 'cases'} right"
        + (f" ({'; '.join(references)})" if references else "")
        + f". Search: {summary['search']}."
    ]
    for name, best in summary.get("ambiguous", {}).items():
        lines.append(
            f"{name}: at most {best['most_right']} of {best['steps']}; elsewhere one memory has several continuations."
        )
    return lines + _gain_in_words(summary)


def _run_each(options: argparse.Namespace) -> int:
    """Evolve one network for each song of the catalogue, each in its own run folder."""
    from experiments.runs.assembly import playable_songs, resolve, what_was_changed
    from experiments.runs.folder import RunFolder
    from experiments.runs.lifecycle import begin, load_kind

    config = _config(options)
    if config.improvise.listener:
        raise UsageError("--each learns songs; to improvise, start one run for each song")
    tasks = [config.change("task", song=song.name, together=False) for song in playable_songs(config.task)]
    resolved = [resolve(task) for task in tasks]  # an error comes before any song is evolved
    catalog = config.change("task", together=True).task
    print_lines(what_was_changed(catalog, [song for _, songs in resolved for song in songs]))
    parent = RunFolder.new(options.out, "runs", "each")
    summaries = []
    with parent.deleted_if_refused(), parent.writing():
        for each, songs in resolved:
            folder = RunFolder.create(parent.path / songs[0].name)
            with supervised(options, folder, _resources(options)) as supervision:
                summary = begin(load_kind("evolve"), each, folder, songs, options.command_line, supervision)
            if options.plot:
                draw(folder)
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
    rows = [[*(_cell(summary[column]) for column in columns), f"{summary['cpu_seconds']:.1f}"] for summary in summaries]
    solved, cpu = sum(one["solved"] for one in summaries), sum(one["cpu_seconds"] for one in summaries)
    caption = f"{solved} of {len(summaries)} songs solved in {cpu:.1f} CPU seconds. The runs are in {folder}"
    show_table([*(column.replace("_", " ") for column in columns), "CPU seconds"], rows, caption)


def _cell(value: Any) -> Any:
    return ("no", "yes")[value] if isinstance(value, bool) else value

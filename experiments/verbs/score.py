"""Let the champion of a run play in the environment and count the steps it gets right.

Teacher forced, its memory holds the song whatever it plays; free running, its memory holds what it played. The prefix
is the number of free-running steps before its first mistake. For comparison the table has the scores of always
resting and of a random player, and the ceiling: the highest score that any player with this memory can reach.

For the champion of a run in an environment, it prints the mean return over fresh episodes, along with the returns of
random and of constant actions.

For a champion that improvises, the table compares the listener's rewards, term by term, with those of silence, random
keys and the real song, and features of its melodies with those of real songs. A feature outside their 5th to 95th
percentile is marked: the listener may have been fooled.

Any other source, such as a MIDI file or vae:16, is compared step by step with the song given by --song.
"""

import argparse
import shlex
from typing import TYPE_CHECKING

from experiments.options import (
    SOURCES,
    UsageError,
    add_own_env,
    add_own_listener,
    add_source_options,
    arrange_choices,
    print_json,
    print_lines,
)

if TYPE_CHECKING:
    from songs.arrange import ArrangeOptions
    from songs.song import Song

HELP = "count the steps that the champion of a run gets right"
GROUP, ORDER = "Judge", 1
EXAMPLES = (
    "kuznechik score runs/grasshopper-1 --song korobeiniki --json",
    "kuznechik score mine.mid markov:4 --song grasshopper",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help=SOURCES)
    parser.add_argument("--song", metavar="SONG", help="another song, a name in the run's catalogue or a .mid file")
    add_own_listener(parser)
    add_own_env(parser)
    add_source_options(parser, melodies=1)
    parser.add_argument("--json", action="store_true", help="print a JSON object, or an array for several sources")


def run(options: argparse.Namespace) -> int:
    from experiments.runs.sources import is_run

    scores = [_score_run(text, options) if is_run(text) else _score_source(text, options) for text in options.sources]
    if options.json:
        print_json(scores[0] if len(scores) == 1 else scores)
        return 0
    for text, each in zip(options.sources, scores, strict=True):
        if len(scores) > 1:
            print(f"{text}:")
        _print_scores(each)
    return 0


def _score_run(text: str, options: argparse.Namespace) -> dict:
    """Return the scores of a run's champion."""
    from experiments.runs.champion import open_run, truth_table
    from experiments.runs.scores import score, score_improvisation
    from songs.catalog import changes_in_words

    run = open_run(text)
    _check_listener(text, options, run.improvising.options.listener if run.improvising else "")
    scores: dict = {}
    if run.bred:
        run.improvisation()  # raises an error that explains the kind of run
    if not run.memorised:
        if options.song:
            raise UsageError(f"{text}: this run improvises; it learned no song")
    elif run.songs:
        song = _song(options, run.task) if options.song else None
        scores = score(run, song)
        print_lines(changes_in_words([song] if song else []))
    elif options.song:
        run.player()  # raises an error that explains what it learned
    elif run.environment:
        tested = run.environment.test()
        scores = {"environment": run.environment.id, **tested.pop("baselines"), **tested}
    else:
        scores = truth_table(run)
    if run.improvising:
        scores["improvisation"] = score_improvisation(run)
    return scores


def _score_source(text: str, options: argparse.Namespace) -> dict:
    """Return the scores of every melody of a source against the song."""
    from experiments.runs.scores import score_melody
    from experiments.runs.source import playing
    from experiments.runs.sources import read_source
    from songs.arrange import DEFAULTS
    from songs.catalog import changes_in_words
    from songs.own_code import names_code

    _check_listener(text, options, "")
    source = None if names_code(text) else read_source(text, playing(options))
    if not options.song:
        raise UsageError(f"{text}: name the song to compare it with, as in --song grasshopper")
    if source is None:
        return _score_own(text, options)
    song = _song(options, DEFAULTS)
    scores = [score_melody(melody, song, song.grid.steps_per_bar) for melody in source.songs]
    print_lines([*source.remarks, *changes_in_words([song])])
    return scores[0] if len(scores) == 1 else {"songs": scores}


def _check_listener(text: str, options: argparse.Namespace, rewarded: str) -> None:
    """Raise UsageError if --listener is given but did not reward what is scored; `rewarded` is what did, or empty."""
    from listener.registry import own_names

    given = options.listener
    if given and given != rewarded and not {*own_names(given)} & {*own_names(rewarded or "theory")}:
        command = f"kuznechik listener score {shlex.quote(text)} --listener {shlex.quote(given)}"
        raise UsageError(f"{text}: it was not rewarded by {given}; for what that listener makes of it: {command}")


def _score_own(text: str, options: argparse.Namespace) -> dict:
    """Return the scores of the user's own performer, with the memory and prompt that a run would have."""
    from experiments.config.evolve import EvolveConfig
    from experiments.runs.assembly import resolve_songs
    from experiments.runs.sampled_sources import own_performer
    from experiments.runs.scores import score_performer

    choices = {"song": options.song, "folder": options.folder or "", **arrange_choices(options)}
    config, (song,) = resolve_songs(EvolveConfig().change("task", **choices), listened=False)
    return score_performer(own_performer(text), config.task, song)


def _song(options: argparse.Namespace, arranging: "ArrangeOptions") -> "Song":
    """Return the song given by --song; options that are not given default to those of the run."""
    from songs.catalog import find_song

    folder = options.folder or getattr(arranging, "folder", None) or None
    return find_song(options.song, folder, arranging.change(**arrange_choices(options)))


def _print_scores(scores: dict) -> None:
    from experiments.tables import show_table, significant

    scores = dict(scores)
    songs, improvisation = scores.pop("songs", []), scores.pop("improvisation", None)
    if songs:
        known = ("song", "steps", "right_teacher_forced", "right_free_running", "prefix", "always_rest", "ceiling")
        columns = [column for column in known if column in songs[0]]
        rows = [[song[column] for column in columns] for song in songs]
        show_table([column.replace("_", " ") for column in columns], rows, "")
    for name, value in scores.items():
        print(f"{name.replace('_', ' '):>20}  {significant(value) if isinstance(value, float) else value}")
    if improvisation:
        _print_improvisation(improvisation)


def _print_improvisation(scores: dict) -> None:
    from experiments.tables import show_table

    starts = ", ".join(scores["starts"])
    print(f"Different melodies: {scores['different_rolls']}, from the prompts of {starts}")
    rewards = {"the champion": scores["reward_a_step"], **scores["baselines_a_step"]}
    show_table(
        ["reward per step", ""], [[name.replace("_", " "), f"{value:.4f}"] for name, value in rewards.items()], ""
    )
    if scores["terms_a_step"]:
        rows = [[name.replace("_", " "), f"{value:.4f}"] for name, value in scores["terms_a_step"].items()]
        show_table(["of which", ""], rows, "")
    rows = [
        [
            name.replace("_", " "),
            *(f"{row[column]:.2f}" for column in ("mean", "low", "high")),
            "" if name not in scores["outside_the_real_ones"] else "outside",
        ]
        for name, row in scores["statistics"].items()
    ]
    show_table(["feature", "played", "real songs: 5%", "95%", ""], rows, "")

"""Let the champion of a run play in the environment and count the steps it gets right.

Teacher forced, its memory holds the song whatever it plays; free running, its memory holds what it played. The prefix
is the number of free-running steps before its first mistake. For comparison the table has the scores of always
resting and of a random player, and the ceiling: the highest score that any player with this memory can reach.

For a champion that improvises, the table has the listener's rewards, term by term, beside those of silence, random
keys and the real song, and features of its melodies beside those of real songs. A feature outside their 5th to 95th
percentile is marked: the listener may have been fooled.
"""

import argparse

from experiments.options import UsageError, add_own_listener, print_json

HELP = "count the steps that the champion of a run gets right"
GROUP, ORDER = "Judge", 1
EXAMPLES = (
    "kuznechik score runs/grasshopper-1",
    "kuznechik score runs/grasshopper-1 --song korobeiniki --json",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run_folder", metavar="RUN", help="a run folder")
    parser.add_argument("--song", metavar="SONG", help="another song: name in the run's catalogue or .mid file")
    add_own_listener(parser)
    parser.add_argument("--json", action="store_true", help="print a JSON object")


def run(options: argparse.Namespace) -> int:
    from experiments.runs.champion import open_run, truth_table
    from experiments.runs.scores import score, score_improvisation
    from songs.catalog import find_song

    run = open_run(options.run_folder)
    scores = {}
    if not run.memorised:
        if options.song:
            raise UsageError(f"{options.run_folder}: this run improvises; it learned no song")
    elif run.songs:
        song = None
        if options.song:
            task = run.task
            song = find_song(options.song, task.folder or None, task)
        scores = score(run, song)
    elif options.song:
        raise UsageError(f"{options.run_folder}: this run learned {run.task.kind}, it plays no song")
    else:
        scores = truth_table(run)
    if run.improvising:
        scores["improvisation"] = score_improvisation(run)
    if options.json:
        print_json(scores)
    else:
        _print_scores(scores)
    return 0


def _print_scores(scores: dict) -> None:
    from experiments.tables import show_table

    songs, improvisation = scores.pop("songs", []), scores.pop("improvisation", None)
    if songs:
        columns = ("song", "steps", "right_teacher_forced", "right_free_running", "prefix", "always_rest", "ceiling")
        rows = [[song[column] for column in columns] for song in songs]
        show_table([column.replace("_", " ") for column in columns], rows, "")
    for name, value in scores.items():
        print(f"{name.replace('_', ' '):>20}  {value}")
    if improvisation:
        _print_improvisation(improvisation)


def _print_improvisation(scores: dict) -> None:
    from experiments.tables import show_table

    starts = ", ".join(scores["starts"])
    print(f"Different melodies from {len(scores['starts'])} starts: {scores['different_rolls']} ({starts})")
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

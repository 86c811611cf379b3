"""The `kuznechik` command: reads the command line, calls one module for each verb, prints.

Modules of the verbs are imported when they are called, so that the light verbs answer at once.
A mistake of the user ends with one line on stderr and the status 2.
"""

import argparse
import importlib.util
import json
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

PACKAGES = ("songs", "listener", "envs", "agents", "basic_midi")


class UsageError(ValueError):
    """A command line that asks for something impossible."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    # one thread: the products are small, and threads would cost more than they bring
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    shadow = shadowed_package()
    if shadow:
        print(f"kuznechik: {shadow}", file=sys.stderr)
        return 2
    options = make_parser().parse_args(arguments)
    options.command_line = ["kuznechik", *arguments]
    try:
        return options.verb(options)
    except ValueError as error:  # SongError, ConfigError, RunError, ...: all messages for the user
        print(f"kuznechik: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"kuznechik: {error.filename or ''}: {error.strerror or error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("kuznechik: interrupted", file=sys.stderr)
        return 130


def shadowed_package() -> str | None:
    """Return a message if another installed distribution hides one of our packages."""
    root = Path(__file__).resolve().parents[1]
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        places = [Path(place).resolve() for place in (spec.submodule_search_locations or [])] if spec else []
        if root / name not in places:
            where = places[0] if places else "nowhere"
            return (
                f"the package {name!r} is found at {where} instead of {root / name}: "
                "another distribution hides it; install kuznechik in a virtual environment of its own"
            )
    return None


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message: str):
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command."""
    parser = Parser(
        prog="kuznechik",
        description="Neuroevolution of melodies on a keyboard of 13 keys.",
        epilog="kuznechik VERB --help explains a verb; defaults stand in brackets. "
        "Exit status: 0 done, 2 a mistake in the call, 130 interrupted.",
    )
    verbs = parser.add_subparsers(metavar="VERB", required=True)

    songs = verbs.add_parser("songs", help="list the songs of a folder", description=list_songs.__doc__)
    _catalog_options(songs)
    songs.add_argument("--prompt", type=_whole_number, metavar="P", help="steps that are given [8]")
    songs.add_argument("--json", action="store_true", help="print a JSON list of objects")
    songs.set_defaults(verb=list_songs)

    evolve = verbs.add_parser("evolve", help="evolve a network that plays a song", description=evolve_song.__doc__)
    evolve.add_argument("song", nargs="?", metavar="SONG", help="name in the catalogue or .mid file [grasshopper]")
    _catalog_options(evolve)
    evolve.add_argument("--config", metavar="FILE", help="TOML file or name of a preset (xor, plain-neat)")
    evolve.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change one option: evolve.population_size=300"
    )
    evolve.add_argument("--memory", type=int, metavar="M", help="steps remembered [what the song needs, at least 32]")
    evolve.add_argument("--prompt", type=int, metavar="P", help="steps at the start that are given [8]")
    evolve.add_argument("--seed", type=int, metavar="N", help="the same seed gives the same run [0]")
    evolve.add_argument("--out", metavar="DIR", help="run folder, which must be new [runs/SONG-1, -2, ...]")
    evolve.add_argument("--plot", action="store_true", help="draw the pictures at the end, like `kuznechik plot`")
    evolve.add_argument("--json", action="store_true", help="print the summary as JSON")
    evolve.set_defaults(verb=evolve_song)

    score = verbs.add_parser(
        "score", help="let the champion of a run play the environment", description=score_run.__doc__
    )
    score.add_argument("run", metavar="RUN", help="a run folder")
    score.add_argument("--song", metavar="SONG", help="another song: name in the run's catalogue or .mid file")
    score.add_argument("--json", action="store_true", help="print a JSON object")
    score.set_defaults(verb=score_run)

    plot = verbs.add_parser("plot", help="draw the pictures of a run", description=plot_run.__doc__)
    plot.add_argument("run", metavar="RUN", help="a run folder")
    plot.set_defaults(verb=plot_run)

    play = verbs.add_parser("play", help="hear the champion of a run, or a MIDI file", description=play_melody.__doc__)
    play.add_argument("source", metavar="RUN_OR_MIDI", help="a run folder, a .mid file, or a name in the catalogue")
    play.add_argument("--wav", metavar="FILE", help="write sound to this file")
    play.add_argument("--port", metavar="NAME", help="MIDI output port [the first there is]")
    play.add_argument("--steps", type=_whole_number, metavar="N", help="steps to play [the song's length]")
    play.set_defaults(verb=play_melody)
    return parser


def _catalog_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--folder", metavar="DIR", help="folder of MIDI files [the songs of the project]")
    parser.add_argument("--track", metavar="NAME", help="read only the MIDI tracks of this name [all]")


def _whole_number(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text}: it must be 1 to 1000000")
    return number


def _print_json(content) -> None:
    print(json.dumps(content, indent=1, ensure_ascii=False))


def list_songs(options: argparse.Namespace) -> int:
    """List the MIDI files of a folder: which of them the keyboard can play, and why not the others.

    span: keys from the lowest note to the highest. shift: semitones a song is moved by to fit. chords:
    steps with more than one key. memory: steps that must be remembered before they decide the next step.
    """
    from songs.catalog import read_catalog
    from songs.keyboard import PROMPT_STEPS

    prompt = PROMPT_STEPS if options.prompt is None else options.prompt
    entries = read_catalog(options.folder, prompt, track=options.track)
    if options.json:
        _print_json([entry.row() for entry in entries])
        return 0
    from experiments.tables import show_table

    columns = ("name", "title", "notes", "span", "shift", "chords", "memory", "playable")
    rows = []
    for entry in entries:
        row = entry.row()
        row["playable"] = "yes" if entry.playable else f"no: {entry.reason}"
        if entry.playable and entry.memory is None:
            row["memory"] = "none"
        if entry.off_grid:
            row["playable"] += f", {entry.off_grid} notes moved to the grid"
        if entry.length is not None and entry.length > entry.steps + 7:
            row["playable"] += f", {entry.steps} of {entry.length} steps"
        rows.append([row[column] for column in columns])
    playable = sum(entry.playable for entry in entries)
    show_table(columns, rows, f"{playable} of {len(entries)} songs can be played on 13 keys.")
    return 0


def evolve_song(options: argparse.Namespace) -> int:
    """Evolve a network that plays a song: NEAT through neat-python's Population.

    All that comes of it is kept in a run folder. Ctrl-C ends the run early and keeps what there is.
    Operators beyond plain NEAT (modular crossover, focus, boost) are on by default and are named in the
    summary; --config plain-neat switches them off.
    """
    from experiments.assembly import operators_used, resolve
    from experiments.config import EvolveConfig
    from experiments.evolve import evolve
    from experiments.progress import EvolutionProgress
    from experiments.run_folder import RunFolder

    config = EvolveConfig.load(options.config)
    flags = {
        "task": ("song", "folder", "track", "memory", "prompt"),
        "evolve": ("seed",),
    }
    for section, names in flags.items():
        given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
        config = config.change(section, **given)
    for setting in options.set:
        config = config.apply(setting)
    config, songs = resolve(config)
    name = songs[0].name if songs else config.task.kind
    folder = RunFolder.create(options.out) if options.out else RunFolder.create_numbered("runs", name)
    with EvolutionProgress(name, config.evolve.generations, quiet=options.json) as progress:
        summary = evolve(config, folder, songs, options.command_line, progress)
    files = plot_files(folder) if options.plot and summary["generations"] else []
    if options.json:
        _print_json({**summary, "run": str(folder.path)})
    else:
        ending = {"solved": "Solved", "budget": "Budget used", "interrupted": "Interrupted"}[summary["stopped"]]
        rest = f" (always resting: {summary['always_rest']})" if songs else ""
        operators = ", ".join(operators_used(config)) or "no operator beyond plain NEAT"
        print(
            f"{ending} after {summary['generations']} generations, {summary['evaluations']} evaluations, "
            f"{summary['cpu_seconds']:.1f} CPU seconds.\n"
            f"{summary['right_teacher_forced']} of {summary['cases']} steps right{rest}. NEAT with {operators}."
        )
        written = sorted(path for path in folder.path.rglob("*") if path.is_file() and path not in files)
        print("Written:", *(f"  {path}" for path in [*written, *files]), sep="\n")
        print(f"Next: kuznechik score|plot|play {shlex.quote(str(folder.path))}")
    return 130 if summary["stopped"] == "interrupted" else 0


def score_run(options: argparse.Namespace) -> int:
    """Let the champion of a run play the environment, step by step, and count.

    Teacher forced, its memory holds the song whatever it plays; free running, it hears itself. The prefix
    is the number of steps before the first mistake, free running.
    """
    from experiments.assembly import open_run, truth_table
    from experiments.scores import score
    from songs.catalog import find_song

    run = open_run(options.run)
    if run.songs:
        song = None
        if options.song:
            task = run.task
            song = find_song(options.song, task.folder or None, task.steps, task.track or None)
        scores = score(run, song)
    elif options.song:
        raise UsageError(f"{options.run}: this run learned {run.task.kind}, it plays no song")
    else:
        scores = truth_table(run)
    if options.json:
        _print_json(scores)
    else:
        for name, value in scores.items():
            print(f"{name.replace('_', ' '):>20}  {value}")
    return 0


def plot_run(options: argparse.Namespace) -> int:
    """Draw a run: fitness, species, the champion's network, and the played roll over the song.

    The pictures are written into the run folder as PNG and SVG.
    """
    from experiments.run_folder import RunFolder

    print(*plot_files(RunFolder.open(options.run)), sep="\n")
    return 0


def plot_files(folder) -> list[Path]:
    """Draw the pictures of a run folder and return their paths."""
    from experiments.plot import plot_run

    return plot_run(folder)


def play_melody(options: argparse.Namespace) -> int:
    """Hear the champion of a run, or a song.

    Plays to a MIDI port where there is one and otherwise writes a WAV file. With more --steps than the song
    has, a champion goes on from what it remembers.
    """
    from experiments.play import play

    for line in play(options.source, options.wav, options.port, options.steps):
        print(line)
    return 0

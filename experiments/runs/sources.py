"""Sources: anything that plays, as songs with a roll, a keyboard, a grid and a tempo.

    RUN               a run folder: what its champion plays, or samples of a trained MusicVAE
    FILE.mid, DIR     MIDI files
    NAME              a song of the catalogue
    vae:16            samples of the project's MusicVAE of 16 bars; also vae:2, vae:4, vae:8
    FILE.safetensors  samples of your own MusicVAE
    markov:4          samples of a Markov chain of order 4 over the songs of the catalogue
    melody            samples of the model of real melodies that comes with the project
    form:16           draws of the model of form that comes with the project, of 4 to 32 bars; form:FILE.safetensors
    random, silence   one key or none at random; no key
    FILE.py:Class     your own performer, or module:Class; it continues the first bars of the catalogue's songs

Conventions: the same text and `Playing` give the same melodies. A file that is named like a source is written ./melody.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from agents.performer import PerfectPlayer, Performer
from agents.rollout import play_on
from agents.sampling_player import SamplingPlayer, ValuesChoices
from experiments.options import UsageError
from experiments.runs.champion import Run, open_run
from experiments.runs.evolve.atlas import at_cell
from experiments.runs.folder import RunError, RunFolder
from experiments.runs.lifecycle import name_of_kind
from experiments.runs.sampled_sources import MODEL_SUFFIX, SAMPLED, model_source, own_source
from experiments.runs.source import Playing, Source, file_source, folder_source
from experiments.runs.stages import at_generation, beyond_in_words
from songs.catalog import MIDI_SUFFIXES, changes_in_words
from songs.own_code import names_code
from songs.song import Song


def read_source(text: str, playing: Playing | None = None) -> Source:
    """Return what a source plays.

    Raises:
        ValueError: The source does not exist, or cannot be read or played.
    """
    playing = playing or Playing()
    kind, _, size = text.partition(":")
    path = Path(text)
    if playing.temperature is not None and not (kind == "vae" or path.suffix == MODEL_SUFFIX or is_run(path)):
        raise UsageError(f"{text}: --temperature needs the champion of a run or a MusicVAE")
    if playing.generation is not None and not is_run(path):
        raise UsageError(f"{text}: --generation needs a run")
    if playing.cell is not None and not is_run(path):
        raise UsageError(f"{text}: --cell needs a run of --set evolve.algorithm=map_elites")
    if kind in SAMPLED:
        return SAMPLED[kind](text, size, playing)
    if path.is_dir():
        return _run(path, playing) if is_run(path) else folder_source(path, playing)
    if path.suffix == MODEL_SUFFIX:
        return model_source(path.stem, path, playing)
    if names_code(text):
        return own_source(text, playing)
    return file_source(text, playing)


def is_run(text: str | Path) -> bool:
    """Return True if a source is a run folder, and not music or the name of a model."""
    path = Path(text)
    if str(text).partition(":")[0] in SAMPLED or not path.is_dir():
        return False
    return any((path / name).exists() for name in ("meta.json", "config.toml")) or not _holds_music(path)


def _holds_music(path: Path) -> bool:
    return any(each.suffix.lower() in MIDI_SUFFIXES for each in path.iterdir())


def read_sources(texts: Sequence[str], playing: Playing | None = None) -> list[Source]:
    """Return what several sources play; raise ValueError as `read_source` does, or if two have the same name."""
    sources = [read_source(text, playing) for text in dict.fromkeys(texts)]
    names = [source.name for source in sources]
    if twice := [name for name in names if names.count(name) > 1]:
        raise UsageError(f"two performers are called {twice[0]!r}: rename a run folder or file")
    return sources


def _run(path: Path, playing: Playing) -> Source:
    folder = RunFolder.open(path)
    if name_of_kind(folder) == "vae":
        from experiments.runs.vae.kind import MODEL

        if playing.generation is not None or playing.cell is not None:
            raise UsageError(f"{path}: --generation and --cell need a run of evolution, or --generation one of a DQN")
        return model_source(path.resolve().name, path / MODEL, playing)
    run = _without_draft(open_run(path), playing)
    if playing.cell is not None:
        if playing.generation is not None:
            raise UsageError(f"{path}: --cell does not go with --generation: only the final atlas is kept")
        run = at_cell(run, playing.cell)
    beyond: list[str] = []
    if playing.generation is not None:
        beyond, run = beyond_in_words(run, playing.generation), at_generation(run, playing.generation)
        if isinstance(run.performer, PerfectPlayer) and (playing.steps or playing.temperature):
            raise RunError(
                f"{path}: only the melodies of a DQN's earlier players are kept: leave out --steps and --temperature"
            )
    if playing.improvise and not (run.task.mode_bit or run.improvising):
        raise RunError(f"{path}: its network has no mode bit, which --improvise needs")
    improvises = playing.improvise if run.task.mode_bit and playing.improvise is not None else bool(run.improvising)
    songs = _improvised(run, playing) if improvises and run.improvising else _played(run, playing, improvises)
    what = "improvises" if improvises else "plays what it learned"
    return Source(path.resolve().name, what, songs, [*beyond, *changes_in_words(run.songs)])


def _without_draft(run: Run, playing: Playing) -> Run:
    """Return the run with a champion that, if it samples, has no draft and follows a new plan for each melody.

    The plans are of excerpts, which need not end, because the plan model learned from excerpts.
    """
    improvising, plans = run.improvising, None
    if not playing.temperature or improvising is None or improvising.plans is improvising.seeds is None:
        return run
    if improvising.plans is not None:
        from listener.form.planning import draw_plans

        prompts = [improvising.starts.prompts[0]] * playing.melodies
        plans = draw_plans(improvising.song, prompts, playing.seed, whole=False)
    return open_run(run.folder.path, improvising.undrafted(plans))


def _player(run: Run, playing: Playing) -> Performer:
    """Return the champion of a run, sampling if the temperature is above 0."""
    player = run.player()
    if not playing.temperature or not isinstance(player, ValuesChoices):
        return player
    return SamplingPlayer(player, playing.temperature, np.random.default_rng(playing.seed))


def _improvised(run: Run, playing: Playing) -> list[Song]:
    """Return what a champion improvises from each of its starts."""
    improvising, player = run.improvisation(), _player(run, playing)
    starts = improvising.starts
    steps = max(playing.steps or starts.steps, starts.prompts.shape[1])
    if improvising.plans is not None:  # a plan has an end
        return [improvising.song.playing(roll[:steps], improvising.song.title) for roll in improvising.play(player)]
    rolls = [play_on(player, prompt, steps, run.task.remembered, improvise=True) for prompt in starts.prompts]
    return [improvising.song.playing(roll, improvising.song.title) for roll in rolls]


def _played(run: Run, playing: Playing, improvise: bool) -> list[Song]:
    """Return how a champion continues the opening of each song."""
    player, songs = _player(run, playing), []
    for song in run.songs:
        prompt = song.roll[: run.task.prompt]
        steps = max(playing.steps or song.steps, len(prompt))
        songs.append(song.playing(play_on(player, prompt, steps, run.task.remembered, improvise), song.title))
    return songs

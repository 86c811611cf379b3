"""Sources: anything that plays, as songs with a roll, a keyboard, a grid and a tempo.

    RUN               a run folder: what its champion plays, or samples of a MusicVAE that was trained
    FILE.mid, DIR     MIDI files
    NAME              a song of the catalogue
    vae:16            samples of the project's MusicVAE of 16 bars; also vae:2, vae:4, vae:8
    FILE.safetensors  samples of a MusicVAE of one's own
    markov:4          samples of a Markov chain of order 4 over the songs of the catalogue
    melody            samples of the model of real melodies that comes with the project
    random, silence   one key or none at random; no key
    FILE.py:Class     a performer of one's own, or module:Class; it goes on from the first bars of the catalogue

Conventions: the same text and `Playing` give the same melodies. A file with the name of a source is written ./melody.
"""

import argparse
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from agents.own_performer import OwnPerformer
from agents.performer import PerfectPlayer, Performer, RandomPlayer, SilentPlayer
from agents.rollout import continue_prompts, play_on
from agents.sampling_player import SamplingPlayer, ValuesChoices
from experiments.options import UsageError, arrange_options, require
from experiments.runs.champion import Run, open_run
from experiments.runs.folder import RunError, RunFolder
from experiments.runs.lifecycle import name_of_kind
from experiments.runs.stages import at_generation
from listener import theory
from listener.markov import MarkovChain
from songs.arrange import DEFAULTS, ArrangeOptions
from songs.catalog import (
    MIDI_SUFFIXES,
    changes_in_words,
    check_listenable,
    default_folder,
    find_file,
    left_out_in_words,
    read_catalog,
    reasons_in_words,
    suits_listeners,
)
from songs.folding import SIZES, fold
from songs.keyboard import (
    DEFAULT_GRID,
    DEFAULT_KEYBOARD,
    KEYS,
    MOST_KEYS,
    STEPS_PER_BEAT,
    Grid,
    Keyboard,
    usual_keyboard,
)
from songs.own_code import load_part, names_code
from songs.piano_roll import onsets_from_roll, roll_from_onsets
from songs.song import MEMORY_BARS, Song, SongError

BARS = 16
"""Bars of a melody of a source that could go on for ever."""
PIECE_BARS = 4
"""Bars of the pieces that a Markov chain learns from."""
MOST_ORDER = 5
MODEL_SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Playing:
    """How sources play."""

    melodies: int = 16
    """Number of melodies of a source that is sampled."""
    seed: int = 0
    steps: int | None = None
    """Length in steps: champions and samples go on so long, files are cut; None: their own."""
    arranging: ArrangeOptions = DEFAULTS
    """How files become songs; its keyboard and grid are also those of random and silence."""
    folder: str = ""
    """Folder of the catalogue; "" for the songs of the project."""
    improvise: bool | None = None
    """Whether a network with a mode bit improvises; None: if it learned to."""
    temperature: float | None = None
    """Of networks, 0: the most valued choices; None: 0 for champions, 1 for a MusicVAE."""
    generation: int | None = None
    """Of the champion of a run, or step of a DQN's; None: the last one."""


def playing(options: argparse.Namespace, **choices: Any) -> Playing:
    """Return the `Playing` of a command line with `add_source_options`; `choices` are further fields of it."""
    arranging = arrange_options(options)
    return Playing(options.melodies, options.seed, arranging=arranging, folder=options.folder or "", **choices)


@dataclass(frozen=True, eq=False)
class Source:
    """Something that plays, and what it played."""

    name: str
    what: str
    """What it is, in words."""
    songs: Sequence[Song]
    """At least one melody."""
    remarks: Sequence[str] = field(default=())
    """Lines that say what was changed or left out."""
    sampled: bool = False
    """Whether it can play any number of melodies."""


def read_source(text: str, playing: Playing | None = None) -> Source:
    """Return what a source plays.

    Raises:
        ValueError: there is no such source, or it cannot be read or played.
    """
    playing = playing or Playing()
    kind, _, size = text.partition(":")
    path = Path(text)
    if playing.temperature is not None and not (kind == "vae" or path.suffix == MODEL_SUFFIX or is_run(path)):
        raise UsageError(f"{text}: --temperature goes with the champion of a run or with a MusicVAE")
    if playing.generation is not None and not is_run(path):
        raise UsageError(f"{text}: --generation goes with a run")
    if kind in SAMPLED:
        return SAMPLED[kind](text, size, playing)
    if path.is_dir():
        return _run(path, playing) if is_run(path) else _folder(path, playing)
    if path.suffix == MODEL_SUFFIX:
        return _model(path.stem, path, playing)
    if names_code(text):
        return _own(text, playing)
    return _file(text, playing)


def is_run(text: str | Path) -> bool:
    """Return whether a source is a run folder, and not music or the name of a model."""
    path = Path(text)
    if str(text).partition(":")[0] in SAMPLED or not path.is_dir():
        return False
    return any((path / name).exists() for name in ("meta.json", "config.toml")) or not _holds_music(path)


def _holds_music(path: Path) -> bool:
    return any(each.suffix.lower() in MIDI_SUFFIXES for each in path.iterdir())


def read_sources(texts: Sequence[str], playing: Playing | None = None) -> list[Source]:
    """Return what several sources play; raises ValueError also where two have the same name."""
    sources = [read_source(text, playing) for text in dict.fromkeys(texts)]
    names = [source.name for source in sources]
    if twice := [name for name in names if names.count(name) > 1]:
        raise UsageError(f"two performers are called {twice[0]!r}: rename a run folder or file")
    return sources


def catalogue(playing: Playing) -> Source:
    """Return the songs of the catalogue that listeners can hear; raises SongError if there are none."""
    path = Path(playing.folder or default_folder())
    source = as_heard(_folder(path, replace(playing, steps=None)))
    return source if playing.folder else replace(source, remarks=())


def as_heard(source: Source) -> Source:
    """Return a source as listeners hear it, on 13 keys from C4 and eighths: samples are folded, others left out.

    Raises:
        SongError: nothing is left.
    """
    if source.sampled:
        if all(suits_listeners(song) for song in source.songs):
            return source
        remark = f"{source.name}: folded onto 13 keys and eighths, which listeners hear"
        return replace(source, songs=[_folded(song) for song in source.songs], remarks=[*source.remarks, remark])
    heard, left_out = [], []
    for song in source.songs:
        try:
            heard.append(check_listenable(song))
        except SongError as error:
            left_out.append(f"{song.name}: {str(error).removeprefix(f'{song.name} ')}")
    if not heard:
        check_listenable(source.songs[0])
    return replace(source, songs=heard, remarks=[*source.remarks, *reasons_in_words(left_out, len(source.songs))])


def _folded(song: Song) -> Song:
    """Return a song on 13 keys and eighths; of several notes in an eighth the first stays."""
    onsets = onsets_from_roll(song.roll, song.keyboard)
    eighths = onsets[:, 0] * STEPS_PER_BEAT // song.grid.steps_per_quarter
    steps = max(1, song.steps * STEPS_PER_BEAT // song.grid.steps_per_quarter)
    kept = np.unique(eighths, return_index=True)[1]
    kept = kept[eighths[kept] < steps]
    pitches = fold(onsets[kept, 1], DEFAULT_KEYBOARD)[0] if len(kept) else onsets[kept, 1]
    roll = roll_from_onsets(np.stack([eighths[kept], pitches], axis=1), steps)
    return replace(song, roll=roll, keyboard=DEFAULT_KEYBOARD, grid=DEFAULT_GRID, lengths=None)


def shortened(song: Song, steps: int | None) -> Song:
    """Return the first steps of a song; all of it for None."""
    if steps is None or steps >= song.steps:
        return song
    return song.playing(song.roll[:steps], song.title)


def _file(text: str, playing: Playing) -> Source:
    if len(Path(text).parts) > 1 and not os.path.lexists(text):
        raise UsageError(f"{text}: no such run folder or MIDI file")
    song = Song.read(find_file(text, playing.folder or None), playing.arranging)
    return Source(song.name, song.title, [shortened(song, playing.steps)], changes_in_words([song]))


def _folder(path: Path, playing: Playing) -> Source:
    entries = read_catalog(path, options=playing.arranging)
    songs = [entry.song for entry in entries if entry.song]
    if not songs:
        raise SongError(f"{path}: none of its {len(entries)} MIDI files can be played, such as {entries[0].name}: "
                        f"{entries[0].reason}")  # fmt: skip
    remarks = [*changes_in_words(songs), *left_out_in_words(entries)]
    return Source(path.resolve().name, "MIDI files", [shortened(song, playing.steps) for song in songs], remarks)


def _run(path: Path, playing: Playing) -> Source:
    folder = RunFolder.open(path)
    if name_of_kind(folder) == "vae":
        from experiments.runs.vae import MODEL

        if playing.generation is not None:
            raise UsageError(f"{path}: --generation goes with an evolution or a DQN")
        return _model(path.resolve().name, path / MODEL, playing)
    run = open_run(path)
    if playing.generation is not None:
        run = at_generation(run, playing.generation)
        if isinstance(run.performer, PerfectPlayer) and (playing.steps or playing.temperature):
            raise RunError(
                f"{path}: of a DQN's earlier players only what they played is kept: no --steps, --temperature"
            )
    if playing.improvise and not (run.task.mode_bit or run.improvising):
        raise RunError(f"{path}: its network has no mode bit that could let it improvise")
    improvises = playing.improvise if run.task.mode_bit and playing.improvise is not None else bool(run.improvising)
    songs = _improvised(run, playing) if improvises and run.improvising else _played(run, playing, improvises)
    what = "improvises" if improvises else "plays what it learned"
    return Source(path.resolve().name, what, songs, changes_in_words(run.songs))


def _player(run: Run, playing: Playing) -> Performer:
    """Return the champion of a run, which samples if the temperature says so."""
    player = run.player()
    if not playing.temperature or not isinstance(player, ValuesChoices):
        return player
    return SamplingPlayer(player, playing.temperature, np.random.default_rng(playing.seed))


def _improvised(run: Run, playing: Playing) -> list[Song]:
    """Return what a champion improvises from each of its starts."""
    improvising, player = run.improvisation(), _player(run, playing)
    starts = improvising.starts
    steps = max(playing.steps or starts.steps, starts.prompts.shape[1])
    rolls = [play_on(player, prompt, steps, run.task.remembered, improvise=True) for prompt in starts.prompts]
    return [improvising.song.playing(roll, improvising.song.title) for roll in rolls]


def _played(run: Run, playing: Playing, improvise: bool) -> list[Song]:
    """Return how a champion goes on from the beginning of each song."""
    player, songs = _player(run, playing), []
    for song in run.songs:
        prompt = song.roll[: run.task.prompt]
        steps = max(playing.steps or song.steps, len(prompt))
        songs.append(song.playing(play_on(player, prompt, steps, run.task.remembered, improvise), song.title))
    return songs


def _shipped(text: str, size: str, playing: Playing) -> Source:
    require("torch", "safetensors", extra="torch", what=text)
    from vae.dataset import BARS as SIZES_IN_BARS
    from vae.dataset import dataset_name
    from vae.shipped import models_folder

    if size not in map(str, SIZES_IN_BARS):
        raise UsageError(f"{text}: write the bars of a model, {', '.join(f'vae:{bars}' for bars in SIZES_IN_BARS)}")
    name = dataset_name(int(size), "pianoroll", True)
    return _model(_as_name(text), models_folder() / f"{name}{MODEL_SUFFIX}", playing)


def _model(name: str, path: Path, playing: Playing) -> Source:
    """Return samples of the MusicVAE in a file."""
    require("torch", "safetensors", extra="torch", what=str(path))
    from vae.checkpoint import load_model
    from vae.processor import computing
    from vae.sampling import sample
    from vae.tokens import notes

    model, _ = load_model(path)
    form = model.config.form
    with computing(1):
        temperature = playing.temperature or 0.0
        tokens = sample(model, playing.melodies, temperature, playing.seed).numpy()
    grid = Grid(form.steps_per_bar // 4, 4)
    songs = [_song_of_notes(name, notes(melody, form), grid, tokens.shape[1]) for melody in tokens]
    what = f"samples of a MusicVAE of {model.config.bars} bars"
    return Source(name, what, [shortened(song, playing.steps) for song in songs], sampled=True)


def _song_of_notes(name: str, notes: np.ndarray, grid: Grid, steps: int) -> Song:
    """Return notes (N, 3), onset and length in quarter notes and pitch, as a song on the fewest keys from a C."""
    at = np.rint(notes[:, 0] * grid.steps_per_quarter).astype(np.int64)
    pitches = notes[:, 2].astype(np.int64)
    low, high = (int(pitches.min()), int(pitches.max())) if len(notes) else (DEFAULT_KEYBOARD.lowest_pitch,) * 2
    keys = next((keys for keys in SIZES if low // 12 * 12 + keys > high and keys < MOST_KEYS), MOST_KEYS)
    keyboard = usual_keyboard(keys) if keys == MOST_KEYS else Keyboard(keys, low // 12 * 12)
    roll = roll_from_onsets(np.stack([at, pitches], axis=1), steps, keyboard)
    return Song(name, roll, keyboard=keyboard, grid=grid, lengths=notes[:, 1] * grid.steps_per_quarter)


def _markov(text: str, size: str, playing: Playing) -> Source:
    """Return samples of a Markov chain over steps that learned from the songs of the catalogue."""
    size = size or "4"
    if size not in map(str, range(1, MOST_ORDER + 1)):
        raise UsageError(f"{text}: write the order of the chain, markov:1 to markov:{MOST_ORDER}")
    order, piece = int(size), PIECE_BARS * DEFAULT_GRID.steps_per_bar
    songs = catalogue(playing).songs
    pieces = [song.roll[at : at + piece] for song in songs for at in range(0, song.steps - piece + 1, piece)]
    if not pieces:
        raise SongError(f"{playing.folder}: no song has the {PIECE_BARS} bars that a Markov chain learns from")
    chain = MarkovChain(theory.melody(np.array(pieces)), order)
    steps = playing.steps or BARS * DEFAULT_GRID.steps_per_bar
    drawn = chain.sample(playing.melodies, steps, np.random.default_rng(playing.seed), order)
    return _samples(
        text, f"a Markov chain of order {order} over {len(songs)} songs", drawn[:, :, None] == np.arange(KEYS)
    )


def _melody(text: str, size: str, playing: Playing) -> Source:
    """Return draws of the model of real melodies."""
    require("torch", "safetensors", extra="torch", what=text)
    from listener.melody_model import Expected, draw
    from listener.registry import listener_named

    steps = playing.steps or BARS * DEFAULT_GRID.steps_per_bar
    listener = listener_named("melody")
    assert isinstance(listener, Expected), "it is the listener of that model"
    rolls = draw(listener.model, playing.melodies, steps, np.random.default_rng(playing.seed))
    return _samples(text, "draws of the model of real melodies", rolls)


def _random(text: str, size: str, playing: Playing) -> Source:
    player = RandomPlayer(np.random.default_rng(playing.seed))
    return _by(player, text, "one key at random, or none", playing, playing.melodies)


def _silence(text: str, size: str, playing: Playing) -> Source:
    return _by(SilentPlayer(), text, "always rests", playing, 1)


def own_performer(text: str) -> OwnPerformer:
    """Return a performer of the user's own, which a call has named; raises ValueError if it is none."""
    return OwnPerformer(text, load_part(text, "kuznechik.performers"))


def _own(text: str, playing: Playing) -> Source:
    """Return how a performer of the user's own goes on from the first bars of the songs of the catalogue."""
    player, songs = own_performer(text), catalogue(playing).songs[: playing.melodies]
    bar = DEFAULT_GRID.steps_per_bar
    memory, steps = MEMORY_BARS * bar, playing.steps or BARS * bar
    rolls = continue_prompts(player, np.array([song.roll[:bar] for song in songs]), steps, memory)
    played = [song.playing(roll, song.title) for song, roll in zip(songs, rolls, strict=True)]
    return Source(_as_name(text), "a performer of one's own", played, sampled=True)


def _by(player: Performer, text: str, what: str, playing: Playing, melodies: int) -> Source:
    """Return what a performer plays from nothing on the keyboard and grid of the options."""
    keyboard = usual_keyboard(playing.arranging.keys or KEYS)
    grid = Grid(playing.arranging.grid or DEFAULT_GRID.steps_per_beat)
    nothing = np.zeros((melodies, 0, keyboard.keys), dtype=bool)
    rolls = continue_prompts(player, nothing, playing.steps or BARS * grid.steps_per_bar, 1)
    return _samples(text, what, rolls, keyboard, grid)


def _samples(
    text: str, what: str, rolls: np.ndarray, keyboard: Keyboard = DEFAULT_KEYBOARD, grid: Grid = DEFAULT_GRID
) -> Source:
    name = _as_name(text)
    return Source(name, what, [Song(name, roll, keyboard=keyboard, grid=grid) for roll in rolls], sampled=True)


def _as_name(text: str) -> str:
    """Return the text of a source as the name of a file: vae-16."""
    return re.sub(r"[^\w.=-]+", "-", text).strip("-")


SAMPLED: dict[str, Callable[[str, str, Playing], Source]] = {
    "vae": _shipped,
    "markov": _markov,
    "melody": _melody,
    "random": _random,
    "silence": _silence,
}
"""Functions that return a source of its text, what is behind the colon, and how it plays."""

"""Sampled sources: any number of melodies by a model, at random, or by the user's own performer."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from agents.own_performer import OwnPerformer
from agents.performer import Performer, RandomPlayer, SilentPlayer
from agents.rollout import continue_prompts
from experiments.options import UsageError, require
from experiments.runs.source import BARS, Playing, Source, catalogue, shortened
from listener import theory
from listener.markov import MarkovChain
from songs.folding import SIZES
from songs.keyboard import DEFAULT_GRID, DEFAULT_KEYBOARD, KEYS, MOST_KEYS, Grid, Keyboard, usual_keyboard
from songs.own_code import load_part
from songs.piano_roll import roll_from_onsets
from songs.plan import FEWEST_BARS, MOST_BARS
from songs.song import MEMORY_BARS, Song, SongError

PIECE_BARS = 4
"""Length in bars of the excerpts that a Markov chain learns from."""
MOST_ORDER = 5
MODEL_SUFFIX = ".safetensors"


def _shipped(text: str, size: str, playing: Playing) -> Source:
    require("torch", "safetensors", extra="torch", what=text)
    from vae.dataset import BARS as SIZES_IN_BARS
    from vae.dataset import dataset_name
    from vae.shipped import models_folder

    if size not in map(str, SIZES_IN_BARS):
        raise UsageError(f"{text}: write the bars of a model, {', '.join(f'vae:{bars}' for bars in SIZES_IN_BARS)}")
    name = dataset_name(int(size), "pianoroll", True)
    return model_source(as_name(text), models_folder() / f"{name}{MODEL_SUFFIX}", playing)


def model_source(name: str, path: Path, playing: Playing) -> Source:
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
    """Return notes (N, 3), onset and length in quarter notes and pitch, as a song on the smallest keyboard from a C."""
    at = np.rint(notes[:, 0] * grid.steps_per_quarter).astype(np.int64)
    pitches = notes[:, 2].astype(np.int64)
    low, high = (int(pitches.min()), int(pitches.max())) if len(notes) else (DEFAULT_KEYBOARD.lowest_pitch,) * 2
    keys = next((keys for keys in SIZES if low // 12 * 12 + keys > high and keys < MOST_KEYS), MOST_KEYS)
    keyboard = usual_keyboard(keys) if keys == MOST_KEYS else Keyboard(keys, low // 12 * 12)
    roll = roll_from_onsets(np.stack([at, pitches], axis=1), steps, keyboard)
    return Song(name, roll, keyboard=keyboard, grid=grid, lengths=notes[:, 1] * grid.steps_per_quarter)


def _markov(text: str, size: str, playing: Playing) -> Source:
    """Return samples of a Markov chain over steps, learned from the songs of the catalogue."""
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


def _form(text: str, size: str, playing: Playing) -> Source:
    """Return draws of the project's model of form, or of one in a file."""
    require("torch", "safetensors", extra="torch", what=text)
    from listener.files import read_form
    from vae.processor import computing

    bars = BARS if not size or Path(size).suffix == MODEL_SUFFIX else _bars(text, size)
    model = read_form(Path(size) if Path(size).suffix == MODEL_SUFFIX else None)
    with computing(1):
        _, melodies = model.draw(playing.melodies, bars, np.random.default_rng(playing.seed))
    songs = _samples(text, "draws of the model of form", melodies[:, :, None] == np.arange(KEYS))
    return replace(songs, songs=[shortened(song, playing.steps) for song in songs.songs])


def _bars(text: str, size: str) -> int:
    if not size.isdigit() or not FEWEST_BARS <= int(size) <= MOST_BARS:
        raise UsageError(
            f"{text}: write the bars, form:{FEWEST_BARS} to form:{MOST_BARS}, or a file as form:mine{MODEL_SUFFIX}"
        )
    return int(size)


def _random(text: str, size: str, playing: Playing) -> Source:
    player = RandomPlayer(np.random.default_rng(playing.seed))
    return _by(player, text, "one key at random, or none", playing, playing.melodies)


def _silence(text: str, size: str, playing: Playing) -> Source:
    return _by(SilentPlayer(), text, "always rests", playing, 1)


def own_performer(text: str) -> OwnPerformer:
    """Return the user's own performer, named on the command line; raise ValueError if it is not a performer."""
    return OwnPerformer(text, load_part(text, "kuznechik.performers"))


def own_source(text: str, playing: Playing) -> Source:
    """Return how the user's own performer continues the first bar of each song in the catalogue."""
    player, songs = own_performer(text), catalogue(playing).songs[: playing.melodies]
    bar = DEFAULT_GRID.steps_per_bar
    memory, steps = MEMORY_BARS * bar, playing.steps or BARS * bar
    rolls = continue_prompts(player, np.array([song.roll[:bar] for song in songs]), steps, memory)
    played = [song.playing(roll, song.title) for song, roll in zip(songs, rolls, strict=True)]
    return Source(as_name(text), "your own performer", played, sampled=True)


def _by(player: Performer, text: str, what: str, playing: Playing, melodies: int) -> Source:
    """Return what a performer plays without a prompt, on the keyboard and grid of the options."""
    keyboard = usual_keyboard(playing.arranging.keys or KEYS)
    grid = Grid(playing.arranging.grid or DEFAULT_GRID.steps_per_beat)
    nothing = np.zeros((melodies, 0, keyboard.keys), dtype=bool)
    rolls = continue_prompts(player, nothing, playing.steps or BARS * grid.steps_per_bar, 1)
    return _samples(text, what, rolls, keyboard, grid)


def _samples(
    text: str, what: str, rolls: np.ndarray, keyboard: Keyboard = DEFAULT_KEYBOARD, grid: Grid = DEFAULT_GRID
) -> Source:
    name = as_name(text)
    return Source(name, what, [Song(name, roll, keyboard=keyboard, grid=grid) for roll in rolls], sampled=True)


def as_name(text: str) -> str:
    """Return the text of a source as a file name: vae-16."""
    return re.sub(r"[^\w.=-]+", "-", text).strip("-")


SAMPLED: dict[str, Callable[[str, str, Playing], Source]] = {
    "vae": _shipped,
    "markov": _markov,
    "melody": _melody,
    "form": _form,
    "random": _random,
    "silence": _silence,
}
"""Functions that return a source, given its text, the part after the colon, and how it plays."""

"""Melodies of a MusicVAE as files: reading MIDI, and writing MIDI, WAV and a picture.

Conventions: tokens (N, T) of a representation; rolls and onsets as in `vae.tokens`.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from experiments.options import UsageError
from songs.arrange import DEFAULTS, ArrangeOptions
from songs.catalog import MIDI_SUFFIXES, default_folder, reasons_in_words
from songs.excerpt import choose_bars
from songs.files import write_atomically
from songs.keyboard import DEFAULT_GRID
from songs.midi import encode_midi
from songs.score import MidiError
from songs.synth import loudness, render_notes, write_wav
from vae.config import ModelConfig
from vae.dataset import BARS
from vae.melody import MAX_BARS, Piece, read_piece, shift_to_c, transposed
from vae.tokens import REST, STEPS_PER_BAR, Representation, notes

SAMPLE_RATE = 44_100


@dataclass(frozen=True)
class Reading:
    """Options for reading melodies, and remarks on the files."""

    config: ModelConfig
    transposed: bool
    arranging: ArrangeOptions = DEFAULTS
    """Only track, channel and bars are used."""
    remarks: list[str] = field(default_factory=list)
    """Remarks on the files read, to print at the end."""


def find_file(name: str) -> Path:
    """Return the path of a MIDI file, a song of the project or a riff; raise UsageError if it does not exist."""
    path = Path(name)
    if path.exists():
        return path
    for folder in (default_folder(), default_folder() / "riffs"):
        for candidate in (folder / name, *(folder / f"{name}{suffix}" for suffix in MIDI_SUFFIXES)):
            if path.name == name and candidate.is_file():
                return candidate
    riffs = ", ".join(sorted(each.stem for each in (default_folder() / "riffs").glob("*.midi")))
    raise UsageError(f"{name}: no such file, no song of `kuznechik songs`, and no riff of the project ({riffs})")


def most_bars(name: str, arranging: ArrangeOptions) -> int:
    """Return the largest model length, in bars, that a melody fills; raise UsageError if it has fewer than two bars."""
    path = find_file(name)
    roll, onsets = _longest_segment(read_piece(path, arranging), path)
    first, bars = _named_bars(roll, onsets, path, arranging.bars)
    if bars < BARS[0]:
        raise UsageError(f"{path}: has {bars} bars from bar {first + 1} on, but models have 2, 4, 8 or 16")
    return max(each for each in BARS if each <= bars)


def read_sequence(name: str, reading: Reading) -> np.ndarray:
    """Return a melody as tokens (1, T); of a longer one, the bars that sound and recur most.

    Raises:
        UsageError: The melody has too few bars, or cannot be written in the model's representation.
        MidiError: The file cannot be used.
    """
    path, config = find_file(name), reading.config
    piece = read_piece(path, reading.arranging)
    roll, onsets = _longest_segment(piece, path)
    first, bars = _bars(roll, onsets, path, reading)
    total = len(roll) // STEPS_PER_BAR
    words = [*piece.changes, *[f"bars {first + 1}-{first + bars} of {total}"] * (bars < total)]
    if words:
        reading.remarks.append(f"{path}: {', '.join(words)}")
    part = slice(first * STEPS_PER_BAR, (first + bars) * STEPS_PER_BAR)
    if reading.transposed:
        roll = transposed(roll, shift_to_c(piece.tonic, piece.minor))
    tokens = config.form.write(roll[None, part], onsets[None, part])
    if not len(tokens):
        raise UsageError(f"{path}: does not fit on 13 keys in these bars")
    return tokens


def _longest_segment(piece: Piece, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the longest passage in 4/4."""
    if not piece.segments:
        raise UsageError(f"{path}: has no bars of 4/4, the only meter that the MusicVAE plays")
    roll, onsets = max(piece.segments, key=lambda segment: len(segment[0]))
    if (roll == REST).all():
        raise UsageError(f"{path}: has no notes in its bars of 4/4")
    return roll, onsets


def _named_bars(roll: np.ndarray, onsets: np.ndarray, path: Path, bars: str) -> tuple[int, int]:
    """Return the index of the first bar and the number of bars in a range such as 9-24, or 9 for all from there."""
    total = len(roll) // STEPS_PER_BAR
    at = np.flatnonzero(onsets & (roll != REST))
    named = f"{bars}-{max(total, int(bars))}" if bars.isdecimal() else bars or "all"
    try:
        return choose_bars(at, roll[at], STEPS_PER_BAR, named)
    except MidiError as error:
        raise UsageError(f"{path}: {error}") from None


def _bars(roll: np.ndarray, onsets: np.ndarray, path: Path, reading: Reading) -> tuple[int, int]:
    """Return the index of the first bar to use, and the number of bars of the model.

    These are the first of the bars given by the options, or else those that sound and recur most.
    """
    wanted, bars = reading.config.bars, reading.arranging.bars
    first, count = _named_bars(roll, onsets, path, bars)
    total = len(roll) // STEPS_PER_BAR
    if count > wanted and not bars:
        at = np.flatnonzero(onsets & (roll != REST))
        first, count = choose_bars(at, roll[at], STEPS_PER_BAR, "", wanted, wanted)
    elif count < wanted <= total and not bars:
        first, count = min(first, total - wanted), wanted  # silent bars at the end are included
    if count < wanted or (count > wanted and "-" in bars):
        raise UsageError(f"{path}: has {count} bars{f' in {bars}' * bool(bars)}, but the model needs {wanted}")
    return first, wanted


def read_folder(folder: Path, reading: Reading) -> np.ndarray:
    """Return all windows (N, T) of a MIDI file or of a folder of them; raise ValueError if none exist."""
    from vae.dataset_making import list_files, read_folders
    from vae.windows import cut_windows

    paths = list_files([folder])
    pieces, _, _, complaints = read_folders([folder], reading.arranging)
    reading.remarks.extend(reasons_in_words(complaints, len(paths)))
    windows = cut_windows(pieces, min(reading.config.bars, MAX_BARS), 1, reading.transposed)
    tokens = reading.config.form.write(windows.roll, windows.onsets)
    if not len(tokens):
        raise UsageError(f"{folder}: its {len(paths)} MIDI files contain no window of {reading.config.bars} bars")
    return tokens


def render_melody(played: np.ndarray, beats: float, tempo_bpm: float) -> np.ndarray:
    """Return the sound (samples, 2) float32 of notes (N, 3), each held for its full length."""
    onsets, lengths, pitches = played.T
    loud = loudness(onsets * DEFAULT_GRID.steps_per_beat, DEFAULT_GRID)
    beat = 60 / tempo_bpm
    return render_notes(np.stack([onsets * beat, lengths * beat, pitches, loud], axis=1), beats * beat, SAMPLE_RATE)


def write_melody_files(
    stem: Path, tokens: np.ndarray, form: Representation, tempo_bpm: float, wav: bool = True
) -> list[Path]:
    """Write one melody (T,) as STEM.mid and STEM.wav; return the paths."""
    played = notes(tokens, form)
    beats = len(tokens) / form.steps_per_bar * 4
    paths = melody_paths(stem, wav)
    write_atomically(paths[0], encode_midi(played, beats, tempo_bpm=tempo_bpm, title=stem.name))
    if wav:
        write_wav(paths[1], render_melody(played, beats, tempo_bpm), SAMPLE_RATE)
    return paths


def melody_paths(stem: Path, wav: bool = True) -> list[Path]:
    """Return the paths of a melody's files: STEM.mid and STEM.wav."""
    return [stem.with_name(f"{stem.name}{suffix}") for suffix in (".mid", ".wav")[: 1 + wav]]


def draw_melodies(path: Path, tokens: np.ndarray, form: Representation, titles: list[str]) -> Path:
    """Write a picture of melodies (N, T), stacked vertically; return its path."""
    from matplotlib.figure import Figure

    from experiments.figures import write_figure

    parts = [notes(row, form) for row in tokens]
    pitches = np.concatenate([part[:, 2] for part in parts] + [np.array([60.0, 72.0])])
    beats = tokens.shape[1] / form.steps_per_bar * 4
    figure = Figure(figsize=(max(6.0, beats * 0.45), 1.1 * len(tokens) + 0.6), layout="constrained")
    for part, title, axes in zip(parts, titles, np.ravel(figure.subplots(len(tokens), sharex=True)), strict=True):
        axes.barh(part[:, 2], part[:, 1] * 0.94, left=part[:, 0], height=0.9, color="#2c6e8f")
        axes.set(xlim=(0, beats), ylim=(pitches.min() - 1, pitches.max() + 1), yticks=[])
        axes.set_ylabel(title, rotation=0, ha="right", va="center", fontsize=8)
        axes.set_xticks(np.arange(0, beats + 1, 4), labels=[str(bar) for bar in range(1, int(beats) // 4 + 2)])
        axes.grid(axis="x", alpha=0.3)
    figure.supxlabel("bar", fontsize=8)
    write_figure(figure, path, 110)
    return path

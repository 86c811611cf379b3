"""Melodies from MIDI files on a grid of 16ths: whole bars of 4/4, one note at a time.

Conventions:
    A melody is `roll` and `onsets` (T,), as in `vae.tokens`; T is a multiple of 16, a bar.
    A *segment* is a run of whole 4/4 bars; a piece has one or more, separated by other meters.
    A beat file next to the MIDI file, NNN.beats.txt or beat_midi.txt, has one line per beat: its time in seconds, any
    second column, and 1.0 if a bar begins. It overrides the time signatures of the MIDI file.

Source:
    Keys: C. Krumhansl, Cognitive Foundations of Musical Pitch, 1990, the Krumhansl-Kessler profiles.
    Beat files: Z. Wang et al., POP909: A Pop-song Dataset for Music Arrangement Generation, 2020.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from songs.arrange import DEFAULTS, ArrangeOptions, melodic_parts, melody_part
from songs.files import read_text
from songs.midi import read_score
from songs.score import MidiError, Score
from vae.tokens import LOWEST_MIDI_PITCH, PITCHES, REST, STEPS_PER_BAR

STEPS_PER_BEAT = STEPS_PER_BAR // 4
FOUR_BEATS = ((4, 4), (2, 2))
MAX_BARS = 4096

MAJOR = np.array([0, 2, 4, 5, 7, 9, 11])
MAJOR_PROFILE = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR_PROFILE = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)


@dataclass(frozen=True, eq=False)
class Piece:
    """The melody of one file."""

    name: str
    segments: list[tuple[np.ndarray, np.ndarray]]
    """Roll and onsets (T,) of each run of 4/4 bars."""
    tonic: int = 0
    """Pitch class of the key, 0 for C."""
    minor: bool = False
    chords: int = 0
    """Number of notes left out below higher ones."""
    changes: tuple[str, ...] = ()
    """The part that was used, notes that were moved, and damage that was ignored, in short phrases."""


def read_piece(path: str | Path, options: ArrangeOptions = DEFAULTS) -> Piece:
    """Read the melody of a MIDI file: the highest notes of the selected part or of the most likely melody part.

    Args:
        path: the file.
        options: only track and channel are used.

    Raises:
        MidiError: the file cannot be read, or has no notes or no such track.
    """
    path = Path(path)
    score = read_score(path)
    try:
        part, changes = melody_part(score, options)
        melody = melodic_parts(score)[part].notes
    except MidiError as error:
        raise MidiError(f"{path}: {error}") from None
    unit = score.ticks_per_beat
    lengths = np.where(melody["length"] == 0, 1 / STEPS_PER_BEAT, melody["length"] / unit)  # length 0 becomes one step
    notes = np.stack((melody["onset"] / unit, lengths, melody["pitch"]), axis=1)
    beats = beats_file(path)
    segments, chords = [], 0
    for bars, gridded in _by_beats(beats, score, notes) if beats else _by_signatures(score, notes):
        roll, onsets, lower = on_grid(gridded, bars, fill_gaps=beats is not None)
        segments.append((roll, onsets))
        chords += lower
    tonic, minor = find_key(np.concatenate([roll for roll, _ in segments])) if segments else (0, False)
    moved = 0 if beats else int(np.count_nonzero(melody["onset"] * STEPS_PER_BEAT % unit))
    counts = {"moved to sixteenths": moved, "below others left out": chords}
    words = [f"{count} note{'s' * (count > 1)} {what}" for what, count in counts.items() if count]
    return Piece(path.stem, segments, tonic, minor, chords, (*changes, *words, *score.remarks))


def beats_file(path: Path) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the times of beats in seconds and a mask of those that begin a bar, from the beat file of a MIDI file.

    Raises:
        MidiError: the beat file exists but holds no usable beats.
    """
    for file in (path.with_name(f"{path.stem}.beats.txt"), path.with_name("beat_midi.txt")):
        if file.is_file():
            break
    else:
        return None
    try:
        table = np.loadtxt(read_text(file).splitlines(), ndmin=2)
        seconds, begins = table[:, 0], table[:, 2] > 0.5
    except (ValueError, IndexError, OSError):
        raise MidiError(f"{file}: holds no beats: a line has seconds and two numbers") from None
    if len(seconds) < 8 or begins.sum() < 3 or (np.diff(seconds) <= 0).any():
        raise MidiError(f"{file}: holds no usable beats")
    return seconds, begins


def _by_beats(beats, score: Score, notes: np.ndarray):
    """Yield the number of bars and the notes in 16ths (start, end, pitch) of every run of four-beat bars."""
    seconds, begins = beats
    seconds = np.concatenate((seconds, seconds[-1] + np.arange(1, 9) * (seconds[-1] - seconds[-2])))
    number = np.arange(len(seconds))
    start = np.interp(score.seconds(notes[:, 0]), seconds, number) * STEPS_PER_BEAT
    end = np.interp(score.seconds(notes[:, 0] + notes[:, 1]), seconds, number) * STEPS_PER_BEAT
    bars = np.flatnonzero(begins)
    breaks = np.flatnonzero(np.diff(bars) != 4) + 1
    for run in np.split(bars, breaks):
        first, last = run[0] * STEPS_PER_BEAT, (run[-1] + 4) * STEPS_PER_BEAT
        here = (start >= first - 0.5) & (start < last - 0.5)
        yield len(run), np.stack((start[here] - first, end[here] - first, notes[here, 2]), axis=1)


def _by_signatures(score: Score, notes: np.ndarray):
    """Yield the number of bars and the notes in 16ths of every stretch with four quarter notes per bar."""
    changes = {0.0: (4, 4)}
    for tick, numerator, denominator in score.time_signatures:
        changes[tick / score.ticks_per_beat] = (numerator, denominator)
    merged: list[tuple[float, tuple[int, int]]] = []
    for beat, meter in sorted(changes.items()):
        if not merged or merged[-1][1] != meter:
            merged.append((beat, meter))
    end = max(score.end / score.ticks_per_beat, (notes[:, 0] + notes[:, 1]).max())
    for (beat, meter), following in zip(merged, [*(at for at, _ in merged[1:]), end], strict=True):
        bars = min(MAX_BARS, int(np.ceil((following - beat) / 4 - 0.01)))
        if meter in FOUR_BEATS and bars > 0:
            here = notes[(notes[:, 0] >= beat) & (notes[:, 0] < following)]
            start = (here[:, 0] - beat) * STEPS_PER_BEAT
            yield bars, np.stack((start, start + here[:, 1] * STEPS_PER_BEAT, here[:, 2]), axis=1)


def on_grid(notes: np.ndarray, bars: int, fill_gaps: bool = False) -> tuple[np.ndarray, np.ndarray, int]:
    """Put notes on the grid, keeping the highest one if several sound.

    A note that begins while a higher one sounds for more than another step is left out; any other ends the one before.

    Args:
        notes: (N, 3) start and end in 16ths, and MIDI pitch.
        bars: length in bars.
        fill_gaps: extend a note that ends one step before the next one, as is common in performances.

    Returns:
        Roll and onsets (16 * bars,), and the number of notes left out below others.
    """
    steps, lower = bars * STEPS_PER_BAR, 0
    start = np.rint(notes[:, 0]).astype(int)
    end = np.maximum(start + 1, np.rint(notes[:, 1]).astype(int))
    pitch = notes[:, 2].astype(int) - LOWEST_MIDI_PITCH
    inside = (start >= 0) & (start < steps) & (pitch >= 0) & (pitch < PITCHES)
    order = np.lexsort((-pitch[inside], start[inside]))
    kept: list[list[int]] = []
    for begins, ends, key in np.stack((start, end, pitch), axis=1)[inside][order].tolist():
        if kept and (begins == kept[-1][0] or (key < kept[-1][2] and kept[-1][1] > begins + 1)):
            lower += 1
            continue
        if kept and (kept[-1][1] > begins or (fill_gaps and begins - kept[-1][1] == 1)):
            kept[-1][1] = begins
        kept.append([begins, ends, key])
    roll, onsets = np.full(steps, REST), np.zeros(steps, dtype=bool)
    for begins, ends, key in kept:
        roll[begins:ends] = key
        onsets[begins] = True
    return roll, onsets, lower


def find_key(roll: np.ndarray) -> tuple[int, bool]:
    """Return the tonic (0 for C) and True for a minor key.

    A key scores twice the share of the sound within its scale, plus the correlation of pitch classes with its profile.
    """
    pitch_classes = (roll[roll != REST] + LOWEST_MIDI_PITCH) % 12
    shares = np.bincount(pitch_classes, minlength=12) / max(1, len(pitch_classes))
    if shares.max(initial=0) == shares.min(initial=0):
        return 0, False
    best, key = -np.inf, (0, False)
    for minor, profile in ((False, MAJOR_PROFILE), (True, MINOR_PROFILE)):
        scale = (MAJOR + 3) % 12 if minor else MAJOR
        for tonic in range(12):
            agreement = np.corrcoef(np.roll(profile, tonic), shares)[0, 1] + 2 * shares[(scale + tonic) % 12].sum()
            if agreement > best + 1e-9:
                best, key = agreement, (tonic, minor)
    return key


def shift_to_c(tonic: int, minor: bool) -> int:
    """Return the smallest shift in semitones, -6 to 5, that moves a key to C major or A minor."""
    return ((9 if minor else 0) - tonic + 6) % 12 - 6


def transposed(roll: np.ndarray, shift: int) -> np.ndarray:
    """Transpose a roll by semitones; notes beyond the range of the piano are moved back by an octave."""
    moved = roll + shift
    moved = np.where(moved < 0, moved + 12, np.where(moved >= PITCHES, moved - 12, moved))
    return np.where(roll == REST, REST, moved)

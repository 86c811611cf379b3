"""Reading and writing MIDI files.

Conventions:
    Onsets are an int64 array (N, 2), each row a step of the grid and a MIDI pitch, sorted by step and then pitch.
    Lengths are in steps, in `encode_midi` in beats. Ticks are the file's unit of time; a beat is a quarter note.
    Drums (channel 10) are not read as onsets.
"""

import errno
import io
import operator
import os
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from songs.files import read_whole, write_atomically
from songs.key_signature import KeySignature
from songs.keyboard import STEPS_PER_BEAT
from songs.midi_parser import MAX_BEATS, MAX_BYTES, parse_midi
from songs.score import MidiError, Score

if TYPE_CHECKING:
    import mido

__all__ = ["MidiError", "MidiNotes", "encode_midi", "read_midi", "read_score", "write_midi"]

TICKS_PER_BEAT = 480
VELOCITY = 80
DEFAULT_TEMPO_BPM = 120.0
TEMPO_RANGE_BPM = (4.0, 300.0)
"""A file stores microseconds per beat in 24 bits: at least 3.6 bpm, and accurate to 1e-3 bpm up to 346 bpm."""


@dataclass(frozen=True, eq=False)
class MidiNotes:
    """The onsets of a MIDI file on a grid."""

    title: str
    """The first track name that has text, cut to 200 characters; '' if none has."""
    tempo_bpm: float
    """The first tempo, 120 if none is given."""
    steps: int
    """Length: the last onset + 1, or the end of the longest track rounded to a step if that is later."""
    onsets: np.ndarray
    """(N, 2) int64: step, MIDI pitch; sorted, unique."""
    off_grid: int
    """Number of notes that were off the grid and were moved to the nearest step."""
    lengths: np.ndarray
    """(N,) float64, length in steps of each onset."""
    tempo_changes: tuple[tuple[float, float], ...] = ()
    """Later tempos: the step from which each holds, and beats per minute."""
    key: KeySignature | None = None
    """The first key signature, if it holds from the beginning."""
    remarks: tuple[str, ...] = ()
    """Damage to the file that was ignored."""


def read_score(path: str | os.PathLike) -> Score:
    """Read all notes of a MIDI file, with their lengths.

    Args:
        path: a file of type 0 or 1, or of type 2 with one track; it may be wrapped in RIFF.

    Raises:
        MidiError: the file cannot be read, is damaged, unsupported or too large.
    """
    try:
        return parse_midi(_read_bytes(Path(path)))
    except MidiError as error:
        raise MidiError(f"{path}: {error}") from None


def _read_bytes(path: Path) -> bytes:
    try:
        return read_whole(path, MAX_BYTES)
    except FileNotFoundError:
        raise MidiError("there is no such file") from None
    except IsADirectoryError:
        raise MidiError("is a folder: name a MIDI file in it") from None
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise MidiError(f"is too large: MIDI files of up to {MAX_BYTES // 2**20} MiB are read") from None
        raise MidiError(f"cannot be read: {error.strerror}") from None


def read_midi(
    path: str | os.PathLike,
    steps_per_beat: int = STEPS_PER_BEAT,
    allow_silence: bool = False,
) -> MidiNotes:
    """Read the onsets of a MIDI file.

    Args:
        path: as for `read_score`.
        steps_per_beat: the grid, 1 to 480; an onset halfway between two steps is moved to the later one.
        allow_silence: return no onsets for a file without notes instead of raising.

    Raises:
        MidiError: the file cannot be read, is damaged, unsupported or too large, or has no notes.
        ValueError: `steps_per_beat` is out of range.
    """
    if not 1 <= operator.index(steps_per_beat) <= TICKS_PER_BEAT:
        raise ValueError(f"{steps_per_beat} steps a beat: 1 to {TICKS_PER_BEAT} can be read")
    score = read_score(path)
    unit = score.ticks_per_beat
    try:
        notes = score.melodic()
    except MidiError as error:
        if not allow_silence:
            raise MidiError(f"{path}: {error}") from None
        notes = score.notes[:0]
    steps = _nearest_step(notes["onset"], steps_per_beat, unit)
    rows = np.stack((steps, notes["pitch"].astype(np.int64)), axis=1)
    onsets, first = np.unique(rows, axis=0, return_index=True)
    return MidiNotes(
        score.title,
        score.tempo_bpm,
        int(max([_nearest_step(score.end, steps_per_beat, unit), *(onsets[-1:, 0] + 1)])),
        onsets,
        int(np.count_nonzero(notes["onset"] * steps_per_beat % unit)),
        notes["length"][first] * (steps_per_beat / unit),
        tuple((beat * steps_per_beat, tempo) for beat, tempo in score.tempos_between(0, score.end / unit)[1:]),
        score.key_at(0),
        score.remarks,
    )


def _nearest_step(tick: int | np.ndarray, steps_per_beat: int, ticks_per_beat: int) -> int | np.ndarray:
    """Return the step nearest to a tick, or to each of an array of ticks; ties go to the later step."""
    return (2 * tick * steps_per_beat + ticks_per_beat) // (2 * ticks_per_beat)


def write_midi(
    path: str | os.PathLike,
    onsets: np.ndarray,
    steps: int,
    *,
    title: str = "",
    tempo_bpm: float = DEFAULT_TEMPO_BPM,
    steps_per_beat: int = STEPS_PER_BEAT,
    lengths: np.ndarray | None = None,
    tempo_changes: Sequence[tuple[float, float]] = (),
    key: str | None = None,
    time_signature: tuple[int, int] = (4, 4),
    texts: Sequence[str] = (),
) -> None:
    """Write onsets as a type 0 MIDI file that `read_midi` reads back; the same arguments give the same bytes.

    An existing file is replaced atomically: a reader sees the old one or the new one.

    Args:
        path: the file; its folder is created if needed.
        onsets: (N, 2) integers, a step and a MIDI pitch, in any order; repeated rows are written once.
        steps: length of the song, at least 1; all onsets lie before it.
        title: as for `encode_midi`, like tempo_bpm, key, time_signature and texts.
        steps_per_beat: the grid, a divisor of 480.
        lengths: (N,) lengths of the onsets in steps; None for one step each.
        tempo_changes: the step from which each holds, and beats per minute.

    Raises:
        ValueError: an argument is out of range, or the file would be too large for `read_midi`.
        OSError: the file cannot be written.
    """
    if operator.index(steps_per_beat) < 1 or TICKS_PER_BEAT % steps_per_beat:
        raise ValueError(f"{steps_per_beat} steps a beat: the number must divide {TICKS_PER_BEAT}")
    if not 1 <= operator.index(steps) <= MAX_BEATS * steps_per_beat:
        raise ValueError(f"a song of {steps} steps: 1 to {MAX_BEATS * steps_per_beat} can be written")
    onsets, first = _checked_onsets(onsets, steps)
    lengths = np.ones(len(onsets)) if lengths is None else np.asarray(lengths, dtype=np.float64)[first]
    data = encode_midi(
        np.stack((onsets[:, 0] / steps_per_beat, lengths / steps_per_beat, onsets[:, 1]), axis=1),
        steps / steps_per_beat,
        title=title,
        tempo_bpm=tempo_bpm,
        tempo_changes=[(step / steps_per_beat, tempo) for step, tempo in tempo_changes],
        key=key,
        time_signature=time_signature,
        texts=texts,
    )
    try:
        parse_midi(data)
    except MidiError as error:
        raise MidiError(f"{path}: is not written, as it {error}") from None
    write_atomically(Path(path), data)


def _checked_onsets(onsets: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Return onsets (N, 2) int64, sorted and unique, and their original indices."""
    onsets = np.asarray(onsets)
    if onsets.size == 0:
        return np.zeros((0, 2), dtype=np.int64), np.zeros(0, dtype=np.int64)
    if onsets.ndim != 2 or onsets.shape[1] != 2 or onsets.dtype.kind not in "iu":
        kind = f"{onsets.dtype} {onsets.shape}"
        raise ValueError(f"onsets are integers (N, 2), each a step and a MIDI pitch; these are {kind}")
    if onsets[:, 0].min() < 0 or onsets[:, 0].max() >= steps:
        raise ValueError(f"an onset lies outside the {steps} steps of the song")
    if onsets[:, 1].min() < 0 or onsets[:, 1].max() > 127:
        raise ValueError("an onset has a pitch outside 0 to 127")
    return np.unique(onsets.astype(np.int64), axis=0, return_index=True)


def encode_midi(
    notes: np.ndarray,
    beats: float,
    *,
    title: str = "",
    tempo_bpm: float = DEFAULT_TEMPO_BPM,
    tempo_changes: Sequence[tuple[float, float]] = (),
    key: str | None = None,
    time_signature: tuple[int, int] = (4, 4),
    texts: Sequence[str] = (),
) -> bytes:
    """Encode notes as a type 0 MIDI file with 480 ticks per beat.

    Args:
        notes: (N, 3) float, onset and length in beats, and MIDI pitch.
        beats: length of the track.
        title: track name, written in UTF-8; control characters, surrounding spaces and characters beyond the first 200
            are not read back.
        tempo_bpm: 4 to 300.
        tempo_changes: the beat from which each holds, and beats per minute.
        key: key signature such as `Am` or `Bb`, or None.
        time_signature: beats in a bar (1 to 255), and the note that is a beat (1, 2, 4 ... 64).
        texts: text events, for readers of the file.

    Raises:
        ValueError: an argument is out of range.
    """
    import mido  # imported here because reading does not need it

    track = mido.MidiTrack(_head(title, tempo_bpm, key, time_signature, texts))
    now, events = 0, [(round(beat * TICKS_PER_BEAT), -1, _tempo(tempo)) for beat, tempo in tempo_changes]
    for onset, length, pitch in notes.tolist():
        tick = round(onset * TICKS_PER_BEAT)
        end = max(tick + 1, round((onset + length) * TICKS_PER_BEAT))
        events.append((tick, 128 + int(pitch), mido.Message("note_on", note=int(pitch), velocity=VELOCITY)))
        events.append((end, int(pitch), mido.Message("note_off", note=int(pitch), velocity=0)))
    for tick, _, message in sorted(events, key=itemgetter(0, 1)):  # a note ends before another begins
        message.time, now = tick - now, tick
        track.append(message)
    track.append(mido.MetaMessage("end_of_track", time=max(0, round(beats * TICKS_PER_BEAT) - now)))
    file = io.BytesIO()
    mido.MidiFile(type=0, ticks_per_beat=TICKS_PER_BEAT, tracks=[track]).save(file=file)
    return file.getvalue()


def _head(title, tempo_bpm, key, time_signature, texts) -> list["mido.MetaMessage"]:
    """Return the messages before the first note."""
    numerator, denominator = time_signature
    if numerator not in range(1, 256) or denominator not in (1, 2, 4, 8, 16, 32, 64):
        raise ValueError(f"time signature {numerator}/{denominator}: write 1 to 255 over 1, 2, 4 ... or 64")
    import mido

    messages = [mido.MetaMessage("track_name", name=_as_latin_1(title))] if title else []
    messages += [mido.MetaMessage("text", text=_as_latin_1(text)) for text in texts]
    messages.append(_tempo(tempo_bpm))
    messages.append(mido.MetaMessage("time_signature", numerator=numerator, denominator=denominator))
    if key is not None:
        try:
            messages.append(mido.MetaMessage("key_signature", key=key))
        except ValueError:
            raise ValueError(f"{key!r} is no key: write one as in C, F#, Bb or F#m") from None
    return messages


def _tempo(tempo_bpm: float) -> "mido.MetaMessage":
    slowest, fastest = TEMPO_RANGE_BPM
    if not slowest <= tempo_bpm <= fastest:
        raise ValueError(f"a tempo of {tempo_bpm} bpm: {slowest:g} to {fastest:g} can be written")
    import mido

    return mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo_bpm))


def _as_latin_1(text: str) -> str:
    """Return the text that mido, which encodes as Latin-1, turns into the UTF-8 bytes of `text`."""
    return text.encode("utf-8").decode("latin-1")

"""MIDI files: which pitch begins at which step of the grid.

Conventions:
    An onset is a note_on with a velocity above 0, on any channel but 10, where MIDI keeps the drums.
    How long a note is held is not read; written notes are held for one step.
    Onsets are an int64 array (N, 2), each row a step and a MIDI pitch, in order of step and then pitch.
    Ticks are the file's own unit of time; a beat is a quarter note. Tempo is in beats a minute.
"""

import io
import operator
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import mido
import numpy as np

from songs.files import write_atomically
from songs.keyboard import STEPS_PER_BEAT
from songs.midi_check import MAX_BEATS, MidiError, midi_bytes, safe_midi
from songs.plain_text import without_controls

__all__ = ["MidiError", "MidiNotes", "read_midi", "write_midi"]

TICKS_PER_BEAT = 480
VELOCITY = 80
DRUMS_CHANNEL = 9  # counted from 0
DEFAULT_TEMPO_BPM = 120.0
TEMPO_RANGE_BPM = (4.0, 300.0)
"""A file stores microseconds a beat in 24 bits: from 3.6 bpm, and to 1e-3 bpm up to 346."""

MAX_TITLE = 200
"""Characters of a title that are read; a file may name a track with a million."""

_MIDO_ERRORS = (OSError, EOFError, LookupError, ValueError, ArithmeticError, mido.KeySignatureError)


@dataclass(frozen=True, eq=False)
class MidiNotes:
    """What is read of a MIDI file."""

    title: str
    """The first track name that has text, at most 200 characters of it; '' if none has."""

    tempo_bpm: float
    """The first tempo, 120 where none is given."""

    steps: int
    """Length: the last onset + 1, or the end of the longest track to the nearest step if that is later."""

    onsets: np.ndarray
    """(N, 2) int64: step, MIDI pitch; sorted, unique."""

    off_grid: int
    """Notes that did not lie on the grid and were moved to the nearest step."""


def read_midi(
    path: str | os.PathLike,
    steps_per_beat: int = STEPS_PER_BEAT,
    track: str | None = None,
    *,
    allow_silence: bool = False,
) -> MidiNotes:
    """Read the onsets of a MIDI file.

    Args:
        path: a type 0 or type 1 file.
        steps_per_beat: the grid, 1 to 480; an onset half way between two steps is moved to the later one.
        track: read only the tracks of this name, in capitals or not; all tracks if None. Title, tempo and
            length are always those of the whole file.
        allow_silence: return no onsets for a file without notes, rather than raise.

    Raises:
        MidiError: the file cannot be read, is damaged, unsupported or too large, or has no notes or no such
            track.
        ValueError: `steps_per_beat` is out of range.
    """
    if not 1 <= operator.index(steps_per_beat) <= TICKS_PER_BEAT:
        raise ValueError(f"{steps_per_beat} steps a beat: 1 to {TICKS_PER_BEAT} can be read")
    try:
        return _notes(safe_midi(midi_bytes(Path(path))), steps_per_beat, track, allow_silence)
    except MidiError as error:
        raise MidiError(f"{path}: {error}") from error


def write_midi(
    path: str | os.PathLike,
    onsets: np.ndarray,
    steps: int,
    *,
    title: str = "",
    tempo_bpm: float = DEFAULT_TEMPO_BPM,
    steps_per_beat: int = STEPS_PER_BEAT,
    key: str | None = None,
    time_signature: tuple[int, int] = (4, 4),
    texts: Sequence[str] = (),
) -> None:
    """Write a type 0 MIDI file of onsets; `read_midi` reads them back, and the same call the same bytes.

    A file that is there is replaced in one go: a reader sees the old one or the new one.

    Args:
        path: where; its folder is made if need be.
        onsets: (N, 2) integers, a step and a MIDI pitch, in any order; repeated rows are written once.
        steps: length of the song, at least 1; all onsets lie before it.
        title: track name, written in UTF-8; characters that do more than show, spaces around it and what is beyond
            200 characters are not read back.
        tempo_bpm: 4 to 300.
        steps_per_beat: the grid, a divisor of 480.
        key: key signature such as `Am` or `Bb`, or None.
        time_signature: beats in a bar (1 to 255), and the note that is a beat (1, 2, 4 ... 64).
        texts: text events, for readers of the file.

    Raises:
        ValueError: an argument is out of range, or the file would be too large for `read_midi`.
        OSError: the file cannot be written.
    """
    if operator.index(steps_per_beat) < 1 or TICKS_PER_BEAT % steps_per_beat:
        raise ValueError(f"{steps_per_beat} steps a beat: the number must divide {TICKS_PER_BEAT}")
    if not 1 <= operator.index(steps) <= MAX_BEATS * steps_per_beat:
        raise ValueError(f"a song of {steps} steps: 1 to {MAX_BEATS * steps_per_beat} can be written")
    onsets = _checked_onsets(onsets, steps)
    messages = _head(title, tempo_bpm, key, time_signature, texts)
    messages += _note_messages(onsets, int(steps), TICKS_PER_BEAT // int(steps_per_beat))
    file = io.BytesIO()
    mido.MidiFile(type=0, ticks_per_beat=TICKS_PER_BEAT, tracks=[mido.MidiTrack(messages)]).save(file=file)
    try:
        safe_midi(file.getvalue())
    except MidiError as error:
        raise MidiError(f"{path}: is not written, as it {error}") from None
    write_atomically(Path(path), file.getvalue())


def _notes(data: bytes, steps_per_beat: int, track: str | None, allow_silence: bool) -> MidiNotes:
    """Return the notes of a file that `safe_midi` has checked."""
    try:
        midi = mido.MidiFile(file=io.BytesIO(data))
    except _MIDO_ERRORS as error:
        raise MidiError(f"is damaged: {type(error).__name__} {error}".rstrip()) from error
    names = [_track_name(messages) for messages in midi.tracks]
    wanted = _wanted_tracks(names, track)
    notes, tempos, end = [], [], 0
    for messages, is_wanted in zip(midi.tracks, wanted, strict=True):
        tick = 0
        for message in messages:
            tick += message.time
            if message.type == "set_tempo":
                tempos.append((tick, message.tempo))
            elif is_wanted and _is_onset(message):
                notes.append((tick, message.note))
        end = max(end, tick)
    if not notes and not allow_silence:
        raise MidiError("has no notes" if track is None else f"has no notes in track {track!r}")
    tempo_bpm = mido.tempo2bpm(min(tempos, key=lambda at: at[0])[1]) if tempos else DEFAULT_TEMPO_BPM
    onsets = np.array(notes, dtype=np.int64).reshape(-1, 2)
    off_grid = np.count_nonzero(onsets[:, 0] * steps_per_beat % midi.ticks_per_beat)
    onsets[:, 0] = _nearest_step(onsets[:, 0], steps_per_beat, midi.ticks_per_beat)
    onsets = np.unique(onsets, axis=0)
    steps = max([_nearest_step(end, steps_per_beat, midi.ticks_per_beat), *(onsets[-1:, 0] + 1)])
    return MidiNotes(next(filter(None, names), "")[:MAX_TITLE].strip(), tempo_bpm, int(steps), onsets, int(off_grid))


def _wanted_tracks(names: list[str], track: str | None) -> list[bool]:
    """Return which of the tracks are called `track`; all are wanted if it is None."""
    wanted = [track is None or name.casefold() == track.casefold() for name in names]
    if not any(wanted):
        listing = ", ".join(dict.fromkeys(filter(None, names))) or "none, as they have no names"
        raise MidiError(f"has no track {track!r}; its tracks are: {listing[:200]}")
    return wanted


def _is_onset(message: mido.Message) -> bool:
    return message.type == "note_on" and message.velocity > 0 and message.channel != DRUMS_CHANNEL


def _nearest_step(tick: int | np.ndarray, steps_per_beat: int, ticks_per_beat: int) -> int | np.ndarray:
    """Return the step nearest to a tick, or an array of them, the later one of two that are as near."""
    return (2 * tick * steps_per_beat + ticks_per_beat) // (2 * ticks_per_beat)


def _track_name(messages: mido.MidiTrack) -> str:
    """Return the first name of a track that has text, '' if none has."""
    names = (_text(message.name.encode("latin-1")) for message in messages if message.type == "track_name")
    return next(filter(None, names), "")


def _text(data: bytes) -> str:
    """Return the text of bytes whose encoding a MIDI file does not tell.

    UTF-8 is recognised with certainty. What is left is Russian in Windows-1251, where the letters are the
    bytes from 0xC0 on and ASCII letters are few, or else Latin-1, which gives every byte a character.
    """
    high = sum(byte >= 0xC0 for byte in data)
    latin = sum(byte < 0x80 and chr(byte).isalpha() for byte in data)
    looks_cyrillic = high > latin and 2 * high > sum(byte >= 0x80 for byte in data)
    for encoding in ("utf-8", "cp1251", "latin-1") if looks_cyrillic else ("utf-8", "latin-1"):
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    return without_controls(text)


def _checked_onsets(onsets: np.ndarray, steps: int) -> np.ndarray:
    """Return onsets (N, 2) int64, sorted and unique."""
    onsets = np.asarray(onsets)
    if onsets.size == 0:
        return np.zeros((0, 2), dtype=np.int64)
    if onsets.ndim != 2 or onsets.shape[1] != 2 or onsets.dtype.kind not in "iu":
        kind = f"{onsets.dtype} {onsets.shape}"
        raise ValueError(f"onsets are integers (N, 2), each a step and a MIDI pitch; these are {kind}")
    if onsets[:, 0].min() < 0 or onsets[:, 0].max() >= steps:
        raise ValueError(f"an onset lies outside the {steps} steps of the song")
    if onsets[:, 1].min() < 0 or onsets[:, 1].max() > 127:
        raise ValueError("an onset has a pitch outside 0 to 127")
    return np.unique(onsets.astype(np.int64), axis=0)


def _head(title, tempo_bpm, key, time_signature, texts) -> list[mido.MetaMessage]:
    """Return the messages before the first note."""
    slowest, fastest = TEMPO_RANGE_BPM
    if not slowest <= tempo_bpm <= fastest:
        raise ValueError(f"a tempo of {tempo_bpm} bpm: {slowest:g} to {fastest:g} can be written")
    numerator, denominator = time_signature
    if numerator not in range(1, 256) or denominator not in (1, 2, 4, 8, 16, 32, 64):
        raise ValueError(f"time signature {numerator}/{denominator}: write 1 to 255 over 1, 2, 4 ... or 64")
    messages = [mido.MetaMessage("track_name", name=_as_latin_1(title))] if title else []
    messages += [mido.MetaMessage("text", text=_as_latin_1(text)) for text in texts]
    messages.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo_bpm)))
    messages.append(mido.MetaMessage("time_signature", numerator=numerator, denominator=denominator))
    if key is not None:
        try:
            messages.append(mido.MetaMessage("key_signature", key=key))
        except ValueError:
            raise ValueError(f"{key!r} is no key: write one as in C, F#, Bb or F#m") from None
    return messages


def _as_latin_1(text: str) -> str:
    """Return the text that mido, which writes Latin-1, turns into the UTF-8 bytes of `text`."""
    return text.encode("utf-8").decode("latin-1")


def _note_messages(onsets: np.ndarray, steps: int, ticks_per_step: int) -> list[mido.Message]:
    """Return the notes, each held for a step, and the end of the track; a release comes before an onset."""
    events = [(step, "note_on", pitch) for step, pitch in onsets.tolist()]
    events += [(step + 1, "note_off", pitch) for step, pitch in onsets.tolist()]
    messages, now = [], 0
    for step, kind, pitch in sorted(events):
        velocity = VELOCITY if kind == "note_on" else 0
        messages.append(mido.Message(kind, note=pitch, velocity=velocity, time=(step - now) * ticks_per_step))
        now = step
    messages.append(mido.MetaMessage("end_of_track", time=(steps - now) * ticks_per_step))
    return messages

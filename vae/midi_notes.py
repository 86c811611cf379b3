"""Notes with their lengths, time signatures and tempos of a MIDI file; `songs.midi` reads onsets alone.

Conventions:
    Notes are float64 (N, 3): start and length in beats (quarter notes), and MIDI pitch; sorted by start.
    Drums (channel 10) are left out. A note that begins again while it sounds ends there.
    The bytes are checked by `songs.midi_check` before mido parses them.
"""

import io
import struct
from dataclasses import dataclass
from pathlib import Path

import mido
import numpy as np

from songs.midi import DRUMS_CHANNEL, TICKS_PER_BEAT, VELOCITY
from songs.midi_check import MidiError, midi_bytes, safe_midi

DEFAULT_TEMPO = 500_000
"""Microseconds a beat where a file names none: 120 a minute."""


@dataclass(frozen=True, eq=False)
class Score:
    """What is read of a MIDI file."""

    tracks: dict[str, np.ndarray]
    """The notes of each name of a track, '' for tracks without one."""
    signatures: list[tuple[float, int, int]]
    """Beat, beats in a bar, the note that is a beat."""
    tempos: list[tuple[float, int]]
    """Beat, microseconds a beat."""
    beats: float
    """Where the longest track ends."""

    def seconds(self, beats: np.ndarray) -> np.ndarray:
        """Return the times in seconds of positions in beats."""
        changes = dict([(0.0, DEFAULT_TEMPO), *sorted(self.tempos)])
        at = np.array(list(changes))
        lengths = np.array(list(changes.values())) * 1e-6
        begin = np.concatenate(([0.0], np.cumsum(np.diff(at) * lengths[:-1])))
        part = np.clip(np.searchsorted(at, beats, side="right") - 1, 0, None)
        return begin[part] + (beats - at[part]) * lengths[part]


def read_score(path: str | Path, track: str | None = None) -> Score:
    """Read a MIDI file.

    Args:
        path: a type 0 or 1 file.
        track: if the file has tracks of this name, in capitals or not, other named tracks are left out.

    Raises:
        MidiError: the file cannot be read, is damaged, unsupported or too large.
    """
    try:
        data = safe_midi(midi_bytes(Path(path)))
        midi = mido.MidiFile(file=io.BytesIO(_only(data, track) if track else data))
    except MidiError as error:
        raise MidiError(f"{path}: {error}") from None
    except (OSError, EOFError, LookupError, ValueError, ArithmeticError) as error:
        raise MidiError(f"{path}: is damaged: {type(error).__name__} {error}".rstrip()) from None
    unit = midi.ticks_per_beat
    notes: dict[str, list] = {}
    signatures, tempos, end = [], [], 0
    for messages in midi.tracks:
        name = next((message.name.strip() for message in messages if message.type == "track_name"), "")
        tick = 0
        for message in messages:
            tick += message.time
            if message.type == "time_signature":
                signatures.append((tick / unit, message.numerator, message.denominator))
            elif message.type == "set_tempo":
                tempos.append((tick / unit, message.tempo))
        notes.setdefault(name, []).extend(_held(messages))
        end = max(end, tick)
    tracks = {
        name: np.array(sorted(held), dtype=float).reshape(-1, 3) / (unit, unit, 1) for name, held in notes.items()
    }
    return Score(tracks, sorted(signatures), sorted(tempos), end / unit)


def _only(data: bytes, track: str) -> bytes:
    """Return a checked file without the named tracks that are not called `track`, if one is.

    Parsing is most of the time of reading a folder, and a song's piano is most of what there is to parse.
    """
    chunks, position = [], 14
    while position < len(data):
        size = struct.unpack_from(">L", data, position + 4)[0]
        chunks.append(data[position : position + 8 + size])
        position += 8 + size
    names = [_name(chunk) for chunk in chunks]
    if track.casefold() not in names:
        return data
    kept = [chunk for chunk, name in zip(chunks, names, strict=True) if name in ("", track.casefold())]
    return data[:10] + struct.pack(">H", len(kept)) + data[12:14] + b"".join(kept)


def _name(chunk: bytes) -> str:
    """Return the name of a track chunk, if it stands within its first bytes."""
    at = chunk.find(b"\xff\x03", 8, 256)
    return "" if at < 0 else chunk[at + 3 : at + 3 + chunk[at + 2]].decode("latin-1").strip().casefold()


def _held(messages: mido.MidiTrack) -> list[tuple[int, int, int]]:
    """Return the notes of a track in ticks."""
    notes: list[tuple[int, int, int]] = []
    sounding: dict[tuple[int, int], int] = {}
    tick = 0
    for message in messages:
        tick += message.time
        if message.type not in ("note_on", "note_off") or message.channel == DRUMS_CHANNEL:
            continue
        begun = sounding.pop((message.channel, message.note), None)
        if begun is not None and tick > begun:
            notes.append((begun, tick - begun, message.note))
        if message.type == "note_on" and message.velocity > 0:
            sounding[message.channel, message.note] = tick
    notes += [(begun, tick - begun, note) for (_, note), begun in sounding.items() if tick > begun]
    return notes


def score_bytes(notes: np.ndarray, beats: float, tempo_bpm: float = 120.0, title: str = "") -> bytes:
    """Return a type 0 MIDI file of notes (N, 3), `beats` long."""
    events = []
    for start, length, pitch in notes.tolist():
        tick = round(start * TICKS_PER_BEAT)
        events.append((tick, 1, int(pitch)))
        events.append((max(tick + 1, round((start + length) * TICKS_PER_BEAT)), 0, int(pitch)))
    track, now = mido.MidiTrack(), 0
    if title:
        track.append(mido.MetaMessage("track_name", name=title.encode("utf-8").decode("latin-1")))
    track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo_bpm)))
    track.append(mido.MetaMessage("time_signature", numerator=4, denominator=4))
    for tick, begins, pitch in sorted(events):
        kind, velocity = ("note_on", VELOCITY) if begins else ("note_off", 0)
        track.append(mido.Message(kind, note=pitch, velocity=velocity, time=tick - now))
        now = tick
    track.append(mido.MetaMessage("end_of_track", time=max(0, round(beats * TICKS_PER_BEAT) - now)))
    file = io.BytesIO()
    mido.MidiFile(type=0, ticks_per_beat=TICKS_PER_BEAT, tracks=[track]).save(file=file)
    return file.getvalue()

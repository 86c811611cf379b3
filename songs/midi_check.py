"""Checking the bytes of a MIDI file before mido parses them.

mido 1.3.3 believes the numbers in a file: a delta time of 2^28 makes a song of months, a track count above
32,767 an empty song, an overlong number a hang, and a short key signature stops it. Here every number is
checked against the bytes that are there, at about a million events a second and without an allocation
larger than the file.

Conventions:
    A *quantity* is MIDI's variable-length number: 7 bits a byte, the high bit set on all bytes but the last.
    An *event* is a delta time in ticks and a message; its status byte may be left out (running status).
    Errors give the reason only; `songs.midi.read_midi` puts the name of the file before it.

Source:
    The MIDI Association, Standard MIDI Files 1.0 (RP-001).
"""

import errno
import struct
from pathlib import Path

from songs.files import read_whole

MAX_BYTES = 8 * 2**20
MAX_EVENTS = 100_000
"""mido builds about 100,000 messages a second; a symphony has fewer."""

MAX_EVENT_BYTES = 1_000_000
"""mido's own limit for one text or system-exclusive message."""

MAX_TRACKS = 1_000
MAX_BEATS = 8_192
"""Over an hour at 120 bpm, and just less than a delta time of 2^28 - 1 at the finest division, 32767."""

MAX_QUANTITY_BYTES = 4

_TOO_LARGE = f"is too large: MIDI files of up to {MAX_BYTES // 2**20} MiB are read"
_TEXT, _TRACK_NAME, _END_OF_TRACK, _SET_TEMPO, _TIME_SIGNATURE = 0x01, 0x03, 0x2F, 0x51, 0x58
_MAX_DENOMINATOR = 6  # as a power of two: a 64th note
_SYSEX, _ESCAPE, _META = 0xF0, 0xF7, 0xFF


class MidiError(ValueError):
    """A MIDI file that cannot be used; the message names the file and the reason."""


def midi_bytes(path: Path) -> bytes:
    """Return the bytes of a file of at most 8 MiB; raises MidiError with the reason alone."""
    try:
        return read_whole(path, MAX_BYTES)
    except FileNotFoundError:
        raise MidiError("there is no such file") from None
    except IsADirectoryError:
        raise MidiError("is a folder: name a MIDI file in it") from None
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise MidiError(_TOO_LARGE) from None
        raise MidiError(f"cannot be read: {error.strerror}") from None


def safe_midi(data: bytes) -> bytes:
    """Return the same song in bytes that mido parses without an error.

    Chunks other than tracks and whatever follows the end of a track are left out. Meta events other than
    track names, sound tempos and sound time signatures become texts, and system-exclusive data zeros: mido
    refuses some of them, and drops the delta time of those it does not know.

    Raises:
        MidiError: `data` is not a whole type 0 or type 1 file, or is larger than the limits above.
    """
    tracks, division = _check_header(data)
    chunks = [data[:14]]
    position, events = 14, MAX_EVENTS
    while len(chunks) <= tracks:
        start = position + 8
        name, size = struct.unpack(">4sL", data[position:start].ljust(8, b"\0"))
        position = start + size
        if position > len(data):
            raise MidiError(f"is cut off after track {len(chunks) - 1} of {tracks}: copy it again")
        if name == b"MTrk":
            try:
                track, events = _safe_track(bytearray(data[start:position]), MAX_BEATS * division, events)
            except IndexError:
                raise MidiError(f"is damaged: track {len(chunks)} ends inside an event") from None
            except MidiError as error:
                raise MidiError(f"{error} (track {len(chunks)})") from None
            chunks.append(struct.pack(">4sL", b"MTrk", len(track)) + track)
    if data[position : position + 4] == b"MTrk":
        raise MidiError(f"is damaged: it has more tracks than its header names, {tracks}")
    return b"".join(chunks)


def _check_header(data: bytes) -> tuple[int, int]:
    """Return the number of tracks and the ticks per beat."""
    if not data:
        raise MidiError("is empty")
    if len(data) > MAX_BYTES:
        raise MidiError(_TOO_LARGE)
    if data[:4] != b"MThd":
        raise MidiError("is not a MIDI file: it does not begin with MThd")
    if len(data) < 14:
        raise MidiError("is cut off inside its header: copy it again")
    length, kind, tracks, division = struct.unpack_from(">LHHH", data, 4)
    if length != 6:
        raise MidiError(f"is damaged: its header has a length of {length:,} bytes, not 6")
    if kind == 2:
        raise MidiError("is of type 2 (separate patterns), which is unsupported: save it as type 0 or 1")
    if kind > 2:
        raise MidiError(f"is of type {kind:,}, which is unsupported: save it as type 0 or 1")
    if division >= 0x8000:
        raise MidiError("counts time in film frames (SMPTE), which is unsupported: save it in beats")
    if division == 0:
        raise MidiError("is damaged: a beat has 0 ticks")
    if tracks == 0:
        raise MidiError("has no tracks")
    if tracks > MAX_TRACKS:
        raise MidiError(f"has too many tracks: its header names {tracks:,}, up to {MAX_TRACKS:,} are read")
    return tracks, division


def _safe_track(track: bytearray, ticks: int, events: int) -> tuple[bytearray, int]:
    """Return `track` up to its end with the events replaced that mido may refuse, and the events left over.

    Args:
        track: the track without its chunk header; changed in place.
        ticks: how long the track may be.
        events: how many events it may have.

    Raises:
        IndexError: the track ends inside an event.
    """
    position = 0
    running: int | None = None
    while position < len(track):
        delta, position = _quantity(track, position)
        ticks, events = ticks - delta, events - 1
        if ticks < 0:
            raise MidiError(f"is too long: songs of up to {MAX_BEATS:,} beats are read")
        if events < 0:
            raise MidiError(f"has too many events: up to {MAX_EVENTS:,} are read")
        status = track[position]
        if status >= 0x80:
            position += 1
        elif running is not None:
            status = running
        else:
            raise MidiError(f"is damaged: no status before byte {position}")
        if status < _SYSEX:
            running = status
            position = _channel_message_end(track, position, status)
        elif status == _META:
            start, position = position, _replace_meta(track, position)
            if track[start] == _END_OF_TRACK:
                break
        elif status in (_SYSEX, _ESCAPE):
            running = None
            length, position = _length(track, position)
            track[position : position + length] = bytes(length)
            position += length
        else:
            raise MidiError(f"is damaged: status 0x{status:02X} at byte {position - 1}")
    return track[:position], events


def _channel_message_end(track: bytearray, position: int, status: int) -> int:
    """Return where the channel message ends whose data bytes begin at `position`."""
    data_bytes = 1 if 0xC0 <= status < 0xE0 else 2  # program and channel pressure have one
    for at in range(position, position + data_bytes):
        if track[at] > 127:
            raise MidiError(f"is damaged: data above 127 at byte {at}")
    return position + data_bytes


def _replace_meta(track: bytearray, position: int) -> int:
    """Make the meta event whose type is at `position` a text unless it is needed; return where it ends."""
    kind = track[position]
    length, start = _length(track, position + 1)
    sound_tempo = kind == _SET_TEMPO and length == 3 and any(track[start : start + length])
    sound_signature = kind == _TIME_SIGNATURE and length == 4 and track[start] and track[start + 1] <= _MAX_DENOMINATOR
    if not (sound_tempo or sound_signature) and kind not in (_TRACK_NAME, _END_OF_TRACK):
        track[position] = _TEXT
    return start + length


def _length(track: bytearray, position: int) -> tuple[int, int]:
    """Return the length written at `position`, checked, and where the bytes it counts begin."""
    length, start = _quantity(track, position)
    if start + length > len(track):
        raise IndexError
    if length > MAX_EVENT_BYTES:
        raise MidiError(f"is too large: one event has {length:,} bytes, up to {MAX_EVENT_BYTES:,} are read")
    return length, start


def _quantity(track: bytearray, position: int) -> tuple[int, int]:
    """Return the quantity at `position` and where it ends."""
    value = 0
    for at in range(position, position + MAX_QUANTITY_BYTES):
        value = value << 7 | track[at] & 0x7F
        if track[at] < 0x80:
            return value, at + 1
    raise MidiError(f"is damaged: a number of more than {MAX_QUANTITY_BYTES} bytes at byte {position}")

"""A parser that checks and reads the bytes of a MIDI file in one pass.

Every number in a file is checked against the bytes available before anything is allocated, so that no file takes more
than about a second and 100 MiB. Damage that loses no notes is ignored, with a remark.

Conventions:
    A *quantity* is MIDI's variable-length number: 7 bits per byte, with the high bit set on all bytes but the last.
    An *event* is a delta time in ticks and a message; its status byte may be omitted (running status).
    Errors give only the reason; `songs.midi` prepends the name of the file.

Source:
    The MIDI Association, Standard MIDI Files 1.0 (RP-001), and for RIFF files RP-029.
"""

import struct
from array import array
from operator import itemgetter

import numpy as np

from songs.plain_text import decode
from songs.score import NOTE, MidiError, Score

MAX_BYTES = 8 * 2**20
MAX_EVENTS = 1_000_000
MAX_TRACKS = 1_000
MAX_BEATS = 8_192
"""Over an hour at 120 bpm, and just less than a delta time of 2^28 - 1 at the finest division, 32767."""
MAX_QUANTITY_BYTES = 4
MAX_NAME = 200
"""Most characters of a name that are read; a file may have a name of a million."""
END_OF_TRACK = b"\x00\xff\x2f\x00"
"""The last event of a track. It holds no music, so some of its bytes may be missing at the end of a file."""

PROGRAM_CHANGE, CHANNEL_PRESSURE, PITCH_BEND, SYSTEM = 0xC0, 0xD0, 0xE0, 0xF0
SYSEX, ESCAPE, FIRST_REALTIME, META = 0xF0, 0xF7, 0xF8, 0xFF
COMMON_DATA_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1}
MAX_DENOMINATOR = 6  # as a power of two: a 64th note


def parse_midi(data: bytes) -> Score:
    """Parse the content of a MIDI file; raises MidiError with only the reason."""
    data = _without_riff(data)
    position, announced, division = _read_header(data)
    parser = _Parser(division)
    while len(data) - position >= 8:
        kind, size = struct.unpack_from(">4sL", data, position)
        if kind != b"MTrk" and parser.tracks >= announced:
            break  # bytes after the last track are ignored
        start, position = position + 8, position + 8 + size
        missing = max(0, position - len(data))
        if missing > len(END_OF_TRACK) or (missing and kind != b"MTrk"):
            raise MidiError(f"is cut off after track {parser.tracks} of {announced}: copy it again")
        if kind == b"MTrk":
            parser.read_track(data[start:position] + END_OF_TRACK[len(END_OF_TRACK) - missing :])
        if missing:
            parser.remarks.append("its last bytes are missing")
    if not parser.tracks:
        raise MidiError(f"is cut off after track 0 of {announced}: copy it again" if announced else "has no tracks")
    if parser.tracks != announced:
        parser.remarks.append(f"its header announces {announced} tracks, it has {parser.tracks}")
    return parser.score()


def _without_riff(data: bytes) -> bytes:
    """Return the MIDI file within a RIFF file of type RMID; other files unchanged."""
    if data[:4] != b"RIFF" or data[8:12] != b"RMID":
        return data
    position = 12
    while len(data) - position >= 8:
        kind, size = struct.unpack_from("<4sL", data, position)
        if kind == b"data":
            return data[position + 8 : position + 8 + size]
        position += 8 + size + size % 2
    raise MidiError("is a RIFF file without MIDI data")


def _read_header(data: bytes) -> tuple[int, int, int]:
    """Return the end of the header, the number of tracks it announces, and the ticks per beat."""
    if not data:
        raise MidiError("is empty")
    if len(data) > MAX_BYTES:
        raise MidiError(f"is too large: MIDI files of up to {MAX_BYTES // 2**20} MiB are read")
    if data[:4] != b"MThd":
        raise MidiError("is not a MIDI file: it does not begin with MThd")
    if len(data) < 14:
        raise MidiError("is cut off inside its header: copy it again")
    length, kind, tracks, division = struct.unpack_from(">LHHH", data, 4)
    if not 6 <= length <= len(data) - 8:
        raise MidiError(f"is damaged: its header has a length of {length:,} bytes, not 6")
    if kind == 2 and tracks > 1:
        raise MidiError("is of type 2 (separate patterns), which is unsupported: save it as type 0 or 1")
    if kind > 2:
        raise MidiError(f"is of type {kind:,}, which is unsupported: save it as type 0 or 1")
    if division >= 0x8000:
        raise MidiError("counts time in film frames (SMPTE), which is unsupported: save it in beats")
    if division == 0:
        raise MidiError("is damaged: a beat has 0 ticks")
    return 8 + length, tracks, division


class _Parser:
    """Collects the content of the tracks one after another."""

    def __init__(self, division: int):
        self.division = division
        self.events = 0
        self.damaged_controllers = 0
        self.notes: list[np.ndarray] = []
        self.names: list[str] = []
        self.ends: list[int] = []
        self.tempos: list[tuple[int, int]] = []
        self.time_signatures: list[tuple[int, int, int]] = []
        self.key_signatures: list[tuple[int, int, bool]] = []
        self.programs: dict[tuple[int, int], int] = {}
        self.remarks: list[str] = []

    @property
    def tracks(self) -> int:
        """Number of tracks so far."""
        return len(self.names)

    def score(self) -> Score:
        """Return everything read so far as a score."""
        if self.damaged_controllers:
            self.remarks.append(f"damaged controllers are ignored: {self.damaged_controllers}")
        notes = np.concatenate(self.notes)
        for changes in (self.tempos, self.time_signatures, self.key_signatures):
            changes.sort(key=itemgetter(0))
        return Score(
            self.division,
            notes[np.lexsort((notes["pitch"], notes["length"], notes["track"], notes["onset"]))],
            tuple(self.names),
            tuple(self.ends),
            tuple(self.tempos),
            tuple(self.time_signatures),
            tuple(self.key_signatures),
            self.programs,
            tuple(self.remarks),
        )

    def read_track(self, track: bytes) -> None:
        """Read the events of a track, given without its chunk header."""
        if self.tracks == MAX_TRACKS:
            raise MidiError(f"has too many tracks: up to {MAX_TRACKS:,} are read")
        self.names.append("")
        try:
            self.notes.append(self._read_events(track))
        except IndexError:
            raise MidiError(f"is damaged: track {self.tracks} ends inside an event") from None
        except MidiError as error:
            raise MidiError(f"{error} (track {self.tracks})") from None

    def _read_events(self, track: bytes) -> np.ndarray:
        """Return the notes of a track; raises IndexError if it ends inside an event."""
        onsets, ends, codes = array("q"), array("q"), array("q")
        sounding: dict[int, int] = {}  # channel << 8 | pitch: index of the note
        tick = running = at = 0
        size = len(track)
        for events in range(self.events, MAX_EVENTS + 1):  # noqa: B007, it is read below
            if at >= size:
                break
            delta = track[at]
            at += 1
            if delta > 0x7F:
                delta, at = _quantity(track, at - 1)
            tick += delta
            status = track[at]
            if status > 0x7F:
                at += 1
            elif running:
                status = running
            else:
                raise MidiError(f"is damaged: no status before byte {at}")
            if status < 0xA0:  # note off and note on
                running = status
                key, velocity = (status & 15) << 8 | track[at], track[at + 1]
                at += 2
                begins = status >= 0x90 and velocity
                before = sounding.pop(key, None)
                if before is not None:
                    if begins and onsets[before] == tick:  # a second time at once
                        sounding[key] = before
                        continue
                    ends[before] = tick
                if begins:
                    sounding[key] = len(onsets)
                    onsets.append(tick)
                    ends.append(-1)
                    codes.append(key << 8 | velocity)
            elif status < SYSTEM:
                running = status
                data_bytes = 1 if PROGRAM_CHANGE <= status < PITCH_BEND else 2
                if track[at] > 0x7F or track[at + data_bytes - 1] > 0x7F:
                    self.damaged_controllers += 1
                elif status < CHANNEL_PRESSURE and data_bytes == 1:
                    channel = (self.tracks - 1, status & 15)
                    if not onsets or channel not in self.programs:
                        self.programs[channel] = track[at]
                at += data_bytes
            else:
                running = running if status >= FIRST_REALTIME else 0
                at = self._read_system(track, at, status, tick)
        else:
            raise MidiError(f"has too many events: up to {MAX_EVENTS:,} are read")
        if at > size:
            raise IndexError
        if tick > MAX_BEATS * self.division:
            raise MidiError(f"is too long: songs of up to {MAX_BEATS:,} beats are read")
        self.events = events
        self.ends.append(tick)
        return self._notes(*(np.frombuffer(each, np.int64) for each in (onsets, ends, codes)))

    def _read_system(self, track: bytes, at: int, status: int, tick: int) -> int:
        """Read a system message or meta event whose data begins at `at`; return the end of the data."""
        if status not in (META, SYSEX, ESCAPE):
            return at + COMMON_DATA_BYTES.get(status, 0)
        kind = track[at] if status == META else None
        length, start = _quantity(track, at + (status == META))
        end = start + length
        if end > len(track):
            raise IndexError
        if kind == END_OF_TRACK[2]:
            return len(track)
        if kind is not None:
            self._read_meta(kind, track[start:end], tick)
        return end

    def _read_meta(self, kind: int, content: bytes, tick: int) -> None:
        """Record a name, tempo or signature, if it is valid."""
        size = len(content)
        if kind == 0x03:
            self.names[-1] = self.names[-1] or decode(content, MAX_NAME)
        elif kind == 0x51 and size == 3 and any(content):
            self.tempos.append((tick, int.from_bytes(content, "big")))
        elif kind == 0x58 and size == 4 and content[0] and content[1] <= MAX_DENOMINATOR:
            self.time_signatures.append((tick, content[0], 1 << content[1]))
        elif kind == 0x59 and size == 2 and content[1] <= 1:
            sharps = content[0] - 256 if content[0] > 127 else content[0]
            if abs(sharps) <= 7:
                self.key_signatures.append((tick, sharps, content[1] == 1))

    def _notes(self, onsets: np.ndarray, ends: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Return the notes (N,) of a track; an end of -1 marks a note that was never released."""
        notes = np.zeros(len(onsets), NOTE)
        notes["onset"], notes["track"] = onsets, self.tracks - 1
        notes["velocity"], notes["channel"] = codes & 0xFF, codes >> 16
        pitches = codes >> 8 & 0xFF
        if (pitches > 127).any() or (notes["velocity"] > 127).any():
            raise MidiError("is damaged: a note has data above 127")
        notes["pitch"] = pitches
        for channel in sorted(set(notes["channel"][ends < 0].tolist())):
            here = notes["channel"] == channel
            open_ = np.flatnonzero(here & (ends < 0))
            after = np.append(onsets[here], -1)[np.searchsorted(onsets[here], onsets[open_], side="right")]
            last = np.maximum(self.ends[-1], onsets[open_] + self.division)
            ends[open_] = np.where(after < 0, last, after)
        notes["length"] = ends - onsets
        return notes


def _quantity(track: bytes, position: int) -> tuple[int, int]:
    """Return the quantity at a position, and its end."""
    value = 0
    for at in range(position, position + MAX_QUANTITY_BYTES):
        value = value << 7 | track[at] & 0x7F
        if track[at] < 0x80:
            return value, at + 1
    raise MidiError(f"is damaged: a number of more than {MAX_QUANTITY_BYTES} bytes at byte {position}")

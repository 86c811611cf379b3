"""A score: all that is read of a MIDI file, as notes with an onset and a length.

Conventions:
    Times are in ticks, of which `ticks_per_beat` are a beat (a quarter note). Channels and tracks count from 0.
    Notes are a structured array (N,) of dtype `NOTE`, sorted by onset, track, length and pitch.
    A note ends when its pitch begins again on its channel. One that is never released ends with the next onset of its
    part, the last one with its track; one that is released where it begins has a length of 0.
    Channel 9 holds the drums, whose pitches are instruments.
"""

from dataclasses import dataclass, field

import numpy as np

from songs.key_signature import KeySignature

NOTE = np.dtype(
    [
        ("onset", np.int64),
        ("length", np.int64),
        ("pitch", np.uint8),
        ("velocity", np.uint8),
        ("channel", np.uint8),
        ("track", np.uint16),
    ]
)
DRUMS_CHANNEL = 9
DEFAULT_TEMPO = 500_000
"""Microseconds a beat where a file has no tempo: 120 beats a minute."""
TOGETHER = 1 / 64
"""Beats by which a tempo or a key may come late: of tempos that are closer the last counts."""


class MidiError(ValueError):
    """A MIDI file that cannot be used; the message names the file and the reason."""


@dataclass(frozen=True, eq=False)
class Part:
    """The notes that one track plays on one channel."""

    track: int
    channel: int
    name: str
    """Name of its track."""
    program: int
    """General MIDI program, 0 to 127."""
    notes: np.ndarray


@dataclass(frozen=True, eq=False)
class Score:
    """The content of a MIDI file."""

    ticks_per_beat: int
    notes: np.ndarray
    track_names: tuple[str, ...]
    """Name of each track, "" for tracks without one."""
    track_ends: tuple[int, ...]
    """Tick at which each track ends."""
    tempos: tuple[tuple[int, int], ...] = ()
    """Tick and microseconds a beat, in order of time."""
    time_signatures: tuple[tuple[int, int, int], ...] = ()
    """Tick, beats in a bar, and the note that is a beat (4: a quarter), in order of time."""
    key_signatures: tuple[tuple[int, int, bool], ...] = ()
    """Tick, sharps (flats below 0) and whether the key is minor, in order of time."""
    programs: dict[tuple[int, int], int] = field(default_factory=dict)
    """General MIDI program of a track and channel: the last one before the first note of the track, else the first."""
    remarks: tuple[str, ...] = ()
    """Damage that was passed over."""

    @property
    def title(self) -> str:
        """The first track name that is not empty, "" if there is none."""
        return next(filter(None, self.track_names), "")

    @property
    def end(self) -> int:
        """Tick at which the longest track ends."""
        return max(self.track_ends, default=0)

    @property
    def tempo_bpm(self) -> float:
        """The first tempo in beats a minute."""
        return 60e6 / (self.tempos[0][1] if self.tempos else DEFAULT_TEMPO)

    def tempos_between(self, begin: float, end: float) -> list[tuple[float, float]]:
        """Return the tempos of a span of beats: beats after its begin, the first 0, and beats a minute."""
        found = [(0.0, 60e6 / DEFAULT_TEMPO)]
        for tick, tempo in self.tempos:
            beat, tempo_bpm = max(0.0, tick / self.ticks_per_beat - begin), 60e6 / tempo
            if begin + beat >= end:
                break
            if beat - found[-1][0] < TOGETHER:
                beat, _ = found.pop()
            if not found or found[-1][1] != tempo_bpm:
                found.append((beat, tempo_bpm))
        return found

    def key_at(self, beat: float) -> KeySignature | None:
        """Return the key signature that holds at a time in beats, None if there is none."""
        latest = (beat + TOGETHER) * self.ticks_per_beat
        return next(
            (KeySignature(sharps, minor) for tick, sharps, minor in reversed(self.key_signatures) if tick <= latest),
            None,
        )

    def melodic(self) -> np.ndarray:
        """Return the notes of all tracks without drums; raises MidiError if there are none."""
        notes = self.notes[self.notes["channel"] != DRUMS_CHANNEL]
        if not len(notes):
            raise MidiError("has only drums" if len(self.notes) else "has no notes")
        return notes

    def parts(self) -> list[Part]:
        """Return the parts that have notes, drums among them, by track and channel."""
        numbers = self.notes["track"].astype(np.int64) * 16 + self.notes["channel"]
        parts = []
        for number in sorted(set(numbers.tolist())):
            notes, (track, channel) = self.notes[numbers == number], divmod(number, 16)
            program = self.programs.get((track, channel), 0)
            parts.append(Part(track, channel, self.track_names[track], program, notes))
        return parts

    def seconds(self, beats: np.ndarray) -> np.ndarray:
        """Return the times in seconds (float64) of positions in beats, by the tempos."""
        changes = {0.0: DEFAULT_TEMPO} | {tick / self.ticks_per_beat: tempo for tick, tempo in self.tempos}
        return elapsed(beats, np.array(list(changes)), np.array(list(changes.values())) * 1e-6)


def elapsed(positions: np.ndarray, changes: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return the time (float64) until positions.

    Args:
        positions: in units such as beats or steps, from 0 on.
        changes: (C,) positions, the first 0, from which on a unit has another length.
        lengths: (C,) of a unit from there on.
    """
    starts = np.concatenate(([0.0], np.cumsum(np.diff(changes) * lengths[:-1])))
    index = np.clip(np.searchsorted(changes, positions, side="right") - 1, 0, None)
    return starts[index] + (positions - changes[index]) * lengths[index]

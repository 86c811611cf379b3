"""A score: the content of a MIDI file, as notes with onset and length.

Conventions:
    Times are in ticks; `ticks_per_beat` ticks are a beat (a quarter note). Channels and tracks count from 0.
    Notes are a structured array (N,) of dtype `NOTE`, sorted by onset, track, length and pitch.
    A note ends when its pitch begins again on its channel. A note that is never released ends at the next onset of its
    part, or with its track if it is the last; one that is released where it begins has length 0.
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
"""Microseconds per beat if a file has no tempo: 120 beats per minute."""
TOGETHER = 1 / 64
"""Beats by which a tempo or a key may be late; of tempos closer than this the last counts."""


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
    """Tick and microseconds per beat, in order of time."""
    time_signatures: tuple[tuple[int, int, int], ...] = ()
    """Tick, numerator and denominator, in order of time."""
    key_signatures: tuple[tuple[int, int, bool], ...] = ()
    """Tick, sharps (negative for flats) and True for minor, in order of time."""
    programs: dict[tuple[int, int], int] = field(default_factory=dict)
    """General MIDI program by track and channel: the last one before the first note of the track, or else the first."""
    remarks: tuple[str, ...] = ()
    """Damage that was ignored."""

    @property
    def title(self) -> str:
        """The first track name that is not empty, or "" if there is none."""
        return next(filter(None, self.track_names), "")

    @property
    def end(self) -> int:
        """Tick at which the longest track ends."""
        return max(self.track_ends, default=0)

    @property
    def tempo_bpm(self) -> float:
        """The first tempo in beats per minute."""
        return 60e6 / (self.tempos[0][1] if self.tempos else DEFAULT_TEMPO)

    def tempos_between(self, begin: float, end: float) -> list[tuple[float, float]]:
        """Return the tempos of a span of beats: beats after its start, the first 0, and beats per minute."""
        tempos = [(0.0, 60e6 / DEFAULT_TEMPO)]
        for tick, tempo in self.tempos:
            beat, tempo_bpm = max(0.0, tick / self.ticks_per_beat - begin), 60e6 / tempo
            if begin + beat >= end:
                break
            if beat - tempos[-1][0] < TOGETHER:
                beat, _ = tempos.pop()
            if not tempos or tempos[-1][1] != tempo_bpm:
                tempos.append((beat, tempo_bpm))
        return tempos

    def key_at(self, beat: float) -> KeySignature | None:
        """Return the key signature that holds at a time in beats, or None if there is none."""
        latest = (beat + TOGETHER) * self.ticks_per_beat
        return next(
            (KeySignature(sharps, minor) for tick, sharps, minor in reversed(self.key_signatures) if tick <= latest),
            None,
        )

    def melodic(self) -> np.ndarray:
        """Return the notes of all tracks except drums; raises MidiError if there are none."""
        notes = self.notes[self.notes["channel"] != DRUMS_CHANNEL]
        if not len(notes):
            raise MidiError("has only drums" if len(self.notes) else "has no notes")
        return notes

    def parts(self) -> list[Part]:
        """Return the parts that have notes, including drums, ordered by track and channel."""
        numbers = self.notes["track"].astype(np.int64) * 16 + self.notes["channel"]
        parts = []
        for number in sorted(set(numbers.tolist())):
            notes, (track, channel) = self.notes[numbers == number], divmod(number, 16)
            program = self.programs.get((track, channel), 0)
            parts.append(Part(track, channel, self.track_names[track], program, notes))
        return parts

    def seconds(self, beats: np.ndarray) -> np.ndarray:
        """Convert positions in beats to times in seconds (float64), following the tempos."""
        changes = {0.0: DEFAULT_TEMPO} | {tick / self.ticks_per_beat: tempo for tick, tempo in self.tempos}
        return elapsed(beats, np.array(list(changes)), np.array(list(changes.values())) * 1e-6)


def elapsed(positions: np.ndarray, changes: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return the times (float64) at which positions are reached.

    Args:
        positions: positions in a unit such as beats or steps, at least 0.
        changes: (C,) positions, the first 0, at which the length of a unit changes.
        lengths: (C,) length of a unit from each change on.
    """
    starts = np.concatenate(([0.0], np.cumsum(np.diff(changes) * lengths[:-1])))
    index = np.clip(np.searchsorted(changes, positions, side="right") - 1, 0, None)
    return starts[index] + (positions - changes[index]) * lengths[index]

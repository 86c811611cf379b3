"""The keyboard that plays a song, and the grid that divides its time: by default 13 keys from C4, and eighths.

Conventions:
    A *key* is an index from 0, the lowest key. Its *pitch* is a MIDI note number, 0 to 127; middle C, C4, is 60.
    A *step* is one column of the grid. A *beat* is the unit of the time signature, usually a quarter note.
    Tempos are in quarter notes per minute, whatever the beat.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

KEYS = 13
LOWEST_PITCH = 60

STEPS_PER_BEAT = 2
BEATS_PER_BAR = 4
STEPS_PER_BAR = STEPS_PER_BEAT * BEATS_PER_BAR

SONG_STEPS = 128
"""Length of the songs the project was made for: 16 bars of 4/4 in eighth notes."""

PROMPT_STEPS = 8
"""Fewest steps at the start of a song that a performer is given by default; one bar of the default grid."""

MOST_KEYS, A0 = 88, 21
"""Number of keys of a piano, and the pitch of the lowest."""
STEPS_IN_A_BEAT = (1, 2, 3, 4, 6, 8, 12)
BEATS = (0.5, 1.0, 1.5)
MOST_BEATS = 12

PITCH_CLASSES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
BLACK_KEYS = (1, 3, 6, 8, 10)


def pitch_name(pitch: int) -> str:
    """Return the name of a MIDI pitch in scientific notation: 60 is C4, 69 is A4."""
    return f"{PITCH_CLASSES[pitch % 12]}{pitch // 12 - 1}"


def pitch_number(name: str) -> int:
    """Return the MIDI pitch of a name such as `C4`, `F#5` or `Bb3`.

    Raises:
        ValueError: the name is not a letter, an optional `#` or `b`, and an octave from -1 to 9.
    """
    letter, accidental, octave = name[:1].upper(), name[1:-1], name[-1:]
    if name.endswith("-1"):
        accidental, octave = name[1:-2], "-1"
    if letter not in PITCH_CLASSES or accidental not in ("", "#", "b"):
        raise ValueError(f"{name!r} is no note name: write a letter, # or b, an octave, as in F#4")
    try:
        pitch = PITCH_CLASSES.index(letter) + (int(octave) + 1) * 12
    except ValueError:
        raise ValueError(f"{name!r} has no octave: write one behind the letter, as in C4") from None
    pitch += {"": 0, "#": 1, "b": -1}[accidental]
    if not 0 <= pitch <= 127:
        raise ValueError(f"{name!r} is pitch {pitch}: MIDI has 0 to 127")
    return pitch


@dataclass(frozen=True)
class Keyboard:
    """A range of adjacent keys."""

    keys: int = KEYS
    """1 to 88."""
    lowest_pitch: int = LOWEST_PITCH
    """MIDI pitch of key 0."""

    def __post_init__(self):
        if not 1 <= self.keys <= MOST_KEYS:
            raise ValueError(f"a keyboard of {self.keys} keys: it has 1 to {MOST_KEYS}")
        if not 0 <= self.lowest_pitch <= self.highest_pitch <= 127:
            raise ValueError(f"{self.keys} keys from pitch {self.lowest_pitch}: they must lie within 0 and 127")

    @property
    def highest_pitch(self) -> int:
        """MIDI pitch of the last key."""
        return self.lowest_pitch + self.keys - 1

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the keys: C4, C#4, ..."""
        return tuple(pitch_name(self.lowest_pitch + key) for key in range(self.keys))

    @property
    def black_keys(self) -> tuple[int, ...]:
        """The keys that are black on a piano."""
        return tuple(key for key in range(self.keys) if (self.lowest_pitch + key) % 12 in BLACK_KEYS)

    def smallest_shift(self, pitches: "np.ndarray") -> int | None:
        """Return the smallest shift in semitones that moves all pitches onto the keyboard, or None if there is none."""
        low, high = int(pitches.min()), int(pitches.max())
        if high - low >= self.keys:
            return None
        return max(0, self.lowest_pitch - low) + min(0, self.highest_pitch - high)


def common_keyboard(keyboards: Iterable[Keyboard]) -> Keyboard:
    """Return the smallest keyboard that includes the keys of all others."""
    lowest, highest = zip(*((each.lowest_pitch, each.highest_pitch) for each in keyboards), strict=True)
    return Keyboard(max(highest) - min(lowest) + 1, min(lowest))


def usual_keyboard(keys: int) -> Keyboard:
    """Return the usual keyboard with `keys` keys: 88 begin at A0 as on a piano, others at the C that centres them."""
    octaves = (keys - KEYS + 12) // 24
    return Keyboard(keys, A0 if keys == MOST_KEYS else LOWEST_PITCH - 12 * octaves)


@dataclass(frozen=True)
class Grid:
    """Steps, beats and bars."""

    steps_per_beat: int = STEPS_PER_BEAT
    """1, 2, 3, 4, 6, 8 or 12."""
    beats_per_bar: int = BEATS_PER_BAR
    """1 to 12."""
    beat: float = 1.0
    """Length of a beat in quarter notes: 1.5 in 6/8, which has two beats of three eighths; .5 in 5/8."""

    def __post_init__(self):
        if self.steps_per_beat not in STEPS_IN_A_BEAT:
            raise ValueError(f"{self.steps_per_beat} steps a beat: it must be 1, 2, 3, 4, 6, 8 or 12")
        if not 1 <= self.beats_per_bar <= MOST_BEATS:
            raise ValueError(f"{self.beats_per_bar} beats a bar: it must be 1 to {MOST_BEATS}")
        if self.beat not in BEATS or self.steps_per_beat % self.beat:
            raise ValueError(
                f"a beat of {self.beat} quarter notes, {self.steps_per_beat} steps long: beats are 0.5, 1 "
                "or 1.5 quarter notes long, of which each has a whole number of steps"
            )

    @property
    def steps_per_bar(self) -> int:
        """Length of a bar in steps."""
        return self.steps_per_beat * self.beats_per_bar

    @property
    def steps_per_quarter(self) -> int:
        """Steps in a quarter note, the unit of tempos and of MIDI's time."""
        return int(self.steps_per_beat / self.beat)

    @property
    def time_signature(self) -> tuple[int, int]:
        """Numerator and denominator: 3/4, 6/8."""
        return (self.beats_per_bar, 4) if self.beat == 1 else (int(self.beats_per_bar * self.beat * 2), 8)

    @property
    def name(self) -> str:
        """Name of the steps: eighths, sixteenths."""
        names = {1: "quarters", 2: "eighths", 4: "sixteenths", 8: "thirty-seconds"}
        return names.get(self.steps_per_quarter, f"{self.steps_per_quarter} steps a quarter note")


DEFAULT_KEYBOARD = Keyboard()
DEFAULT_GRID = Grid()

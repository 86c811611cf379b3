"""A song: a piano roll with a name, a title and a tempo, made to fit the keyboard.

Conventions:
    A song begins with the bar of its first onset and ends with the bar of its last one. It is cut to a number of steps,
    and transposed by the smallest shift that puts it on the 13 keys.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from songs.keyboard import DEFAULT_GRID, DEFAULT_KEYBOARD, KEYS, SONG_STEPS, STEPS_PER_BAR, Grid, Keyboard, pitch_name
from songs.midi import MidiNotes, write_midi
from songs.piano_roll import check_roll, onsets_from_roll


class SongError(ValueError):
    """A song that is missing or cannot be played on the keyboard; the message gives the reason."""


@dataclass(frozen=True, eq=False)
class Song:
    """A piece of music on a keyboard and a grid."""

    name: str
    """Name of the song in a catalogue: the file name without its suffix."""
    roll: np.ndarray
    """(T, K) bool."""
    title: str = ""
    tempo_bpm: float = 120.0
    """Quarter notes a minute."""
    shift: int = 0
    """Semitones by which the notes were transposed to fit the keyboard."""
    keyboard: Keyboard = DEFAULT_KEYBOARD
    grid: Grid = DEFAULT_GRID
    lengths: np.ndarray | None = None
    """(N,) float64, length in steps of each note, in the order of `onsets_from_roll`; None if unknown."""
    changes: tuple[str, ...] = ()
    """How the song differs from the file it was read from, in short phrases."""

    def __post_init__(self):
        object.__setattr__(self, "roll", check_roll(self.roll, self.keyboard))

    @property
    def steps(self) -> int:
        """Length in steps."""
        return len(self.roll)

    def _repr_html_(self) -> str:
        """Return HTML for a notebook: the roll, and a player."""
        from songs.display import roll_html

        return roll_html(self.roll, self.title or self.name, self.tempo_bpm)

    def write(self, path: str | Path) -> None:
        """Write the song as a MIDI file."""
        write_midi(
            path,
            onsets_from_roll(self.roll, self.keyboard),
            self.steps,
            title=self.title or self.name,
            tempo_bpm=self.tempo_bpm,
            steps_per_beat=self.grid.steps_per_quarter,
            time_signature=self.grid.time_signature,
        )


def whole_bars(notes: MidiNotes, steps: int = SONG_STEPS) -> tuple[np.ndarray, int]:
    """Cut notes to the bars from the first to the last note, at most `steps` steps.

    Returns:
        The onsets (N, 2) with their steps counted from the first sounding bar, and the length in steps.

    Raises:
        ValueError: `steps` is less than 1.
    """
    if steps < 1:
        raise ValueError(f"a song cannot be cut to {steps} steps: it has at least 1")
    first = notes.onsets[0, 0] // STEPS_PER_BAR * STEPS_PER_BAR
    onsets = notes.onsets - (first, 0)
    onsets = onsets[onsets[:, 0] < steps]
    bars = onsets[-1, 0] // STEPS_PER_BAR + 1
    return onsets, int(min(bars * STEPS_PER_BAR, steps))


def smallest_shift(pitches: np.ndarray) -> int | None:
    """Return the smallest shift in semitones that puts the pitches on the default keyboard, None if none does."""
    return DEFAULT_KEYBOARD.smallest_shift(pitches)


def out_of_range(pitches: np.ndarray) -> str:
    """Return a message that the pitches do not fit on the keyboard."""
    low, high = int(pitches.min()), int(pitches.max())
    return f"spans {high - low + 1} keys ({pitch_name(low)} to {pitch_name(high)}), the keyboard has {KEYS}"

"""A song: a piano roll with a name, a title and a tempo, on a keyboard and a grid."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from songs.arrange import DEFAULTS, Arrangement, ArrangeOptions, arrange
from songs.instrument import tone
from songs.key_signature import KeySignature
from songs.keyboard import DEFAULT_GRID, DEFAULT_KEYBOARD, PROMPT_STEPS, Grid, Keyboard
from songs.midi import MidiError, read_score, write_midi
from songs.piano_roll import check_roll, note_lengths, onsets_from_roll, put_on_keyboard
from songs.plain_text import plain
from songs.score import Score
from songs.synth import Instrument, loudness, render_notes, step_starts

MEMORY_BARS = 4
"""Fewest bars that a performer remembers by default."""


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
    """Quarter notes per minute, at the beginning."""
    tempo_changes: tuple[tuple[float, float], ...] = ()
    """Later tempos: the step from which each holds, and quarter notes per minute."""
    key: KeySignature | None = None
    """The key signature after transposition; None if unknown."""
    shift: int = 0
    """Semitones by which the notes were transposed to fit the keyboard."""
    keyboard: Keyboard = DEFAULT_KEYBOARD
    grid: Grid = DEFAULT_GRID
    lengths: np.ndarray | None = None
    """(N,) float64, length in steps of each note, in the order of `onsets_from_roll`; None if unknown."""
    changes: tuple[str, ...] = ()
    """How the song differs from its file, and damage that was ignored, in short phrases."""

    def __post_init__(self):
        object.__setattr__(self, "roll", check_roll(self.roll, self.keyboard))

    @classmethod
    def read(
        cls, path: str | os.PathLike, options: ArrangeOptions = DEFAULTS, keyboard: Keyboard | None = None, **choices
    ) -> "Song":
        """Read any MIDI file as a song; `changes` lists what was selected and changed.

        Args:
            path: the file.
            options: how the file becomes a song.
            keyboard: keyboard to play on, overriding `options.keys`.
            **choices: individual options, as in `Song.read("my.mid", track="Lead", keys=25)`.

        Raises:
            SongError: the file cannot be read, or not with these options.
            OptionError: an option is unknown or has an invalid value.
        """
        options = options.change(**choices)
        try:
            score = read_score(path)
        except MidiError as error:
            raise SongError(str(error)) from None
        try:
            return cls.of(arrange(score, options, keyboard), plain(Path(path).stem), score)
        except MidiError as error:
            raise SongError(f"{path}: {error}") from None

    @classmethod
    def of(cls, arrangement: Arrangement, name: str, score: Score) -> "Song":
        """Build a song from an arrangement of a score."""
        kept = ("roll", "tempo_bpm", "tempo_changes", "key", "shift", "keyboard", "grid", "lengths")
        changes = (*arrangement.changes, *score.remarks)
        return cls(name, title=score.title, changes=changes, **{each: getattr(arrangement, each) for each in kept})

    @property
    def steps(self) -> int:
        """Length in steps."""
        return len(self.roll)

    def html(self, caption: str) -> str:
        """Return HTML for a notebook: the roll and a player."""
        from songs.display import LONGEST, SAMPLE_RATE, roll_html

        sound = self.sound(self.roll[:LONGEST], SAMPLE_RATE)
        return roll_html(self.roll, caption, sound, self.keyboard, self.grid)

    def _repr_html_(self) -> str:
        return self.html(", ".join((self.title or self.name, *self.changes)))

    def on(self, keyboard: Keyboard) -> "Song":
        """Return the song on another keyboard, at the same pitches; raises SongError if a pitch is not on it."""
        if keyboard == self.keyboard:
            return self
        try:
            return replace(self, roll=put_on_keyboard(self.roll, self.keyboard, keyboard), keyboard=keyboard)
        except ValueError as error:
            raise SongError(f"{self.name}: {error}") from None

    def playing(self, roll: np.ndarray, title: str) -> "Song":
        """Return another roll (T, K) as a song with this one's tempo, key, keyboard and grid.

        Notes that both have keep their length; others last until the next onset.
        """
        lengths = note_lengths(roll, self.grid.steps_per_bar, self.roll, self.lengths)
        return replace(self, roll=roll, title=title, lengths=lengths)

    def at_file_pitches(self) -> "Song":
        """Return the song at the pitches of its file; raises SongError if a key would not be a MIDI pitch."""
        lowest, key = self.keyboard.lowest_pitch - self.shift, self.key and self.key.moved(-self.shift)
        try:
            return replace(self, keyboard=Keyboard(self.keyboard.keys, lowest), key=key, shift=0)
        except ValueError as error:
            raise SongError(f"{self.name}: {error}") from None

    def sound(
        self, roll: np.ndarray | None = None, sample_rate: int = 44_100, instrument: Instrument = tone
    ) -> np.ndarray:
        """Render the song, or another roll (T, K) with its tempo, keyboard and grid: float32 (N, 2)."""
        song = self if roll is None else self.playing(roll, self.title)
        starts = step_starts(song.steps, song.tempo_bpm, song.grid.steps_per_quarter, song.tempo_changes)
        steps, keys = np.nonzero(song.roll)
        lengths = note_lengths(song.roll, song.grid.steps_per_bar, song.roll, song.lengths)
        begins, ends = (np.interp(times, np.arange(len(starts)), starts) for times in (steps, steps + lengths))
        pitches = song.keyboard.lowest_pitch + keys
        notes = np.stack([begins, ends - begins, pitches, loudness(steps, song.grid)], axis=1)
        return render_notes(notes, starts[-1], sample_rate, instrument)

    def write(self, path: str | Path) -> None:
        """Write the song as a MIDI file; notes of unknown length last until the next one."""
        write_midi(
            path,
            onsets_from_roll(self.roll, self.keyboard),
            self.steps,
            title=self.title or self.name,
            tempo_bpm=self.tempo_bpm,
            steps_per_beat=self.grid.steps_per_quarter,
            lengths=note_lengths(self.roll, self.grid.steps_per_bar, self.roll, self.lengths),
            tempo_changes=self.tempo_changes,
            key=self.key.name if self.key else None,
            time_signature=self.grid.time_signature,
        )


def usual_prompt(songs: Sequence[Song]) -> int:
    """Return the number of steps that a performer is given by default: one bar, and at least 8 steps.

    For songs on several grids the longest bar counts. At least half of every song is left to play.
    """
    return min(_longest_bar(songs), min(song.steps for song in songs) // 2)


def usual_memory(songs: Sequence[Song]) -> int:
    """Return the fewest steps that a performer remembers by default: four bars, as in `usual_prompt`."""
    return MEMORY_BARS * _longest_bar(songs)


def _longest_bar(songs: Sequence[Song]) -> int:
    return max(PROMPT_STEPS, *(song.grid.steps_per_bar for song in songs))

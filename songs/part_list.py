"""The parts of a MIDI file as a list: what each one plays, and which ones a song uses."""

from dataclasses import dataclass

import numpy as np

from songs.arrange import DEFAULTS, ArrangeOptions, arrange, melodic_parts
from songs.keyboard import pitch_name
from songs.melody_part import quarter_notes
from songs.score import DRUMS_CHANNEL, MidiError, Part, Score

FAMILIES = (
    "piano",
    "chromatic percussion",
    "organ",
    "guitar",
    "bass",
    "strings",
    "ensemble",
    "brass",
    "reed",
    "pipe",
    "synth lead",
    "synth pad",
    "synth effects",
    "ethnic",
    "percussive",
    "sound effects",
)
"""Families of General MIDI instruments, each with 8 programs."""


@dataclass(frozen=True)
class PartEntry:
    """Description of a part."""

    number: int | None
    """The number for `--track`; None for drums."""
    channel: int
    """1 to 16."""
    name: str
    instrument: str
    notes: int
    range: str
    """Names of the lowest and highest notes; "" for drums."""
    voices: int
    """Largest number of notes that sound at once."""
    taken: bool
    """True if a song would use this part."""


def list_parts(score: Score, options: ArrangeOptions = DEFAULTS) -> list[PartEntry]:
    """Return the parts of a score, drums last; none are marked as taken if the options give no song."""
    try:
        taken = arrange(score, options).parts
    except MidiError:
        taken = ()
    parts = melodic_parts(score) if (score.notes["channel"] != DRUMS_CHANNEL).any() else []
    entries = [_entry(part, score, index + 1, index in taken) for index, part in enumerate(parts)]
    return entries + [_entry(part, score, None, False) for part in score.parts() if part.channel == DRUMS_CHANNEL]


def _entry(part: Part, score: Score, number: int | None, taken: bool) -> PartEntry:
    pitches = part.notes["pitch"]
    span = f"{pitch_name(int(pitches.min()))} to {pitch_name(int(pitches.max()))}" if number else ""
    instrument = FAMILIES[part.program // 8] if number else "drums"
    voices = most_at_once(quarter_notes(part, score.ticks_per_beat))
    return PartEntry(number, part.channel + 1, part.name, instrument, len(part.notes), span, voices, taken)


def most_at_once(notes: np.ndarray) -> int:
    """Return the most notes (N, 3) that sound at once; a note that ends where another begins does not overlap it."""
    times, changes = notes[:, :2].T.ravel(), np.repeat([1, -1], len(notes))
    return int(np.cumsum(changes[np.lexsort((changes, times))]).max())

"""Key signatures: how many sharps or flats, and whether the key is minor."""

from dataclasses import dataclass

_FIFTHS = "FCGDAEB"
"""Notes a fifth apart; the next ones are the same with a sharp."""


@dataclass(frozen=True)
class KeySignature:
    """The key of a piece, as MIDI files have it."""

    sharps: int
    """-7 to 7, below 0: flats."""
    minor: bool = False

    @property
    def name(self) -> str:
        """Name as mido writes it: C, F#, Bb, F#m."""
        accidentals, note = divmod(self.sharps + (4 if self.minor else 1), len(_FIFTHS))
        return _FIFTHS[note] + ("b" if accidentals < 0 else "#" * accidentals) + "m" * self.minor

    def moved(self, semitones: int) -> "KeySignature":
        """Return the key of the same notes moved by semitones, with at most six sharps or five flats if it changes."""
        if semitones % 12 == 0:
            return self
        return KeySignature((self.sharps + 7 * semitones + 5) % 12 - 5, self.minor)

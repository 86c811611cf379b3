"""Key signatures: the number of sharps or flats, and major or minor."""

from dataclasses import dataclass

_FIFTHS = "FCGDAEB"
"""Notes a fifth apart; after these, the sequence repeats with a sharp."""


@dataclass(frozen=True)
class KeySignature:
    """The key of a piece, as stored in MIDI files."""

    sharps: int
    """-7 to 7; negative numbers are flats."""
    minor: bool = False

    @property
    def name(self) -> str:
        """The name that mido uses: C, F#, Bb, F#m."""
        accidentals, note = divmod(self.sharps + (4 if self.minor else 1), len(_FIFTHS))
        return _FIFTHS[note] + ("b" if accidentals < 0 else "#" * accidentals) + "m" * self.minor

    def moved(self, semitones: int) -> "KeySignature":
        """Return the key transposed by semitones; if it changes, it has at most six sharps or five flats."""
        if semitones % 12 == 0:
            return self
        return KeySignature((self.sharps + 7 * semitones + 5) % 12 - 5, self.minor)

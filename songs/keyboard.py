"""The keyboard: 13 keys from C4 to C5, and the grid that time is cut into.

Conventions:
    A *key* is an index from 0 (C4, MIDI pitch 60) to 12 (C5, MIDI pitch 72).
    A *pitch* is a MIDI note number, 0 to 127; C4, the middle C, is 60.
    A *step* is one column of the grid; there are `STEPS_PER_BEAT` steps in a quarter note.
"""

KEYS = 13
LOWEST_PITCH = 60
HIGHEST_PITCH = LOWEST_PITCH + KEYS - 1

STEPS_PER_BEAT = 2
BEATS_PER_BAR = 4
STEPS_PER_BAR = STEPS_PER_BEAT * BEATS_PER_BAR

SONG_STEPS = 128
"""Length of the songs the project was made for: 16 bars of 4/4 in eighth notes."""

PROMPT_STEPS = 8
"""Steps at the start of a song that a performer is given: one bar."""

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


KEY_NAMES = tuple(pitch_name(LOWEST_PITCH + key) for key in range(KEYS))

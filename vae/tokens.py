"""Three token representations of melodies: piano roll, MIDI-like, and keyboard onsets.

Conventions:
    A *melody* is two arrays (..., T): `roll`, the pitch that sounds at each step, 0 (A0, MIDI 21) to 87 (C8, MIDI 108)
    or `REST`; and `onsets`, True where a note begins. N is the number of melodies, T the number of steps.
    Tokens are int64 (..., T), 0 to classes - 1. The start token of models, before the first step, is `classes`.
    Piano roll: the roll itself; a repeated note looks like a held one.
    MIDI-like: 0 for no change, 1 for the end of a note, 2 + pitch for the start of a note.
    Onsets: 0 to 12 for a pressed key of the keyboard (C4 to C5), 13 for none; a step is an eighth.

Source:
    A. Roberts et al., A Hierarchical Latent Vector Model for Learning Long-Term Structure in Music, 2018.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from songs.keyboard import KEYS, LOWEST_PITCH

LOWEST_MIDI_PITCH = 21
PITCHES = 88
REST = PITCHES
STEPS_PER_BAR = 16
NOTHING, NOTE_OFF, FIRST_NOTE = 0, 1, 2
NO_KEY = KEYS

Melody = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Representation:
    """A vocabulary of tokens, with conversions to and from melodies."""

    name: str
    classes: int
    steps_per_bar: int
    write: Callable[[np.ndarray, np.ndarray], np.ndarray]
    """Converts roll and onsets (N, T), at 16 steps per bar, to tokens; melodies that cannot be written are left out."""
    read: Callable[[np.ndarray], Melody]
    """Converts tokens (N, T) to roll and onsets (N, T)."""
    first_pitch: int
    """Token of the lowest pitch."""
    pitches: int
    """Number of pitches, whose tokens are consecutive."""


def implied_onsets(roll: np.ndarray) -> np.ndarray:
    """Return the onsets (..., T) visible in a roll (..., T): steps at which a new pitch sounds."""
    before = np.concatenate((np.full_like(roll[..., :1], REST), roll[..., :-1]), axis=-1)
    return (roll != REST) & (roll != before)


def write_piano_roll(roll: np.ndarray, onsets: np.ndarray) -> np.ndarray:
    """Return piano-roll tokens; the onsets are ignored."""
    return np.asarray(roll, dtype=np.int64)


def read_piano_roll(tokens: np.ndarray) -> Melody:
    """Return the melody of piano-roll tokens: a note begins wherever the pitch changes."""
    roll = np.asarray(tokens, dtype=np.int64)
    return roll, implied_onsets(roll)


def write_midi_like(roll: np.ndarray, onsets: np.ndarray) -> np.ndarray:
    """Return MIDI-like tokens; a note held over the start of a window begins with it."""
    roll = np.asarray(roll, dtype=np.int64)
    begins = (np.asarray(onsets, dtype=bool) | implied_onsets(roll)) & (roll != REST)
    before = np.concatenate((np.full_like(roll[..., :1], REST), roll[..., :-1]), axis=-1)
    tokens = np.where(begins, roll + FIRST_NOTE, NOTHING)
    return np.where((roll == REST) & (before != REST), NOTE_OFF, tokens)


def read_midi_like(tokens: np.ndarray) -> Melody:
    """Return the melody of MIDI-like tokens; the end of a note has no effect if none sounds."""
    tokens = np.asarray(tokens, dtype=np.int64)
    roll = np.empty_like(tokens)
    sounding = np.full(tokens.shape[:-1], REST)
    for step in range(tokens.shape[-1]):
        token = tokens[..., step]
        sounding = np.where(token >= FIRST_NOTE, token - FIRST_NOTE, np.where(token == NOTE_OFF, REST, sounding))
        roll[..., step] = sounding
    return roll, tokens >= FIRST_NOTE


def write_onsets(roll: np.ndarray, onsets: np.ndarray) -> np.ndarray:
    """Return onset tokens (n, T / 2) of the melodies that fit on the keyboard after the smallest shift.

    If two notes begin in one eighth, the first is kept.
    """
    roll, onsets = np.atleast_2d(roll).astype(np.int64), np.atleast_2d(onsets) | implied_onsets(np.atleast_2d(roll))
    pairs, begins = roll.reshape(len(roll), -1, 2), onsets.reshape(len(onsets), -1, 2)
    pitch = np.where(begins[..., 0], pairs[..., 0], pairs[..., 1]) + LOWEST_MIDI_PITCH - LOWEST_PITCH
    pressed = begins.any(axis=-1)
    low = np.where(pressed, pitch, PITCHES).min(axis=1)
    high = np.where(pressed, pitch, -PITCHES).max(axis=1)
    fits = np.any(pressed, axis=1) & (high - low < KEYS)
    shift = np.maximum(0, -low) + np.minimum(0, KEYS - 1 - high)
    return np.where(pressed, pitch + shift[:, None], NO_KEY)[fits]


def read_onsets(tokens: np.ndarray) -> Melody:
    """Return the melody of onset tokens; a note is held until the next one, for at most a beat."""
    tokens = np.asarray(tokens, dtype=np.int64)
    pitch = tokens + LOWEST_PITCH - LOWEST_MIDI_PITCH
    onsets = tokens != NO_KEY
    roll = np.where(onsets, pitch, REST)
    held = (~onsets[..., 1:]) & onsets[..., :-1]
    roll[..., 1:] = np.where(held, roll[..., :-1], roll[..., 1:])
    return roll, onsets


PIANO_ROLL = Representation("pianoroll", 89, STEPS_PER_BAR, write_piano_roll, read_piano_roll, 0, PITCHES)
MIDI_LIKE = Representation("midilike", 90, STEPS_PER_BAR, write_midi_like, read_midi_like, FIRST_NOTE, PITCHES)
ONSETS = Representation("onsets", 14, STEPS_PER_BAR // 2, write_onsets, read_onsets, 0, KEYS)
REPRESENTATIONS = {each.name: each for each in (PIANO_ROLL, MIDI_LIKE, ONSETS)}


def representation(name: str) -> Representation:
    """Return a representation by its name.

    Raises:
        ValueError: there is no representation of that name.
    """
    if name not in REPRESENTATIONS:
        raise ValueError(f"no representation {name[:40]!r}; there are {', '.join(REPRESENTATIONS)}")
    return REPRESENTATIONS[name]


def notes(tokens: np.ndarray, form: Representation) -> np.ndarray:
    """Return the notes (N, 3) of one melody (T,): start and length in beats, MIDI pitch."""
    roll, onsets = (part[0] for part in form.read(tokens[None]))
    onsets = (onsets | implied_onsets(roll)) & (roll != REST)
    ends = np.flatnonzero(np.append(onsets | (roll == REST), True))
    starts = np.flatnonzero(onsets)
    lengths = ends[np.searchsorted(ends, starts, side="right")] - starts
    per_beat = form.steps_per_bar / 4
    return np.stack((starts / per_beat, lengths / per_beat, roll[starts] + LOWEST_MIDI_PITCH), axis=1)


def previous_tokens(tokens, start: int):
    """Return tokens (N, T), a tensor or an array, delayed by one step, with the start token first."""
    before = tokens.clone() if hasattr(tokens, "clone") else tokens.copy()
    before[..., 1:] = tokens[..., :-1]
    before[..., 0] = start
    return before

"""Putting pitches on a keyboard: by one shift of all, or by octaves where they do not fit."""

import numpy as np

from songs.keyboard import Keyboard, usual_keyboard

SIZES = (13, 25, 37, 49, 61, 88)
"""Keyboards that people have, of which a song takes the smallest that holds it."""


def smallest_keyboard(pitches: np.ndarray) -> Keyboard:
    """Return the smallest usual keyboard that pitches fit on after a shift; the largest if none holds them."""
    span = int(np.ptp(pitches)) + 1
    return usual_keyboard(next((keys for keys in SIZES if keys >= span), SIZES[-1]))


def fold(pitches: np.ndarray, keyboard: Keyboard) -> tuple[np.ndarray, int]:
    """Return pitches (N,) moved onto a keyboard by one shift of all and then by octaves, and the shift.

    The shift is the one that leaves the most notes where they are, of these the smallest. Notes are moved into whole
    octaves of the keyboard, so that on 13 keys each pitch class has one key.
    """
    if (shift := keyboard.smallest_shift(pitches)) is not None:
        return pitches + shift, shift
    width = max(12, keyboard.keys // 12 * 12)
    if keyboard.keys < width:
        raise ValueError(f"notes cannot be moved by octaves onto {keyboard.keys} keys: an octave has 12")
    lows = np.arange(pitches.min(), pitches.max() - width + 2)
    kept = [np.count_nonzero((pitches >= low) & (pitches < low + width)) for low in lows]
    shifts = keyboard.lowest_pitch - lows
    shift = int(shifts[np.lexsort((np.abs(shifts), -np.array(kept)))[0]])
    keys = pitches + shift - keyboard.lowest_pitch
    low, high = keys % 12, keys % 12 + width - 12  # the lowest and the highest key of each pitch class
    return np.clip(keys, low, high) + keyboard.lowest_pitch, shift

"""Fitting pitches onto a keyboard: by a common shift, and by octaves if that is not enough."""

import numpy as np

from songs.keyboard import Keyboard, usual_keyboard

SIZES = (13, 25, 37, 49, 61, 88)
"""Common sizes of keyboards; a song uses the smallest that it fits on."""


def smallest_keyboard(pitches: np.ndarray) -> Keyboard:
    """Return the smallest common keyboard that pitches fit on after a shift, or the largest if they fit on none."""
    span = int(np.ptp(pitches)) + 1
    return usual_keyboard(next((keys for keys in SIZES if keys >= span), SIZES[-1]))


def fold(pitches: np.ndarray, keyboard: Keyboard) -> tuple[np.ndarray, int]:
    """Move pitches (N,) onto a keyboard by a common shift and then by octaves; return them and the shift.

    The shift is the one after which the fewest notes must be folded, and the smallest of these. Notes are folded into
    whole octaves of the keyboard, so that on 13 keys each pitch class has one key.
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

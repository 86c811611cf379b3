"""Relative pitch: the learned listener hears a melody relative to its first note, so it sounds the same in every key.

Conventions: heard melodies are (N, T) int8, -1 for a rest and 0 to 36 for a note; the first note is 18.
"""

import numpy as np

from listener.theory import REST

FIRST = 18
"""Pitch of the first note."""
PITCHES = 2 * FIRST + 1


def heard(melodies: np.ndarray) -> np.ndarray:
    """Convert melodies (N, T) to relative pitch; notes over 18 semitones from the first are moved by octaves."""
    if not melodies.shape[1]:
        return melodies.astype(np.int8)
    sounds = melodies != REST
    first = np.take_along_axis(melodies, sounds.argmax(axis=1)[:, None], axis=1).astype(np.int16)
    pitch = melodies - first + np.int16(FIRST)
    pitch = np.where(pitch < 0, pitch % 12, pitch)
    pitch = np.where(pitch >= PITCHES, (pitch - PITCHES) % 12 + PITCHES - 12, pitch)
    return np.where(sounds, pitch, REST).astype(np.int8)

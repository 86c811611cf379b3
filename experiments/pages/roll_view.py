"""Melodies as data that a page's script draws and plays.

Conventions:
    A *roll* is plain data for JSON: `steps`; `bar`, steps per bar; `seconds` per step; if the tempo changes,
    `starts` of all steps and the end of the last one; `prompt`, steps given; `names` of the rows, the lowest
    first; `kinds` of cells, which are colours of the page; `cells`, lists of step, row, index of the kind and, if
    it is not 1, length in steps; `notes` by the part that a button plays: lists of step, key, length in steps and,
    if known, loudness from 0 to 1, sorted by step. Key 0 is C4.
    If several melodies follow each other, `part` is their length in steps and `titles` are their titles.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from songs.keyboard import LOWEST_PITCH
from songs.piano_roll import note_lengths
from songs.song import Song
from songs.synth import loudness, step_seconds, step_starts

NOTE_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def key_roll(cells: Mapping[str, np.ndarray], parts: Mapping[str, np.ndarray], prompt: int, song: Song) -> dict:
    """Return a roll of a keyboard.

    Args:
        cells: The cells to draw, (T, K) bool by kind.
        parts: The rolls to play, (T, K) bool by button name.
        prompt: Steps given at the start.
        song: Provides tempo, keyboard and grid.
    """
    steps = len(next(iter(cells.values())))
    tempos = (song.tempo_bpm, song.grid.steps_per_quarter, song.tempo_changes)
    return {
        "steps": steps,
        "prompt": prompt,
        "bar": song.grid.steps_per_bar,
        "seconds": step_seconds(song.tempo_bpm, song.grid.steps_per_quarter),
        **({"starts": step_starts(steps, *tempos).tolist()} if song.tempo_changes else {}),
        "names": list(song.keyboard.names),
        "kinds": list(cells),
        "cells": [
            [*cell, number] for number, where in enumerate(cells.values()) for cell in np.argwhere(where).tolist()
        ],
        "notes": {name: notes_of(song.playing(roll, name)) for name, roll in parts.items()},
    }


def notes_of(song: Song) -> list[list[float]]:
    """Return step, key, length in steps and loudness of a song's notes, sorted by step."""
    lengths = note_lengths(song.roll, song.grid.steps_per_bar, song.roll, song.lengths)
    steps, keys = np.nonzero(song.roll)
    keys += song.keyboard.lowest_pitch - LOWEST_PITCH
    columns = (steps, keys, lengths, loudness(steps, song.grid))
    return [list(note) for note in zip(*(column.tolist() for column in columns), strict=True)]


def pitch_name(key: int) -> str:
    """Return the name of a key, C4 for 0."""
    return f"{NOTE_NAMES[key % 12]}{key // 12 + 4}"


def held_roll(
    notes: Sequence[tuple[int, int, int, str]],
    kinds: Sequence[str],
    steps: int,
    bar: int,
    seconds: float,
    keys: tuple[int, int],
) -> dict[str, Any]:
    """Return a roll of sustained notes.

    Args:
        notes: Step, key, length in steps and kind of each note, sorted by step.
        kinds: All possible kinds.
        steps: Total number of steps.
        bar: Steps per bar.
        seconds: Seconds per step.
        keys: Lowest and highest key to draw.
    """
    lowest = keys[0]
    return {
        "steps": steps,
        "prompt": 0,
        "bar": bar,
        "seconds": seconds,
        "names": [pitch_name(key) for key in range(lowest, keys[1] + 1)],
        "kinds": list(kinds),
        "cells": [[step, key - lowest, kinds.index(kind), length] for step, key, length, kind in notes],
        "notes": {"played": [[step, key, length] for step, key, length, _ in notes]},
    }

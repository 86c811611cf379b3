"""Rows for MIDI files, one by one; those that cannot be played are named and left out."""

import sys
from collections.abc import Callable, Sequence

import numpy as np

from songs.catalog import read_song
from songs.song import SongError


def rows_of_files(paths: Sequence[str], track: str | None, evaluate: Callable[[np.ndarray], dict]) -> list[dict]:
    """Return a row for every file that can be played.

    Args:
        paths: of MIDI files.
        track: read only the tracks of this name.
        evaluate: takes rolls (1, T, 13) and returns the rest of the row beside the name of the file.

    Raises:
        SongError: none of the files can be played.
    """
    rows, unusable = [], []
    for path in paths:
        try:
            roll = read_song(path, track=track).roll[None]
        except SongError as error:
            unusable.append(error)
        else:
            rows.append({"file": path, **evaluate(roll)})
    if not rows:
        raise unusable[0]
    for fault in unusable:
        print(f"left out: {fault}", file=sys.stderr)
    return rows

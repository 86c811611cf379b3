"""Statistics of melodies: what can be counted of what was played, to stand beside real songs.

A listener may be fooled; these numbers are not what it pays for. A network that found a loop shows in them.

Conventions:
    A melody is (T,) int8: the highest key of a step, 0 to 12, or -1 for a rest (`listener.theory`). Notes are a melody
    without its rests. Every statistic is defined for silence; shares are 0 where there is nothing to count.
"""

from collections.abc import Sequence

import numpy as np

from listener import theory
from listener.theory import REST
from songs.keyboard import KEYS, STEPS_PER_BAR


def statistics(roll: np.ndarray) -> dict[str, float]:
    """Return the statistics of a roll (T, 13).

    Returns:
        notes_a_bar     steps at which something is played, a bar
        rest_share      steps at which nothing is
        chord_share     steps with several keys, of those with any
        pitches         different keys that are heard
        pitch_entropy   in bits, of the keys of the notes
        in_key_share    notes in the major scale that fits best
        repeated_share  notes that repeat the one before
        interval_mean   semitones between one note and the next
        longest_rest    steps
        two_note_share  notes that are the last but one again and not the last, as in a loop of two notes
        loop_share      steps that are the same as the step one, two or four bars before, whichever fits best
    """
    (melody,) = theory.melody(roll[None])
    notes = melody[melody != REST].astype(np.int64)
    keys = roll.sum(axis=1)
    jumps = np.abs(np.diff(notes))
    again = (notes[2:] == notes[:-2]) & (notes[2:] != notes[1:-1])
    loops = [_share(melody[lag:] == melody[:-lag]) for lag in STEPS_PER_BAR * np.array([1, 2, 4]) if lag < len(melody)]
    return {
        "notes_a_bar": len(notes) * STEPS_PER_BAR / max(1, len(melody)),
        "rest_share": _share(melody == REST),
        "chord_share": _share(keys[keys > 0] > 1),
        "pitches": float(len(set(notes.tolist()))),
        "pitch_entropy": _entropy(np.bincount(notes, minlength=KEYS)),
        "in_key_share": max(_share(scale[notes % 12]) for scale in theory.SCALES),
        "repeated_share": _share(jumps == 0),
        "interval_mean": float(jumps.mean()) if len(jumps) else 0.0,
        "longest_rest": float(theory.run_lengths((melody == REST)[None]).max(initial=0)),
        "two_note_share": _share(again),
        "loop_share": max(loops, default=0.0),
    }


def _share(which: np.ndarray) -> float:
    return float(which.mean()) if len(which) else 0.0


def _entropy(counts: np.ndarray) -> float:
    """Return the entropy in bits of counts, 0 for none."""
    shares = counts[counts > 0] / max(1, counts.sum())
    return float(-(shares * np.log2(shares)).sum()) + 0.0


def longest_shared_run(roll: np.ndarray, songs: Sequence[np.ndarray]) -> int:
    """Return the steps of the longest stretch that stands in one of some songs, in any key: how much is copied.

    A stretch begins and ends with a note; rests within it count.

    Args:
        roll: (T, 13) bool.
        songs: rolls (T, 13) of any lengths.
    """
    played = _intervals(roll)
    known = np.concatenate([np.array([_GAP]), *(np.append(_intervals(song), _GAP) for song in songs)])
    notes = known > _REST
    # run[j]: length of the common stretch that ends at this step and at step j of the songs
    run, longest = np.zeros(len(known), dtype=np.int64), 0
    for interval in played.tolist():
        before = np.append(0, run[:-1])
        run = np.where((known == interval) & (before > 0), before + 1, 0)
        if interval > _REST:
            run[notes & (run == 0)] = 1  # any note may begin a stretch, whatever came before it
            longest = max(longest, int(run.max()))
    return longest


_REST, _GAP = -KEYS, -KEYS - 1
"""Stand among intervals, which are -12 to 12, for a rest and for the end of a song."""


def _intervals(roll: np.ndarray) -> np.ndarray:
    """Return for every step (T,) the semitones from the note before, 0 for the first note."""
    (melody,) = theory.melody(roll[None])
    heard = melody != REST
    notes = melody[heard].astype(np.int64)
    intervals = np.full(len(melody), _REST)
    intervals[heard] = np.diff(notes, prepend=notes[:1])
    return intervals


def describe_rolls(rolls: Sequence[np.ndarray], songs: Sequence[np.ndarray]) -> dict[str, dict[str, float]]:
    """Return the statistics of rolls beside those of real songs.

    Args:
        rolls: (T, 13) bool each, what was played.
        songs: real ones; a song is compared with the others.

    Returns:
        By statistic: the `mean` of the rolls, `low` and `high`, the 5th and 95th percentile of the songs.
    """
    played = [_with_copying(roll, songs) for roll in rolls]
    real = [_with_copying(song, [*songs[:index], *songs[index + 1 :]]) for index, song in enumerate(songs)]
    table = {}
    for name in played[0]:
        low, high = np.percentile([one[name] for one in real], [5, 95]).tolist()
        table[name] = {"mean": float(np.mean([one[name] for one in played])), "low": low, "high": high}
    return table


def outside(table: dict[str, dict[str, float]]) -> list[str]:
    """Return the statistics of `describe_rolls` whose mean lies outside the real ones' 5th to 95th percentile.

    To share less with the songs than they share with each other is no fault.
    """
    below = {name for name, row in table.items() if row["mean"] < row["low"]} - {"longest_shared_run"}
    return [name for name, row in table.items() if name in below or row["mean"] > row["high"]]


def _with_copying(roll: np.ndarray, songs: Sequence[np.ndarray]) -> dict[str, float]:
    return {**statistics(roll), "longest_shared_run": float(longest_shared_run(roll, songs))}

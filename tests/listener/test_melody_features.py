"""Statistics at every bar line against slow formulas over the bars so far."""

from collections import Counter
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from listener.melody_features import BANDS, song_statistics

TUNE = np.array([[0, -1, 2, -1, 4, 5, 7, -1, 7, -1, 5, -1, 4, -1, 2, -1]], dtype=np.int8)
melodies = hnp.arrays(np.int8, st.tuples(st.integers(1, 2), st.sampled_from([8, 16, 29])), elements=st.integers(-1, 12))


def slow(melody: np.ndarray) -> dict[str, float]:
    """Return the statistics of a whole melody (T,)."""
    at = np.flatnonzero(melody >= 0)
    notes = melody[at].astype(int)
    moves = np.diff(notes)
    scales = [{(tonic + step) % 12 for step in (0, 2, 4, 5, 7, 9, 11)} for tonic in range(12)]
    best = max(sum(note % 12 in scale for note in notes.tolist()) for scale in scales)
    shares = np.unique(notes, return_counts=True)[1] / max(1, len(notes))
    bars = [tuple(bar) for bar in melody.reshape(-1, 8).tolist()]
    runs = [len(list(run)) for _, run in groupby(notes.tolist())]
    return {
        "entropy": -(shares * np.log2(shares)).sum(),
        "different keys": len(shares),
        "share in key": best / max(1, len(notes)),
        "notes a bar": len(notes) / len(bars),
        "notes on the beat": np.mean(at % 2 == 0) if len(at) else 0,
        "longest gap": max(np.diff([-1, *at, len(melody) - 1])),
        "mean interval": np.abs(moves).mean() if len(moves) else 0,
        "intervals above a fifth": (np.abs(moves) > 7).mean() if len(moves) else 0,
        "commonest interval": max(Counter(moves.tolist()).values(), default=0) / max(1, len(moves)),
        "repeated notes": np.mean(moves == 0) if len(moves) else 0,
        "longest run of one key": max(runs, default=0),
        "bars heard before": np.mean([bar in bars[:number] for number, bar in enumerate(bars)]),
    }


@given(melodies)
@settings(deadline=None)
def test_they_are_those_of_the_bars_so_far(found):
    statistics = song_statistics(found)
    assert tuple(statistics) == BANDS
    for row, melody in enumerate(found):
        for bar in range(len(melody) // 8):
            expected = slow(melody[: 8 * (bar + 1)])
            got = {name: values[row, bar] for name, values in statistics.items()}
            assert got == pytest.approx(expected, abs=1e-5)


def test_they_are_by_hand():
    found = {name: values[0].tolist() for name, values in song_statistics(np.tile(TUNE[:, :8], (1, 2))).items()}
    assert found["notes a bar"] == [5, 5]
    assert found["bars heard before"] == [0, 0.5]
    assert found["mean interval"] == pytest.approx([7 / 4, 21 / 9])
    assert found["entropy"] == pytest.approx([np.log2(5)] * 2)

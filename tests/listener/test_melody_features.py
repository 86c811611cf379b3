"""Features at every bar line against slow formulas over the bars so far; features of whole melodies by hand."""

from collections import Counter
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from listener.melody_features import (
    FEATURES,
    JUDGED,
    features,
    features_so_far,
    judged_features,
    longest_repeats,
    runs_of_steps,
)

TUNE = np.array([[0, -1, 2, -1, 4, 5, 7, -1, 7, -1, 5, -1, 4, -1, 2, -1]], dtype=np.int8)
melodies = hnp.arrays(np.int8, st.tuples(st.integers(1, 2), st.sampled_from([8, 16, 29])), elements=st.integers(-1, 12))


def slow(melody: np.ndarray) -> dict[str, float]:
    """Return the features of a whole melody (T,)."""
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
        "repeated bars": np.mean([bar in bars[:number] for number, bar in enumerate(bars)]),
    }


@given(melodies)
@settings(deadline=None)
def test_they_are_those_of_the_bars_so_far(found):
    found_so_far = features_so_far(found)
    assert tuple(found_so_far) == FEATURES
    for row, melody in enumerate(found):
        for bar in range(len(melody) // 8):
            expected = slow(melody[: 8 * (bar + 1)])
            got = {name: values[row, bar] for name, values in found_so_far.items()}
            assert got == pytest.approx(expected, abs=1e-5)


def test_they_are_by_hand():
    found = {name: values[0].tolist() for name, values in features_so_far(np.tile(TUNE[:, :8], (1, 2))).items()}
    assert found["notes a bar"] == [5, 5]
    assert found["repeated bars"] == [0, 0.5]
    assert found["mean interval"] == pytest.approx([7 / 4, 21 / 9])
    assert found["entropy"] == pytest.approx([np.log2(5)] * 2)


# Whole melodies


def test_the_judged_features_of_a_melody_by_hand():
    tune = np.array([[0, -1, 4, -1, 7, 7, -1, -1, 0, -1, 4, -1, 12, -1, 6, -1]], dtype=np.int8)
    found = dict(zip(JUDGED, judged_features(tune)[0].tolist(), strict=True))
    shares = np.array([2, 2, 2, 1, 1]) / 8
    assert found == pytest.approx(
        {
            "notes a bar": 4,
            "entropy": -(shares * np.log2(shares)).sum(),
            "different keys": 5,
            "share in key": 1,  # G major: the F sharp belongs
            "mean interval": (4 + 3 + 0 + 7 + 4 + 8 + 6) / 7,
            "intervals above a fifth": 1 / 7,
            "repeated notes": 1 / 7,
            "notes on the beat": 7 / 8,
            "longest gap": 3,
            "longest run of one key": 2,
            "repeated bars": 0,
            "longest repeat": 4,
            "commonest interval": 2 / 7,
        }
    )


@given(hnp.arrays(np.int8, st.integers(2, 14), elements=st.integers(-1, 1)))
def test_the_longest_repeat_is_found(found):
    row, count = found.tolist(), len(found)
    expected = max(
        (
            size
            for size in range(1, count // 2 + 1)
            for one in range(count - 2 * size + 1)
            for other in range(one + size, count - size + 1)
            if row[one : one + size] == row[other : other + size]
        ),
        default=0,
    )
    assert longest_repeats(found[None])[0] == expected


def test_a_single_note_and_silence_have_features():
    melodies = np.full((2, 16), -1, dtype=np.int8)
    melodies[1, 4] = 7
    found = features(melodies)
    assert found["longest gap"].tolist() == [17, 12]
    assert found["share in key"].tolist() == found["commonest interval"].tolist() == [1, 1]
    assert found["rest share"].tolist() == [1, 15 / 16]
    assert found["two-note share"].tolist() == [0, 0]
    assert found["loop share"].tolist() == [1, 7 / 8]


def test_runs_of_steps_are_intervals_that_go_on_as_in_a_scale():
    scale = [0, 2, 4, -1, 5, 7, -1, -1]  # three of four intervals go on by step
    turning = [0, 2, 0, 2, 4, 8, 12, -1]  # one of six: 2 to 4; from 4 on they are no steps
    held = [5, -1, -1, -1, -1, -1, -1, -1]
    melodies = np.array([scale + scale, turning + held, held + [-1] * 8], dtype=np.int8)
    np.testing.assert_allclose(runs_of_steps(melodies), [[3 / 4, 6 / 9], [1 / 6, 1 / 7], [0, 0]])

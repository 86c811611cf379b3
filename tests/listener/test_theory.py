"""Functions of music theory against values computed by hand and slow formulas."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from listener import theory

melodies = hnp.arrays(np.int8, st.tuples(st.integers(1, 3), st.integers(1, 12)), elements=st.integers(-1, 12))


def notes(*keys: int) -> np.ndarray:
    return np.array([keys], dtype=np.int8)


def test_a_melody_is_the_highest_key_of_every_step():
    rolls = np.zeros((1, 4, 13), dtype=bool)
    rolls[0, 0, 0] = rolls[0, 1, 12] = rolls[0, 3, [2, 5]] = True
    found = theory.melody(rolls)
    assert found.tolist() == [[0, 12, -1, 5]]
    assert found.dtype == np.int8


def test_further_keys_are_those_beside_the_highest():
    rolls = np.zeros((2, 3, 13), dtype=bool)
    rolls[0, 1, 4] = rolls[0, 2, [0, 5, 12]] = rolls[1, 0] = True
    found = theory.further_keys(rolls)
    assert found.tolist() == [[0, 0, 2], [12, 0, 0]]
    assert found.dtype == np.float32


def test_rests_are_left_out_and_values_put_back():
    found, steps = theory.notes_of(np.array([[-1, 4, -1, 5], [7, -1, -1, -1], [-1, -1, -1, -1]], dtype=np.int8))
    assert found.tolist() == [[4, 5], [7, -1], [-1, -1]]
    assert steps.tolist() == [[1, 3], [0, -1], [-1, -1]]
    placed = theory.at_steps(np.array([[1, 2], [3, 9], [9, 9]]), steps, 4)
    assert placed.tolist() == [[0, 1, 0, 2], [3, 0, 0, 0], [0, 0, 0, 0]]


@given(melodies)
def test_notes_and_their_steps_are_the_melody(melody):
    found, steps = theory.notes_of(melody)
    assert found.shape == steps.shape
    for row, own, indices in zip(melody, found, steps, strict=True):
        assert own[own != -1].tolist() == row[row != -1].tolist()
        assert indices[own != -1].tolist() == np.flatnonzero(row != -1).tolist()
        assert (indices[own == -1] == -1).all()


@pytest.mark.parametrize("shape", [(0, 4), (2, 0), (0, 0)])
def test_where_there_are_no_steps_there_are_no_notes(shape):
    found, steps = theory.notes_of(np.full(shape, -1, dtype=np.int8))
    assert found.tolist() == steps.tolist() == [[-1]] * shape[0]
    assert found.dtype == np.int8


def test_notes_of_a_long_melody_stay_in_order():
    melody = np.random.default_rng(0).integers(-1, 2, (2, 500)).astype(np.int8)
    found, steps = theory.notes_of(melody)
    for row, own, indices in zip(melody, found, steps, strict=True):
        assert indices[own != -1].tolist() == np.flatnonzero(row != -1).tolist()


def test_lengths_of_runs():
    same = np.array([[1, 1, 0, 1, 1, 1, 0], [0, 1, 0, 0, 1, 1, 1]], dtype=bool)
    assert theory.run_lengths(same).tolist() == [[1, 2, 0, 1, 2, 3, 0], [0, 1, 0, 0, 1, 2, 3]]


def test_repetitions_count_the_same_note_in_a_row():
    assert theory.repetitions(notes(3, 3, 3, 4, 3, -1, -1)).tolist() == [[1, 2, 3, 1, 1, 0, 0]]


def test_intervals_are_signed_semitones():
    assert theory.intervals(notes(0, 7, 4, 4, 12, -1)).tolist() == [[0, 7, -3, 0, 8, 0]]


def test_the_scale_is_the_one_that_most_notes_belong_to():
    # G A B C D E F#: after the F sharp it can only be G major; before, C major fits as well
    scale = theory.best_scales(notes(7, 9, 11, 12, 2, 4, 6))[0]
    assert scale[-1] == 7
    assert theory.in_scale(notes(7, 9, 11, 12, 2, 4, 6), np.full((1, 7), 7)).all()
    assert not theory.in_scale(notes(5, -1), np.full((1, 2), 7)).any()


def test_of_scales_that_fit_equally_the_triad_decides():
    # C E G belong to C, F and G major alike, and are the triad of C
    assert theory.best_scales(notes(0, 4, 7))[0, -1] == 0
    assert theory.best_scales(notes(5, 9, 12))[0, -1] == 5


@given(hnp.arrays(np.int8, (2, 7), elements=st.integers(-1, 12)))
def test_the_scale_is_that_of_a_slow_search(found):
    def fit(played, tonic):
        degrees = [(note - tonic) % 12 for note in played]
        in_scale = sum(degree in (0, 2, 4, 5, 7, 9, 11) for degree in degrees)
        return in_scale, sum(degree in (0, 4, 7) for degree in degrees), -tonic

    expected = [
        [max(range(12), key=lambda tonic: fit([n for n in row[: end + 1] if n != -1], tonic)) for end in range(7)]
        for row in found.tolist()
    ]
    assert theory.best_scales(found).tolist() == expected


def test_there_is_no_correlation_where_no_note_is():
    correlations = theory.autocorrelations(notes(1, 5, 1, 5, 1, -1, -1), 2)
    np.testing.assert_allclose(correlations, [[0, 0, 0, 1, 1, 0, 0]], atol=1e-12)


@given(hnp.arrays(np.int8, (2, 9), elements=st.integers(0, 12)), st.integers(1, 3))
def test_autocorrelation_is_numpys_correlation_of_the_notes_so_far(found, lag):
    got = theory.autocorrelations(found, lag)
    for row, values in zip(found.astype(float), got, strict=True):
        for index, value in enumerate(values):
            first, second = row[: max(index + 1 - lag, 0)], row[lag : index + 1]
            varies = len(first) > 1 and first.std() > 0 and second.std() > 0
            assert value == pytest.approx(np.corrcoef(first, second)[0, 1] if varies else 0, abs=1e-6)


def test_recent_steps_begin_with_rests():
    assert theory.recent(notes(1, 2, 3), 2).tolist() == [[[-1, 1], [1, 2], [2, 3]]]
    assert theory.different_notes(np.array([[[1, 2, 1, -1], [-1, -1, -1, -1]]])).tolist() == [[2, 0]]


@given(melodies, st.integers(1, 3))
def test_a_window_was_repeated_windows_if_an_earlier_one_is_the_same_and_apart(melody, size):
    windows = theory.recent(melody, size)
    for row, repeated in zip(windows.tolist(), theory.repeated_windows(windows), strict=True):
        assert repeated.tolist() == [any(row[j] == row[i] for j in range(i - size + 1)) for i in range(len(row))]


def test_rolls_of_another_keyboard_are_refused():
    with pytest.raises(ValueError, match="this listener needs rolls with 13 keys, these have 25"):
        theory.melody(np.zeros((1, 8, 25), dtype=bool))

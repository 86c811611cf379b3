"""Metre: notes that stand where they stand in real music are told from the same notes an eighth later."""

import numpy as np
import pytest

from listener.metre import GAPS, PREVIOUS_GAPS, ROWS, fitted_table, metre, note_rows


def on_the_beat(count: int) -> np.ndarray:
    """Return melodies (count, 32) with a note on the first beat of every bar, others on beats by chance."""
    generator = np.random.default_rng(0)
    keys = generator.integers(0, 13, (count, 32))
    sounds = (np.arange(32) % 2 == 0) & (generator.random((count, 32)) < 0.6) | (np.arange(32) % 8 == 0)
    return np.where(sounds, keys, -1).astype(np.int8)


def test_a_note_has_a_row_in_each_part():
    melody = np.full((1, 16), -1, dtype=np.int8)
    melody[0, [0, 4, 6, 9]] = (0, 4, 7, 0)  # C major
    gap, previous, degree, size = np.moveaxis(note_rows(melody)[0, [0, 4, 6, 9]], 1, 0)
    assert gap.tolist() == [0 * 9 + 0, 4 * 9 + 3, 6 * 9 + 1, 1 * 9 + 2]
    first = 8 * GAPS
    assert (previous - first).tolist() == [0 * 10 + 0, 4 * 10 + 1, 6 * 10 + 4, 1 * 10 + 2]
    first += 8 * PREVIOUS_GAPS
    assert (degree - first).tolist() == [0 * 13 + 0, 4 * 13 + 4, 6 * 13 + 7, 1 * 13 + 0]
    first += 8 * 13
    # no interval, a third, a third, a fifth downwards; beside gaps of 1, 4, 2 and 3
    assert (size - first).tolist() == [0 * 20 + 0 + 0, 4 * 20 + 12 + 3, 6 * 20 + 12 + 1, 1 * 20 + 16 + 2]
    assert note_rows(on_the_beat(50)).max() < ROWS


def test_the_metre_is_the_mean_over_the_notes_so_far():
    melodies, table = on_the_beat(3), np.random.default_rng(1).normal(size=ROWS)
    found = metre(melodies, table)
    assert found.shape == (3, 4)
    for row, melody in enumerate(melodies):
        worth = table[note_rows(melodies)[row]].sum(axis=1)
        for bar in range(4):
            at = np.flatnonzero(melody[: 8 * bar + 8] != -1)
            assert found[row, bar] == pytest.approx(worth[at].mean())


def test_silence_is_worth_nothing():
    silence = np.full((2, 16), -1, dtype=np.int8)
    assert not metre(silence, np.ones(ROWS)).any()


def test_it_learns_where_notes_stand():
    table = fitted_table(on_the_beat(200))
    fresh = on_the_beat(260)[200:]
    true, late = metre(fresh, table)[:, -1], metre(np.roll(fresh, 1, axis=1), table)[:, -1]
    assert true.min() > late.max()


def test_what_comes_later_changes_nothing_before_it():
    melodies, table = on_the_beat(4), np.random.default_rng(1).normal(size=ROWS)
    changed = melodies.copy()
    changed[:, 16:] = 5
    np.testing.assert_array_equal(metre(changed, table)[:, :2], metre(melodies, table)[:, :2])
    assert (metre(changed, table)[:, 2:] != metre(melodies, table)[:, 2:]).all()

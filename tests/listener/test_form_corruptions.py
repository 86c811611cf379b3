"""Corruptions of form keep bars musical but break the song."""

import numpy as np
import pytest

from listener.form_corruptions import FORM, reordered
from listener.theory import REST, SCALES

BARS = 16


def song(seed: int = 0, count: int = 30) -> np.ndarray:
    """Return songs AABA of random phrases in C major, (count, 128)."""
    generator = np.random.default_rng(seed)
    keys = np.array([0, 2, 4, 5, 7, 9, 11, 12])[generator.integers(0, 8, (count, 2, 32))]
    first, second = np.moveaxis(np.where(generator.random(keys.shape) < 0.6, keys, REST), 1, 0)
    return np.concatenate((first, first, second, first), axis=1).astype(np.int8)


def bars(melodies: np.ndarray, size: int = 1) -> np.ndarray:
    return melodies.reshape(len(melodies), -1, 8 * size)


@pytest.mark.parametrize("size", [1, 2, 4])
def test_a_loop_repeats_bars_of_the_song(size):
    real = song()
    parts = bars(FORM[f"loop of {size} bar{'s' * (size > 1)}"](real, np.random.default_rng(0)), size)
    assert (parts == parts[:, :1]).all()
    known = bars(real, size)
    assert all((part[0] == each).all(axis=1).any() for part, each in zip(parts, known, strict=True))


@pytest.mark.parametrize("size", [1, 2, 4])
def test_another_order_keeps_all_parts(size):
    real = song()
    found = reordered(real, np.random.default_rng(1), size)
    for one, other in zip(bars(real, size), bars(found, size), strict=True):
        assert sorted(map(bytes, one)) == sorted(map(bytes, other))
    assert (found != real).any(axis=1).mean() > 0.6  # phrases of AABA may come out as they were


def test_a_song_without_an_ending_is_the_same_but_for_two_bars():
    real = song()
    found = FORM["no ending"](real, np.random.default_rng(1))
    np.testing.assert_array_equal(found[:, :112], real[:, :112])
    assert (found[:, 112:] != real[:, 112:]).any(axis=1).mean() > 0.8


def test_the_ends_of_phrases_move_by_one_or_two_semitones():
    real = song()
    found = FORM["phrase ends moved"](real, np.random.default_rng(1))
    changed = found != real
    assert (np.abs(found - real)[changed] <= 2).all()
    for phrase in range(4):
        part = slice(32 * phrase, 32 * phrase + 32)
        last = 31 - (real[:, part] != REST)[:, ::-1].argmax(axis=1)
        elsewhere = changed[:, part] & (np.arange(32) != last[:, None])
        assert not elsewhere.any()
        assert 0.6 < changed[np.arange(len(real)), 32 * phrase + last].mean() <= 1


def test_other_songs_come_in_at_their_places():
    real, generator = song(), np.random.default_rng(2)
    own = np.zeros(BARS, dtype=int)
    for one, other in zip(bars(real), bars(FORM["bars of two songs in turn"](real, generator)), strict=True):
        own += (one == other).all(axis=1)
    assert (own[::2] == len(real)).all()
    assert (own[1::2] < 5).all()
    found = FORM["two songs spliced"](real, generator)
    np.testing.assert_array_equal(found[:, :32], real[:, :32])
    assert (found[:, 96:] != real[:, 96:]).any(axis=1).mean() > 0.9  # a melody may be its own other


def test_new_bars_stay_where_echoes_are_broken():
    real = song()
    found = FORM["echoes broken"](real, np.random.default_rng(3))
    np.testing.assert_array_equal(found[:, :32], real[:, :32])
    np.testing.assert_array_equal(found[:, 64:96], real[:, 64:96])
    assert (found[:, 32:64] != real[:, 32:64]).any(axis=1).all()


def test_a_walk_keeps_rhythm_compass_and_scale():
    real = song()
    found = FORM["scale walked in the rhythm"](real, np.random.default_rng(4))
    np.testing.assert_array_equal(found == REST, real == REST)
    for one, other in zip(real, found, strict=True):
        assert one[one != REST].min() <= other[other != REST].min() <= other.max() <= one.max()
        assert SCALES[:, other[other != REST] % 12].all(axis=1).any()

"""Inputs of the held-out judge, and its training data: simplified and corrupted melodies."""

import numpy as np
import pytest

pytest.importorskip("torch")

from listener.judge import negatives as judge_negatives
from listener.judge.chains import chained
from listener.judge.music import in_minor, on_eighths, simpler
from listener.judge.negatives import FAMILIES, negatives
from listener.judge.notes import BAR, FORM, REST, SIZES, WHOLE, read, sixteenths, tonics
from listener.judge.players import PLAYERS
from songs.keyboard import Grid


def melody(*pitches: int, every: int = 4, bars: int = 1) -> np.ndarray:
    """Return the pitches, one every so many sixteenths, again and again, (1, T)."""
    row = np.full(bars * BAR, REST, dtype=np.int16)
    row[::every] = np.resize(pitches, len(row[::every]))
    return row[None]


@pytest.fixture
def real() -> np.ndarray:
    """Return melodies of 16 bars (8, 256) of notes by chance, all bars of which are different."""
    generator = np.random.default_rng(0)
    pitches = generator.integers(55, 80, (8, 16 * BAR)).astype(np.int16)
    return np.where(generator.random(pitches.shape) < 0.3, pitches, REST).astype(np.int16)


# What is read


def test_rolls_of_any_grid_become_melodies_on_sixteenths():
    roll = np.zeros((1, 9, 20), dtype=bool)
    roll[0, 0, [3, 7]] = roll[0, 5, 19] = roll[0, 8, 0] = True
    eighths, quarters = (sixteenths(roll, grid) for grid in (Grid(2), Grid(1)))
    assert np.flatnonzero(eighths[0] != REST).tolist() == [0, 10]
    assert eighths[0, [0, 10]].tolist() == [7, 19]
    assert eighths.shape == (1, 16)
    assert np.flatnonzero(quarters[0] != REST).tolist() == [0, 20]


@pytest.mark.parametrize(
    ("pitches", "tonic"), [((60, 62, 64, 65, 67, 69, 71, 60), 0), ((69, 71, 72, 74, 76, 69, 68, 69), 0), ((67,), 7)]
)
def test_the_tonic_is_that_of_the_major_scale_or_of_the_relative_one(pitches, tonic):
    tune = melody(*pitches, every=2)
    assert tonics(tune) == tonic
    assert tonics(np.where(tune == REST, REST, tune + 5)) == (tonic + 5) % 12


def test_nothing_that_is_read_depends_on_the_key(real):
    here, there = read(real), read(np.where(real == REST, REST, real + 7).astype(np.int16))
    for name, values in vars(here).items():
        np.testing.assert_array_equal(values, getattr(there, name))


def test_the_notes_of_a_melody_by_hand():
    tune = np.concatenate((melody(60, 64, 67, 60), melody(60, 62, 67, REST)), axis=1)
    reading = read(tune)
    codes = reading.notes[0] - np.cumsum([0, *SIZES.values()])[:-1]
    columns = dict(zip(SIZES, codes.T.tolist(), strict=True))
    assert reading.at[0].tolist() == [0, 4, 8, 12, 16, 20, 24]
    assert columns["interval from the note before"] == [0, 18, 17, 7, 14, 16, 19]
    assert columns["interval to the next"] == [18, 17, 7, 14, 16, 19, 0]
    assert columns["degree"] == [0, 4, 7, 0, 0, 2, 7]
    assert columns["time to the next"] == [4, 4, 4, 4, 4, 4, 8]
    assert columns["echo of 1 bars"] == [0, 0, 0, 0, 2, 3, 2]
    assert columns["bar of four"] == [0, 0, 0, 0, 1, 1, 1]


def test_the_figures_of_bars_and_of_the_whole_by_hand():
    reading = read(np.concatenate((melody(60, 64, 67, 60), melody(67, 64), melody(60, 64, 67, 60)), axis=1))
    bars = dict(zip(FORM, reading.form[0].T.tolist(), strict=True))
    assert bars["equal bar, 2 bars before"] == [0, 0, 1]
    assert bars["equal notes, 1 bars before"] == [0, 0.5, 0.5]
    assert bars["equal rhythm, 1 bars before"] == [0, 1, 1]
    assert bars["repeats an earlier bar"] == [0, 0, 1]
    assert bars["ends on the tonic"] == [1, 0, 1]
    whole = dict(zip(WHOLE, reading.whole[0].tolist(), strict=True))
    assert whole["place 4"] == 0.25
    assert whole["time of 4 sixteenths"] == 1
    assert whole["different bars"] == pytest.approx(2 / 3)


# Simple music


def test_a_melody_is_moved_onto_eighths_and_into_minor():
    tune = np.full((1, BAR), REST, dtype=np.int16)
    tune[0, [0, 1, 3, 8]] = [60, 62, 64, 60]
    assert np.flatnonzero(on_eighths(tune)[0] != REST).tolist() == [0, 2, 8]
    scale = melody(60, 62, 64, 65, 67, 69, 71, 72, every=2)
    assert in_minor(scale)[0, ::2].tolist() == [60, 62, 63, 65, 67, 68, 71, 72]
    np.testing.assert_array_equal(in_minor(np.roll(scale, 2, axis=1)), np.roll(scale, 2, axis=1), "ends on the seventh")


def test_simpler_melodies_are_still_melodies_and_most_are_little_changed(real):
    many = np.tile(real, (20, 1))
    made = simpler(many, np.random.default_rng(0))
    assert made.shape == many.shape
    assert ((made != REST).sum(axis=1) > 0).all()
    assert (made[:, : 8 * BAR] == made[:, 8 * BAR :]).all(axis=1).mean() == pytest.approx(0.2, abs=0.1)


# What is made worse


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_every_corruption_changes_every_melody_and_is_repeatable(name, real):
    one, other = (FAMILIES[name](real, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert one.shape == real.shape
    if name not in ("echoes broken", "phrases shuffled"):  # no echoes are here, and four phrases may stay as they are
        assert (one != real).any(axis=1).all()


@pytest.mark.parametrize(("name", "bars"), [("one bar looped", 1), ("two bars looped", 2), ("four bars looped", 4)])
def test_loops_loop(name, bars, real):
    made = FAMILIES[name](real, np.random.default_rng(0)).reshape(len(real), -1, bars * BAR)
    assert (made == made[:, :1]).all()


@pytest.mark.parametrize(("name", "bars"), [("bars shuffled", 1), ("phrases shuffled", 4)])
def test_shuffled_parts_are_the_same_parts(name, bars, real):
    made = FAMILIES[name](real, np.random.default_rng(0))
    for row, melody in zip(made, real, strict=True):
        assert sorted(map(bytes, row.reshape(-1, bars * BAR))) == sorted(map(bytes, melody.reshape(-1, bars * BAR)))


def test_of_phrases_only_the_ends_are_moved_and_by_two_semitones_at_most(real):
    made = FAMILIES["phrase ends moved"](real, np.random.default_rng(0))
    changed = made != real
    assert changed.reshape(len(real), 4, 4 * BAR).sum(axis=2).max() == 1
    assert np.abs(made - real).max() == 2
    np.testing.assert_array_equal(made == REST, real == REST)


def test_an_ending_is_replaced_by_earlier_bars(real):
    made = FAMILIES["no ending"](real, np.random.default_rng(0)).reshape(len(real), 16, BAR)
    same = (made[:, :-2, None] == made[:, None, -2:]).all(axis=3).any(axis=1)
    assert same.all()
    np.testing.assert_array_equal(made[:, :-2].reshape(len(real), -1), real[:, : -2 * BAR])


def test_broken_echoes_are_bars_of_another_melody(real):
    twice = np.concatenate((real[:, : 8 * BAR], real[:, : 8 * BAR]), axis=1)
    made = judge_negatives.echoes_broken(twice, np.random.default_rng(0))
    np.testing.assert_array_equal(made[:, : 8 * BAR], twice[:, : 8 * BAR])
    assert (made[:, 8 * BAR :] != twice[:, 8 * BAR :]).any(axis=1).all()


@pytest.mark.parametrize("name", sorted(PLAYERS))
def test_players_play_in_range_and_are_repeatable(name, real):
    one, other = (PLAYERS[name][1](real != REST, np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert one.shape == real.shape
    assert one[one != REST].min(initial=60) >= 24
    assert one.max() <= 108


def test_chains_of_notes_have_only_intervals_and_times_that_they_heard():
    tune = melody(60, 64, 62, 65, bars=16)
    made = chained(np.repeat(tune, 3, axis=0), 6, np.random.default_rng(0))
    heard = {(4, 4), (-2, 4), (3, 4), (-5, 4)}
    for row in (*made[1::3], *made[2::3]):
        at = np.flatnonzero(row != REST)
        assert set(zip(np.diff(row[at]).tolist(), np.diff(at).tolist(), strict=True)) <= heard


def test_negatives_are_of_all_groups_and_none_is_real(real):
    many = np.tile(real, (25, 1))
    made, groups = negatives(many, chained(real, 6, np.random.default_rng(0)), np.random.default_rng(1))
    assert np.bincount(groups, minlength=6)[1:].min() > 10
    assert groups.min() == 1
    assert (made == many).all(axis=1).mean() < 0.05
    one, _ = negatives(many[:2], many, np.random.default_rng(2))
    assert one.shape == (2, 256)

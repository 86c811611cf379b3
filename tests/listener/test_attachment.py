"""The listeners of the project on other grids and keyboards."""

import numpy as np
import pytest

from listener.attachment import attached
from listener.listener import WeightedSum, pays_every
from listener.memorization import ExactSteps
from listener.rules import MusicTheory
from songs.catalog import find_song
from songs.keyboard import DEFAULT_GRID, DEFAULT_KEYBOARD, Grid, Keyboard

THEORY = MusicTheory()
SONG = find_song("grasshopper").roll[None]


def on_grid(roll: np.ndarray, steps_per_quarter: int, offset: int = 0) -> np.ndarray:
    """Return a roll of eighths with more steps to a quarter, each note so many steps late."""
    finer = np.zeros((len(roll), roll.shape[1] * steps_per_quarter // 2, roll.shape[2]), dtype=bool)
    finer[:, np.arange(roll.shape[1]) * steps_per_quarter // 2 + offset] = roll
    return finer


def scores(listener, roll: np.ndarray) -> np.ndarray:
    return listener.rewards(roll).sum(axis=1)


@pytest.mark.parametrize(("steps", "offset"), [(4, 0), (4, 1), (8, 3), (12, 0)])
def test_eighths_on_a_finer_grid_have_the_same_score(steps, offset):
    listener = attached(THEORY, DEFAULT_KEYBOARD, Grid(steps))
    np.testing.assert_allclose(scores(listener, on_grid(SONG, steps, offset)), scores(THEORY, SONG), rtol=1e-5)


def test_a_song_of_quarters_has_the_score_of_its_eighths():
    quarters = SONG[:, ::2]
    eighths = np.zeros_like(SONG)
    eighths[:, ::2] = quarters
    listener = attached(THEORY, DEFAULT_KEYBOARD, Grid(1))
    np.testing.assert_allclose(scores(listener, quarters), scores(THEORY, eighths), rtol=1e-5)


@pytest.mark.parametrize("steps", [1, 3, 4])
def test_a_listener_on_another_grid_is_causal(steps):
    listener = attached(THEORY, DEFAULT_KEYBOARD, Grid(steps))
    rolls = np.random.default_rng(0).random((3, 48, 13)) < 0.1
    whole = listener.rewards(rolls)
    for length in (1, 11, 24, 35):
        np.testing.assert_allclose(
            listener.rewards(rolls[:, :length])[:, : length - 1], whole[:, : length - 1], atol=1e-4
        )


def test_each_of_two_sixteenths_in_an_eighth_is_scored_once():
    two = np.zeros((1, 4, 13), dtype=bool)
    two[0, 0, 0] = two[0, 1, 6] = two[0, 2, 4] = True
    one, other = two.copy(), two.copy()
    one[0, 1] = False
    other[0, 0] = False
    listener = attached(THEORY, DEFAULT_KEYBOARD, Grid(4))
    heard = (scores(listener, one) + scores(listener, other)) / 2
    assert scores(listener, one) != scores(listener, other)
    np.testing.assert_allclose(scores(listener, two), heard, rtol=1e-5)


def test_triplets_are_heard_in_the_eighth_in_which_they_begin():
    triplet = np.zeros((1, 3, 13), dtype=bool)
    triplet[0, 1, 4] = triplet[0, 2, 6] = True
    eighths = np.zeros((1, 2, 13), dtype=bool)
    eighths[0, 0, 4] = eighths[0, 1, 6] = True
    rewards = attached(THEORY, DEFAULT_KEYBOARD, Grid(3)).rewards(triplet)
    np.testing.assert_allclose(rewards[0, 1:], THEORY.rewards(eighths)[0], rtol=1e-5)
    assert rewards[0, 0] == 0


def test_a_listener_that_needs_no_grid_is_unchanged():
    exact = ExactSteps()
    assert attached(THEORY, DEFAULT_KEYBOARD, DEFAULT_GRID) is THEORY
    assert attached(exact, DEFAULT_KEYBOARD, Grid(4)) is exact
    both = WeightedSum([THEORY, exact], [1, 2])
    assert attached(both, DEFAULT_KEYBOARD, DEFAULT_GRID) is both
    assert attached(both, DEFAULT_KEYBOARD, Grid(4)).weights == (1, 2)


def test_a_users_listener_is_attached_once_by_its_method():
    class Own:
        def attach(self, keyboard, grid):
            return (keyboard.keys, grid.steps_per_quarter)

    assert attached(Own(), Keyboard(25, 48), Grid(3)) == (25, 3)


def test_a_listener_that_rewards_bars_says_where_on_a_finer_grid():
    class Bars(MusicTheory):
        pays_every = 8

    assert [pays_every(attached(Bars(), DEFAULT_KEYBOARD, Grid(steps))) for steps in (1, 2, 3, 4)] == [4, 8, 12, 16]


def test_rules_of_theory_hear_a_wider_keyboard():
    wide = np.zeros((1, SONG.shape[1], 88), dtype=bool)
    wide[..., 36:49] = SONG  # three octaves higher
    np.testing.assert_allclose(THEORY.rewards(wide), THEORY.rewards(SONG), rtol=1e-5)

"""Piano rolls: shapes, onsets, and what a player with a short memory can know."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songs.catalog import read_entry
from songs.piano_roll import (
    check_roll,
    memory_needed,
    memory_windows,
    most_right_steps,
    onsets_from_roll,
    roll_from_onsets,
)

SEED_SONGS = Path(__file__).parents[2].parent / "shared/data/seed_songs"

C, D = (0,), (2,)
REST = ()


def roll_of(*steps: tuple[int, ...]) -> np.ndarray:
    """Return a roll of steps, each the keys that are pressed."""
    roll = np.zeros((len(steps), 13), dtype=bool)
    for step, keys in enumerate(steps):
        roll[step, list(keys)] = True
    return roll


def any_rolls(max_steps: int) -> st.SearchStrategy[np.ndarray]:
    chords = st.frozensets(st.integers(0, 12), max_size=4).map(tuple)
    return st.lists(chords, max_size=max_steps).map(lambda steps: roll_of(*steps))


def repetitive_rolls(min_steps: int, max_steps: int) -> st.SearchStrategy[np.ndarray]:
    """Rolls of three different steps only, in which the same past often goes on differently."""
    steps = st.lists(st.sampled_from([REST, C, D]), min_size=min_steps, max_size=max_steps)
    return steps.map(lambda steps: roll_of(*steps))


def pairs(roll: np.ndarray, memory: int, start: int) -> list[tuple[tuple, tuple]]:
    """Return what was heard before each step from `start` on, and the step, slowly."""
    steps = [tuple(step) for step in roll.tolist()]
    silence = (False,) * 13
    heard = [silence] * memory + steps
    return [(tuple(heard[at : at + memory]), steps[at]) for at in range(start, len(steps))]


# Shapes and values


@pytest.mark.parametrize("values", [np.ones((2, 13), dtype=int), np.ones((2, 13)), [[True] * 13] * 2])
def test_a_roll_of_ones_is_taken_as_booleans(values):
    roll = check_roll(values)
    assert roll.dtype == bool
    assert roll.shape == (2, 13)
    assert roll.all()


@pytest.mark.parametrize("kind", [int, float, np.uint8])
def test_numbers_0_and_1_are_rests_and_keys(kind):
    values = np.eye(3, 13, dtype=kind)
    assert check_roll(values).tolist() == (values == 1).tolist()


@pytest.mark.parametrize(
    ("values", "match"),
    [
        (np.zeros((4, 12)), r"shape \(steps, 13\), this one has \(4, 12\)"),
        (np.zeros(13), r"this one has \(13,\)"),
        (np.zeros((1, 4, 13)), r"this one has \(1, 4, 13\)"),
        (np.full((4, 13), 2), "^a roll holds only 0 .* and 1"),
        (np.full((4, 13), 0.5), "^a roll holds only 0 .* and 1"),
        (np.full((4, 13), np.nan), "^a roll holds only 0 .* and 1"),
        (np.full((4, 13), -1), "^a roll holds only 0 .* and 1"),
    ],
)
def test_other_shapes_and_values_are_no_roll(values, match):
    with pytest.raises(ValueError, match=match):
        check_roll(values)


def test_a_checked_roll_is_a_copy():
    given_roll = np.zeros((2, 13), dtype=bool)
    check_roll(given_roll)[0, 0] = True
    assert not given_roll.any()


# Onsets


def test_onsets_become_keys_counted_from_c4():
    roll = roll_from_onsets(np.array([[2, 72], [0, 60], [2, 64]]), 4)
    np.testing.assert_array_equal(roll, roll_of((0,), (), (4, 12), ()))
    assert roll.dtype == bool


def test_the_onsets_of_a_roll_are_in_order_of_time_and_then_pitch():
    assert onsets_from_roll(roll_of((), (12, 0), (5,))).tolist() == [[1, 60], [1, 72], [2, 65]]


def test_a_silent_roll_has_no_onsets_and_comes_back():
    onsets = onsets_from_roll(np.zeros((3, 13), dtype=bool))
    assert onsets.shape == (0, 2)
    np.testing.assert_array_equal(roll_from_onsets(onsets, 3), np.zeros((3, 13)))
    np.testing.assert_array_equal(roll_from_onsets([], 3), np.zeros((3, 13)))


@settings(deadline=None)
@given(any_rolls(max_steps=20))
def test_a_roll_survives_being_turned_into_onsets(roll):
    np.testing.assert_array_equal(roll_from_onsets(onsets_from_roll(roll), len(roll)), roll)


@pytest.mark.parametrize(
    ("onset", "match"),
    [
        ((4, 60), "outside the 4 steps"),
        ((-1, 60), "outside the 4 steps"),
        ((0, 59), "outside the 13 keys"),
        ((0, 73), "outside the 13 keys"),
    ],
)
def test_an_onset_outside_the_roll_is_refused(onset, match):
    with pytest.raises(ValueError, match=match):
        roll_from_onsets(np.array([[0, 60], onset]), 4)


# What is remembered


def test_a_memory_window_holds_the_steps_just_before_and_silence_before_the_song():
    windows = memory_windows(roll_of((0,), (1,), (2,), (3,)), memory=2)
    assert windows.shape == (4, 2, 13)
    assert (windows @ (1 << np.arange(13))).tolist() == [[0, 0], [0, 1], [1, 2], [2, 4]]


def test_memory_windows_begin_at_the_first_step_to_decide():
    windows = memory_windows(roll_of((0,), (1,), (2,), (3,)), memory=3, start=2)
    assert (windows @ (1 << np.arange(13))).tolist() == [[0, 1, 2], [1, 2, 4]]


@settings(deadline=None)
@given(any_rolls(max_steps=10), st.integers(1, 14), st.integers(0, 10))
def test_memory_windows_are_those_of_a_slow_loop(roll, memory, start):
    expected = np.array([past for past, _ in pairs(roll, memory, start)], dtype=bool).reshape(-1, memory, 13)
    np.testing.assert_array_equal(memory_windows(roll, memory, start), expected)


@pytest.mark.parametrize(
    ("steps", "start", "memory"),
    [
        ([C] * 6, 0, 1),  # silence goes on with C, and C with C
        ([C, C, D], 0, 2),
        ([C, C, D], 1, 2),
        ([C, C, D], 2, 1),  # a single step to decide
        ([C, C, C, D], 0, 3),
        ([C, D] * 4, 0, 1),
        ([C, REST, REST, REST, C, REST, REST, D], 0, 7),  # both pasts go on with silence, three steps in one
        ([C, REST, REST, REST, C, REST, REST, D], 4, 3),  # only what is to be decided must be told apart
        ([REST, REST, REST], 0, 1),
        ([], 0, 1),
    ],
)
def test_memory_needed_of_a_short_song(steps, start, memory):
    assert memory_needed(roll_of(*steps), start) == memory


def test_all_steps_are_to_be_decided_by_default():
    assert memory_needed(roll_of(C, C, D)) == memory_needed(roll_of(C, C, D), 0) == 2
    assert memory_needed(roll_of(C, C)) == 1
    assert memory_needed(roll_of(REST, C)) is None


@pytest.mark.parametrize(("steps", "start"), [([REST, C], 0), ([REST, REST, C], 1), ([REST, REST, C, D], 0)])
def test_no_memory_is_enough_where_silence_goes_on_differently(steps, start):
    assert memory_needed(roll_of(*steps), start) is None


@given(repetitive_rolls(min_steps=0, max_steps=14), st.integers(0, 4))
def test_memory_needed_is_the_first_memory_with_one_continuation_of_each_past(roll, start):
    def decides(memory: int) -> bool:
        known = pairs(roll, memory, start)
        return len(set(known)) == len({past for past, _ in known})

    enough = [memory for memory in range(1, len(roll) + 2) if decides(memory)]
    assert memory_needed(roll, start) == (enough[0] if enough else None)


def test_the_most_frequent_continuation_is_the_best_answer():
    # after C: D, D, C; after D: C, C; after silence: C
    assert most_right_steps([roll_of(C, D, C, D, C, C)], memory=1) == 5
    assert most_right_steps([roll_of(C, D, C, D, C, C)], memory=1, start=2) == 3
    # the same memory in two songs is one and the same
    assert most_right_steps([roll_of(C, D), roll_of(C, C)], memory=1) == 3


@settings(deadline=None)
@given(
    st.lists(repetitive_rolls(min_steps=1, max_steps=3), min_size=1, max_size=2), st.integers(1, 3), st.integers(0, 1)
)
def test_no_player_with_that_memory_gets_more_steps_right(rolls, memory, start):
    known = [pair for roll in rolls for pair in pairs(roll, memory, start)]
    pasts, answers = sorted({past for past, _ in known}), {answer for _, answer in known}
    players = (dict(zip(pasts, chosen, strict=True)) for chosen in product(answers, repeat=len(pasts)))
    best = max(sum(player[past] == answer for past, answer in known) for player in players)
    assert most_right_steps(rolls, memory, start) == best


# The seed's children's songs

MEMORY_OF_TRACK = {
    1: 32, 2: 36, 3: 30, 4: 62, 5: 64, 6: 22, 7: 60, 8: 32, 9: 44, 10: 36, 11: 40, 12: 30, 13: 36, 14: 22, 15: 40,
    16: 34, 17: 34, 18: 22, 19: 24, 20: 52, 21: 36, 22: 20, 23: 28, 24: 36, 25: 28, 27: 48, 29: 31, 30: 40, 32: 16,
    33: 68, 34: 30,
}  # fmt: skip


@pytest.fixture(scope="module")
def seed_entries():
    if not SEED_SONGS.is_dir():
        pytest.skip(f"the seed songs are not at {SEED_SONGS}")
    entries = {number: read_entry(SEED_SONGS / f"track ({number}).mid", prompt=8) for number in range(1, 35)}
    return {number: entry for number, entry in entries.items() if entry.keys == 13}


@pytest.fixture(scope="module")
def seed_rolls(seed_entries):
    return {number: entry.song.roll for number, entry in seed_entries.items()}


def test_the_memory_that_each_seed_song_needs(seed_entries):
    assert {number: entry.memory for number, entry in seed_entries.items()} == MEMORY_OF_TRACK


def test_a_seed_song_is_told_whole_with_that_memory_and_not_with_a_step_less(seed_rolls):
    for number, roll in seed_rolls.items():
        memory = MEMORY_OF_TRACK[number]
        assert most_right_steps([roll], memory, start=8) == len(roll) - 8
        assert most_right_steps([roll], memory - 1, start=8) < len(roll) - 8


@pytest.mark.parametrize(("memory", "right"), [(16, 3668), (32, 3699), (64, 3716), (72, 3717)])
def test_the_most_right_steps_over_all_seed_songs(seed_rolls, memory, right):
    assert most_right_steps(list(seed_rolls.values()), memory, start=8) == right


def test_more_than_half_of_the_steps_of_the_seed_songs_are_rests(seed_rolls):
    rests = {number: int((~roll[8:].any(axis=1)).sum()) for number, roll in seed_rolls.items()}
    assert rests[1] == 64
    assert len(seed_rolls[1]) - 8 == 120
    assert sum(rests.values()) == 2266
    assert sum(len(roll) - 8 for roll in seed_rolls.values()) == 3720


def test_the_memory_of_88_keys_tells_all_of_them_apart():
    roll = np.zeros((6, 88), dtype=bool)
    roll[range(6), [87, 0, 86, 1, 87, 1]] = True
    assert memory_needed(roll) == 2  # key 87 goes on with 0 after silence, and with 1 after 1
    assert memory_needed(roll[:5]) == 1

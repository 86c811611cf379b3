"""Cases as sparse rows and columns are the dense cases, each input once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.cases import Cases, memory_cases
from agents.other_searches.per_key.sparse_cases import SparseCases
from songs.song import Song


def make_cases(inputs, targets):
    """Cases given row by row, each a text of 0 and 1."""
    bits = [[character == "1" for character in row] for row in inputs]
    answers = [[character == "1" for character in row] for row in targets]
    return Cases(np.array(bits, dtype=np.float32).T, np.array(answers).T)


def dense(cases):
    return np.unpackbits(cases.bits, axis=1, bitorder="little")[:, : cases.rows].T.astype(bool)


def test_rows_and_columns_list_what_is_on():
    cases = SparseCases.from_cases(make_cases(["0110", "1000", "0000"], ["1", "0", "1"]))
    assert [inputs.tolist() for inputs in np.split(cases.row_inputs, cases.row_starts[1:-1])] == [[1, 2], [0], []]
    assert [cases.rows_of(source).tolist() for source in range(4)] == [[1], [0], [0], []]
    assert cases.signs.tolist() == [[1], [-1], [1]]
    assert cases.on(np.array([0, 0, 1]), np.array([1, 3, 0])).tolist() == [1, 0, 1]
    assert (len(cases), cases.rows, cases.inputs, cases.outputs) == (3, 3, 4, 1)


def test_equal_inputs_are_one_row_with_the_most_frequent_answer():
    cases = SparseCases.from_cases(make_cases(["01", "10", "01", "01"], ["00", "11", "10", "10"]))
    assert cases.row_of_case.tolist() == [0, 1, 0, 0]
    assert cases.targets.tolist() == [[True, False], [True, True]]
    assert cases.possible.tolist() == [False, True, True, True]
    assert cases.wanted[0].tolist() == [False, False]


def test_of_equally_frequent_answers_the_first_one_counts():
    cases = SparseCases.from_cases(make_cases(["1", "1"], ["0", "1"]))
    assert cases.possible.tolist() == [True, False]
    assert cases.targets.tolist() == [[False]]


def test_votes_outweigh_numbers():
    quiet, loud = np.zeros((2, 13), dtype=bool), np.zeros((2, 13), dtype=bool)
    loud[1, 4] = True
    rolls = [loud, quiet, quiet]
    assert SparseCases.from_rolls(rolls, rolls, 1, 1).possible.tolist() == [False, True, True]
    assert SparseCases.from_rolls(rolls, rolls, 1, 1, votes=[3, 1, 1]).possible.tolist() == [True, False, False]


def test_some_outputs_of_the_same_cases():
    cases = SparseCases.from_cases(make_cases(["01", "10"], ["011", "100"])).only([2, 0])
    assert cases.targets.tolist() == [[True, False], [False, True]]
    assert cases.signs.tolist() == [[1, -1], [-1, 1]]
    assert cases.wanted.tolist() == cases.targets.tolist()


@given(st.data())
def test_songs_give_the_cases_of_their_memories(data):
    memory, prompt = data.draw(st.integers(1, 6)), data.draw(st.integers(0, 3))
    words = st.lists(st.integers(0, 3), min_size=prompt + 1, max_size=9)
    rolls = []
    for song in data.draw(st.lists(words, min_size=1, max_size=4)):
        roll = np.zeros((len(song), 13), dtype=bool)
        roll[:, 5], roll[:, 12] = np.array(song) & 1, np.array(song) >> 1
        rolls.append(roll)
    expected = memory_cases([Song("a", roll) for roll in rolls], memory, prompt)
    cases = SparseCases.from_rolls(rolls, rolls, memory, prompt)
    np.testing.assert_array_equal(dense(cases)[cases.row_of_case], expected.inputs.T > 0)
    np.testing.assert_array_equal(cases.wanted, expected.targets.T)
    np.testing.assert_array_equal(cases.possible, expected.possible)
    np.testing.assert_array_equal(cases.targets[cases.row_of_case][cases.possible], cases.wanted[cases.possible])


@pytest.mark.parametrize("mode_bit", [False, True])
def test_the_mode_bit_is_an_input_that_is_left_alone(mode_bit):
    roll = np.eye(13, dtype=bool)[::-1]
    cases = SparseCases.from_rolls([roll], [roll], 2, 1, mode_bit=mode_bit)
    assert cases.inputs == 26 + mode_bit
    assert len(cases.rows_of(cases.inputs - 1)) == (0 if mode_bit else 1)

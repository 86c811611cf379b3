"""Cases: they equal the environment's observations under teacher forcing, with the ceiling of one network."""

from collections import Counter
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.cases import Cases, ambiguous_steps, memory_cases, xor_cases
from envs.keyboard_env import KeyboardEnv
from songs.keyboard import KEYS
from songs.piano_roll import most_right_steps
from songs.song import Song


def song_of(name: str, melody: str) -> Song:
    """Return a song with a step for each character: a rest for a dot, key 0 for a, key 1 for b, ..."""
    roll = np.zeros((len(melody), KEYS), dtype=bool)
    for step, character in enumerate(melody):
        if character != ".":
            roll[step, "abcdefghijklm".index(character)] = True
    return Song(name, roll)


@st.composite
def song_lists(draw):
    """Return one to three songs of few different steps, so that memories often go on in several ways."""
    melodies = draw(st.lists(st.text("ab.", min_size=4, max_size=14), min_size=1, max_size=3))
    return [song_of(f"song {number}", melody) for number, melody in enumerate(melodies)]


@given(song_lists(), st.integers(1, 16), st.integers(0, 3), st.booleans())
def test_cases_are_what_the_environment_shows_under_teacher_forcing(songs, memory, prompt, mode_bit):
    cases = memory_cases(songs, memory, prompt, mode_bit)
    seen, right = [], []
    env = KeyboardEnv(songs, memory=memory, prompt=prompt, mode_bit=mode_bit, teacher_forcing=True)
    for number, song in enumerate(songs):
        observation, _ = env.reset(options={"song": number})
        over, step = False, prompt
        while not over:
            seen.append(observation)
            right.append(song.roll[step])
            # a wrong answer: forcing shows the song all the same
            observation, _, over, _, _ = env.step(1 - song.roll[step].astype(np.int8))
            step += 1
    assert cases.inputs.dtype == np.float32
    assert cases.targets.dtype == bool
    assert cases.inputs.T.tolist() == np.array(seen).tolist()
    assert cases.targets.T.tolist() == np.array(right).tolist()
    assert len(cases) == len(seen) == sum(song.steps - prompt for song in songs)


def test_the_mode_bit_is_one_input_more():
    without, with_bit = (memory_cases([song_of("tune", "ab.a")], 2, 1, mode_bit) for mode_bit in (False, True))
    assert without.inputs.shape == (26, 3)
    assert with_bit.inputs.shape == (27, 3)
    assert with_bit.inputs[-1].tolist() == [1, 1, 1]
    assert (with_bit.inputs[:-1] == without.inputs).all()


def most_right_by_brute_force(cases: Cases) -> int:
    """Try every assignment of a seen answer to each different input."""
    inputs = [tuple(column) for column in cases.inputs.T.tolist()]
    answers = [tuple(column) for column in cases.targets.T.tolist()]
    different = sorted(set(inputs))
    choices = [sorted({answers[i] for i, seen in enumerate(inputs) if seen == one}) for one in different]
    best = 0
    for assignment in product(*choices):
        network = dict(zip(different, assignment, strict=True))
        best = max(best, sum(network[seen] == answer for seen, answer in zip(inputs, answers, strict=True)))
    return best


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=12))
def test_the_most_that_one_network_can_get_right_by_brute_force(pairs):
    inputs = np.array([[seen & 1, seen >> 1] for seen, _ in pairs], dtype=np.float32).T
    targets = np.array([[answer == 1, answer == 2] for _, answer in pairs]).T
    cases = Cases(inputs, targets)
    assert cases.most_right == most_right_by_brute_force(cases)
    # the possible cases contradict each other nowhere, and are as many
    assert cases.possible.dtype == bool
    assert cases.possible.sum() == cases.most_right
    chosen = [pair for pair, possible in zip(pairs, cases.possible, strict=True) if possible]
    assert len(dict(chosen)) == len(set(chosen))


def test_the_most_frequent_answer_is_the_possible_one():
    inputs = np.array([[0, 1, 0, 1, 0]], dtype=np.float32)
    targets = np.array([[True, False, False, True, False]])
    cases = Cases(inputs, targets)
    assert cases.most_right == 3
    assert cases.possible[[0, 2, 4]].tolist() == [False, True, True]
    assert cases.possible[[1, 3]].sum() == 1


@given(song_lists(), st.integers(1, 6), st.integers(0, 3))
def test_the_ceiling_is_that_of_the_piano_rolls(songs, memory, prompt):
    expected = most_right_steps([song.roll for song in songs], memory, prompt)
    assert memory_cases(songs, memory, prompt).most_right == expected
    assert memory_cases(songs, memory, prompt, mode_bit=True).most_right == expected


@given(song_lists(), st.integers(1, 4), st.integers(0, 3))
def test_ambiguous_steps_follow_a_memory_that_goes_on_differently_more_often(songs, memory, prompt):
    pasts = []
    for song in songs:
        padded = np.concatenate([np.zeros((memory, KEYS), dtype=bool), song.roll])
        for step in range(prompt, song.steps):
            past, answer = padded[step : step + memory].tobytes(), song.roll[step].tobytes()
            pasts.append((song.name, step, past, answer))
    frequency = Counter((past, answer) for _, _, past, answer in pasts)
    named = [(name, step) for name, steps in ambiguous_steps(songs, memory, prompt).items() for step in steps]
    by_place = {(name, step): (past, answer) for name, step, past, answer in pasts}
    assert len(pasts) - len(named) == most_right_steps([song.roll for song in songs], memory, prompt)
    for place in named:
        past, answer = by_place[place]
        rivals = [count for (other, reply), count in frequency.items() if other == past and reply != answer]
        assert max(rivals) >= frequency[past, answer]


def test_ambiguous_steps_are_named_by_song():
    first, second = song_of("first", "ab.ac"), song_of("second", "..ac.b")
    # after "a" comes b once and c twice
    assert ambiguous_steps([first, second], 1, 1)["first"][0] == 1
    assert ambiguous_steps([first], 4, 1) == {}
    assert ambiguous_steps([song_of("scale", "abcdefg")], 1, 0) == {}


def test_exclusive_or_has_four_cases():
    cases = xor_cases()
    table = {tuple(seen): answer for seen, (answer,) in zip(cases.inputs.T.tolist(), cases.targets.T, strict=True)}
    assert table == {(0, 0): False, (0, 1): True, (1, 0): True, (1, 1): False}
    assert (len(cases), cases.most_right) == (4, 4)
    assert (cases.inputs.dtype, cases.targets.dtype) == (np.float32, bool)


@pytest.mark.parametrize("prompt", [0, 3])
def test_songs_stand_one_after_the_other(prompt):
    songs = [song_of("first", "abcdef"), song_of("second", "fedc")]
    together = memory_cases(songs, 2, prompt)
    alone = [memory_cases([song], 2, prompt) for song in songs]
    assert (together.inputs == np.concatenate([one.inputs for one in alone], axis=1)).all()
    assert (together.targets == np.concatenate([one.targets for one in alone], axis=1)).all()

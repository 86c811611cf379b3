"""Copies of songs with wrong notes in the prompt, and networks that learn them."""

import numpy as np
import pytest

from agents.other_searches.per_key.and_network import AndPlayer
from agents.other_searches.per_key.options import PerKeyOptions
from agents.other_searches.per_key.per_key_evolution import PerKeyEvolution
from agents.other_searches.per_key.prompt_noise import flipped, noisy_copies, song_cases
from agents.rollout import continue_prompts

MEMORY, PROMPT, STEPS = 24, 8, 24


@pytest.fixture(scope="module")
def rolls():
    random = np.random.default_rng(5)
    return [random.random((STEPS, 13)) < 0.12 for _ in range(4)]


def test_a_change_flips_one_cell(rolls):
    other = flipped(rolls[0], 13 * 2 + 5)
    assert other[2, 5] != rolls[0][2, 5]
    assert (other != rolls[0]).sum() == 1
    assert flipped(other, 13 * 2 + 5).tolist() == rolls[0].tolist()


@pytest.mark.parametrize("noise", [1e-9, 0.3])
def test_every_copy_has_a_wrong_note_in_the_prompt_and_nowhere_else(rolls, noise):
    copies = noisy_copies(rolls[0], PROMPT, noise, 50, np.random.default_rng(0))
    wrong = np.array([copy != rolls[0] for copy in copies])
    assert len(copies) == 50
    assert wrong.any(axis=(1, 2)).all()
    assert not wrong[:, PROMPT:].any()
    assert wrong.sum() == 50 if noise < 0.1 else 1300 < wrong.sum() < 1820


def test_songs_come_first_and_outvote_their_copies(rolls):
    empty = np.zeros((STEPS, 13), dtype=bool)
    single = flipped(empty, [0, 13 * 20])  # copies of it that lack the note of the prompt are like `empty`
    clean = song_cases([empty, single], MEMORY, PROMPT)
    noisy = song_cases([empty, single], MEMORY, PROMPT, noise=0.02, copies=200, seed=3)
    count = 2 * (STEPS - PROMPT)
    assert (len(clean), len(noisy)) == (count, count * 201)
    np.testing.assert_array_equal(noisy.wanted[:count], clean.wanted)
    assert noisy.possible[:count].all()
    assert not noisy.possible.all()


def test_the_same_seed_gives_the_same_copies(rolls):
    first, second, other = (song_cases(rolls, MEMORY, PROMPT, 0.1, 5, seed).bits for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert first.shape != other.shape or (first != other).any()


def test_networks_that_learned_with_noise_survive_more_wrong_notes(rolls):
    def survived(noise):
        options = PerKeyOptions(hidden="always", noisy_copies=40)
        search = PerKeyEvolution(song_cases(rolls, MEMORY, PROMPT, noise, 40), options, seed=1)
        while not search.solved:
            search.step()
        player = AndPlayer(search.champion, MEMORY)
        right = []
        for roll in rolls:
            prompts = np.array([flipped(roll, change)[:PROMPT] for change in range(0, PROMPT * 13, 2)])
            played = continue_prompts(player, np.concatenate([roll[None, :PROMPT], prompts]), STEPS, MEMORY)[:, PROMPT:]
            right.append((played == roll[PROMPT:]).all(axis=(1, 2)))
        assert all(songs[0] for songs in right)  # without a wrong note every song is played
        return np.mean([songs[1:] for songs in right])

    assert survived(0.05) > survived(0.0) + 0.15

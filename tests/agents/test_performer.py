"""The contract of all performers, and the behaviour of each."""

import numpy as np
import pytest

from agents.neat.genome import Genome
from agents.neat.linear_network import make_genome
from agents.neat.network import Network
from agents.neat.network_player import NetworkPlayer
from agents.neat.recurrent_network import RecurrentNetwork
from agents.performer import PerfectPlayer, Performer, RandomPlayer, SilentPlayer
from songs.keyboard import KEYS

MEMORY = 4
STEPS = 12


def genome_of(connections) -> Genome:
    """Return a genome of 13 outputs, each with bias -0.5, and (source, sink, weight) connections."""
    return make_genome(dict.fromkeys(range(KEYS), -0.5), {(source, sink): w for source, sink, w in connections})


def network(connections) -> Network:
    return Network(genome_of(connections), KEYS)


NEWEST = MEMORY * KEYS - KEYS
"""Number of the input that is C4 in the newest remembered step."""
MODE_BIT = MEMORY * KEYS
ECHO = [(-1 - NEWEST - key, key, 1.0) for key in range(KEYS)]
"""Repeats the newest step."""
FLIPPED = [*ECHO, *((key, key, -1.0) for key in range(KEYS))]
"""Repeats the newest step, but plays no key twice in a row."""

ROLL = np.random.default_rng(3).random((STEPS + 2, KEYS)) < 0.2
PERFORMERS = {
    "silent": SilentPlayer,
    "random": lambda: RandomPlayer(np.random.default_rng(5)),
    "perfect": lambda: PerfectPlayer(ROLL, 2),
    "network": lambda: NetworkPlayer(network(ECHO)),
    "network with mode bit": lambda: NetworkPlayer(network([*ECHO, (-1 - MODE_BIT, 0, 0.75)]), mode_bit=True),
    "recurrent network": lambda: NetworkPlayer(RecurrentNetwork(genome_of(FLIPPED), MEMORY * KEYS, KEYS)),
}
"""Factories of all performers; add new ones here."""


@pytest.fixture(params=PERFORMERS)
def make(request):
    return PERFORMERS[request.param]


def memories(episodes: int) -> np.ndarray:
    """Return the memories at STEPS steps, (STEPS, B, MEMORY, 13) bool."""
    return np.random.default_rng(episodes).random((STEPS, episodes, MEMORY, KEYS)) < 0.3


def answers(performer, heard, improvise=None) -> np.ndarray:
    performer.reset(heard.shape[1])
    return np.array([performer.press(memory, improvise) for memory in heard])


# The contract


def test_it_is_a_performer(make):
    assert isinstance(make(), Performer)


@pytest.mark.parametrize("episodes", [1, 2, 17])
def test_it_decides_13_keys_for_every_episode(make, episodes):
    performer, heard = make(), memories(episodes)
    performer.reset(episodes)
    for memory in heard:
        keys = performer.press(memory)
        assert (keys.shape, keys.dtype) == ((episodes, KEYS), np.dtype(bool))


def test_it_leaves_the_memory_alone(make):
    heard = memories(3)
    before = heard.copy()
    answers(make(), heard)
    assert (heard == before).all()


def test_it_may_be_handed_a_memory_that_cannot_be_written(make):
    heard = memories(2)
    heard.flags.writeable = False
    assert answers(make(), heard).shape == (STEPS, 2, KEYS)


def test_what_it_returned_stays_as_it_is(make):
    performer, heard = make(), memories(2)
    performer.reset(2)
    kept, copies = [], []
    for memory in heard:
        kept.append(performer.press(memory))
        copies.append(kept[-1].copy())
    assert (np.array(kept) == np.array(copies)).all()


def test_its_answer_can_be_changed_without_changing_its_next(make):
    heard = memories(2)
    expected = answers(make(), heard)
    performer = make()
    performer.reset(2)
    for memory, keys in zip(heard, expected, strict=True):
        answer = performer.press(memory)
        assert (answer == keys).all()
        answer[:] = ~answer


def test_two_that_were_made_alike_play_alike(make):
    heard = memories(4)
    assert (answers(make(), heard) == answers(make(), heard)).all()


def test_no_episode_improvises_by_default(make):
    heard = memories(3)
    assert (answers(make(), heard) == answers(make(), heard, np.zeros(3, dtype=bool))).all()


def test_it_can_improvise(make):
    keys = answers(make(), memories(3), np.array([True, False, True]))
    assert (keys.shape, keys.dtype) == ((STEPS, 3, KEYS), np.dtype(bool))


@pytest.mark.parametrize("name", sorted(set(PERFORMERS) - {"random"}))
def test_a_reset_starts_over(name):
    performer, heard = PERFORMERS[name](), memories(3)
    first = answers(performer, heard)
    assert (answers(performer, heard) == first).all()


@pytest.mark.parametrize("name", sorted(set(PERFORMERS) - {"random"}))
def test_an_episode_is_played_the_same_in_any_batch(name):
    heard = memories(6)
    together = answers(PERFORMERS[name](), heard)
    for episode in range(6):
        alone = answers(PERFORMERS[name](), heard[:, episode : episode + 1])
        assert (together[:, episode] == alone[:, 0]).all()


# Each of them


def test_the_silent_player_rests():
    assert not answers(SilentPlayer(), memories(5)).any()


def test_the_perfect_player_plays_the_song_after_the_prompt():
    keys = answers(PerfectPlayer(ROLL, 2), memories(2))
    assert ROLL[2:].any()
    assert (keys[:, 0] == ROLL[2:]).all()
    assert (keys[:, 1] == ROLL[2:]).all()


def test_the_perfect_player_takes_a_roll_of_numbers():
    player = PerfectPlayer(ROLL.astype(np.int8), 0)
    assert player.press(memories(1)[0]).dtype == bool


def test_the_random_player_presses_at_most_one_key_and_rests_as_often_as_asked():
    player = RandomPlayer(np.random.default_rng(0), rest=0.3)
    keys = player.press(np.zeros((20_000, MEMORY, KEYS), dtype=bool))
    pressed = keys.sum(axis=1)
    assert set(pressed.tolist()) == {0, 1}
    # four standard deviations of a share of 20,000
    assert abs((pressed == 0).mean() - 0.3) < 0.013
    assert np.abs(keys.mean(axis=0) - 0.7 / KEYS).max() < 0.0064


@pytest.mark.parametrize(("rest", "pressed"), [(0.0, 1), (1.0, 0)])
def test_the_random_player_may_always_or_never_play(rest, pressed):
    keys = RandomPlayer(np.random.default_rng(0), rest).press(np.zeros((500, MEMORY, KEYS), dtype=bool))
    assert (keys.sum(axis=1) == pressed).all()


def test_the_random_player_draws_from_its_own_generator_alone():
    np.random.seed(0)  # noqa: NPY002 -- the global generator is what must not be used
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    answers(RandomPlayer(np.random.default_rng(5)), memories(3))
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


def test_the_network_sees_the_oldest_step_first():
    heard = memories(3)
    assert (answers(NetworkPlayer(network(ECHO)), heard) == heard[:, :, -1]).all()
    oldest = [(-1 - key, key, 1.0) for key in range(KEYS)]
    assert (answers(NetworkPlayer(network(oldest)), heard) == heard[:, :, 0]).all()


def test_a_key_is_pressed_where_the_output_is_above_0():
    heard = np.zeros((1, 1, MEMORY, KEYS), dtype=bool)
    heard[0, 0, -1] = True
    weights = [(-1 - NEWEST, 0, 0.5), (-1 - NEWEST, 1, 0.5 + 1 / 1024), (-1 - NEWEST, 2, 0.5 - 1 / 1024)]
    assert np.flatnonzero(answers(NetworkPlayer(network(weights)), heard)[0, 0]).tolist() == [1]


def test_the_mode_bit_is_1_to_play_the_song_and_0_to_improvise():
    player = NetworkPlayer(network([(-1 - MODE_BIT, 7, 1.0)]), mode_bit=True)
    silence = np.zeros((3, MEMORY, KEYS), dtype=bool)
    assert player.press(silence)[:, 7].tolist() == [True, True, True]
    assert player.press(silence, np.array([True, False, True]))[:, 7].tolist() == [False, True, False]
